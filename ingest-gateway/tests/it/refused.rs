//! Requests that are not taken: each is answered, counted, and leaves nothing behind.

use crate::gateway::{CUSTOM, Gateway, MOODLE, PORTAL_TOKEN, TOKEN};
use crate::wire::{Reply, post};

#[track_caller]
fn check(reply: &Reply, status: u16, error: &str) {
    assert_eq!(reply.status, status, "{reply:?}");
    assert_eq!(reply.header("content-type"), Some("application/json"));
    let body = reply.json();
    assert_eq!(body["status"], "error");
    assert_eq!(body["error"], error);
    assert_eq!(body["error_code"], error.to_uppercase());
    assert!(!body["message"].as_str().unwrap().is_empty());
}

fn head(method: &str, path: &str, lines: &str) -> String {
    format!("{method} {path} HTTP/1.1\r\nhost: kleos\r\n{lines}\r\n")
}

#[tokio::test]
async fn every_refused_credential_has_the_same_answer_and_its_own_count() {
    let gateway = Gateway::start("").await;
    let mut replies = Vec::new();
    for (path, lines) in [
        (MOODLE, String::new()),
        (MOODLE, "authorization: Basic dTpw\r\n".to_owned()),
        (MOODLE, "authorization: Bearer \r\n".to_owned()),
        (MOODLE, format!("authorization: Bearer {TOKEN}\r\n").repeat(2)),
        (MOODLE, "authorization: Bearer token-of-campus-a-3\r\n".to_owned()),
        (MOODLE, format!("authorization: Bearer {}\r\n", "x".repeat(8_000))),
        (MOODLE, format!("x-authorization: Bearer {TOKEN}\r\n")),
        (MOODLE, format!("authorization: Bearer {PORTAL_TOKEN}\r\n")),
        (CUSTOM, format!("authorization: Bearer {TOKEN}\r\n")),
        ("/api/public/hook/moodel/event", String::new()),
        ("/api/public/hook/..%2f/event", "authorization: Bearer sesame\r\n".to_owned()),
    ] {
        replies.push(gateway.send(head("POST", path, &lines)).await);
    }
    check(&replies[0], 401, "authentication_failed");
    assert_eq!(replies[0].header("www-authenticate"), Some("Bearer"));
    assert!(replies.iter().all(|reply| *reply == replies[0]), "{replies:?}");
    let count = |source: &str, reason: &str| {
        let labels = format!("reason=\"{reason}\",service=\"gateway\",source=\"{source}\"");
        gateway.metric("kleos_gateway_refused_credentials_total", &labels)
    };
    assert_eq!([count("moodle", "missing"), count("other", "missing")], [2, 1]);
    assert_eq!([count("moodle", "malformed"), count("moodle", "unknown")], [3, 2]);
    assert_eq!(count("other", "unknown"), 1);
    assert_eq!([count("moodle", "other_source"), count("custom", "other_source")], [1, 1]);
    assert_eq!(gateway.outcome("authentication_failed"), 11);
    assert!(gateway.records().await.is_empty());
}

#[tokio::test]
async fn what_is_not_there_is_told() {
    let gateway = Gateway::start("").await;
    for path in ["/", "/api/public/hook/moodle", "/api/public/hook/moodle/event/", "/metrics"] {
        check(&gateway.send(head("POST", path, "")).await, 404, "not_found");
    }
    let reply = gateway.send(post("/api/public/hook/moodel/event", TOKEN, "{}")).await;
    check(&reply, 404, "unknown_source");
    let expected = serde_json::json!({"field": "source", "expected": ["moodle", "custom"]});
    assert_eq!(reply.json()["details"], expected);
    for method in ["GET", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"] {
        let reply = gateway.send(head(method, MOODLE, "")).await;
        check(&reply, 405, "method_not_allowed");
        assert_eq!(reply.header("allow"), Some("POST"));
    }
    let count = |outcome: &str, source: &str| {
        let labels = format!("outcome=\"{outcome}\",service=\"gateway\",source=\"{source}\"");
        gateway.metric("kleos_gateway_requests_total", &labels)
    };
    assert_eq!([count("not_found", "other"), count("unknown_source", "other")], [4, 1]);
    assert_eq!(count("method_not_allowed", "moodle"), 6);
    assert!(gateway.records().await.is_empty());
}

#[tokio::test]
async fn a_sender_that_sends_too_much_before_it_reads_still_gets_its_answer() {
    let gateway = Gateway::start("max_body = \"1KiB\"").await;
    let mut wire = gateway.connect().await;
    wire.send(post(MOODLE, TOKEN, vec![b'x'; 20 << 20])).await;
    check(&wire.reply().await, 413, "payload_too_large");
    wire.closed().await;
    assert_eq!(gateway.held(), 0);
}
