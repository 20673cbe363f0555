//! What holds for all histories.

use std::collections::BTreeMap;

use kleos_contracts::award::Award;
use kleos_contracts::event::LearningEvent;
use kleos_contracts::state::LearnerState;
use kleos_contracts::time::Timestamp;
use kleos_rules_engine::{DEFAULT_RULES, RuleSet, compile, standing};
use proptest::prelude::*;

use crate::driver::{Learner, rules};
use crate::events::{anything, config, history};
use crate::oracle::Oracle;
use crate::rule_files::any_rule_file;

const LANGUAGE: &str = include_str!("../scenarios/language.json");
const SEED_EXAMPLE: &str = include_str!("../scenarios/seed_example.json");

/// The default rules, those that use the rest of the language, and the first rule of all.
fn rule_sets() -> Vec<RuleSet> {
    [DEFAULT_RULES, LANGUAGE, SEED_EXAMPLE].into_iter().map(rules).collect()
}

fn zones() -> impl Strategy<Value = &'static str> {
    prop::sample::select(&["UTC", "Europe/Berlin", "Pacific/Auckland", "America/St_Johns"][..])
}

fn after(rules: &RuleSet, zone: &str, events: &[LearningEvent]) -> Learner {
    let mut learner = Learner::new(rules.clone(), zone);
    for event in events {
        learner.take(event);
    }
    learner
}

proptest! {
    #![proptest_config(config(200))]

    #[test]
    fn default_rules_pay_what_brute_force_pays(events in history(120), zone in zones()) {
        let learner = after(&rules(DEFAULT_RULES), zone, &events);
        let mut oracle = Oracle::new(zone);
        events.iter().for_each(|event| oracle.take(event));
        let expected: Vec<_> = oracle
            .paid
            .iter()
            .map(|paid| (paid.rule, paid.points, paid.event_id.as_str()))
            .collect();
        let found: Vec<_> = learner
            .awards
            .iter()
            .map(|award| (award.rule_id.as_str(), award.points, award.event_id.as_str()))
            .collect();
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn a_replay_gives_the_same_bytes(events in history(80), zone in zones(), cut in 0..80_usize) {
        for rules in rule_sets() {
            let first = after(&rules, zone, &events);
            let mut second = Learner::new(rules, zone);
            for (index, event) in events.iter().enumerate() {
                if index == cut {
                    let text = serde_json::to_string(&second.state).unwrap();
                    second.state = serde_json::from_str::<LearnerState>(&text).unwrap();
                }
                second.take(event);
            }
            prop_assert_eq!(
                serde_json::to_string(&first.state).unwrap(),
                serde_json::to_string(&second.state).unwrap()
            );
            prop_assert_eq!(first.awards, second.awards);
        }
    }

    #[test]
    fn the_balance_is_the_sum_of_all_lines(events in history(80)) {
        for rules in rule_sets() {
            let learner = after(&rules, "UTC", &events);
            let mut balance = 0;
            for award in &learner.awards {
                balance += award.points;
                prop_assert_eq!(award.balance_after, balance);
            }
            prop_assert_eq!(learner.state.balance, balance);
            prop_assert_eq!(learner.state.awards, i64::try_from(learner.awards.len()).unwrap());
            let mut names: Vec<_> = learner.awards.iter().map(|award| &award.award_id).collect();
            names.sort();
            names.dedup();
            prop_assert_eq!(names.len(), learner.awards.len(), "an award was given twice");
        }
    }

    #[test]
    fn no_limit_is_exceeded_at_any_moment(events in history(120), zone in zones()) {
        for rules in rule_sets() {
            let learner = after(&rules, zone, &events);
            check_limits(&learner.awards, &events, zone)?;
        }
    }

    #[test]
    fn duplicates_change_nothing(
        events in history(60),
        repeats in prop::collection::vec((0..60_usize, 0..60_usize), 0..20),
    ) {
        let mut repeats = repeats;
        repeats.retain(|(from, to)| from < to && *to < events.len());
        repeats.sort_by_key(|(_, to)| std::cmp::Reverse(*to));
        let mut repeated = events.clone();
        for (from, to) in repeats {
            let mut again = events[from].clone();
            again.accepted_at = events[to].accepted_at;
            again.trace.delivery_id = Some("again".to_owned());
            repeated.insert(to, again);
        }
        let once = after(&rules(DEFAULT_RULES), "UTC", &events);
        let twice = after(&rules(DEFAULT_RULES), "UTC", &repeated);
        prop_assert_eq!(once.state, twice.state);
        prop_assert_eq!(once.awards, twice.awards);
    }

    #[test]
    fn forgetting_what_has_passed_changes_no_decision(events in history(120), zone in zones()) {
        for rules in rule_sets() {
            let mut remembering = Learner::new(rules.clone(), zone);
            remembering.forgets = false;
            let mut forgetting = Learner::new(rules, zone);
            for event in &events {
                prop_assert_eq!(remembering.take(event), forgetting.take(event));
            }
            prop_assert!(forgetting.state.days.len() <= 40);
        }
    }

    #[test]
    fn nothing_panics_on_any_event(
        events in prop::collection::vec(anything(), 0..20),
        file in any_rule_file(),
    ) {
        let mut sets = rule_sets();
        sets.extend(compile(&file).ok());
        for rules in sets {
            let mut learner = Learner::new(rules, "Europe/Berlin");
            for event in &events {
                learner.take(event);
                drop(standing(&learner.rules, &learner.zone, &learner.state, event.occurred_at));
            }
        }
    }
}

/// The limits of all rule sets here, counted from the awards and their events alone.
fn check_limits(
    awards: &[Award],
    events: &[LearningEvent],
    zone: &str,
) -> Result<(), TestCaseError> {
    let zone = jiff::tz::TimeZoneDatabase::bundled().get(zone).unwrap();
    let civil = |at: Timestamp| {
        jiff::Timestamp::from_microsecond(at.micros()).unwrap().to_zoned(zone.clone()).date()
    };
    let mut counted: BTreeMap<(&str, String), i64> = BTreeMap::new();
    for award in awards {
        let event = events
            .iter()
            .find(|event| (&event.event_id, &event.instance) == (&award.event_id, &award.instance))
            .unwrap();
        let date = civil(award.occurred_at);
        let week = date.iso_week_date();
        let (day, week) = (date.to_string(), format!("{}w{}", week.year(), week.week()));
        let month = format!("{}m{}", date.year(), date.month());
        let course = format!("{} {:?}", award.instance, event.context.course);
        let course_day = format!("{course} {day}");
        let limits: Vec<(String, i64)> = match award.rule_id.as_str() {
            "lesson_completion" => vec![(day, 3)],
            "forum_post" => vec![(day, 3), (format!("{:?}", award.scope), 1)],
            "weekly_visits" => vec![(week, 2), (month, 3)],
            "course_day" => vec![(course_day, 1), (course, 2)],
            "quick_start" => vec![(String::new(), 1)],
            "autumn_bonus" | "either_way" => vec![],
            _ => vec![(format!("{:?}", award.scope), 1)],
        };
        for (key, max) in limits {
            let count = counted.entry((&award.rule_id, key)).or_default();
            *count += 1;
            prop_assert!(*count <= max, "{} exceeds {}", award.rule_id, max);
        }
    }
    Ok(())
}
