//! Statements, envelopes and questions: what else can be sent, and what it is answered.

use kleos_contracts::raw::RawWebhook;
use serde_json::json;

use crate::gateway::{CUSTOM, Gateway, LESSON, PORTAL_TOKEN, TOKEN};
use crate::wire::{Reply, post};

const STATEMENTS: &str = "/xapi/statements";
const VALIDATE: &str = "/api/public/validate/webhook";

fn put(path: &str, body: &str) -> String {
    let request = String::from_utf8(post(path, TOKEN, body)).unwrap();
    request.replacen("POST", "PUT", 1)
}

async fn only_record(gateway: &Gateway) -> RawWebhook {
    let records: Vec<RawWebhook> = gateway.records().await.into_values().collect();
    let [record] = records.as_slice() else { panic!("{records:?}") };
    record.clone()
}

fn version(reply: &Reply) -> Option<&str> {
    reply.header("x-experience-api-version")
}

#[tokio::test(flavor = "multi_thread")]
async fn statements_are_answered_with_their_ids() {
    let gateway = Gateway::start("duplicates = {}").await;
    let body = r#"[{"id":"6690e6c9-3ef0-4ed3-8b37-7f3964730bee"},{"verb":{"id":"x"}}]"#;
    let first = gateway.send(post(STATEMENTS, TOKEN, body)).await;
    assert_eq!((first.status, version(&first)), (200, Some("1.0.3")));
    let ids = first.json();
    assert_eq!(ids[0], "6690e6c9-3ef0-4ed3-8b37-7f3964730bee");
    assert_eq!(ids.as_array().unwrap().len(), 2);
    let again = gateway.send(post("/xapi/campus-a/statements", TOKEN, body)).await;
    assert_eq!((again.status, again.json()), (200, ids), "ids are given once");
    let record = only_record(&gateway).await;
    assert_eq!((record.source.as_str(), record.path.as_str()), ("moodle", STATEMENTS));
    assert_eq!(record.body, body.as_bytes());
    assert_eq!(gateway.metric("kleos_gateway_requests_total", "source=\"moodle\""), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_is_put_is_answered_with_nothing() {
    let gateway = Gateway::start("").await;
    let path = "/xapi/statements?statementId=6690e6c9-3ef0-4ed3-8b37-7f3964730bee";
    let reply = gateway.send(put(path, "{}")).await;
    assert_eq!((reply.status, reply.body.as_str(), version(&reply)), (204, "", Some("1.0.3")));
    let record = only_record(&gateway).await;
    assert_eq!(record.query, "statementId=6690e6c9-3ef0-4ed3-8b37-7f3964730bee");
    assert_eq!(record.method, "PUT");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_statement_is_stored_all_the_same() {
    let gateway = Gateway::start("").await;
    let reply = gateway.send(post(STATEMENTS, TOKEN, "not json")).await;
    assert_eq!((reply.status, reply.json()), (200, json!([])));
    assert_eq!(only_record(&gateway).await.body, b"not json");
    let stranger = gateway.send(post(STATEMENTS, "a-token-that-nobody-has", "{}")).await;
    assert_eq!((stranger.status, version(&stranger)), (401, Some("1.0.3")));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_send_such_things_is_refused() {
    let gateway = Gateway::start("").await;
    for (path, token) in [
        (STATEMENTS, PORTAL_TOKEN),
        ("/xapi/campus-b/statements", TOKEN),
        ("/caliper/events", TOKEN),
        ("/webhooks/lti/events", TOKEN),
        ("/webhooks/services/a", TOKEN),
        ("/webhooks/internal/a", PORTAL_TOKEN),
    ] {
        assert_eq!(gateway.send(post(path, token, LESSON)).await.status, 401, "{path}");
    }
    let refused = gateway.send(put("/caliper/events", "{}")).await;
    assert_eq!((refused.status, refused.header("allow")), (405, Some("POST")));
    let get = gateway.send(put(STATEMENTS, "").replacen("PUT", "GET", 1)).await;
    assert_eq!((get.status, get.header("allow")), (405, Some("POST, PUT")));
    assert!(gateway.records().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_is_told_what_a_webhook_would_come_to_and_nothing_is_stored() {
    let gateway = Gateway::start("").await;
    let asked = gateway.send(post(VALIDATE, PORTAL_TOKEN, LESSON)).await;
    assert_eq!(asked.status, 200, "{asked:?}");
    let answer = asked.json();
    assert_eq!((&answer["result"], &answer["instance"]), (&json!("valid"), &json!("portal")));
    let event = &answer["items"][0]["event"];
    assert_eq!(
        (&event["event"], &event["user"]["key"]),
        (&json!("lesson.completed"), &json!("portal/7"))
    );

    let wrong = gateway.send(post(VALIDATE, TOKEN, "{")).await;
    assert_eq!((wrong.status, &wrong.json()["error"]), (400, &json!("validation_failed")));
    let item = &wrong.json()["details"]["items"][0];
    assert_eq!((&item["verdict"], &item["index"]), (&json!("rejected"), &json!(0)), "{item}");
    assert!(item["reason"] == "malformed_json", "{item}");

    assert!(gateway.records().await.is_empty());
    assert_eq!((gateway.outcome("validated"), gateway.outcome("validation_failed")), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_of_ones_own_is_told_what_is_wrong_and_a_platform_is_not() {
    let gateway = Gateway::start("").await;
    let wrong = r#"[{"event":"lesson.completed","user":{"id":"7"}},{"event":"lesson.completed"}]"#;
    let told = gateway.send(post(CUSTOM, PORTAL_TOKEN, wrong)).await;
    assert_eq!((told.status, &told.json()["error_code"]), (400, &json!("VALIDATION_FAILED")));
    let items = &told.json()["details"]["items"];
    assert_eq!((&items[0]["verdict"], &items[1]["verdict"]), (&json!("event"), &json!("rejected")));
    assert!(gateway.records().await.is_empty(), "all of a body or nothing");
    assert_eq!(gateway.post(wrong).await.status, 200, "the platform would drop it");
    assert_eq!(only_record(&gateway).await.body, wrong.as_bytes());
}
