//! What a set of rules is, however it is written.

use kleos_rules_engine::{DEFAULT_RULES, RuleSet, compile};

const RULE: &str =
    r#"{"rule_id": "r", "trigger": {"event": "a.b"}, "actions": {"award_points": 1}}"#;

#[test]
fn definitions_are_refused_by_their_place_in_the_set() {
    let wrong = RuleSet::from_definitions([RULE, RULE, "{"]).unwrap_err();
    let paths: Vec<_> = wrong.iter().map(|found| found.path.as_str()).collect();
    assert_eq!(paths, ["rules[1].rule_id", "rules[2]"]);
}

#[test]
fn a_set_is_named_by_what_it_means() {
    let rules = compile(DEFAULT_RULES).unwrap();
    let texts: Vec<_> = rules.definitions().map(|(_, text)| text.to_owned()).collect();
    let again = RuleSet::from_definitions(texts.iter().map(String::as_str)).unwrap();
    assert_eq!(again.digest(), rules.digest());
    let compact = format!("[{}]", texts.join(","));
    assert_eq!(compile(&compact).unwrap().digest(), rules.digest());

    let rewritten =
        r#"[{"actions": {"award_points": 1.0}, "trigger": {"event": "a.b"}, "rule_id": "r"}]"#;
    let one = compile(rewritten).unwrap();
    assert_eq!(one.digest(), compile(RULE).unwrap().digest());
    assert_ne!(
        one.digest(),
        compile(&RULE.replace("{\"rule", "{\"description\": \"\", \"rule")).unwrap().digest()
    );
    assert_ne!(one.digest(), compile("[]").unwrap().digest());
    assert_eq!(
        one.definitions().next(),
        Some(("r", r#"{"actions":{"award_points":1},"rule_id":"r","trigger":{"event":"a.b"}}"#,))
    );
}
