//! Bodies that are encoded.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::gateway::{Gateway, MOODLE, TOKEN};
use crate::wire::Reply;

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

async fn send(gateway: &Gateway, encoding: &str, body: &[u8]) -> Reply {
    let head = format!(
        "POST {MOODLE} HTTP/1.1\r\nhost: kleos\r\nauthorization: Bearer {TOKEN}\r\n\
         content-encoding: {encoding}\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    gateway.send([head.as_bytes(), body].concat()).await
}

#[tokio::test]
async fn an_encoded_body_lies_in_the_log_without_its_encoding() {
    let gateway = Gateway::start("").await;
    let body = br#"{"id":1,"event":"lesson.completed"}"#;
    let reply = send(&gateway, "gzip", &gzip(body)).await;
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
        let reply = send(&gateway, encoding, body).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        let record = gateway.record_of(&reply).await;
        assert_eq!(record.body, body);
        let named = record.headers.iter().find(|line| line.name == "content-encoding").unwrap();
        assert_eq!(named.value, encoding);
    }
}
