//! The records that a decision leaves.

use kleos_contracts::identity::{award_id, entry_id};
use kleos_contracts::time::{DAY, Timestamp};
use kleos_rules_engine::{DEFAULT_RULES, ENGINE_VERSION, Facts, Seen, Zone, decide, evolve};

use crate::driver::{Learner, rules};
use crate::events::blank;

#[test]
fn an_award_says_who_earned_what_by_which_event() {
    let mut learner = Learner::with_default_rules();
    let mut event = blank("course.completed");
    event.event_id = "9194694".to_owned();
    event.context.course = Some(Default::default());
    event.context.course.as_mut().unwrap().id = "987".to_owned();
    event.accepted_at = event.occurred_at.plus_micros(5);
    let (_, awards) = learner.take(&event).unwrap();
    let award = &awards[0];
    let named = award_id("acme", "campus-a/8774", "course_completion", "course=campus-a/987", "");
    assert_eq!(award.award_id, named);
    assert_eq!(award.entry_id, entry_id(&named, 1));
    assert_eq!((award.kind.as_ref(), award.status.as_ref()), ("granted", "final"));
    assert_eq!((award.points, award.balance_after, award.rule_set_version), (50, 50, 7));
    assert_eq!(award.scope.as_deref(), Some("course=campus-a/987"));
    assert_eq!((award.window.as_deref(), award.badge.as_deref()), (None, Some("course_master")));
    assert_eq!((award.occurred_at, award.decided_at), (event.occurred_at, event.accepted_at));
    assert_eq!((award.event.as_ref(), award.event_id.as_str()), ("course.completed", "9194694"));
}

#[test]
fn an_award_of_a_capped_rule_is_named_by_its_event() {
    let mut learner = Learner::with_default_rules();
    let mut event = blank("lesson.completed");
    event.event_id = "7".to_owned();
    let (_, awards) = learner.take(&event).unwrap();
    let named = award_id("acme", "campus-a/8774", "lesson_completion", "", "moodle|campus-a|7");
    assert_eq!(awards[0].award_id, named);
    assert_eq!(awards[0].scope, None);
    assert_eq!(awards[0].window.as_deref(), Some("2026-11-02"));
}

#[test]
fn a_streak_is_named_by_its_week() {
    let mut learner = Learner::with_default_rules();
    let mut event = blank("quiz.completed");
    for (id, days) in [("1", 0), ("2", 7)] {
        event.event_id = id.to_owned();
        event.occurred_at = event.occurred_at.plus_micros(days * DAY);
        event.accepted_at = event.occurred_at;
        learner.take(&event).unwrap();
    }
    let named = award_id("acme", "campus-a/8774", "weekly_streak", "week=2026-W46", "");
    assert_eq!(learner.awards.last().unwrap().award_id, named);
    assert_eq!(learner.awards.last().unwrap().event_id, "2");
}

#[test]
fn a_decision_tells_the_counters_before_and_after() {
    let mut learner = Learner::with_default_rules();
    let mut event = blank("forum.posted");
    event.event_id = "1".to_owned();
    event.context.thread = Some(Default::default());
    event.context.thread.as_mut().unwrap().id = "t".to_owned();
    let (decision, awards) = learner.take(&event).unwrap();
    assert_eq!(decision.outcome, "decided");
    assert_eq!((decision.rule_set_version, decision.engine.as_ref()), (7, ENGINE_VERSION));
    assert_eq!(decision.rule_set_digest, learner.rules.digest());
    let [streak, forum] = decision.verdicts.as_slice() else { panic!("{:?}", decision.verdicts) };
    assert_eq!((streak.verdict.as_ref(), streak.points), ("streak_open", 0));
    assert_eq!((forum.verdict.as_ref(), forum.points), ("awarded", 5));
    assert_eq!(forum.award_id.as_ref(), Some(&awards[0].award_id));
    let counters: Vec<_> = forum
        .counters
        .iter()
        .map(|c| (c.per.as_ref(), c.window.as_str(), c.scope.as_deref(), c.before, c.after, c.max))
        .collect();
    let thread = Some("thread=campus-a/t");
    assert_eq!(counters, [("day", "2026-11-02", None, 0, 1, 3), ("lifetime", "", thread, 0, 1, 1)]);

    event.event_id = "2".to_owned();
    let (decision, _) = learner.take(&event).unwrap();
    let counters: Vec<_> =
        decision.verdicts[1].counters.iter().map(|c| (c.before, c.after)).collect();
    assert_eq!(counters, [(1, 1), (1, 1)]);
    assert_eq!(decision.verdicts[1].next_eligible_at, None);
}

#[test]
fn two_awards_of_one_event_carry_one_balance_after_the_other() {
    let mut learner = Learner::with_default_rules();
    let mut enrolled = blank("enrollment.created");
    enrolled.context.course = Some(Default::default());
    enrolled.context.course.as_mut().unwrap().id = "1".to_owned();
    learner.take(&enrolled).unwrap();
    let mut completed = enrolled.clone();
    completed.event = "course.completed".into();
    completed.event_id = "2".to_owned();
    let (_, awards) = learner.take(&completed).unwrap();
    let lines: Vec<_> = awards.iter().map(|award| (award.points, award.balance_after)).collect();
    assert_eq!(lines, [(15, 15), (50, 65)]);
    assert_eq!(learner.state.balance, 65);
}

