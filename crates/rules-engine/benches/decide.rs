//! What one event costs, with the default rules.
//!
//! The stream is one learner's two hundred days, six events a day: lessons, quizzes, posts,
//! sign-ins, now and then an enrolment and a completion. Figures are for the whole stream; divan
//! shows events a second beside them.

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use kleos_contracts::event::{LearningEvent, Place};
use kleos_contracts::state::LearnerState;
use kleos_contracts::time::{DAY, SECOND, Timestamp};
use kleos_rules_engine::{
    DEFAULT_RULES, Facts, Position, RuleSet, Seen, Zone, awards, compile, decide, decision, evolve,
};

const EVENTS: i64 = 1_200;
const BEGIN: i64 = 1_793_577_600 * SECOND;

fn main() {
    divan::main();
}

fn event(number: i64) -> LearningEvent {
    let name = match number % 20 {
        0..=8 => "lesson.completed",
        9..=11 => "quiz.completed",
        12..=14 => "forum.posted",
        15..=17 => "user.logged_in",
        18 => "enrollment.created",
        _ => "course.completed",
    };
    let place = |kind: &str, id: i64| Some(Place { id: format!("{kind}-{id}"), title: None });
    let at = Timestamp::from_micros(BEGIN + number * DAY / 6);
    let mut event = LearningEvent {
        event: name.to_owned().into(),
        source: "moodle".to_owned(),
        instance: "campus-a".to_owned(),
        tenant: "acme".to_owned(),
        event_id: (9_000_000 + number).to_string(),
        occurred_at: at,
        accepted_at: at,
        ..LearningEvent::default()
    };
    event.user.id = "8774".to_owned();
    event.user.key = "campus-a/8774".to_owned();
    event.context.course = place("course", number / 20);
    event.context.section = place("section", number / 5);
    event.context.lesson = place("lesson", number);
    event.context.thread = place("thread", number / 2);
    event.metrics.score_pct = format!("{}.5", number * 7 % 100).parse().ok();
    event
}

/// The stream, and the state before each event.
fn stream(rules: &RuleSet, zone: &Zone) -> Vec<(LearningEvent, LearnerState)> {
    let mut state = LearnerState::default();
    (0..EVENTS)
        .map(|number| {
            let event = event(number);
            let before = state.clone();
            let decided = decide(&facts(rules, zone), &state, &event);
            evolve(&mut state, &event, &decided.effects, event.accepted_at);
            (event, before)
        })
        .collect()
}

fn facts<'r>(rules: &'r RuleSet, zone: &'r Zone) -> Facts<'r> {
    Facts { rules, rule_set_version: 1, zone, seen: Seen::New }
}

fn default_rules() -> RuleSet {
    compile(DEFAULT_RULES).unwrap_or_else(|wrong| panic!("{wrong:?}"))
}

#[divan::bench(args = ["UTC", "Europe/Berlin"])]
fn decide_alone(bencher: Bencher<'_, '_>, zone: &str) {
    let (rules, zone) = (default_rules(), zone.parse().unwrap_or_default());
    let stream = stream(&rules, &zone);
    bencher.counter(ItemsCount::new(stream.len())).bench_local(|| {
        for (event, state) in &stream {
            drop(black_box(decide(&facts(&rules, &zone), state, black_box(event))));
        }
    });
}

#[divan::bench]
fn decide_and_evolve(bencher: Bencher<'_, '_>) {
    let (rules, zone) = (default_rules(), Zone::utc());
    let stream = stream(&rules, &zone);
    bencher.counter(ItemsCount::new(stream.len())).bench_local(|| {
        let mut state = LearnerState::default();
        for (event, _) in &stream {
            let decided = decide(&facts(&rules, &zone), &state, black_box(event));
            evolve(&mut state, event, &decided.effects, event.accepted_at);
        }
        state
    });
}

#[divan::bench]
fn decide_evolve_and_record(bencher: Bencher<'_, '_>) {
    let (rules, zone) = (default_rules(), Zone::utc());
    let stream = stream(&rules, &zone);
    bencher.counter(ItemsCount::new(stream.len())).bench_local(|| {
        let mut state = LearnerState::default();
        for (event, _) in &stream {
            let facts = facts(&rules, &zone);
            let decided = decide(&facts, &state, black_box(event));
            drop(black_box(awards(&facts, event, &decided)));
            if decided.is_candidate() {
                drop(black_box(decision(&facts, event, &decided, Position::default())));
            }
            evolve(&mut state, event, &decided.effects, event.accepted_at);
        }
        state
    });
}

#[divan::bench(args = [10, 10_000])]
fn compile_rules(bencher: Bencher<'_, '_>, count: usize) {
    let rules: Vec<String> = (0..count)
        .map(|number| {
            format!(
                r#"{{"rule_id": "r{number}", "trigger": {{"event": "course.completed",
                "conditions": {{"progress_pct": {{"gte": 80}}, "course_id": "{number}"}}}},
                "actions": {{"award_points": 50}}, "constraints": {{"max_per_course": 1}}}}"#
            )
        })
        .collect();
    let text = format!("[{}]", rules.join(","));
    bencher.counter(ItemsCount::new(count)).bench_local(|| compile(black_box(&text)).is_ok());
}
