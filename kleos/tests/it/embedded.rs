//! `kleos up` from a webhook to points, and over a stop and a start.

use serde_json::Value;

use crate::home::{CUSTOM_TOKEN, Home, MOODLE_TOKEN, QUERY_TOKEN, lesson};
use crate::process::until;
use crate::web;

const LEARNER: &str = "/v1/tenants/demo/learners/custom-demo%2F1";

/// The rows of `kleos lag`, once the two services that run have done all there is.
fn lag_when_done(home: &Home) -> Vec<Value> {
    until("nothing left to do", || {
        let rows = home.run(&["lag", "--json"]).fine();
        let rows: Vec<Value> =
            rows.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let is_done = |row: &Value| row["service"] == "analytics-sink" || row["lag"] == 0;
        rows.iter().all(is_done).then_some(rows)
    })
}

#[test]
fn a_webhook_becomes_points_and_every_command_shows_them() {
    let home = Home::with("[embedded]\npartitions = 2\n");
    let up = home.up();
    let receipt = home.post(&lesson(1, 1)).json();
    assert_eq!(receipt["status"], "success", "{receipt}");
    assert_eq!(receipt["receipt"]["topic"], "kleos.raw.v1", "{receipt}");
    assert_eq!(receipt["receipt"]["durability"], "disk", "{receipt}");
    let learner = home.wait_for_balance("custom-demo/1", 10);
    assert_eq!(learner["recent_awards"][0]["rule_id"], "lesson_completion", "{learner}");

    let told = home.run(&["learner", "demo", "custom-demo/1"]).fine();
    for words in ["custom-demo/1 of demo", "10 points of 1 awards for 1 events", "of 3 used"] {
        assert!(told.contains(words), "{words:?} is not in\n{told}");
    }
    let awards = home.records("awards");
    let award = &awards[0]["value"];
    assert_eq!((awards.len(), &award["points"]), (1, &Value::from(10)), "{awards:?}");
    assert_eq!(awards[0]["key"], "demo|custom-demo/1");
    let raw = home.records("kleos.raw.v1");
    assert_eq!(raw.len(), 1);
    assert_eq!(raw[0]["value"]["delivery_id"], receipt["receipt"]["delivery_id"]);
    assert_eq!(home.records("decisions").len(), 1);

    let rows = lag_when_done(&home);
    assert_eq!(rows.len(), 3 * 2, "{rows:?}");
    let told = home.run(&["lag"]).fine();
    let rules = "rules-processor  kleos.events.v1          0 behind in 0 of 2 partitions, \
                 transactions open in 0";
    assert!(told.contains(rules), "{told}");
    up.stop();
    let state = home.run(&["state"]).fine();
    let state: Value = serde_json::from_str(&state).unwrap();
    assert_eq!((&state["user_key"], &state["balance"]), (&"custom-demo/1".into(), &10.into()));
}

#[test]
fn the_log_has_a_line_for_each_request_and_nothing_that_its_sender_wrote() {
    let home = Home::new();
    let configuration = std::fs::read_to_string(home.path().join("kleos.toml")).unwrap();
    home.write("kleos.toml", &configuration.replace("[gateway]", "[gateway]\nrequest_log = true"));
    let up = home.up();
    let receipt = home.post(&lesson(1, 1)).json();
    let refused = web::post(home.ports.gateway, "s3cret", Some("s3cret"), "s3cret");
    assert_eq!(refused.status, 401);
    let said = up.stop();
    let of = |words: &[&str]| {
        said.lines().filter(|line| words.iter().all(|word| line.contains(word))).count()
    };
    let id = receipt["receipt"]["delivery_id"].as_str().unwrap();
    assert_eq!(of(&["request", "POST", "custom", "127.0.0.1", "accepted", id]), 1, "{said}");
    assert_eq!(of(&["request", "POST", "other", "authentication_failed"]), 1, "{said}");
    assert_eq!(of(&["s3cret"]), 0, "{said}");
    assert_eq!(of(&["request", CUSTOM_TOKEN]), 0, "{said}");
}

