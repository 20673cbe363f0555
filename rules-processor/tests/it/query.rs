//! The query port.

use std::path::Path;
use std::sync::Arc;

use kleos_event_log::EventLog;
use kleos_service_kit::clock::SharedClock;
use kleos_test_kit::builders::EPOCH;
use kleos_test_kit::clock::ManualClock;
use kleos_test_kit::log::{Embedded, TestLog};
use reqwest::Method;
use serde_json::{Value, json};
use tempfile::tempdir;

use crate::bench::{OTHER_QUERY_TOKEN, PUBLISH_TOKEN, QUERY_TOKEN, feed, settings};
use crate::service::{Answer, Service};
use crate::suite::deciding::two_weeks;

/// A processor that has decided about two weeks of learner 1, at noon of the last day.
fn started(log: &EventLog, data: &Path) -> Service {
    let clock: SharedClock = Arc::new(ManualClock::at("2025-08-28T12:00:00Z".parse().unwrap()));
    let events = two_weeks(EPOCH);
    feed(log, &events);
    let settings = settings(data, "");
    let service = Service::try_start("a", log, (settings, clock)).unwrap();
    service.wait_for(events.len());
    service
}

fn ask(service: &Service, (method, path): (Method, &str), header: Option<&str>) -> Answer {
    let request = service.client().request(method, format!("{}{path}", service.url()));
    let with = |request: reqwest::RequestBuilder, header: &str| {
        request.header("authorization", header.to_owned())
    };
    service.send(header.into_iter().fold(request, with))
}

/// One limit in a line.
fn row(limit: &Value) -> String {
    let text = |name: &str| limit[name].as_str().unwrap_or("-").to_owned();
    format!(
        "{} {} {} {} {}/{} left {} next {}",
        text("rule_id"),
        text("per"),
        text("window"),
        text("scope"),
        limit["used"],
        limit["max"],
        limit["left"],
        text("next_eligible_at"),
    )
}

#[test]
fn a_learner_is_shown_with_what_is_left_of_each_limit() {
    let (log, data) = (Embedded::start(), tempdir().unwrap());
    let service = started(&log.log(), data.path());
    let Answer { status, mut body } = service.learner(1);
    assert_eq!(status, 200);
    let limits: Vec<String> = body["limits"].as_array().unwrap().iter().map(row).collect();
    let expected = [
        "lesson_completion day 2025-08-28 - 1/3 left 2 next -",
        "section_mastery lifetime - course=campus-a/987;section=campus-a/s1 1/1 left 0 next -",
        "timeboxed_completion lifetime - course=campus-a/987 1/1 left 0 next -",
        "weekly_streak week 2025-W35 - 1/1 left 0 next 2025-09-01T00:00:00Z",
        "forum_post day 2025-08-28 - 0/3 left 3 next -",
        "forum_post lifetime - thread=campus-a/120 1/1 left 0 next -",
        "forum_post cooldown - - 0/1 left 1 next -",
        "course_completion lifetime - course=campus-a/987 1/1 left 0 next -",
        "programme_completion lifetime - programme=campus-a/p1 1/1 left 0 next -",
    ];
    assert_eq!(limits, expected);
    let recent: Vec<(&str, i64)> = body["recent_awards"]
        .as_array()
        .unwrap()
        .iter()
        .map(|award| (award["rule_id"].as_str().unwrap(), award["points"].as_i64().unwrap()))
        .collect();
    let newest_first = [
        ("programme_completion", 100),
        ("weekly_streak", 20),
        ("lesson_completion", 10),
        ("course_completion", 50),
        ("timeboxed_completion", 15),
    ];
    assert_eq!(recent, newest_first);
    let fields = body.as_object_mut().unwrap();
    fields.remove("limits");
    fields.remove("recent_awards");
    assert_eq!(fields.remove("rule_set_digest").unwrap().as_str().unwrap().len(), 64);
    let badge = json!({
        "badge": "course_master", "rule_id": "course_completion",
        "granted_at": "2025-08-21T10:35:30Z",
    });
    let expected = json!({
        "tenant": "acme", "learner": "campus-a/1", "user_id": "1", "balance": 240,
        "badges": [badge], "events": 12, "awards": 10, "last_event_at": "2025-08-28T10:16:30Z",
        "rule_set_version": 1, "zone": "UTC",
    });
    assert_eq!(body, expected);
    service.stop();
}

