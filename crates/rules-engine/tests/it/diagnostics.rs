//! Wrong rule files, and what their writers are told. `▼` marks the place that is reported.

use kleos_rules_engine::compile;

mod conditions;

const RULE: &str = r#""rule_id": "r", "trigger": {"event": "a.b"}, "actions": {"award_points": 1}"#;

/// The text without its mark gives exactly one finding, at the mark.
#[track_caller]
fn check(marked: &str, path: &str, message: &str) {
    let mark = marked.find('▼').expect("a place is marked");
    let before: Vec<&str> = marked.get(..mark).unwrap().split('\n').collect();
    let place = (before.len(), before.last().map_or(0, |line| line.chars().count()) + 1);
    let wrong = compile(&marked.replace('▼', "")).expect_err("the file is wrong");
    let all: Vec<String> = wrong.iter().map(ToString::to_string).collect();
    assert_eq!(wrong.len(), 1, "{}", all.join("\n"));
    assert_eq!((wrong[0].line, wrong[0].column), place, "{}", all.join("\n"));
    assert_eq!(wrong[0].path, path);
    assert_eq!(wrong[0].message, message);
}

/// One rule with more keys.
fn with(more: &str) -> String {
    format!("[{{{RULE},\n  {more}}}]")
}

#[test]
fn text_that_is_no_list_of_rules() {
    check("[{▼]", "", "not JSON: key must be a string");
    check("▼", "", "not JSON: EOF while parsing a value");
    check("[1,\n 2,▼", "", "not JSON: EOF while parsing a value");
    check("▼7", "", "expected a list of rules, an object with rules, or one rule, found a number");
    check(r#"{"rules": ▼{}}"#, "rules", "expected a list of rules, found an object");
    check(
        r#"{"rules": [], ▼"rulez": 1}"#,
        "rulez",
        "unknown key \"rulez\": the nearest known is \"rules\", known are description, rules",
    );
    check(
        r#"[▼"rule"]"#,
        "rules[0]",
        "expected an object with rule_id, description, trigger, \
        actions, constraints, limits, within, streak, effective, found text",
    );
    let twice = "\"rules\" is given twice: leave one out";
    check(r#"{"rules": [], ▼"rules": []}"#, "rules", twice);
}

#[test]
fn rules_with_missing_wrong_or_unknown_keys() {
    check(
        r#"[▼{"trigger": {"event": "a.b"}, "actions": {"award_points": 1}}]"#,
        "rules[0]",
        "rule_id is missing: expected the rule's id",
    );
    check(
        &with("▼\"constrains\": {}"),
        "rules[0].constrains",
        "unknown key \"constrains\": the nearest known is \"constraints\", known are rule_id, \
         description, trigger, actions, constraints, limits, within, streak, effective",
    );
    check(
        r#"{"rule_id": ▼"Über", "trigger": {"event": "a.b"}, "actions": {"award_points": 1}}"#,
        "rule_id",
        "\"Über\" is not an id: expected 1 to 64 of a-z, 0-9, _ and -",
    );
    check(
        &with("\"description\": ▼1"),
        "rules[0].description",
        "expected text for people, found a number",
    );
    check(
        &format!("[{{{RULE}}},\n {{{}}}]", RULE.replace("\"r\"", "▼\"r\"")),
        "rules[1].rule_id",
        "\"r\" is the id of rules[0] already: choose another",
    );
    check(
        &with(&format!("\"description\": ▼\"{}\"", "x".repeat(1025))),
        "rules[0].description",
        "the text has 1025 bytes: expected at most 1024",
    );
    check(
        &format!("[▼{{{RULE}{}}}]", " ".repeat(70_000)),
        "rules[0]",
        "the rule has 70077 bytes: expected at most 65536",
    );
}

#[test]
fn actions_that_give_nothing_or_too_much() {
    let with_actions = |actions: &str| {
        format!(r#"{{"rule_id": "r", "trigger": {{"event": "a.b"}}, "actions": {actions}}}"#)
    };
    let nothing = "the rule gives nothing: name award_points, issue_badge or both";
    check(&with_actions("▼{}"), "actions", nothing);
    check(&with_actions(r#"▼{"award_points": 0}"#), "actions", nothing);
    let range = "expected a whole number from 0 to 1000000000, found";
    for wrong in ["-1", "1.5", "1000000001"] {
        let actions = format!("{{\"award_points\": ▼{wrong}}}");
        check(&with_actions(&actions), "actions.award_points", &format!("{range} {wrong}"));
    }
    check(
        &with_actions("{\"award_points\": ▼\"50\"}"),
        "actions.award_points",
        &format!("{range} text"),
    );
    check(
        &with_actions("{\"issue_badge\": ▼\"Course Master\"}"),
        "actions.issue_badge",
        "\"Course Master\" is not an id: expected 1 to 64 of a-z, 0-9, _ and -",
    );
}

#[test]
fn triggers_that_name_no_event() {
    let with_trigger = |trigger: &str| {
        format!(
            "{{\"rule_id\": \"r\", \"actions\": {{\"award_points\": 1}},\n\"trigger\": {trigger}}}"
        )
    };
    let expected = "expected an event's name as course.completed, a domain as course.*, or *";
    check(&with_trigger("▼{}"), "trigger", &format!("event is missing: {expected}"));
    check(&with_trigger("{\"event\": ▼[]}"), "trigger.event", &format!("no event: {expected}"));
    for wrong in ["completed", "Course.completed", "*.completed", "course.*.x", "a..b"] {
        check(
            &with_trigger(&format!("{{\"event\": [\"a.b\", ▼\"{wrong}\"]}}")),
            "trigger.event[1]",
            &format!("\"{wrong}\" is not an event: {expected}"),
        );
    }
    check(
        &with_trigger("{\"event\": ▼\"kleos.*\"}"),
        "trigger.event",
        "\"kleos.*\" is an event of the system itself: not for rules",
    );
    check(&with_trigger("{\"any\": ▼[]}"), "trigger.any", "no trigger: name at least one");
    check(
        &with_trigger("{\"any\": [{\"event\": \"a.b\"}], ▼\"event\": \"a.b\"}"),
        "trigger.event",
        "event does not go with any: write it into each trigger of any",
    );
    check(
        &with_trigger("{\"any\": [{\"event\": \"a.b\", ▼\"any\": []}]}"),
        "trigger.any[0].any",
        "unknown key \"any\": the nearest known is \"conditions\", known are event, conditions",
    );
}

#[test]
fn limits_that_mean_nothing() {
    let awards = "expected a whole number from 1 to 1000000, found 0";
    check(
        &with("\"constraints\": {\"max_per_day\": ▼0}"),
        "rules[0].constraints.max_per_day",
        awards,
    );
    check(
        &with("\"constraints\": {▼\"max_per_hour\": 1}"),
        "rules[0].constraints.max_per_hour",
        "unknown key \"max_per_hour\": the nearest known is \"max_per_course\", known are \
         max_per_day, max_per_week, max_per_month, max_lifetime, max_per_course, max_per_section, \
         max_per_lesson, max_per_programme, max_per_thread, cooldown_minutes",
    );
    check(
        &with("\"constraints\": {\"cooldown_minutes\": ▼50401}"),
        "rules[0].constraints.cooldown_minutes",
        "expected a whole number from 1 to 50400, found 50401",
    );
    let limits = |limit: &str| with(&format!("\"limits\": [{limit}]"));
    check(
        &limits("▼{\"max\": 1}"),
        "rules[0].limits[0]",
        "per is missing: expected day, week, month or lifetime",
    );
    check(
        &limits("{\"max\": 1, \"per\": ▼\"year\"}"),
        "rules[0].limits[0].per",
        "\"year\" is not a period: expected day, week, month or lifetime",
    );
    check(
        &limits("{\"max\": 1, \"per\": \"day\", \"scope\": ▼\"score_pct\"}"),
        "rules[0].limits[0].scope",
        "score_pct is nothing to count by: use one of context.course.id, context.section.id, \
         context.lesson.id, context.programme.id, context.thread.id, object.id, object.type, \
         event, source, instance",
    );
    check(
        &limits(
            "{\"max\": 1, \"per\": \"day\", \"scope\": [\"course_id\", ▼\"context.course.id\"]}",
        ),
        "rules[0].limits[0].scope[1]",
        "context.course.id is named twice: leave one out",
    );
    check(
        &with(
            "\"constraints\": {\"max_per_course\": 1}, \"limits\": [▼{\"max\": 2, \"per\": \
            \"lifetime\", \"scope\": \"course_id\"}]",
        ),
        "rules[0].limits[0]",
        "another limit counts the same period and scope: keep the smaller of the two",
    );
}

#[test]
fn times_that_mean_nothing() {
    check(
        &with("\"within\": {\"since\": \"a.b\", \"lte\": ▼\"P1M\"}"),
        "rules[0].within.lte",
        "\"P1M\" is not a length of time up to ten years: expected a duration of weeks, days, \
         hours, minutes and seconds, as P30D or PT36H, or whole seconds",
    );
    check(
        &with("\"within\": {\"since\": ▼\"a.*\", \"lte\": 60}"),
        "rules[0].within.since",
        "\"a.*\" is not an event: expected an event's name, as enrollment.created",
    );
    check(
        &with(r#""effective": ▼{"from": "2026-01-01T00:00:00Z", "to": "2026-01-01T00:00:00Z"}"#),
        "rules[0].effective",
        "never effective: from 2026-01-01T00:00:00Z is not before to 2026-01-01T00:00:00Z",
    );
    check(
        &with("\"effective\": {\"from\": ▼\"2026-01-01\", \"to\": null}"),
        "rules[0].effective.from",
        "\"2026-01-01\" is not a time: expected RFC 3339 with a zone, as 2026-11-22T10:15:30Z",
    );
    check(
        &with("\"streak\": {\"per\": ▼\"day\", \"min_length\": 2}"),
        "rules[0].streak.per",
        "expected \"week\", the only period of streaks",
    );
    check(
        &with("\"streak\": {\"per\": \"week\", \"min_length\": ▼3}"),
        "rules[0].streak.min_length",
        "expected a whole number from 2 to 2, found 3",
    );
    check(
        &with("\"streak\": {\"per\": \"week\", \"min_length\": 2}, ▼\"constraints\": {}"),
        "rules[0].constraints",
        "constraints do not go with streak, which pays once a week: leave one out",
    );
}

#[test]
fn all_that_is_wrong_is_told_at_once_in_the_order_of_the_text() {
    let text = r#"[
  {"rule_id": "R", "trigger": {"event": "x"}, "actions": {"award_points": -1},
   "within": {"lte": "P1M"}, "effective": {"from": 1}},
  {"rule_id": "s", "trigger": {"event": "a.b", "conditions": {"nix": 1, "score_pct": {"gte": "x"}}},
   "actions": {}, "constraints": {"max_per_day": 0, "nope": 1}}
]"#;
    let wrong = compile(text).unwrap_err();
    let places: Vec<_> = wrong.iter().map(|found| (found.line, found.path.as_str())).collect();
    let expected = [
        (2, "rules[0].rule_id"),
        (2, "rules[0].trigger.event"),
        (2, "rules[0].actions.award_points"),
        (3, "rules[0].within"),
        (3, "rules[0].within.lte"),
        (3, "rules[0].effective.from"),
        (4, "rules[1].trigger.conditions.nix"),
        (4, "rules[1].trigger.conditions.score_pct.gte"),
        (5, "rules[1].actions"),
        (5, "rules[1].constraints.max_per_day"),
        (5, "rules[1].constraints.nope"),
    ];
    assert_eq!(places, expected);
    let found = wrong[6].to_string();
    assert!(found.starts_with("4:63: rules[1].trigger.conditions.nix: unknown field"), "{found}");
}
