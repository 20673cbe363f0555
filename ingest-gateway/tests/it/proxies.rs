//! Where a request comes from, behind proxies.

use crate::gateway::{CUSTOM, Gateway, LESSON, MOODLE, TOKEN};
use crate::wire::Reply;

/// A site that sends from one network, behind a proxy on this machine.
const FENCED: &str = r#"
    trusted_proxies = ["loopback"]
    [instances.fenced]
    tenant = "acme"
    source = "custom"
    allow_from = ["203.0.113.0/24"]
    credentials = [{ id = "only", secret = "token-of-the-fenced" }]
"#;

async fn send(gateway: &Gateway, path: &str, token: &str, lines: &str) -> Reply {
    let head = format!("POST {path} HTTP/1.1\r\nhost: kleos\r\nauthorization: Bearer {token}\r\n");
    let length = LESSON.len();
    gateway.send(format!("{head}{lines}content-length: {length}\r\n\r\n{LESSON}")).await
}

#[tokio::test]
async fn the_record_has_the_clients_address_where_a_proxy_vouches_for_it() {
    for (lines, sent, expected) in [
        ("", "x-forwarded-for: 203.0.113.7\r\n", "127.0.0.1"),
        (
            "trusted_proxies = [\"loopback\"]",
            "x-forwarded-for: 192.0.2.1\r\nx-forwarded-for: 203.0.113.7\r\n",
            "203.0.113.7",
        ),
        (
            "trusted_proxies = [\"loopback\"]\nforwarded_header = \"forwarded\"",
            "x-forwarded-for: 192.0.2.1\r\nforwarded: for=\"[2001:db8::1]:7\"\r\n",
            "2001:db8::1",
        ),
        ("trusted_proxies = [\"loopback\"]", "x-forwarded-for: unknown\r\n", "127.0.0.1"),
    ] {
        let gateway = Gateway::start(lines).await;
        let reply = send(&gateway, MOODLE, TOKEN, sent).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        assert_eq!(gateway.record_of(&reply).await.client_ip, expected, "{lines}");
    }
}

#[tokio::test]
async fn a_good_secret_from_elsewhere_is_answered_like_a_bad_one() {
    let gateway = Gateway::start(FENCED).await;
    let token = "token-of-the-fenced";
    let inside = send(&gateway, CUSTOM, token, "x-forwarded-for: 203.0.113.7\r\n").await;
    assert_eq!(inside.status, 202, "{inside:?}");
    let bad = send(&gateway, CUSTOM, "token-of-nobody", "").await;
    assert_eq!(bad.status, 401);
    for lines in [
        "",
        "x-forwarded-for: 203.0.114.7\r\n",
        "x-forwarded-for: 203.0.113.7, 198.51.100.1\r\n",
        "x-forwarded-for: 203.0.113.7, unknown\r\n",
    ] {
        assert_eq!(send(&gateway, CUSTOM, token, lines).await, bad, "{lines}");
    }
    let labels = "reason=\"other_address\",service=\"gateway\",source=\"custom\"";
    assert_eq!(gateway.metric("kleos_gateway_refused_credentials_total", labels), 4);
    assert_eq!(gateway.records().await.len(), 1);
}

#[tokio::test]
async fn a_connection_of_a_proxy_begins_with_whom_it_is_of() {
    let settings = "trusted_proxies = [\"loopback\"]\nproxy_protocol = true";
    let gateway = Gateway::start(settings).await;
    let request =
        format!("POST {MOODLE} HTTP/1.1\r\nhost: kleos\r\nauthorization: Bearer {TOKEN}\r\n");
    let request = format!("{request}content-length: 2\r\n\r\n{{}}");
    let header = [
        &b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c"[..],
        &[203, 0, 113, 7, 10, 0, 0, 1, 0x9c, 0x40, 0x1f, 0x90],
    ]
    .concat();
    let reply = gateway.send([&header, request.as_bytes()].concat()).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    assert_eq!(gateway.record_of(&reply).await.client_ip, "203.0.113.7");

    let mut wire = gateway.connect().await;
    wire.send(&request).await;
    wire.closed().await;
    assert_eq!(gateway.metric("kleos_gateway_refused_connections_total", "service=\"gateway\""), 1);
    assert_eq!(gateway.records().await.len(), 1);
}
