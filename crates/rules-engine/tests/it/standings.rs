//! Where a learner stands.

use kleos_contracts::time::{DAY, SECOND, Timestamp};
use kleos_rules_engine::{LimitStanding, standing};

use crate::driver::{Learner, rules};
use crate::events::blank;

fn row(standing: &LimitStanding) -> String {
    format!(
        "{} {} {} {} {}/{} left {} next {}",
        standing.rule_id,
        standing.per,
        standing.window.as_deref().unwrap_or("-"),
        standing.scope.as_deref().unwrap_or("-"),
        standing.used,
        standing.max,
        standing.left,
        standing.next_eligible_at.map_or("-".to_owned(), |next| next.to_string()),
    )
}

fn rows(learner: &Learner, at: Timestamp) -> Vec<String> {
    standing(&learner.rules, &learner.zone, &learner.state, at).iter().map(row).collect()
}

#[test]
fn who_did_nothing_has_all_left() {
    let learner = Learner::with_default_rules();
    assert_eq!(
        rows(&learner, "2026-11-02T12:00:00Z".parse().unwrap()),
        [
            "lesson_completion day 2026-11-02 - 0/3 left 3 next -",
            "weekly_streak week 2026-W45 - 0/1 left 1 next -",
            "forum_post day 2026-11-02 - 0/3 left 3 next -",
            "forum_post cooldown - - 0/1 left 1 next -",
        ]
    );
}

#[test]
fn what_is_used_shows_with_its_scope_and_the_next_time() {
    let mut learner = Learner::with_default_rules();
    let mut event = blank("forum.posted");
    let first = event.occurred_at;
    for number in 0..3 {
        event.event_id = number.to_string();
        event.occurred_at = first.plus_micros(number * 1_200 * SECOND);
        event.accepted_at = event.occurred_at;
        event.context.thread = Some(Default::default());
        event.context.thread.as_mut().unwrap().id = format!("t-{number}");
        learner.take(&event).unwrap();
    }
    let of_forum = |at: Timestamp| {
        let mut rows = rows(&learner, at);
        rows.retain(|row| row.starts_with("forum_post"));
        rows
    };
    let threads = [0, 1, 2].map(|number| {
        format!("forum_post lifetime - thread=campus-a/t-{number} 1/1 left 0 next -")
    });
    let mut expected =
        vec!["forum_post day 2026-11-02 - 3/3 left 0 next 2026-11-03T00:00:00Z".to_owned()];
    expected.extend(threads.clone());
    expected.push("forum_post cooldown - - 1/1 left 0 next 2026-11-02T12:50:00Z".to_owned());
    // The limits are checked day first, and standings come in that order.
    assert_eq!(of_forum(event.occurred_at.plus_micros(SECOND)), expected);

    let mut expected = vec!["forum_post day 2026-11-03 - 0/3 left 3 next -".to_owned()];
    expected.extend(threads);
    expected.push("forum_post cooldown - - 0/1 left 1 next -".to_owned());
    assert_eq!(of_forum(first.plus_micros(DAY)), expected);
}

#[test]
fn a_scope_shows_in_the_window_in_which_it_was_used() {
    let text = include_str!("../scenarios/language.json");
    let mut learner = Learner::new(rules(text), "UTC");
    let mut event = blank("score.reported");
    event.metrics.score_pct = Some(kleos_contracts::decimal::Percent::whole(60));
    event.context.course = Some(Default::default());
    event.context.course.as_mut().unwrap().id = "987".to_owned();
    learner.take(&event).unwrap();
    let of_course = |at: Timestamp| {
        let mut rows = rows(&learner, at);
        rows.retain(|row| row.starts_with("course_day"));
        rows
    };
    let day = "course_day day 2026-11-02 course=campus-a/987 1/1 left 0 next 2026-11-03T00:00:00Z";
    let lifetime = "course_day lifetime - course=campus-a/987 1/2 left 1 next -";
    assert_eq!(of_course(event.occurred_at), [day, lifetime]);
    assert_eq!(of_course(event.occurred_at.plus_micros(DAY)), [lifetime]);
}
