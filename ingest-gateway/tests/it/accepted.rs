//! Events that are taken, and what then lies in the log.

use kleos_contracts::raw::{Authentication, Header, RawWebhook};
use kleos_contracts::time::Timestamp;
use serde_json::Value;

use crate::gateway::{CUSTOM, Gateway, LESSON, MOODLE, PORTAL_TOKEN, TOKEN};
use crate::wire::{Reply, post};

/// The answer's fixed part; returns the delivery id.
#[track_caller]
fn check_accepted(reply: &Reply, status: u16, durability: &str) -> String {
    assert_eq!(reply.status, status, "{reply:?}");
    assert_eq!(reply.header("content-type"), Some("application/json"));
    let body = reply.json();
    let names: Vec<&String> = body.as_object().unwrap().keys().collect();
    let expected = ["event_id", "points_awarded", "processed_at", "receipt", "result", "status"];
    assert!(names.iter().all(|name| expected.contains(&name.as_str())) && names.len() == 6);
    assert_eq!((&body["status"], &body["result"]), (&"success".into(), &"accepted".into()));
    assert_eq!(body["points_awarded"], Value::Null);
    assert_eq!(body["receipt"]["durability"], durability);
    assert_eq!(body["receipt"]["delivery_id"], body["event_id"]);
    body["event_id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_request_lies_in_the_log_as_it_came() {
    let gateway = Gateway::start("").await;
    let before = gateway.process.clock.now();
    let body = b"{\"id\":1,\"x\":\"\xff\x00\r\n\r\n\"}";
    let mut request = b"POST /api/public/hook/moodle/event?a=%20b&a=&c HTTP/1.1\r\n\
        Z-Last: 1\r\n\
        Host: kleos.example\r\n\
        Authorization: bearer token-of-campus-a-2\r\n\
        X-Bytes: \xe4\xf6\r\n\
        Content-Type: application/json; charset=utf-8\r\n\
        Cookie: MoodleSession=1\r\n\
        X-Api-Key: 7\r\n\
        X-Padded:    p q   \r\n\
        A-First: 1\r\n\
        Proxy-Authorization: Basic dTpw\r\n\
        X-Again: token-of-campus-a-2\r\n\
        Content-Length: 21\r\n\
        \r\n"
        .to_vec();
    request.extend_from_slice(body);
    let reply = gateway.send(request).await;
    let id = check_accepted(&reply, 200, "disk");
    let record = gateway.record_of(&reply).await;
    let line = |name: &str, value: &str| Header { name: name.into(), value: value.into() };
    let expected = RawWebhook {
        delivery_id: id,
        tenant: "acme".into(),
        source: "moodle".into(),
        instance: "campus-a".into(),
        received_at: record.received_at,
        client_ip: "127.0.0.1".into(),
        method: "POST".into(),
        path: MOODLE.into(),
        query: "a=%20b&a=&c".into(),
        content_type: "application/json; charset=utf-8".into(),
        headers: vec![
            line("z-last", "1"),
            line("host", "kleos.example"),
            line("x-bytes", "\u{e4}\u{f6}"),
            line("content-type", "application/json; charset=utf-8"),
            line("x-padded", "p q"),
            line("a-first", "1"),
            line("content-length", "21"),
        ],
        body: body.to_vec(),
        auth: Authentication { strategy: "bearer".into(), secret_id: "second".into() },
    };
    assert_eq!(record, expected);
    let told: Timestamp = reply.json()["processed_at"].as_str().unwrap().parse().unwrap();
    assert_eq!(told, record.received_at);
    assert!(before <= told && told <= gateway.process.clock.now());
    assert_eq!(gateway.records().await.len(), 1);
}

#[tokio::test]
async fn each_source_is_answered_as_it_wants() {
    let gateway = Gateway::start("").await;
    check_accepted(&gateway.send(post(MOODLE, TOKEN, "{}")).await, 200, "disk");
    let reply = gateway.send(post(CUSTOM, PORTAL_TOKEN, LESSON)).await;
    check_accepted(&reply, 202, "disk");
    let record = gateway.record_of(&reply).await;
    assert_eq!((record.source.as_str(), record.instance.as_str()), ("custom", "portal"));
    assert_eq!(record.auth.secret_id, "only");
}

#[tokio::test]
async fn a_body_in_chunks_is_put_together() {
    let gateway = Gateway::start("").await;
    let mut wire = gateway.connect().await;
    let head = format!(
        "POST {MOODLE} HTTP/1.1\r\nhost: kleos\r\nauthorization: Bearer {TOKEN}\r\n\
         transfer-encoding: chunked\r\n\r\n"
    );
    // Byte by byte, with an extension and a trailer.
    for byte in format!("{head}3\r\nabc\r\n5;x=1\r\ndefgh\r\n0\r\nx-trailer: 1\r\n\r").bytes() {
        wire.send([byte]).await;
    }
    gateway.until("it is being read", |gateway| gateway.held() > 0).await;
    let before_the_end = gateway.process.clock.now();
    wire.send("\n").await;
    let reply = wire.reply().await;
    check_accepted(&reply, 200, "disk");
    let record = gateway.record_of(&reply).await;
    assert_eq!(record.body, b"abcdefgh");
    assert!(record.received_at >= before_the_end);
    let names: Vec<&str> = record.headers.iter().map(|header| header.name.as_str()).collect();
    assert_eq!(names, ["host", "transfer-encoding"]);

    // The connection is good for another; chunks can make up the longest body there is.
    wire.send(&head).await;
    for _ in 0..16 {
        wire.send(format!("10000\r\n{}\r\n", "x".repeat(1 << 16))).await;
    }
    wire.send("0\r\n\r\n").await;
    let reply = wire.reply().await;
    check_accepted(&reply, 200, "disk");
    assert_eq!(gateway.record_of(&reply).await.body, vec![b'x'; 1 << 20]);
}

#[tokio::test]
async fn a_sender_that_leaves_or_says_no_more_has_its_event_stored() {
    let gateway = Gateway::start("").await;
    let mut wire = gateway.connect().await;
    wire.send(post(MOODLE, TOKEN, "says no more")).await;
    wire.finish().await;
    assert_eq!(wire.reply().await.status, 200);
    wire.closed().await;

    let mut wire = gateway.connect().await;
    wire.send(post(MOODLE, TOKEN, "leaves")).await;
    drop(wire);
    let ended = |gateway: &Gateway| gateway.outcome("accepted") + gateway.outcome("gone") == 2;
    gateway.until("both are counted", ended).await;
    gateway.until("all is given back", |gateway| gateway.held() == 0).await;
    let late = gateway.metric("kleos_gateway_late_appends_total", "result=\"stored\"");
    assert_eq!(gateway.outcome("accepted") + late, 2);
    let records = gateway.records().await;
    let mut bodies: Vec<&[u8]> = records.values().map(|record| record.body.as_slice()).collect();
    bodies.sort_unstable();
    assert_eq!(bodies, [&b"leaves"[..], b"says no more"]);
}

/// Of `LESSON`, as `openssl dgst -sha256 -hmac secret-of-the-signer` has it.
const SIGNATURE: &str = "122b6c82faf852956f58bc53b6dc4754518ae2671f9316e48eed87f4207ea5e3";

fn signed(path: &str, signature: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nHost: kleos.example\r\nX-Webhook-Signature: {signature}\r\n\
         Content-Length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

#[tokio::test]
async fn a_signed_body_is_taken_from_whoever_has_signed_it() {
    let gateway = Gateway::start("").await;
    let body = LESSON;
    for (path, signature) in [
        (CUSTOM, SIGNATURE.to_owned()),
        ("/api/public/hook/custom/signer/event", format!("sha256={}", SIGNATURE.to_uppercase())),
    ] {
        let reply = gateway.send(signed(path, &signature, body)).await;
        check_accepted(&reply, 202, "disk");
        let record = gateway.record_of(&reply).await;
        assert_eq!((record.instance.as_str(), record.body.as_slice()), ("signer", body.as_bytes()));
        let auth =
            Authentication { strategy: "hmac-sha256".to_owned(), secret_id: "hmac".to_owned() };
        assert_eq!(record.auth, auth);
    }
    for (path, signature, body) in [
        (CUSTOM, SIGNATURE, format!("{LESSON} ").as_str()),
        (CUSTOM, "sha256=", body),
        (MOODLE, SIGNATURE, body),
        ("/api/public/hook/custom/portal/event", SIGNATURE, body),
    ] {
        let reply = gateway.send(signed(path, signature, body)).await;
        assert_eq!(reply.status, 401, "{path} {signature} {body}: {reply:?}");
    }
    assert_eq!(gateway.records().await.len(), 2);
    let text = gateway.process.metrics.text().unwrap();
    let used = r#"kleos_gateway_credentials_total{credential="hmac",instance="signer",service="gateway"} 2"#;
    assert!(text.contains(used), "{text}");
    for reason in ["not_signed", "malformed", "unknown"] {
        assert!(text.contains(&format!("reason=\"{reason}\"")), "{reason} in {text}");
    }
}
