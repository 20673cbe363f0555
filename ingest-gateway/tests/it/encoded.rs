//! Bodies that are encoded.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::gateway::{CUSTOM, Gateway, MOODLE, PORTAL_TOKEN, TOKEN};
use crate::wire::Reply;

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

async fn send(gateway: &Gateway, path: &str, encoding: &str, body: &[u8]) -> Reply {
    let token = if path == MOODLE { TOKEN } else { PORTAL_TOKEN };
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: kleos\r\nauthorization: Bearer {token}\r\n\
         content-encoding: {encoding}\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    gateway.send([head.as_bytes(), body].concat()).await
}

#[tokio::test]
async fn an_encoded_body_lies_in_the_log_without_its_encoding() {
    let gateway = Gateway::start("").await;
    let body = br#"{"id":1,"event":"lesson.completed"}"#;
    let reply = send(&gateway, MOODLE, "gzip", &gzip(body)).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    let record = gateway.record_of(&reply).await;
    assert_eq!(record.body, body);
    let names: Vec<&str> = record.headers.iter().map(|line| line.name.as_str()).collect();
    assert_eq!(names, ["host"]);
}

#[tokio::test]
async fn what_a_platform_sends_is_stored_also_where_it_cannot_be_decoded() {
    let gateway = Gateway::start("").await;
    for (encoding, body) in [("gzip", &b"{\"id\":1}"[..]), ("compress", b"\x1f\x9d\x90")] {
        let reply = send(&gateway, MOODLE, encoding, body).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        let record = gateway.record_of(&reply).await;
        assert_eq!(record.body, body);
        let named = record.headers.iter().find(|line| line.name == "content-encoding").unwrap();
        assert_eq!(named.value, encoding);
    }
}

#[tokio::test]
async fn a_program_of_ones_own_is_told_what_is_wrong_with_its_encoding() {
    let gateway = Gateway::start("").await;
    for (encoding, status, error) in
        [("gzip", 400, "malformed_encoding"), ("compress", 415, "unsupported_encoding")]
    {
        let reply = send(&gateway, CUSTOM, encoding, b"{\"id\":1}").await;
        assert_eq!((reply.status, &reply.json()["error"]), (status, &error.into()), "{reply:?}");
        assert_eq!(gateway.outcome(error), 1);
    }
    let reply = send(&gateway, CUSTOM, "compress", b"").await;
    assert_eq!(reply.header("accept-encoding"), Some("gzip, deflate, zstd, br"));
    assert!(gateway.records().await.is_empty());
}

#[tokio::test]
async fn a_small_body_that_becomes_a_large_one_is_too_large() {
    let gateway = Gateway::start("max_body = \"64KiB\"").await;
    let most = vec![b' '; 64 << 10];
    assert_eq!(send(&gateway, MOODLE, "gzip", &gzip(&most)).await.status, 200);
    let reply = send(&gateway, MOODLE, "gzip", &gzip(&vec![b' '; 8 << 20])).await;
    assert_eq!((reply.status, &reply.json()["error"]), (413, &"payload_too_large".into()));
    assert_eq!(gateway.records().await.len(), 1);
}