#[test]
fn without_a_good_token_nothing_is_taken_and_nothing_is_shown() {
    let home = Home::new();
    let up = home.up();
    let event = lesson(1, 1);
    let mut refusals = Vec::new();
    for (source, token) in [
        ("custom", None),
        ("custom", Some("not-a-token-of-anybody")),
        ("custom", Some(MOODLE_TOKEN)),
        ("moodle", Some(CUSTOM_TOKEN)),
        ("nowhere", None),
    ] {
        let refusal = web::post(home.ports.gateway, source, token, &event);
        assert_eq!(refusal.status, 401, "{source} {token:?}: {refusal:?}");
        refusals.push(refusal.body);
    }
    refusals.dedup();
    assert_eq!(refusals.len(), 1, "they tell each other apart: {refusals:?}");

    assert_eq!(home.post(&event).status, 202);
    home.wait_for_balance("custom-demo/1", 10);
    assert_eq!(web::get(home.ports.rules, LEARNER).status, 401);
    for token in [CUSTOM_TOKEN, "not-a-token-of-anybody"] {
        assert_eq!(web::get_with(home.ports.rules, LEARNER, token).status, 401, "{token}");
    }
    assert_eq!(web::get_with(home.ports.rules, LEARNER, QUERY_TOKEN).status, 200);
    assert_eq!(home.records("raw").len(), 1, "what was refused lies in the log");
    up.stop();
}

#[test]
fn what_cannot_be_understood_is_kept_and_the_rest_goes_on() {
    let home = Home::with("[embedded]\npartitions = 1\n");
    let up = home.up();
    for body in ["{\"eventname\":", r#"{"eventname":"\\core\\event\\course_completed"}"#] {
        assert_eq!(home.post_of_moodle(body).status, 200, "{body}");
    }
    assert_eq!(home.post(&lesson(1, 1)).status, 202);
    home.wait_for_balance("custom-demo/1", 10);
    let letters = home.records("dead-letters");
    let reasons: Vec<&Value> = letters.iter().map(|letter| &letter["value"]["reason"]).collect();
    assert_eq!(reasons, ["malformed_json", "missing_learner"]);
    up.stop();
}

#[test]
fn a_stop_ends_well_and_the_next_start_goes_on_where_it_was() {
    let home = Home::new();
    let up = home.up();
    for id in 1..=2 {
        assert_eq!(home.post(&lesson(1, id)).status, 202);
    }
    home.wait_for_balance("custom-demo/1", 20);
    let said = up.stop();
    for words in ["stopping", "reason=SIGTERM", "stopped"] {
        assert!(said.contains(words), "{words:?} is not in\n{said}");
    }
    assert!(web::try_get(home.ports.gateway, "/").is_none(), "the port is still open");

    let up = home.up();
    let learner = home.wait_for_balance("custom-demo/1", 20);
    assert_eq!((&learner["events"], &learner["rule_set_version"]), (&2.into(), &1.into()));
    // Both came before the stop; a fourth lesson of the day would not be paid.
    for id in [1, 2, 3, 4] {
        assert_eq!(home.post(&lesson(1, id)).status, 202);
    }
    home.wait_for_balance("custom-demo/1", 30);
    lag_when_done(&home);
    assert_eq!(home.records("awards").len(), 3);
    assert_eq!(home.records("raw").len(), 6, "every delivery is kept");
    up.stop();
}

#[test]
fn what_was_accepted_before_a_stop_is_decided_before_it_or_after() {
    let home = Home::new();
    let up = home.up();
    for learner in 1..=40 {
        assert_eq!(home.post(&lesson(learner, 1)).status, 202);
    }
    // Wherever the events are by now.
    up.stop();
    let up = home.up();
    for learner in 1..=40 {
        home.wait_for_balance(&format!("custom-demo/{learner}"), 10);
    }
    assert_eq!(home.records("awards").len(), 40);
    up.stop();
}
