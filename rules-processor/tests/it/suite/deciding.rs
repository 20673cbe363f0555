//! From events to ledger lines, decisions and dead letters.

use kleos_contracts::dead_letter::{CLASS_POISON, DeadLetter};
use kleos_contracts::decision::verdict;
use kleos_contracts::event::{LearningEvent, RuleSetRef};
use kleos_contracts::event_name::RULES_ACTIVATED;
use kleos_contracts::reason;
use kleos_contracts::rule::{RuleDefinition, kind};
use kleos_contracts::state::ProcessorState;
use kleos_contracts::time::{DAY, SECOND, Timestamp};
use kleos_contracts::topic::Topic;
use kleos_event_log::{Address, EventLog, Outbox, Partition, Position};
use kleos_rules_engine::{ENGINE_VERSION, compile};
use kleos_test_kit::log::{PARTITIONS, TestLog};
use kleos_test_kit::records::{Found, read};
use kleos_test_kit::wait::wait_until;
use tempfile::tempdir;

use crate::bench::{
    COURSE_POINTS, act, course, feed, feed_bytes, minute, partition_of_learner, place, publish,
    put, settings,
};
use crate::books::Books;
use crate::service::{Service, metric};

/// Two weeks of learner 1, of which the first begins at a time.
pub(crate) fn two_weeks(from: Timestamp) -> Vec<LearningEvent> {
    const WEEK: i64 = 7 * 24 * 60;
    let minute = |minutes: i64| from.plus_micros(minutes * 60 * SECOND);
    let mut events = vec![act(1, "0", "enrollment.created", minute(0))];
    for number in 1..=4 {
        events.push(act(1, &number.to_string(), "lesson.completed", minute(number)));
    }
    let mut mastered = act(1, "5", "section.mastered", minute(5));
    mastered.context.section = place("s1");
    let mut quiz = LearningEvent { event_id: "6".to_owned(), ..mastered.clone() };
    quiz.event = "quiz.completed".into();
    quiz.metrics.score_pct = "90".parse().ok();
    events.extend([mastered, quiz]);
    for (id, minutes, thread) in [("7", 7, "120"), ("8", 12, "121")] {
        let mut post = act(1, id, "forum.posted", minute(minutes));
        post.context.thread = place(thread);
        events.push(post);
    }
    events.push(act(1, "9", "course.completed", minute(20)));
    events.push(act(1, "10", "lesson.completed", minute(WEEK)));
    let mut programme = act(1, "11", "programme.completed", minute(WEEK + 1));
    programme.context.programme = place("p1");
    events.push(programme);
    events
}

pub(crate) fn the_default_rules_pay_and_every_line_is_accounted_for(bench: &mut dyn TestLog) {
    let (log, data) = (bench.log(), tempdir().unwrap());
    let events = two_weeks(minute(0));
    feed(&log, &events);
    let service = Service::start(&log, settings(data.path(), ""));
    service.wait_for(events.len());
    let process = service.stop();
    let books = Books::read(&log);
    let expected = [
        ("lesson_completion", 10, 10),
        ("lesson_completion", 10, 20),
        ("lesson_completion", 10, 30),
        ("section_mastery", 10, 40),
        ("forum_post", 5, 45),
        ("timeboxed_completion", 15, 60),
        ("course_completion", 50, 110),
        ("lesson_completion", 10, 120),
        ("weekly_streak", 20, 140),
        ("programme_completion", 100, 240),
    ];
    assert_eq!(books.lines("campus-a/1"), expected);
    let said = |event_id: &str, rule_id: &str| {
        let decision = books.decisions.iter().find(|found| found.value.event_id == event_id);
        let verdicts = &decision.unwrap().value.verdicts;
        verdicts.iter().find(|said| said.rule_id == rule_id).unwrap().clone()
    };
    let fourth = said("4", "lesson_completion");
    assert_eq!((fourth.verdict.as_ref(), fourth.points), (verdict::CAP_REACHED, 0));
    assert_eq!((fourth.counters[0].before, fourth.counters[0].max), (3, 3));
    let midnight = Timestamp::from_micros((i64::from(minute(0).utc_day()) + 1) * DAY);
    assert_eq!(fourth.next_eligible_at, Some(midnight));
    assert_eq!(said("6", "section_mastery").verdict, verdict::ALREADY_GRANTED);
    assert_eq!(said("8", "forum_post").verdict, verdict::COOLDOWN);
    assert_eq!(said("1", "weekly_streak").verdict, verdict::STREAK_OPEN);
    books.assert_agree();
    books.assert_counted(&[&process]);
    assert_eq!(books.decisions.len(), events.len());
}

