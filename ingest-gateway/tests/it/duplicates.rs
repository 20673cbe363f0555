//! What is sent again is stored once, and answered with the first receipt.

use std::sync::Arc;

use crate::gateway::{CUSTOM, Gateway, LESSON, MOODLE, PORTAL_TOKEN, TOKEN};
use crate::wire::post;

const REMEMBERS: &str = "duplicates = {}";

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_that_comes_again_is_answered_with_its_first_receipt() {
    let gateway = Gateway::start(REMEMBERS).await;
    let body = LESSON;
    let first = gateway.send(post(CUSTOM, PORTAL_TOKEN, body)).await;
    assert_eq!((first.status, &first.json()["result"]), (202, &"accepted".into()));
    for _ in 0..2 {
        let again = gateway.send(post(CUSTOM, PORTAL_TOKEN, body)).await;
        assert_eq!((again.status, &again.json()["result"]), (200, &"duplicate".into()));
        for field in ["event_id", "receipt", "processed_at", "status"] {
            assert_eq!(again.json()[field], first.json()[field], "{field}");
        }
    }
    // The same bytes of another site are another delivery.
    let other = gateway.send(post(MOODLE, TOKEN, body)).await;
    assert_eq!((other.status, &other.json()["result"]), (200, &"accepted".into()));
    assert_eq!(gateway.records().await.len(), 2);
    assert_eq!((gateway.outcome("accepted"), gateway.outcome("duplicate")), (2, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_many_times_at_once_has_a_record_for_every_receipt() {
    let gateway = Arc::new(Gateway::start(REMEMBERS).await);
    let mut senders = tokio::task::JoinSet::new();
    for _ in 0..32 {
        let gateway = Arc::clone(&gateway);
        senders.spawn(async move { gateway.post("{}").await });
    }
    let mut accepted = std::collections::BTreeSet::new();
    let mut told = std::collections::BTreeSet::new();
    while let Some(reply) = senders.join_next().await {
        let reply = reply.unwrap().json();
        let id = reply["event_id"].as_str().unwrap().to_owned();
        if reply["result"] == "accepted" {
            accepted.insert(id.clone());
        }
        told.insert(id);
    }
    let records = gateway.records().await.into_values().map(|record| record.delivery_id);
    assert_eq!(records.collect::<std::collections::BTreeSet<_>>(), accepted);
    assert_eq!(told, accepted, "every receipt is one of a record");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_is_to_remember_nothing_stores_every_delivery() {
    let gateway = Gateway::start("duplicates = { deliveries = 0 }").await;
    for _ in 0..3 {
        assert_eq!(gateway.post("{}").await.json()["result"], "accepted");
    }
    assert_eq!(gateway.records().await.len(), 3);
}