#[test]
fn only_a_query_token_of_the_tenant_opens_and_a_refusal_tells_nothing() {
    let (log, data) = (Embedded::start(), tempdir().unwrap());
    let service = started(&log.log(), data.path());
    let refused = json!({
        "status": "error", "error": "authentication_failed",
        "error_code": "AUTHENTICATION_FAILED", "message": "a valid bearer token is needed",
    });
    let headers = [
        None,
        Some("Bearer"),
        Some("Bearer query-token-of-acm"),
        Some(&*format!("Basic {QUERY_TOKEN}")),
        Some(&*format!("Bearer {OTHER_QUERY_TOKEN}")),
        Some(&*format!("Bearer {PUBLISH_TOKEN}")),
    ]
    .map(|header| header.map(str::to_owned));
    for path in ["acme/learners/campus-a%2F1", "acme/learners/campus-a%2F2", "nobody/learners/a"] {
        let path = format!("/v1/tenants/{path}");
        for header in &headers {
            let answer = ask(&service, (Method::GET, &path), header.as_deref());
            assert_eq!((answer.status, answer.body), (401, refused.clone()), "{path} {header:?}");
        }
    }
    let path = "/v1/tenants/acme/learners/campus-a%2F1";
    for token in ["an-older-token-of-acme", QUERY_TOKEN] {
        let header = format!("bearer {token}");
        assert_eq!(ask(&service, (Method::GET, path), Some(&header)).status, 200);
    }
    service.stop();
}

#[test]
fn what_is_not_there_is_told_apart() {
    let (log, data) = (Embedded::start(), tempdir().unwrap());
    let service = started(&log.log(), data.path());
    let unknown = service.learner(2);
    assert_eq!((unknown.status, &unknown.body["error"]), (404, &"not_found".into()));
    let message = "no event of learner \"campus-a/2\" of tenant acme was accepted; the learner is \
                   the key, as campus-a/8774, percent-encoded";
    assert_eq!(unknown.body["message"], message);
    let header = format!("Bearer {QUERY_TOKEN}");
    let learner = "/v1/tenants/acme/learners/campus-a%2F1";
    for (method, path, status, error) in [
        (Method::GET, "/v1/tenants/acme/learners", 404, "not_found"),
        (Method::GET, "/v1/tenants/acme/learners/campus-a/1", 404, "not_found"),
        (Method::POST, learner, 405, "method_not_allowed"),
        (Method::GET, "/v1/tenants/acme/rules", 405, "method_not_allowed"),
    ] {
        let answer = ask(&service, (method, path), Some(&header));
        assert_eq!((answer.status, &answer.body["error"]), (status, &error.into()), "{path}");
    }
    service.stop();
}

/// Many rules that each say why they did not pay can say more than a record holds.
#[test]
fn an_explanation_that_is_too_long_is_cut_to_what_each_rule_said() {
    let (embedded, data) = (Embedded::start(), tempdir().unwrap());
    let log = embedded.log();
    let service = Service::start(&log, settings(data.path(), ""));
    service.wait_until_it_has(4);
    let rules: Vec<Value> = (0..200)
        .map(|number| {
            json!({
                "rule_id": format!("r{number}"), "actions": {"award_points": 1},
                "trigger": {
                    "event": "course.completed",
                    "conditions": {"context.course.title": {"starts_with": "y"}},
                },
            })
        })
        .collect();
    assert_eq!(service.publish(&json!(rules).to_string()).status, 200);
    let mut event = crate::bench::course(1..2, 0).remove(0);
    event.context.course.as_mut().unwrap().title = Some("x".repeat(60_000));
    feed(&log, &[event]);
    service.wait_for(1);
    service.stop();
    let books = crate::books::Books::read(&log);
    books.assert_agree();
    let verdicts = &books.decisions[0].value.verdicts;
    assert_eq!(verdicts.len(), 200);
    assert!(verdicts.iter().all(|said| said.verdict == "condition_false" && said.leaf.is_none()));
}