pub(crate) fn duplicates_conflicts_and_late_events_have_outcomes_and_are_not_paid(
    bench: &mut dyn TestLog,
) {
    let (log, data) = (bench.log(), tempdir().unwrap());
    let first = act(1, "course", "course.completed", minute(0));
    let mut again = LearningEvent { accepted_at: minute(9), ..first.clone() };
    again.trace.delivery_id = Some("another".to_owned());
    let mut other = first.clone();
    other.context.course = place("another");
    let with_flags = |id: &str, is_test: bool| {
        let mut event = act(1, id, "course.completed", minute(1));
        (event.flags.is_test, event.flags.is_privileged) = (is_test, !is_test);
        event
    };
    // 35 days before the newest event of the learner's part of the log, and a moment more.
    let log_time = minute(9);
    let just = |id: &str, micros: i64| {
        let mut event = act(1, id, "course.completed", log_time.plus_micros(-35 * DAY - micros));
        event.context.course = place(id);
        event.accepted_at = log_time;
        event
    };
    let (on_time, late) = (just("on-time", 0), just("late", SECOND));
    let events = [
        first,
        again,
        other,
        with_flags("test", true),
        with_flags("privileged", false),
        on_time,
        late.clone(),
    ];
    let positions = feed(&log, &events);
    let service = Service::start(&log, settings(data.path(), ""));
    service.wait_for(events.len());
    let process = service.stop();
    let books = Books::read(&log);
    let expected = [
        ("course", "decided"),
        ("course", "duplicate"),
        ("course", "conflict"),
        ("test", "test"),
        ("privileged", "privileged"),
        ("on-time", "decided"),
    ];
    assert_eq!(books.outcomes("campus-a/1"), expected);
    let paid = [("course_completion", 50, 50), ("course_completion", 50, 100)];
    assert_eq!(books.lines("campus-a/1"), paid);
    assert_eq!(books.letters.len(), 1);
    let letter = &books.letters[0].value;
    assert_eq!(letter.reason, reason::TOO_LATE);
    assert_eq!(
        (letter.partition, letter.offset),
        (positions[6].partition.number, positions[6].offset)
    );
    assert_eq!(log.codec::<LearningEvent>(Topic::Events).unwrap().decode(&letter.value), Ok(late));
    books.assert_agree();
    books.assert_counted(&[&process]);
}

/// Writes what cannot be decided about to the partition of learner 1, each followed by an event
/// that can. Tells the dead letters to expect, but for their messages, and parts of those.
fn feed_bad(log: &EventLog) -> Vec<(DeadLetter, &'static str)> {
    let number = partition_of_learner(1);
    let elsewhere = (0..).find(|other| partition_of_learner(*other) != number).unwrap();
    let codec = log.codec::<LearningEvent>(Topic::Events).unwrap();
    let encoded = |change: &dyn Fn(&mut LearningEvent)| {
        let mut event = act(1, "bad", "course.completed", minute(0));
        change(&mut event);
        let mut bytes = Vec::new();
        codec.encode(&event, &mut bytes).unwrap();
        bytes
    };
    let of_nobody = encoded(&|event| event.user.key.clear());
    let long = encoded(&|event| event.event_id = "x".repeat(100_000));
    let misplaced = encoded(&|event| event.user.key = format!("campus-a/{elsewhere}"));
    let unreadable = "not a record of kleos.events.v1: ";
    let table = [
        (b"no event".to_vec(), reason::UNDECODABLE, unreadable, ""),
        (vec![0, 0x7f, 0xff, 0xff, 0xff, 1, 2], reason::UNDECODABLE, unreadable, ""),
        (of_nobody, reason::MISSING_LEARNER, "tenant and user.key are needed", "acme"),
        (long, reason::TOO_LARGE, "expected at most 65536", "acme"),
        (misplaced, reason::MISPLACED, "partitioner=murmur2_random", "acme"),
    ];
    let mut expected = Vec::new();
    for (count, (value, reason, message, tenant)) in (0..).zip(table) {
        let position = feed_bytes(log, (Topic::Events, number), (b"k", &value));
        feed(log, &course(1..2, count));
        let letter = DeadLetter {
            reason: reason.into(),
            tenant: tenant.to_owned(),
            ..letter(position, value)
        };
        expected.push((letter, message));
    }
    expected
}

fn letter(position: Position, value: Vec<u8>) -> DeadLetter {
    DeadLetter {
        stage: "rules-processor".into(),
        class: CLASS_POISON.into(),
        topic: "kleos.events.v1".into(),
        partition: position.partition.number,
        offset: position.offset,
        key: Some(b"k".to_vec()),
        value,
        first_seen: minute(0),
        attempts: 1,
        ..DeadLetter::default()
    }
}