#[test]
fn state_shows_the_last_five_awards_and_who_the_learner_is() {
    let mut learner = Learner::with_default_rules();
    let mut event = blank("programme.completed");
    for number in 0..12 {
        event.event_id = number.to_string();
        event.context.programme = Some(Default::default());
        event.context.programme.as_mut().unwrap().id = number.to_string();
        learner.take(&event).unwrap();
    }
    let state = &learner.state;
    let recent: Vec<_> = state.recent.iter().map(|award| award.event_id.as_str()).collect();
    assert_eq!(recent, ["7", "8", "9", "10", "11"]);
    assert_eq!((state.events, state.awards, state.balance), (12, 12, 1200));
    assert_eq!((state.tenant.as_str(), state.user_key.as_str()), ("acme", "campus-a/8774"));
    assert_eq!((state.user_id.as_str(), state.last_event_at), ("8774", event.occurred_at));
}

#[test]
fn a_late_event_is_counted_and_is_not_the_last() {
    let mut learner = Learner::with_default_rules();
    let mut event = blank("user.logged_in");
    let last = event.occurred_at;
    learner.take(&event).unwrap();
    event.event_id = "late".to_owned();
    event.occurred_at = last.plus_micros(-3 * DAY);
    learner.take(&event).unwrap();
    assert_eq!((learner.state.events, learner.state.last_event_at), (2, last));
    let days: Vec<_> = learner.state.days.iter().map(|counted| counted.day).collect();
    assert_eq!(days, [last.utc_day() - 3, last.utc_day()]);
}

#[test]
fn what_no_event_can_touch_any_more_is_dropped() {
    let mut learner = Learner::with_default_rules();
    let mut event = blank("forum.posted");
    let first = event.occurred_at;
    for day in 0..200 {
        event.event_id = day.to_string();
        event.occurred_at = first.plus_micros(day * DAY);
        event.accepted_at = event.occurred_at;
        event.context.thread = Some(Default::default());
        event.context.thread.as_mut().unwrap().id = day.to_string();
        learner.take(&event).unwrap();
    }
    let state = &learner.state;
    assert_eq!(state.days.len(), 38);
    let forum = state.rules.iter().find(|rule| rule.rule_id == "forum_post").unwrap();
    let count =
        |per: &str| forum.counters.iter().filter(|counter| counter.per.name() == per).count();
    assert_eq!((count("day"), count("lifetime")), (38, 200));
    assert_eq!(forum.award_times.len(), 70);
    let streak = state.rules.iter().find(|rule| rule.rule_id == "weekly_streak").unwrap();
    assert_eq!((streak.active_weeks.len(), streak.paid_weeks.len()), (8, 8));
    assert_eq!(state.balance, 200 * 5 + 28 * 20);
}

#[test]
fn a_candidate_is_named_by_a_rule_or_paid() {
    let rules = rules(DEFAULT_RULES);
    let zone = Zone::utc();
    let mut learner = Learner::new(rules.clone(), "UTC");
    let mut event = blank("lesson.viewed");
    let mut is_candidate = |event: &kleos_contracts::event::LearningEvent, seen| {
        let facts = Facts { rules: &rules, rule_set_version: 1, zone: &zone, seen };
        let decided = decide(&facts, &learner.state, event);
        evolve(&mut learner.state, event, &decided.effects, event.accepted_at);
        (decided.is_candidate(), decided.verdicts.len())
    };
    assert_eq!(is_candidate(&blank("user.logged_in"), Seen::New), (false, 0));
    assert_eq!(is_candidate(&blank("enrollment.created"), Seen::New), (false, 0));
    assert_eq!(is_candidate(&event, Seen::New), (false, 1));
    assert_eq!(is_candidate(&blank("course.completed"), Seen::New), (true, 3));
    assert_eq!(is_candidate(&blank("course.completed"), Seen::Duplicate), (true, 0));
    event.occurred_at = event.occurred_at.plus_micros(7 * DAY);
    assert_eq!(is_candidate(&event, Seen::New), (true, 1));
}

#[test]
fn events_of_the_system_concern_no_rule() {
    let mut learner = Learner::new(
        rules(r#"{"rule_id": "r", "trigger": {"event": "*"}, "actions": {"award_points": 1}}"#),
        "UTC",
    );
    let (decision, awards) = learner.take(&blank("kleos.tick")).unwrap();
    assert_eq!((decision.verdicts.len(), awards.len(), learner.state.events), (0, 0, 0));
    let (_, awards) = learner.take(&blank("anything.else")).unwrap();
    assert_eq!(awards.len(), 0, "the same key is a duplicate");
    let mut event = blank("anything.else");
    event.event_id = "2".to_owned();
    assert_eq!(learner.take(&event).unwrap().1.len(), 1);
    assert_eq!(learner.state.last_event_at, event.occurred_at);
    assert_eq!(learner.state.days[0].day, Timestamp::utc_day(event.occurred_at));
}
