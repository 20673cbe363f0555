//! The stop: requests in hand get their answers, and their records are there.

use std::net::TcpStream;
use std::time::Duration;

use kleos_service_kit::bootstrap::Process;
use kleos_service_kit::clock::SystemClock;
use tokio::runtime::Handle;

use crate::gateway::{Gateway, MOODLE, TOKEN, coordinates, settings_with};
use crate::wire::{PATIENCE, post};

fn is_refused(gateway: &Gateway) -> bool {
    TcpStream::connect_timeout(&gateway.address, PATIENCE).is_err()
}

#[tokio::test]
async fn a_request_in_hand_is_answered_and_its_record_is_there() {
    let gateway = Gateway::start("").await;
    let request = post(MOODLE, TOKEN, "in hand");
    let mut in_hand = gateway.connect().await;
    in_hand.send(&request[..request.len() - 1]).await;
    let mut begun = gateway.connect().await;
    begun.send("POST ").await;
    let mut used = gateway.connect().await;
    used.send(post(MOODLE, TOKEN, "before")).await;
    assert_eq!(used.reply().await.status, 200);
    let unused = gateway.connect().await;
    gateway.until("it is in hand", |gateway| gateway.held() > 0).await;
    gateway.until("all are taken", |gateway| gateway.connections() == 4).await;

    gateway.ask_to_stop();
    gateway.until("connections are refused", is_refused).await;
    unused.closed().await;
    used.closed().await;
    // A request that begins now is told to come back.
    begun.send(&post(MOODLE, TOKEN, "too late")["POST ".len()..]).await;
    let reply = begun.reply().await;
    assert_eq!((reply.status, &reply.json()["error"]), (503, &"stopping".into()));
    assert!(reply.header("retry-after").is_some());
    begun.closed().await;

    in_hand.send(&request[request.len() - 1..]).await;
    let reply = in_hand.reply().await;
    assert_eq!((reply.status, reply.header("connection")), (200, Some("close")));
    in_hand.closed().await;
    let records = gateway.records().await;
    assert_eq!(records[&coordinates(&reply.json()["receipt"])].body, b"in hand");
    assert_eq!(records.len(), 2);
    assert_eq!((gateway.outcome("accepted"), gateway.outcome("stopping")), (2, 1));
    assert_eq!(gateway.ended().await, Ok(()));
}

#[tokio::test]
async fn a_request_without_an_end_does_not_keep_the_log_from_being_closed() {
    let gateway = Gateway::start_to_stop_within(Duration::from_secs(2), "").await;
    let request = post(MOODLE, TOKEN, "without an end");
    let mut wire = gateway.connect().await;
    wire.send(&request[..request.len() - 1]).await;
    gateway.until("it is in hand", |gateway| gateway.held() > 0).await;
    gateway.ask_to_stop();
    wire.closed().await;
    gateway.until("it is counted", |gateway| gateway.outcome("gone") == 1).await;
    assert!(gateway.records().await.is_empty());
    assert_eq!(gateway.ended().await, Ok(()));
}

#[tokio::test]
async fn a_port_in_use_is_told_before_anything_starts() {
    let gateway = Gateway::start("").await;
    let listen = gateway.address;
    let clock = SystemClock::shared();
    let (process, _supervisor) = Process::new(Handle::current(), clock, PATIENCE).unwrap();
    let settings = settings_with(&format!("listen = \"{listen}\""));
    let failure = kleos_ingest_gateway::start(&process, gateway.log.clone(), settings).await;
    let said = failure.unwrap_err().to_string();
    assert!(said.starts_with(&format!("error: cannot listen on {listen} for webhooks")), "{said}");
    assert!(process.readiness.report().conditions.is_empty());
}
