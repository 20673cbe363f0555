//! Secrets are nowhere but where they were put: not in the log, an answer, a metric, a record, or
//! what a command prints.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::home::Home;
use crate::process::PATIENCE;
use crate::web;

const BEARER: &str = "Bearer0secret0of0the0site";
const PASSWORD: &str = "Password0of0the0site0";
const KEY: &str = "Key0of0the0site000000";
const PARAMETER: &str = "Parameter0of0the0site";
const FIELD: &str = "Field0of0the0site0000";
const HMAC: &str = "Hmac0secret0of0the0site";
/// What `whsec_…` stands for.
const STANDARD_KEY: &str = "Standard0key0of0the0site";
const STANDARD_SECRET: &str = "whsec_U3RhbmRhcmQwa2V5MG9mMHRoZTBzaXRl";
const SECRETS: [&str; 8] =
    [BEARER, PASSWORD, KEY, PARAMETER, FIELD, HMAC, STANDARD_KEY, STANDARD_SECRET];

const SITE: &str = r#"
request_log = true
[gateway.rate_limits]
profile = "none"
[instances.site]
tenant = "demo"
source = "moodle"
credentials = [
    { id = "bearer", secret = "Bearer0secret0of0the0site" },
    { id = "basic", strategy = "basic", username = "site", secret = "Password0of0the0site0" },
    { id = "key", strategy = "header", header = "x-site", secret = "Key0of0the0site000000" },
    { id = "query", strategy = "query", parameter = "t", secret = "Parameter0of0the0site" },
    { id = "body", strategy = "body", field = "pass", secret = "Field0of0the0site0000" },
    { id = "hmac", strategy = "atomic-guide", secret = "Hmac0secret0of0the0site" },
    { id = "standard", strategy = "standard-webhooks", secret = "whsec_U3RhbmRhcmQwa2V5MG9mMHRoZTBzaXRl" },
]
"#;

const PATH: &str = "/api/public/hook/moodle/event";

/// A configuration with all of it, and a log that says whatever it can.
fn home() -> Home {
    let home = Home::new();
    let text = std::fs::read_to_string(home.path().join("kleos.toml")).unwrap();
    let levels = "[process]\nlog_level = \"trace,h2=trace\"\n";
    let (gateway, site) = SITE.split_once("[gateway.rate_limits]").unwrap();
    let text = text.replace("[process]\n", levels);
    let text = text.replace("[gateway]\n", &format!("[gateway]{gateway}"));
    home.write("kleos.toml", &format!("{text}[gateway.rate_limits]{site}"));
    home
}

/// Sends bytes and reads until the other side closes.
fn send(port: u16, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(request).unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let mut answer = Vec::new();
    // A reset ends it too.
    stream.read_to_end(&mut answer).ok();
    String::from_utf8_lossy(&answer).into_owned()
}

fn post(path: &str, lines: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    let head = format!("POST {path} HTTP/1.1\r\nhost: kleos\r\n{lines}");
    format!("{head}content-length: {length}\r\n\r\n{body}").into_bytes()
}

fn sign(secret: &str, message: &str) -> Vec<u8> {
    let mac = <Hmac<Sha256> as KeyInit>::new_from_slice(secret.as_bytes()).unwrap();
    mac.chain_update(message).finalize().into_bytes().to_vec()
}

