//! Wrong conditions.

use kleos_rules_engine::compile;

use crate::diagnostics::check;

fn with_conditions(conditions: &str) -> String {
    format!(
        "{{\"rules\": [\n{{\"rule_id\": \"r\", \"actions\": {{\"award_points\": 1}}, \"trigger\": \
         {{\"event\": \"a.b\",\n    \"conditions\": {conditions}}}}}]}}"
    )
}

/// Conditions, the end of their path, and what is said.
const WRONG: &[(&str, &str, &str)] = &[
    ("▼[]", "", "expected an object of fields, all, any and not, found a list"),
    (
        "{▼\"progres_pct\": 80}",
        ".progres_pct",
        "unknown field \"progres_pct\": the nearest known is \"progress_pct\"",
    ),
    (
        "{▼\"context.course\": \"987\"}",
        ".context.course",
        "unknown field \"context.course\": the nearest known is \"context.course.id\"",
    ),
    (
        "{\"course_id\": ▼987}",
        ".course_id",
        "context.course.id is compared with text, as \"987\", found a number",
    ),
    (
        "{\"course_id\": {▼\"gte\": \"9\"}}",
        ".course_id.gte",
        "gte does not compare context.course.id, which is text, as \"987\": use one of eq, ne, \
             in, nin, exists, contains, starts_with, ends_with",
    ),
    (
        "{\"progress_pct\": {▼\"contains\": \"8\"}}",
        ".progress_pct.contains",
        "contains does not compare metrics.progress_pct, which is a number, as 80: use one of \
             eq, ne, gt, gte, lt, lte, between, in, nin, exists",
    ),
    (
        "{\"progress_pct\": {▼\"min\": 8}}",
        ".progress_pct.min",
        "unknown operator \"min\": for metrics.progress_pct there are eq, ne, gt, gte, lt, lte, \
             between, in, nin, exists",
    ),
    (
        "{\"progress_pct\": {\"gte\": ▼\"80\"}}",
        ".progress_pct.gte",
        "metrics.progress_pct is compared with a number, as 80, found text",
    ),
    (
        "{\"progress_pct\": {\"gte\": ▼0.0000000001}}",
        ".progress_pct.gte",
        "expected a number of at most 19 digits before and 9 digits after the point, found \
             0.0000000001",
    ),
    (
        "{\"progress_pct\": ▼{}}",
        ".progress_pct",
        "no operator: expected one of eq, ne, gt, gte, lt, lte, between, in, nin, exists",
    ),
    (
        "{\"progress_pct\": ▼null}",
        ".progress_pct",
        "nothing equals null: write {\"exists\": false}",
    ),
    (
        "{\"progress_pct\": ▼[80, 90]}",
        ".progress_pct",
        "a list is not compared as a whole: write {\"in\": […]} for one of several values",
    ),
    (
        "{\"progress_pct\": {\"between\": ▼[90, 80]}}",
        ".progress_pct.between",
        "expected two values, the lesser first",
    ),
    ("{\"source\": {\"in\": ▼[]}}", ".source.in", "0 values: expected 1 to 1000"),
    (
        "{\"source\": {\"in\": ▼\"moodle\"}}",
        ".source.in",
        "expected a list of values, each text, as \"987\", found text",
    ),
    (
        "{\"source\": {\"exists\": ▼\"yes\"}}",
        ".source.exists",
        "expected true or false, found text",
    ),
    (
        "{\"occurred_at\": {\"after\": ▼\"2026-11-22\"}}",
        ".occurred_at.after",
        "\"2026-11-22\" is not a time: expected RFC 3339 with a zone, as 2026-11-22T10:15:30Z",
    ),
    ("{\"any\": ▼[]}", ".any", "no condition: name at least one"),
    (
        "{\"not\": {\"all\": [{\"source\": \"a\"}, ▼7]}}",
        ".not.all[1]",
        "expected an object of fields, all, any and not, found a number",
    ),
];

#[test]
fn conditions_that_cannot_be_told() {
    for (conditions, rest, message) in WRONG {
        let path = format!("rules[0].trigger.conditions{rest}");
        check(&with_conditions(conditions), &path, message);
    }
}

#[test]
fn conditions_beyond_the_bounds() {
    let nested = |depth: usize| {
        format!("{}▼{{\"source\": \"a\"}}{}", "{\"not\": ".repeat(depth), "}".repeat(depth))
    };
    assert!(compile(&with_conditions(&nested(7)).replace('▼', "")).is_ok());
    let path = format!("rules[0].trigger.conditions{}", ".not".repeat(8));
    check(&with_conditions(&nested(8)), &path, "conditions are nested deeper than 8: flatten them");

    let leaves =
        |count: usize| format!("{{\"all\": [{}]}}", vec!["{\"source\": \"a\"}"; count].join(","));
    assert!(compile(&with_conditions(&leaves(64))).is_ok());
    let marked = with_conditions(&leaves(65)).replace("{\"event\"", "▼{\"event\"");
    check(&marked, "rules[0].trigger", "the rule has 65 comparisons: expected at most 64");

    let list =
        |count: usize| format!("{{\"source\": {{\"in\": ▼[{}]}}}}", vec!["\"a\""; count].join(","));
    assert!(compile(&with_conditions(&list(1000)).replace('▼', "")).is_ok());
    let path = "rules[0].trigger.conditions.source.in";
    check(&with_conditions(&list(1001)), path, "1001 values: expected 1 to 1000");
}
