//! What both processors read: canonical events of learners, the same for the same seed and week.

use std::time::Duration;

use kleos_contracts::decimal::Percent;
use kleos_contracts::event::{
    Context, LearningEvent, Metrics, Object, Place, Trace, User, id_origin,
};
use kleos_contracts::key::{learner_key, partition_of};
use kleos_contracts::time::{DAY, SECOND, Timestamp};
use kleos_contracts::topic::Topic;
use kleos_e2e::world::{Deed, Kind, Plan, Sending};
use kleos_event_log::{Address, Codec, EventLog, Outbox, Partition, Publish};
use kleos_service_kit::clock::SharedClock;

/// Events of one transaction of the writer.
const CHUNK: usize = 10_000;
/// The days that a plan is about.
const DAYS: i64 = 21;
/// Numbers of a further load begin at a multiple of this, so that none is one of another load.
const LOAD: u64 = 1_000_000_000;
/// So many transactions of a writer that keeps a pace are in a second.
const PACES_PER_SECOND: u32 = 20;

/// The first load: every learner enrols in a course, then they do things.
pub(crate) fn first(plan: &Plan) -> Vec<LearningEvent> {
    let count = i64::try_from(plan.learners).unwrap_or(i64::MAX);
    let enrolments = (0..plan.learners).zip(0..count).map(|(learner, number)| {
        let at = plan.begin() - DAY + DAY / count * number;
        let kind = Kind::Enrolled { course: learner * 7 % 300 };
        let deed = Deed { learner, kind, at, id: plan.webhooks + 1 + learner };
        event(&deed, Timestamp::from_micros(at + SECOND))
    });
    let others = Plan { webhooks: plan.webhooks - plan.learners, ..*plan };
    let pace = DAYS * DAY / i64::try_from(others.webhooks.max(1)).unwrap_or(i64::MAX);
    let begin = plan.begin();
    enrolments.chain(deeds(&others, 0, move |number| begin + pace * number + SECOND)).collect()
}

/// The `nth` further load, from 0, of the same learners, which comes in after all of the first:
/// late, not too late.
pub(crate) fn further(plan: &Plan, nth: u64, events: u64) -> Vec<LearningEvent> {
    let more = Plan { seed: plan.seed + 1 + nth, webhooks: events, ..*plan };
    let end = plan.begin() + DAYS * DAY + 2 * SECOND;
    deeds(&more, (1 + nth) * LOAD, move |_| end).collect()
}

/// The plan's deeds as events, taken in when `accepted` says for the deed's number.
fn deeds(
    plan: &Plan,
    base: u64,
    accepted: impl Fn(i64) -> i64,
) -> impl Iterator<Item = LearningEvent> {
    (0_i64..).zip(plan.sendings()).filter_map(move |(number, sending)| {
        let mut deed = match sending {
            Sending::Deed(deed) | Sending::Again(deed) => deed,
            // The same number with another time is another event.
            Sending::Conflict(deed) => Deed { at: deed.at - 60 * SECOND, ..deed },
            // What cannot be understood does not come as far as here.
            Sending::Broken { .. } => return None,
        };
        deed.id += base;
        Some(event(&deed, Timestamp::from_micros(accepted(number))))
    })
}

/// Writes events in their order, each into its learner's partition.
pub(crate) fn publish(log: &EventLog, events: &[LearningEvent]) -> anyhow::Result<()> {
    let mut writer = Writer::new(log)?;
    events.chunks(CHUNK).try_for_each(|chunk| writer.write(chunk))
}

/// Writes events in their order, so many a second, in many small transactions.
pub(crate) fn publish_paced(
    log: &EventLog,
    clock: &SharedClock,
    events: &[LearningEvent],
    per_second: usize,
) -> anyhow::Result<()> {
    let mut writer = Writer::new(log)?;
    let mut due = clock.monotonic();
    for chunk in events.chunks((per_second / PACES_PER_SECOND as usize).max(1)) {
        writer.write(chunk)?;
        due += Duration::from_secs(1) / PACES_PER_SECOND;
        std::thread::sleep(due.saturating_sub(clock.monotonic()));
    }
    Ok(())
}

struct Writer {
    codec: Codec<LearningEvent>,
    partitions: i32,
    publisher: Box<dyn Publish>,
    outbox: Outbox,
}

impl Writer {
    fn new(log: &EventLog) -> anyhow::Result<Self> {
        Ok(Self {
            codec: log.codec(Topic::Events)?,
            partitions: log.partitions(Topic::Events)?,
            publisher: log.publisher("bench")?,
            outbox: Outbox::default(),
        })
    }

    /// One transaction.
    fn write(&mut self, events: &[LearningEvent]) -> anyhow::Result<()> {
        self.outbox.clear();
        for event in events {
            let key = learner_key(&event.tenant, &event.user.key);
            let number = partition_of(key.as_bytes(), self.partitions);
            let address = Address {
                partition: Partition::new(Topic::Events, number),
                timestamp: event.accepted_at,
                key: Some(key.as_bytes()),
            };
            self.outbox.send(&self.codec, address, event)?;
        }
        self.publisher.publish(&self.outbox)?;
        Ok(())
    }
}