/// A request that each credential proves, with the others' secrets beside it, where they stand.
fn proven() -> Vec<Vec<u8>> {
    let event = |number: u32| {
        format!(r#"{{"eventname":"\\core\\event\\x","id":{number},"token":"{FIELD}"}}"#)
    };
    let with_others = |lines: String| format!("{lines}x-site: {KEY}\r\ncookie: a={BEARER}\r\n");
    let query = format!("{PATH}?a=1&t={PARAMETER}");
    let basic = STANDARD.encode(format!("site:{PASSWORD}"));
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let signed = event(6);
    let standard = event(7);
    let of_standard = STANDARD.encode(sign(STANDARD_KEY, &format!("m7.{now}.{standard}")));
    vec![
        post(&query, &with_others(format!("authorization: Bearer {BEARER}\r\n")), &event(1)),
        post(&query, &with_others(format!("authorization: Basic {basic}\r\n")), &event(2)),
        post(PATH, &format!("x-site: {KEY}\r\nx-copy: {KEY}\r\n"), &event(3)),
        post(&query, "", &event(4)),
        post(PATH, "", &format!(r#"{{"eventname":"\\core\\event\\x","id":5,"pass":"{FIELD}"}}"#)),
        post(
            &query,
            &format!("x-webhook-signature: sha256={}\r\n", hex::encode(sign(HMAC, &signed))),
            &signed,
        ),
        post(
            &query,
            &format!(
                "webhook-id: m7\r\nwebhook-timestamp: {now}\r\nwebhook-signature: v1,{of_standard}\r\n"
            ),
            &standard,
        ),
    ]
}

/// A secret in places where it proves nothing.
fn misplaced(secret: &str) -> Vec<Vec<u8>> {
    let encoded = STANDARD.encode(secret);
    let bearer = |text: &str| format!("authorization: Bearer {text}\r\n");
    let raw = |text: String| text.into_bytes();
    let mut requests: Vec<Vec<u8>> = [
        format!("authorization: {secret}\r\n"),
        format!("authorization: Digest {secret}\r\n"),
        format!("authorization: Basic {encoded}\r\n"),
        format!("authorisation: Bearer {secret}\r\n"),
        bearer(&format!("{secret}x")),
        bearer(secret) + &bearer(secret),
        format!("x-webhook-signature: {secret}\r\n"),
        format!("webhook-signature: v1,{secret}\r\n"),
        format!(
            "webhook-id: {secret}\r\nwebhook-timestamp: {secret}\r\nwebhook-signature: v1,x\r\n"
        ),
        format!("content-encoding: {secret}\r\ncontent-type: {secret}\r\nuser-agent: {secret}\r\n"),
        format!(
            "x-forwarded-for: {secret}\r\nforwarded: for={secret}\r\ntraceparent: {secret}\r\n"
        ),
        format!("{secret}\r\n"),
        format!("{secret}: 1\r\n {secret}\r\n"),
        format!("transfer-encoding: {secret}\r\n"),
    ]
    .iter()
    .map(|lines| post(PATH, lines, &format!("{{\"password\":\"{secret}\"}}")))
    .collect();
    requests.extend([
        post(&format!("{PATH}?access_token={secret}&{secret}"), "", secret),
        post(&format!("/api/public/hook/{secret}/event"), "", ""),
        post(&format!("/api/public/hook/moodle/{secret}/event"), &bearer(BEARER), ""),
        raw(format!("GET /{secret} HTTP/1.1\r\nhost: {secret}\r\n\r\n")),
        raw(format!("{secret} {PATH} HTTP/1.1\r\nhost: kleos\r\n\r\n")),
        raw(format!("POST {PATH} {secret}\r\n\r\n")),
        raw(format!("POST {PATH} HTTP/1.1\r\nhost: kleos\r\ncontent-length: {secret}\r\n\r\n")),
        in_frames(secret),
    ]);
    requests
}

/// The same in HTTP/2, in every line of a head, and as the body.
fn in_frames(secret: &str) -> Vec<u8> {
    let text = |text: &str| [&[u8::try_from(text.len()).unwrap()], text.as_bytes()].concat();
    let line = |name: &str, value: &str| [vec![0], text(name), text(value)].concat();
    let frame = |kind: u8, flags: u8, stream: u8, payload: &[u8]| {
        let length = u16::try_from(payload.len()).unwrap().to_be_bytes();
        [&[0, length[0], length[1], kind, flags, 0, 0, 0, stream], payload].concat()
    };
    let head = [
        line(":method", "POST"),
        line(":scheme", "http"),
        line(":authority", secret),
        line(":path", &format!("/{secret}")),
        line("authorization", &format!("Bearer {secret}")),
        line("x-any", secret),
    ]
    .concat();
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    let (head, body) = (frame(1, 4, 1, &head), frame(0, 1, 1, secret.as_bytes()));
    [preface, frame(4, 0, 0, &[]), head, body].concat()
}

/// A secret as it is, and as it comes out of what encodes it.
fn forms(secret: &str) -> Vec<String> {
    let mut forms = vec![
        secret.to_owned(),
        secret.to_lowercase(),
        hex::encode(secret),
        hex::encode_upper(secret),
        secret.bytes().map(|byte| format!("%{byte:02X}")).collect(),
    ];
    // Within a longer text base64 begins at any of three places, and its ends are others'.
    for before in 0..3 {
        let encoded = STANDARD.encode([&vec![b'.'; before], secret.as_bytes()].concat());
        let inner = encoded.trim_end_matches('=').get(4..).unwrap();
        forms.push(inner.get(..inner.len() - 2).unwrap().to_owned());
    }
    forms
}

#[track_caller]
fn check_clean(place: &str, text: &str) {
    assert!(!text.is_empty(), "{place} is empty");
    for secret in SECRETS {
        for form in forms(secret) {
            let found = text.lines().find(|line| line.contains(&form));
            assert!(found.is_none(), "{form} of {secret} in {place}: {found:?}");
        }
    }
}

#[test]
fn a_secret_is_nowhere_but_where_it_was_put() {
    let home = home();
    check_clean("kleos gateway check", &home.run(&["gateway", "check"]).fine());
    let up = home.up();
    for (number, request) in proven().iter().enumerate() {
        let answer = send(home.ports.gateway, request);
        assert!(answer.starts_with("HTTP/1.1 200 OK"), "{number}: {answer}");
        check_clean("the answer to who is proven", &answer);
    }
    for secret in SECRETS {
        for request in misplaced(secret) {
            let answer = send(home.ports.gateway, &request);
            check_clean("the answer to who is not", &answer);
            assert!(!answer.contains("\"accepted\""), "{answer}");
        }
    }
    check_clean("the metrics", &web::get(home.ports.admin, "/metrics").body);
    check_clean("the conditions", &web::get(home.ports.admin, "/ready").body);
    let raw = home.run(&["tail", "raw", "--all", "--end"]).fine();
    assert_eq!(raw.lines().count(), 7);
    check_clean("the raw records", &raw);
    crate::process::until("all are normalised", || {
        let unmapped = home.run(&["tail", "unmapped", "--all", "--end"]).fine();
        check_clean("what is not mapped", &format!("{unmapped}."));
        (unmapped.lines().count() == 7).then_some(())
    });
    let said = up.stop();
    assert!(said.contains("request") && said.contains(" DEBUG ") && said.contains("h2::"));
    check_clean("the log", &said);
}

#[test]
fn a_configuration_that_is_wrong_is_told_of_without_its_secrets() {
    let home = home();
    let text = std::fs::read_to_string(home.path().join("kleos.toml")).unwrap();
    let good = format!("secret = \"{BEARER}\"");
    for bad in [
        format!("secret = \"{BEARER}"),
        format!("secret = {BEARER}"),
        format!("secret = [\"{BEARER}\"]"),
        format!("secret = {{ file = \"none\", text = \"{BEARER}\" }}"),
        format!("secret = \"{BEARER}\" \"{BEARER}\""),
        format!("secret = \"{BEARER}\", secret = \"{BEARER}\""),
        format!("strategy = \"standard-webhooks\", secret = \"{BEARER}\""),
        format!("secret = \"{KEY}\""),
    ] {
        home.write("kleos.toml", &text.replace(&good, &bad));
        let said = home.run(&["gateway", "check"]).failed(64);
        check_clean(&bad, &said);
    }
}
