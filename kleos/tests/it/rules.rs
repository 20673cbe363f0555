//! `kleos rules validate` and `kleos rules publish`.

use crate::home::{Home, PUBLISH_TOKEN, QUERY_TOKEN, lesson};
use crate::web;

const DOUBLE: &str = r#"{"rules": [
  {
    "rule_id": "double",
    "trigger": { "event": "lesson.completed" },
    "actions": { "award_points": 25 }
  }
]}"#;

/// Three mistakes, each with the place that must be told.
const WRONG: &str = r#"{"rules": [
  {
    "rule_id": "double",
    "trigger": { "evnt": "lesson.completed" },
    "actions": { "award_points": "25" },
    "constraints": { "max_per_day": -1 }
  }
]}"#;

#[track_caller]
fn check_refused(home: &Home, arguments: &[&str]) {
    let said = home.run(arguments).failed(1);
    for place in ["wrong.json:4:18: rules[0].trigger", "wrong.json:5:34: ", "wrong.json:6:37: "] {
        assert!(said.contains(place), "{place} is not in\n{said}");
    }
    assert!(said.contains("mistakes: refused as a whole"), "{said}");
}

#[test]
fn a_file_of_rules_is_judged_without_a_process() {
    let home = Home::new();
    home.write("double.json", DOUBLE);
    home.write("default.json", include_str!("../../../crates/rules-engine/default-rules.json"));
    home.write("wrong.json", WRONG);
    home.write("torn.json", "{\"rules\": [\n  {\n");
    // Neither a configuration nor a log is looked at.
    std::fs::remove_file(home.path().join("kleos.toml")).unwrap();
    let one = home.run(&["rules", "validate", "double.json"]).fine();
    assert!(one.starts_with("1 rules, digest "), "{one}");
    let all = home.run(&["rules", "validate", "default.json"]).fine();
    assert!(all.starts_with("7 rules, digest "), "{all}");
    check_refused(&home, &["rules", "validate", "wrong.json"]);
    let said = home.run(&["rules", "validate", "torn.json"]).failed(1);
    assert!(said.contains("torn.json:3:"), "{said}");
    let said = home.run(&["rules", "validate", "none.json"]).failed(1);
    assert!(said.contains("error: cannot read the rules: No such file"), "{said}");
    assert!(said.contains("where: none.json"), "{said}");
}

#[test]
fn published_rules_hold_at_once_and_wrong_ones_change_nothing() {
    let home = Home::new();
    home.write("double.json", DOUBLE);
    home.write("wrong.json", WRONG);
    let up = home.up();
    assert_eq!(home.post(&lesson(1, 1)).status, 202);
    home.wait_for_balance("custom-demo/1", 10);

    let publish = ["rules", "publish", "double.json", "--tenant", "demo"];
    let told = home.run(&publish).fine();
    assert_eq!(told, "version 2 of demo's rules holds from now on\n");
    let told = home.run(&publish).fine();
    assert_eq!(told, "version 2 of demo's rules is the same and holds already\n");
    check_refused(&home, &["rules", "publish", "wrong.json", "--tenant", "demo"]);
    let said = home.run(&["rules", "publish", "double.json", "--tenant", "other"]).failed(1);
    assert!(said.contains("tenant \"other\" is not in the configuration"), "{said}");

    assert_eq!(home.post(&lesson(1, 2)).status, 202);
    let learner = home.wait_for_balance("custom-demo/1", 35);
    assert_eq!(learner["rule_set_version"], 2, "{learner}");
    up.stop();
    let up = home.up();
    assert_eq!(home.post(&lesson(1, 3)).status, 202);
    home.wait_for_balance("custom-demo/1", 60);
    up.stop();
}

#[test]
fn the_query_port_refuses_in_one_shape() {
    let home = Home::new();
    let up = home.up();
    let port = home.ports.rules;
    let rules = "/v1/tenants/demo/rules";
    for (answer, status, error) in [
        (web::put_with(port, rules, QUERY_TOKEN, DOUBLE), 401, "authentication_failed"),
        (web::put_with(port, rules, PUBLISH_TOKEN, WRONG), 422, "invalid_payload"),
        (web::put_with(port, "/v1/tenants/x/rules", PUBLISH_TOKEN, DOUBLE), 404, "not_found"),
        (web::get_with(port, rules, PUBLISH_TOKEN), 405, "method_not_allowed"),
        (web::get_with(port, "/v2", QUERY_TOKEN), 404, "not_found"),
        (web::get_with(port, "/v1/tenants/demo/learners/nobody", QUERY_TOKEN), 404, "not_found"),
    ] {
        assert_eq!((answer.status, answer.error().as_str()), (status, error), "{answer:?}");
        assert_eq!(answer.json()["error_code"], error.to_uppercase(), "{answer:?}");
    }
    let wrong = web::put_with(port, rules, PUBLISH_TOKEN, WRONG).json();
    let problem = &wrong["details"]["problems"][1];
    assert_eq!((&problem["line"], &problem["column"]), (&4.into(), &18.into()), "{wrong}");
    up.stop();
}