/// A deed as the normalizer would have it.
fn event(deed: &Deed, accepted_at: Timestamp) -> LearningEvent {
    let (name, context, object, metrics) = what(deed);
    let is_moodle = deed.learner.is_multiple_of(2);
    let (source, instance) =
        if is_moodle { ("moodle", "moodle-demo") } else { ("custom", "custom-demo") };
    let user = format!("u-{}", deed.learner);
    LearningEvent {
        event: name.into(),
        source: source.to_owned(),
        instance: instance.to_owned(),
        tenant: "demo".to_owned(),
        event_id: deed.id.to_string(),
        id_origin: id_origin::NATIVE.into(),
        occurred_at: Timestamp::from_micros(deed.at),
        accepted_at,
        user: User {
            key: format!("{instance}/{user}"),
            email: Some(format!("{user}@example.edu")),
            id: user,
            ..User::default()
        },
        context,
        object,
        metrics,
        trace: Trace {
            delivery_id: Some(format!("0198c0de-0000-7000-8000-{:012x}", deed.id)),
            lms_event_id: Some(deed.id.to_string()),
            ..Trace::default()
        },
        ..LearningEvent::default()
    }
}

fn what(deed: &Deed) -> (&'static str, Context, Option<Object>, Metrics) {
    let place = |id: String| Some(Place { id, title: None });
    let course = |id: &u64| Context {
        course: Some(Place { id: format!("c-{id}"), title: Some("A course".to_owned()) }),
        ..Context::default()
    };
    let percent = |number: u64| i32::try_from(number).ok().map(Percent::whole);
    let nothing = Metrics::default();
    match &deed.kind {
        Kind::Enrolled { course: id } => ("enrollment.created", course(id), None, nothing),
        Kind::Lesson { course: id, lesson } => {
            let lesson = place(format!("l-{id}-{lesson}"));
            let time_on_task_sec = Some(600);
            let metrics = Metrics { progress_pct: percent(100), time_on_task_sec, ..nothing };
            ("lesson.completed", Context { lesson, ..course(id) }, None, metrics)
        }
        Kind::Quiz { course: id, section, score } => {
            let section = place(format!("s-{id}-{section}"));
            let attempt = Object {
                r#type: "quiz_attempt".to_owned(),
                id: Some(deed.id.to_string()),
                attempt: None,
            };
            let metrics = Metrics { score_pct: percent(*score), ..nothing };
            ("quiz.completed", Context { section, ..course(id) }, Some(attempt), metrics)
        }
        Kind::Section { course: id, section } => {
            let section = place(format!("s-{id}-{section}"));
            ("section.mastered", Context { section, ..course(id) }, None, nothing)
        }
        Kind::Post { course: id, thread } => {
            let thread = place(format!("t-{id}-{thread}"));
            ("forum.posted", Context { thread, ..course(id) }, None, nothing)
        }
        Kind::Assignment { course: id } => ("assignment.submitted", course(id), None, nothing),
        Kind::Course { course: id } => {
            let metrics = Metrics { progress_pct: percent(70 + deed.id % 31), ..nothing };
            ("course.completed", course(id), None, metrics)
        }
        Kind::Programme { programme } => {
            let programme = place(format!("p-{programme}"));
            ("programme.completed", Context { programme, ..Context::default() }, None, nothing)
        }
        Kind::SignIn => ("user.logged_in", Context::default(), None, nothing),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn plan() -> Plan {
        Plan { seed: 3, webhooks: 20_000, learners: 2_000, now: 1_763_800_000 * SECOND }
    }

    #[test]
    fn the_first_load_has_every_learner_and_something_for_every_rule() {
        let events = first(&plan());
        let learners: BTreeSet<&str> = events.iter().map(|event| event.user.key.as_str()).collect();
        let names: BTreeSet<&str> = events.iter().map(|event| event.event.as_ref()).collect();
        assert_eq!(learners.len(), 2_000);
        for name in ["lesson", "section", "quiz", "forum", "course", "programme", "enrollment"] {
            assert!(names.iter().any(|found| found.starts_with(name)), "{name}");
        }
        assert_eq!(events, first(&plan()));
    }

    #[test]
    fn nothing_is_taken_in_before_it_happened_or_too_late_to_count() {
        let (first, further) = (first(&plan()), further(&plan(), 1, 5_000));
        let mut log_time = Timestamp::EPOCH;
        for event in first.iter().chain(&further) {
            log_time = log_time.max(event.accepted_at);
            assert!(event.occurred_at < event.accepted_at);
            assert!(log_time.since(event.occurred_at) < 35 * DAY);
        }
    }

    #[test]
    fn no_event_of_a_load_has_the_number_of_one_of_another() {
        let ids = |load: Vec<LearningEvent>| -> BTreeSet<String> {
            load.into_iter().map(|event| event.event_id).collect()
        };
        let loads = [first(&plan()), further(&plan(), 1, 5_000), further(&plan(), 2, 5_000)];
        let [first, second, third] = loads.map(ids);
        assert!(first.is_disjoint(&second) && second.is_disjoint(&third));
        assert!(third.is_disjoint(&first));
    }
}
