//! Many requests at once.

use std::collections::BTreeSet;

use serde_json::Value;
use tokio::task::JoinSet;

use crate::gateway::{Gateway, MOODLE, TOKEN, coordinates};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_receipt_of_many_is_distinct_and_holds_its_record() {
    const REQUESTS: usize = 500;
    let gateway = Gateway::start("").await;
    check_many(&gateway, REQUESTS).await;
    assert_eq!(gateway.records().await.len(), REQUESTS);
}

/// Sends so many at once, and looks each up by its receipt.
pub(crate) async fn check_many(gateway: &Gateway, requests: usize) {
    let client = reqwest::Client::new();
    let url = format!("http://{}{MOODLE}", gateway.address);
    let mut sending = JoinSet::new();
    for number in 0..requests {
        let request = client.post(&url).bearer_auth(TOKEN).body(number.to_string());
        sending.spawn(async move {
            let answer = request.send().await.unwrap();
            assert_eq!(answer.status().as_u16(), 200);
            let body: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
            (number, body)
        });
    }
    let answers = sending.join_all().await;
    let records = gateway.records().await;
    let mut places = BTreeSet::new();
    for (number, body) in answers {
        let place = coordinates(&body["receipt"]);
        let record = &records[&place];
        assert_eq!(record.body, number.to_string().as_bytes());
        assert_eq!(body["event_id"], record.delivery_id.as_str());
        assert_eq!(body["processed_at"], record.received_at.to_string());
        assert!(places.insert(place), "{place:?} twice");
    }
    assert_eq!(gateway.outcome("accepted"), requests as u64);
}
