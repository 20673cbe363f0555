//! Events and histories for property tests.

use kleos_contracts::event::{LearningEvent, Object, Place};
use kleos_contracts::time::{DAY, SECOND, Timestamp};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

/// Monday 2 November 2026.
const BEGIN: i64 = 1_793_577_600 * SECOND;

const NAMES: [&str; 16] = [
    "lesson.completed",
    "lesson.uncompleted",
    "lesson.failed",
    "section.mastered",
    "quiz.completed",
    "quiz.graded",
    "assignment.submitted",
    "forum.posted",
    "course.completed",
    "course.viewed",
    "programme.completed",
    "enrollment.created",
    "user.logged_in",
    "user.created",
    "score.reported",
    "badge.awarded",
];

/// At least so many cases; `PROPTEST_CASES` asks for more.
pub(crate) fn config(least: u32) -> ProptestConfig {
    let asked = ProptestConfig::default();
    ProptestConfig { cases: asked.cases.max(least), failure_persistence: None, ..asked }
}

/// A learner's events in the order of arrival: most on time, some late, some twice, some under a
/// used id.
pub(crate) fn history(length: usize) -> impl Strategy<Value = Vec<LearningEvent>> {
    let gap = prop_oneof![0..600_i64, 0..20_000_i64, 0..400_000_i64];
    let lateness = prop_oneof![
        4 => Just(0_i64),
        2 => 0..3_600_i64,
        1 => 0..36 * 86_400_i64,
        1 => 33 * 86_400..=35 * 86_400_i64,
    ];
    vec((gap, lateness, event()), 0..length).prop_map(|steps| {
        let mut accepted = BEGIN;
        let mut events = Vec::with_capacity(steps.len());
        for (index, (gap, lateness, mut event)) in steps.into_iter().enumerate() {
            accepted += gap * SECOND;
            event.accepted_at = Timestamp::from_micros(accepted);
            event.occurred_at = Timestamp::from_micros(accepted - lateness * SECOND);
            if event.event_id.is_empty() {
                event.event_id = format!("evt-{index}");
            }
            events.push(event);
        }
        events
    })
}

fn event() -> impl Strategy<Value = LearningEvent> {
    let id =
        prop_oneof![8 => Just(String::new()), 1 => (0..6_u8).prop_map(|id| format!("id-{id}"))];
    let place = |prefix: &'static str| {
        option::weighted(0.8, (0..3_u8).prop_map(move |number| place(prefix, number)))
    };
    let flags = (prop::bool::weighted(0.03), prop::bool::weighted(0.03));
    let percent = || option::weighted(0.7, prop_oneof![Just(80_i32), Just(79), 0..=100_i32]);
    (
        prop::sample::select(&NAMES[..]),
        id,
        (place("c"), place("s"), place("p"), place("t")),
        (percent(), percent(), option::of(0..2_000_i64)),
        flags,
        prop::bool::weighted(0.1),
    )
        .prop_map(|(name, id, places, metrics, flags, is_other_site)| {
            let mut event = blank(name);
            event.event_id = id;
            event.instance = if is_other_site { "campus-b" } else { "campus-a" }.to_owned();
            (event.context.course, event.context.section) = (places.0, places.1);
            (event.context.programme, event.context.thread) = (places.2, places.3);
            event.metrics.progress_pct = metrics.0.map(kleos_contracts::decimal::Percent::whole);
            event.metrics.score_pct = metrics.1.map(kleos_contracts::decimal::Percent::whole);
            event.metrics.time_on_task_sec = metrics.2;
            (event.flags.is_test, event.flags.is_privileged) = flags;
            event
        })
}

fn place(prefix: &str, number: u8) -> Place {
    Place { id: format!("{prefix}-{number}"), title: None }
}

/// An event of the learner whom the tests are about.
pub(crate) fn blank(name: &str) -> LearningEvent {
    let mut event = LearningEvent {
        event: name.to_owned().into(),
        source: "moodle".to_owned(),
        instance: "campus-a".to_owned(),
        tenant: "acme".to_owned(),
        occurred_at: Timestamp::from_micros(BEGIN + DAY / 2),
        accepted_at: Timestamp::from_micros(BEGIN + DAY / 2),
        ..LearningEvent::default()
    };
    event.user.id = "8774".to_owned();
    event.user.key = "campus-a/8774".to_owned();
    event
}

/// Any event at all, as if nothing before the engine had checked it.
pub(crate) fn anything() -> impl Strategy<Value = LearningEvent> {
    let word =
        || prop_oneof![".{0,8}", "[a-z]{1,6}\\.[a-z]{1,6}", Just("lesson.completed".to_owned())];
    let maybe = || option::of(".{0,8}");
    let place = || option::of((".{0,4}", option::of(".{0,4}")));
    (
        (word(), any::<i64>(), any::<i64>(), ".{0,4}", maybe()),
        (place(), place(), place(), place()),
        (option::of(any::<i64>()), option::of(-999_999_999..=999_999_999_i64)),
        (any::<bool>(), any::<bool>(), any::<bool>()),
        option::of((".{0,4}", maybe(), maybe())),
    )
        .prop_map(|(who, places, metrics, flags, object)| {
            let place = |place: Option<(String, Option<String>)>| {
                place.map(|(id, title)| Place { id, title })
            };
            let mut event = LearningEvent { event: who.0.into(), ..LearningEvent::default() };
            event.occurred_at = Timestamp::from_micros(who.1);
            event.accepted_at = Timestamp::from_micros(who.2);
            (event.instance, event.user.email) = (who.3, who.4);
            event.context.course = place(places.0);
            event.context.section = place(places.1);
            event.context.lesson = place(places.2);
            event.context.thread = place(places.3);
            event.metrics.time_on_task_sec = metrics.0;
            event.metrics.score_pct =
                metrics.1.and_then(kleos_contracts::decimal::Percent::from_units);
            event.flags.is_test = flags.0 && flags.1;
            event.flags.is_privileged = flags.1 && flags.2;
            event.object = object.map(|(r#type, id, attempt)| Object { r#type, id, attempt });
            event
        })
}