pub(crate) fn what_cannot_be_decided_about_is_set_aside_and_its_partition_goes_on(
    bench: &mut dyn TestLog,
) {
    let (log, data) = (bench.log(), tempdir().unwrap());
    let expected = feed_bad(&log);
    let service = Service::start(&log, settings(data.path(), ""));
    service.wait_for(2 * expected.len());
    let process = service.stop();
    let books = Books::read(&log);
    assert_eq!(books.balances()["campus-a/1"], COURSE_POINTS * expected.len() as i64);
    assert_eq!(books.letters.len(), expected.len());
    for (found, (letter, message)) in books.letters.iter().zip(expected) {
        assert!(found.value.message.contains(message), "{}", found.value.message);
        let letter = DeadLetter { message: found.value.message.clone(), ..letter };
        assert_eq!(found.value, letter);
    }
    books.assert_agree();
    books.assert_counted(&[&process]);
}

const BONUS: &str = r#"[{"rule_id": "bonus", "trigger": {"event": "course.completed"},
  "actions": {"award_points": 7}}]"#;

/// Between two learners' events of one transaction stands a set that cannot be had yet: the first
/// is decided each time, and each time nothing of it may stay.
pub(crate) fn nothing_is_kept_of_a_transaction_that_is_rolled_back(bench: &mut dyn TestLog) {
    let (log, data) = (bench.log(), tempdir().unwrap());
    let number = partition_of_learner(1);
    let other = (2..).find(|other| partition_of_learner(*other) == number).unwrap();
    let rules = compile(BONUS).unwrap();
    let rule_set = RuleSetRef { version: 99, digest: rules.digest().to_owned() };
    let mut activation = act(1, "rules-99", "course.completed", minute(1));
    activation.event = RULES_ACTIVATED.into();
    activation.rule_set = Some(rule_set);
    let mut outbox = Outbox::default();
    put(&log, &mut outbox, &course(1..2, 0));
    put(&log, &mut outbox, &[activation]);
    put(&log, &mut outbox, &course(other..other + 1, 0));
    publish(&log, &outbox);

    let service = Service::start(&log, settings(data.path(), ""));
    service.wait_until("rolled back twice", |process| {
        metric(process, "kleos_worker_rollbacks_total", "") >= 2
    });
    let report = format!("{:?}", service.process().readiness.report());
    let cause = "rule set 99 of tenant acme is activated but not in kleos.rules.v1";
    assert!(report.contains(cause), "{report}");
    assert_eq!(service.learner(1).status, 404);
    let books = Books::read(&log);
    assert_eq!((books.awards.len(), books.decisions.len(), books.states.len()), (0, 0, 0));
    let own = |found: &Found<ProcessorState>| found.position.partition.number == number;
    assert!(!read::<ProcessorState>(&log, Topic::State).iter().any(own));

    publish_definitions(&log, &rules);
    service.wait_for(2);
    let lines = |number: u32| {
        let books = Books::read(&log);
        books.lines(&format!("campus-a/{number}")).len()
    };
    wait_until("both paid", || lines(1) == 1 && lines(other) == 1);
    let process = service.stop();
    let books = Books::read(&log);
    assert_eq!(books.lines("campus-a/1"), [("course_completion", 50, 50)]);
    assert_eq!(books.lines(&format!("campus-a/{other}")), [("bonus", 7, 7)]);
    books.assert_agree();
    books.assert_counted(&[&process]);
}

/// Publishes version 99 without activating it.
fn publish_definitions(log: &EventLog, rules: &kleos_rules_engine::RuleSet) {
    let codec = log.codec::<RuleDefinition>(Topic::Rules).unwrap();
    let record = RuleDefinition {
        tenant: "acme".to_owned(),
        version: 99,
        engine: ENGINE_VERSION.into(),
        ..RuleDefinition::default()
    };
    let mut records: Vec<RuleDefinition> = rules
        .definitions()
        .map(|(rule_id, text)| RuleDefinition {
            kind: kind::RULE.into(),
            rule_id: rule_id.to_owned(),
            definition: text.to_owned(),
            ..record.clone()
        })
        .collect();
    records.push(RuleDefinition {
        kind: kind::MANIFEST.into(),
        digest: rules.digest().to_owned(),
        rule_ids: rules.rule_ids().map(str::to_owned).collect(),
        ..record
    });
    let mut outbox = Outbox::default();
    for record in &records {
        let key = record.record_key();
        let partition = Partition::new(Topic::Rules, 0);
        let address = Address { partition, timestamp: minute(0), key: Some(key.as_bytes()) };
        outbox.send(&codec, address, record).unwrap();
    }
    publish(log, &outbox);
    assert_eq!(log.partitions(Topic::Events), Ok(PARTITIONS));
}
