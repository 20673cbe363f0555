//! Signatures: in another form, of other bytes, of another time.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::rows::{CUSTOM, MOODLE, case, post};
use super::{Case, Step};

const GROUP: &str = "signature";
const NEW: &str = "new-secret-of-the-signer";
const OLD: &str = "old-secret-of-the-signer";
const ENCODER: &str = "secret-of-the-encoder\n";
/// What `whsec_…` of the configuration stands for.
const STANDARD_KEY: &str = "secret-of-the-standard-one";

pub(super) fn cases() -> Vec<Case> {
    let mut cases = forms();
    cases.extend(other_bytes());
    let now = seconds_now();
    cases.extend(standard(now));
    cases.extend(times(now));
    cases
}

fn sign(secret: &str, message: &[u8]) -> Vec<u8> {
    let mac = <Hmac<Sha256> as KeyInit>::new_from_slice(secret.as_bytes());
    mac.map(|mac| mac.chain_update(message).finalize().into_bytes().to_vec()).unwrap_or_default()
}

fn hex_of(secret: &str, message: &[u8]) -> String {
    hex::encode(sign(secret, message))
}

fn line(signature: &str) -> String {
    format!("x-signature: {signature}\r\n")
}

fn body(id: u32) -> Vec<u8> {
    format!("[{id}]").into_bytes()
}

fn good(name: &str, lines: &str, body: Vec<u8>) -> Case {
    case(GROUP, name, vec![Step::Send(post(MOODLE, lines, &body)), Step::Stored(body)])
}

fn bad(name: &str, path: &str, lines: &str, body: &[u8]) -> Case {
    let refused = Step::Refused(401, "authentication_failed");
    case(GROUP, name, vec![Step::Send(post(path, lines, body)), refused])
}

fn forms() -> Vec<Case> {
    let hex = |id| hex_of(NEW, &body(id));
    let base64 = |id| STANDARD.encode(sign(ENCODER, &body(id)));
    let other = |id| STANDARD.encode(sign(NEW, &body(id)));
    let cut = |length| hex(649).chars().take(length).collect::<String>();
    let mut flipped = sign(NEW, &body(649));
    if let Some(byte) = flipped.last_mut() {
        *byte ^= 1;
    }
    let is_bad = |name, lines: &str| bad(name, MOODLE, lines, &body(649));
    let beyond: String = "\u{e4}".repeat(64);
    vec![
        good("hex with its prefix", &line(&format!("sha256={}", hex(640))), body(640)),
        good("hex without", &line(&hex(641)), body(641)),
        good("hex in capitals", &line(&format!("sha256={}", hex(642).to_uppercase())), body(642)),
        good("the old secret", &line(&hex_of(OLD, &body(643))), body(643)),
        good("base64", &format!("x-signature-base64: {}\r\n", base64(644)), body(644)),
        good("spaces around it", &format!("x-signature:   {}  \r\n", hex(645)), body(645)),
        is_bad("no signature", ""),
        is_bad("an empty one", &line("")),
        is_bad("a prefix alone", &line("sha256=")),
        is_bad("a prefix twice", &line(&format!("sha256=sha256={}", hex(649)))),
        is_bad("a prefix in capitals", &line(&format!("SHA256={}", hex(649)))),
        is_bad("base64 for hex", &line(&other(649))),
        is_bad("hex for base64", &format!("x-signature-base64: {}\r\n", hex(649))),
        is_bad("one byte less", &line(&cut(62))),
        is_bad("one byte more", &line(&format!("{}00", hex(649)))),
        is_bad("half a byte less", &line(&cut(63))),
        is_bad("one bit else", &line(&hex::encode(flipped))),
        is_bad("no ASCII", &line(&beyond)),
        is_bad("two on a line", &line(&format!("{0},{0}", hex(649)))),
        is_bad("two lines", &line(&hex(649)).repeat(2)),
        is_bad(
            "a secret that is good no more",
            &line(&hex_of("past-secret-of-the-signer", &body(649))),
        ),
        is_bad("the secret itself", &line(NEW)),
        is_bad(
            "a secret without the newline that it ends with",
            &format!(
                "x-signature-base64: {}\r\n",
                STANDARD.encode(sign(ENCODER.trim_end(), &body(649)))
            ),
        ),
        is_bad("another algorithm", &line(&format!("sha1={}", "ab".repeat(20)))),
        bad("at another source", CUSTOM, &line(&hex(649)), &body(649)),
        bad(
            "at another instance",
            "/api/public/hook/moodle/campus/event",
            &line(&hex(649)),
            &body(649),
        ),
    ]
}

