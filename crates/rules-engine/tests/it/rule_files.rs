//! Rule files that nobody would write: the compiler survives them and knows its place.

use kleos_rules_engine::{DEFAULT_RULES, Diagnostic, RuleSet, compile};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::events::config;

const LANGUAGE: &str = include_str!("../scenarios/language.json");

/// Rules of any shape that the language can almost have.
pub(crate) fn any_rule_file() -> impl Strategy<Value = String> {
    let field = prop::sample::select(
        &["progress_pct", "score_pct", "course_id", "event", "occurred_at", "flags.is_test", "nix"]
            [..],
    );
    let operator = prop::sample::select(
        &["eq", "ne", "gt", "lte", "in", "nin", "between", "exists", "contains", "after"][..],
    );
    let time = "\"2026-11-22T10:00:00Z\"";
    let values = ["1", "80.5", "true", "\"a\"", time, "[1, 2]", "[\"a\"]", "null"];
    let value = prop::sample::select(values.to_vec());
    let leaf = (field, operator, value).prop_map(|(field, operator, value)| {
        format!("{{\"{field}\": {{\"{operator}\": {value}}}}}")
    });
    let condition = leaf.prop_recursive(4, 16, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 1..3)
                .prop_map(|parts| format!("{{\"all\": [{}]}}", parts.join(","))),
            vec(inner.clone(), 0..3)
                .prop_map(|parts| format!("{{\"any\": [{}]}}", parts.join(","))),
            inner.prop_map(|part| format!("{{\"not\": {part}}}")),
        ]
    });
    let event = prop::sample::select(
        &[
            "\"lesson.completed\"",
            "\"*\"",
            "\"lesson.*\"",
            "[\"a.b\", \"quiz.*\"]",
            "\"kleos.tick\"",
        ][..],
    );
    let manner = prop::sample::select(
        &[
            "\"constraints\": {}",
            "\"constraints\": {\"max_per_day\": 1, \"cooldown_minutes\": 1}",
            "\"limits\": [{\"max\": 2, \"per\": \"month\", \"scope\": \"course_id\"}]",
            "\"streak\": {\"per\": \"week\", \"min_length\": 2}",
            "\"within\": {\"since\": \"lesson.completed\", \"lte\": \"P1D\"}",
        ][..],
    );
    vec((event, condition, manner), 0..4).prop_map(|rules| {
        let rules = rules.into_iter().enumerate().map(|(index, (event, condition, manner))| {
            format!(
                "{{\"rule_id\": \"r{index}\", \"trigger\": {{\"event\": {event}, \
                 \"conditions\": {condition}}}, \"actions\": {{\"award_points\": 3}}, {manner}}}"
            )
        });
        format!("[{}]", rules.collect::<Vec<_>>().join(",\n"))
    })
}

fn is_inside(text: &str, found: &Diagnostic) -> bool {
    let line = text.split('\n').nth(found.line.wrapping_sub(1));
    line.is_some_and(|line| (1..=line.chars().count() + 1).contains(&found.column))
}

fn check(text: &str) -> Result<(), TestCaseError> {
    match compile(text) {
        Ok(rules) => check_round_trip(&rules),
        Err(wrong) => {
            prop_assert!(!wrong.is_empty());
            for found in wrong {
                prop_assert!(is_inside(text, &found), "{found} is not in the text");
                prop_assert!(!found.message.is_empty());
            }
            Ok(())
        }
    }
}

fn check_round_trip(rules: &RuleSet) -> Result<(), TestCaseError> {
    let texts: Vec<_> = rules.definitions().map(|(_, text)| text).collect();
    let again = RuleSet::from_definitions(texts.iter().copied());
    let again = again.map_err(|wrong| TestCaseError::fail(format!("{wrong:?}")))?;
    prop_assert_eq!(again.digest(), rules.digest());
    prop_assert!(again.definitions().eq(rules.definitions()));
    Ok(())
}

proptest! {
    #![proptest_config(config(1_000))]

    #[test]
    fn any_text_is_refused_in_its_place(text in ".{0,200}") {
        check(&text)?;
    }

    #[test]
    fn any_bytes_are_refused_in_their_place(bytes in vec(any::<u8>(), 0..200)) {
        check(&String::from_utf8_lossy(&bytes))?;
    }

    #[test]
    fn any_json_is_refused_in_its_place(text in "[\\[\\]{}:,\"\\\\a0-9eu.\n \u{e9}-]{0,80}") {
        check(&text)?;
    }

    #[test]
    fn a_damaged_rule_file_is_refused_in_its_place(
        file in prop::sample::select(vec![DEFAULT_RULES, LANGUAGE]),
        damages in vec((any::<prop::sample::Index>(), 0..12_usize, ".{0,3}"), 1..4),
    ) {
        let mut letters: Vec<char> = file.chars().collect();
        for (place, length, text) in damages {
            let from = place.index(letters.len());
            let to = (from + length).min(letters.len());
            letters.splice(from..to, text.chars());
        }
        check(&String::from_iter(letters))?;
    }

    #[test]
    fn a_rule_file_is_used_or_refused_in_its_place(file in any_rule_file()) {
        check(&file)?;
    }
}

#[test]
fn deep_nesting_is_refused_without_harm() {
    for (open, close) in [("[", "]"), ("{\"not\":", "}")] {
        let text = format!("{}1{}", open.repeat(50_000), close.repeat(50_000));
        let wrong = compile(&text).unwrap_err();
        assert!(wrong.iter().all(|found| is_inside(&text, found)));
        assert!(wrong[0].message.contains("nested deeper than"), "{}", wrong[0]);
    }
}