/// What a proxy makes of a body, or what its sender says about it in it.
fn other_bytes() -> Vec<Case> {
    let signed = br#"{"id":1,"name":"\u00e4","score":1.0}"#;
    let line_of = |body: &[u8]| line(&hex_of(NEW, body));
    let mut cases: Vec<Case> = [
        ("other order", &br#"{"name":"\u00e4","id":1,"score":1.0}"#[..]),
        ("other escapes", "{\"id\":1,\"name\":\"\u{e4}\",\"score\":1.0}".as_bytes()),
        ("another form of a number", br#"{"id":1,"name":"\u00e4","score":1}"#),
        ("spaces", br#"{"id": 1,"name":"\u00e4","score":1.0}"#),
        ("a byte order mark", b"\xef\xbb\xbf{\"id\":1,\"name\":\"\\u00e4\",\"score\":1.0}"),
        ("a newline behind it", b"{\"id\":1,\"name\":\"\\u00e4\",\"score\":1.0}\n"),
        ("nothing", b""),
    ]
    .into_iter()
    .map(|(what, sent)| {
        bad(&format!("signed was another body: {what}"), MOODLE, &line_of(signed), sent)
    })
    .collect();
    for (what, body) in [
        ("a byte order mark", b"\xef\xbb\xbf[660]".to_vec()),
        ("lines as elsewhere", b"[661]\r\n".to_vec()),
        ("bytes that are no text", b"\xff\xfe\x00[662]".to_vec()),
        (
            "a signature of its own, which says nothing",
            br#"{"id":663,"signature":"sha256=00"}"#.to_vec(),
        ),
        ("an HMAC of its own, which says nothing", br#"{"id":664,"hmac":"00"}"#.to_vec()),
    ] {
        cases.push(good(&format!("signed as it is: {what}"), &line_of(&body), body));
    }
    let with_both = format!("{}authorization: Bearer nobody\r\n", line_of(b"[665]"));
    cases.push(good("a signature, and a token of nobody", &with_both, body(665)));
    let inner = format!(r#"{{"id":666,"signature":"sha256={}"}}"#, hex_of(NEW, br#"{"id":666}"#));
    cases.push(bad("a signature in the body alone", MOODLE, "", inner.as_bytes()));
    cases
}

/// What Standard Webhooks signs, signed.
fn signed(id: &str, time: &str, body: &[u8]) -> String {
    let message = [id.as_bytes(), b".", time.as_bytes(), b".", body].concat();
    format!("v1,{}", STANDARD.encode(sign(STANDARD_KEY, &message)))
}

fn attempt(id: &str, time: &str, list: &str) -> String {
    format!("webhook-id: {id}\r\nwebhook-timestamp: {time}\r\nwebhook-signature: {list}\r\n")
}

fn at(id: &str, time: &str, body: &[u8]) -> String {
    attempt(id, time, &signed(id, time, body))
}

/// Standard Webhooks: the number and the list.
fn standard(now: i64) -> Vec<Case> {
    let (time, no) = (now.to_string(), body(679));
    let of = |id| signed(id, &time, &no);
    let with = |id: &str, list: &str| attempt(id, &time, list);
    let wrong = format!("v1,{}", STANDARD.encode([0; 32]));
    let last = format!("{wrong} v1a,abc v2,def {}", signed("msg_670", &time, &body(670)));
    let many = format!("{}{}", format!("{wrong} ").repeat(8), of("a"));
    let as_v1a = of("a").replace("v1,", "v1a,");
    let of_another_time = attempt("a", &time, &signed("a", "1", &no));
    let without_number = with("a", &of("a")).replace("webhook-id", "webhook-number");
    let (first, other) = (at("msg_675", &time, &body(675)), at("msg_675", &time, &body(676)));
    let again = vec![
        Step::Send(post(MOODLE, &first, &body(675))),
        Step::Stored(body(675)),
        Step::Send(post(MOODLE, &first, &body(675))),
        Step::Repeated,
        Step::Send(post(MOODLE, &other, &body(676))),
        Step::Stored(body(676)),
    ];
    vec![
        good("of several the last", &with("msg_670", &last), body(670)),
        bad("a number with a point", MOODLE, &with("msg.1", &of("msg.1")), &no),
        bad("more than are tried", MOODLE, &with("a", &many), &no),
        bad("another version", MOODLE, &with("a", &as_v1a), &no),
        bad("the number of another", MOODLE, &with("b", &of("a")), &no),
        bad("the time of another", MOODLE, &of_another_time, &no),
        bad("no number", MOODLE, &without_number, &no),
        case(GROUP, "the same number again, and with another body", again),
    ]
}

/// And the time.
fn times(now: i64) -> Vec<Case> {
    let almost = |id, time: i64| at(&format!("msg_{id}"), &time.to_string(), &body(id));
    let mut cases = vec![
        good("a time that is almost too old", &almost(671, now - 290), body(671)),
        good("a time that is almost too new", &almost(672, now + 290), body(672)),
    ];
    for (what, time) in [
        ("too old by a second or so", (now - 302).to_string()),
        ("too new by a second or so", (now + 310).to_string()),
        ("in milliseconds", format!("{now}000")),
        ("negative", format!("-{now}")),
        ("with a fraction", format!("{now}.0")),
        ("with a sign", format!("+{now}")),
        ("2^63", "9223372036854775808".to_owned()),
        ("of no digits", "now".to_owned()),
        ("empty", String::new()),
    ] {
        let lines = at("msg_679", &time, &body(679));
        cases.push(bad(&format!("a time {what}"), MOODLE, &lines, &body(679)));
    }
    cases
}

#[expect(clippy::disallowed_methods, reason = "signatures are of the real time")]
fn seconds_now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or_default()
}
