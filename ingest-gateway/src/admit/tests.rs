//! The way from a head to a sender, and from head and body to a record.

use std::net::{Ipv4Addr, Ipv6Addr};

use hyper::Request;
use hyper::header::HeaderName;
use kleos_contracts::raw::Header;
use kleos_service_kit::config::Secret;
use kleos_service_kit::config::credentials::{Credential, Encoding, HeaderPlace, Strategy};

use super::*;

/// Instance, the credential's id, its secret.
pub(crate) const TOKENS: [(&str, &str, &str); 4] = [
    ("campus-a", "first", "token-of-campus-a-1"),
    ("campus-a", "second", "token-of-campus-a-2"),
    ("campus-b", "first", "token-of-campus-b-1"),
    ("portal", "only", "token-of-the-portal"),
];

fn credential(id: &str, secret: &str, strategy: Strategy) -> Credential {
    Credential {
        id: id.to_owned(),
        strategy,
        secret: Secret::new(secret.to_owned()),
        not_before: None,
        not_after: None,
    }
}

pub(crate) fn instances() -> Vec<Instance> {
    [("campus-a", "moodle"), ("campus-b", "moodle"), ("portal", "custom")]
        .map(|(id, source)| Instance {
            id: id.parse().unwrap(),
            tenant: "acme".parse().unwrap(),
            source: source.to_owned(),
            credentials: TOKENS
                .iter()
                .filter(|(instance, ..)| *instance == id)
                .map(|(_, id, token)| credential(id, token, Strategy::Bearer))
                .collect(),
        })
        .into()
}

fn door() -> Door {
    Door::new(&["moodle", "custom"], &instances(), 100)
}

fn head(method: &str, path: &str, authorization: Option<&str>) -> Parts {
    let mut request = Request::builder().method(method).uri(path);
    if let Some(authorization) = authorization {
        request = request.header("authorization", authorization);
    }
    request.body(()).unwrap().into_parts().0
}

const NOW: Timestamp = Timestamp::from_millis(1_755_771_330_482);
const MOODLE: &str = "/api/public/hook/moodle/event";

#[track_caller]
fn check(path: &str, authorization: Option<&str>, expected: &Result<(&str, &str), Refusal>) {
    let door = door();
    let claim = door.admit(&head("POST", path, authorization), Some(3), NOW);
    let sender = claim.and_then(|claim| claim.confirm(b"{}"));
    let sender = sender.map(|sender| (sender.instance.as_str(), sender.secret_id.as_str()));
    assert_eq!(&sender, expected);
}

#[test]
fn the_token_says_who_sends() {
    for (instance, id, token) in TOKENS {
        let source = if instance == "portal" { "custom" } else { "moodle" };
        let path = format!("/api/public/hook/{source}/event");
        check(&path, Some(&format!("Bearer {token}")), &Ok((instance, id)));
    }
}

#[test]
fn whoever_is_not_known_is_refused_with_the_reason_for_the_count() {
    for (authorization, doubt) in [
        (None, Doubt::Missing),
        (Some("Basic dTpw"), Doubt::Malformed),
        (Some("Bearer"), Doubt::Malformed),
        (Some("Bearer token-of-campus-a-3"), Doubt::Unknown),
        (Some("Bearer token-of-the-portal"), Doubt::OtherSource),
    ] {
        check(MOODLE, authorization, &Err(Refusal::Unauthenticated(doubt)));
    }
}

#[test]
fn only_a_known_sender_learns_that_there_is_no_such_source() {
    let path = "/api/public/hook/moodel/event";
    let known = vec!["moodle".to_owned(), "custom".to_owned()];
    check(path, None, &Err(Refusal::Unauthenticated(Doubt::Missing)));
    check(path, Some("Bearer sesame"), &Err(Refusal::Unauthenticated(Doubt::Unknown)));
    let unknown = Err(Refusal::UnknownSource { known });
    check(path, Some("Bearer token-of-campus-a-1"), &unknown);
}

#[test]
fn without_credentials_nobody_is_let_in() {
    let door = Door::new(&["moodle"], &[], 100);
    assert!(!door.knows_anybody());
    for authorization in [None, Some("Bearer "), Some("Bearer sesame")] {
        let refusal = door.admit(&head("POST", MOODLE, authorization), None, NOW).err().unwrap();
        assert!(matches!(refusal, Refusal::Unauthenticated(_)), "{refusal:?}");
    }
}

#[test]
fn a_length_over_the_limit_is_refused_once_the_sender_is_known() {
    let door = door();
    let declared = |authorization, length| {
        door.admit(&head("POST", MOODLE, authorization), length, NOW).map(|_| ())
    };
    let known = Some("Bearer token-of-campus-a-1");
    assert_eq!(declared(known, None), Ok(()));
    assert_eq!(declared(known, Some(100)), Ok(()));
    assert_eq!(declared(known, Some(101)), Err(Refusal::TooLarge { limit: 100 }));
    let missing = Err(Refusal::Unauthenticated(Doubt::Missing));
    assert_eq!(declared(None, Some(u64::MAX)), missing);
}

#[test]
fn path_and_method_are_told_to_everybody() {
    let refusal = |method, path| door().admit(&head(method, path, None), None, NOW).err().unwrap();
    assert_eq!(refusal("POST", "/"), Refusal::NotFound);
    assert_eq!(refusal("GET", MOODLE), Refusal::MethodNotAllowed);
    assert_eq!(refusal("GET", "/api/public/hook/moodel/event"), Refusal::MethodNotAllowed);
}

#[test]
fn a_path_is_counted_by_the_sources_that_there_are() {
    let door = door();
    let index = |path| door.source_index(&head("GET", path, None));
    assert_eq!(index(MOODLE), Some(0));
    assert_eq!(index("/api/public/hook/custom/event"), Some(1));
    assert_eq!(index("/api/public/hook/moodel/event"), None);
    assert_eq!(index("/"), None);
}

#[test]
fn the_record_is_the_request_without_its_credential() {
    let request = Request::builder()
        .method("POST")
        .uri("http://kleos.example/api/public/hook/moodle/event?a=%20&token=token-of-campus-a-2&b")
        .header("Host", "kleos.example")
        .header("Authorization", "Bearer token-of-campus-a-2")
        .header("Content-Type", "application/json; charset=utf-8")
        .header("Cookie", "session=1")
        .header("X-Was", "Bearer token-of-campus-a-2");
    let head = request.body(()).unwrap().into_parts().0;
    let door = door();
    let claim = door.admit(&head, None, NOW).unwrap();
    let sender = claim.confirm(b"").unwrap();
    let delivery = Delivery {
        id: "0198c9d4-76f2-7c1e-8a30-5d2f6b7c8d9e".to_owned(),
        received_at: Timestamp::from_millis(1_755_771_330_482),
        client_ip: Ipv4Addr::new(192, 0, 2, 7).to_ipv6_mapped().into(),
        body: b"{\"id\":1}\xff".to_vec(),
    };
    let line = |name: &str, value: &str| Header { name: name.into(), value: value.into() };
    let expected = RawWebhook {
        delivery_id: "0198c9d4-76f2-7c1e-8a30-5d2f6b7c8d9e".into(),
        tenant: "acme".into(),
        source: "moodle".into(),
        instance: "campus-a".into(),
        received_at: Timestamp::from_millis(1_755_771_330_482),
        client_ip: "192.0.2.7".into(),
        method: "POST".into(),
        path: MOODLE.into(),
        query: "a=%20&token=***&b".into(),
        content_type: "application/json; charset=utf-8".into(),
        headers: vec![
            line("host", "kleos.example"),
            line("content-type", "application/json; charset=utf-8"),
        ],
        body: b"{\"id\":1}\xff".to_vec(),
        auth: Authentication { strategy: "bearer".into(), secret_id: "second".into() },
    };
    assert_eq!(webhook(sender, &claim, &head, delivery), expected);
}

#[test]
fn what_a_request_does_not_have_is_empty() {
    let head = head("POST", MOODLE, Some("Bearer token-of-campus-b-1"));
    let door = door();
    let claim = door.admit(&head, None, NOW).unwrap();
    let sender = claim.confirm(b"").unwrap();
    let client_ip = Ipv6Addr::LOCALHOST.into();
    let delivery =
        Delivery { id: "1".to_owned(), received_at: Timestamp::EPOCH, client_ip, body: Vec::new() };
    let webhook = webhook(sender, &claim, &head, delivery);
    assert_eq!((webhook.query.as_str(), webhook.content_type.as_str()), ("", ""));
    assert_eq!((webhook.client_ip.as_str(), webhook.body.len()), ("::1", 0));
    assert_eq!(webhook.headers, []);
}

/// Four sites that show their secrets in other ways than a token, and one that shows it in two.
fn of_every_strategy() -> Vec<Instance> {
    let place = |name: &'static str, prefix: &str| HeaderPlace {
        name: HeaderName::from_static(name),
        prefix: prefix.to_owned(),
    };
    let signed = |encoding| Strategy::HmacSha256(place("x-signature", "sha256="), encoding);
    let basic = Strategy::Basic { username: "lrs".to_owned() };
    [
        ("basic", vec![credential("a", "basic-secret", basic)]),
        (
            "constant",
            vec![credential("a", "constant-secret", Strategy::Header(place("x-key", "v1=")))],
        ),
        (
            "hex",
            vec![
                credential("a", "hex-secret-1", signed(Encoding::Hex)),
                credential("b", "hex-secret-2", signed(Encoding::Hex)),
            ],
        ),
        ("base64", vec![credential("a", "base64-secret", signed(Encoding::Base64))]),
    ]
    .map(|(id, credentials)| Instance {
        id: id.parse().unwrap(),
        tenant: "acme".parse().unwrap(),
        source: "custom".to_owned(),
        credentials,
    })
    .into()
}

const CUSTOM: &str = "/api/public/hook/custom/event";
const BODY: &[u8] = b"{\"id\": 1}\n";
// HMAC-SHA256 of the body, as `openssl dgst -sha256 -hmac <secret>` has it.
const SIGNED_1: &str = "f0a1988325571add4aae316d19f763128bc3bdaed4dda0e321c1fac72549bf8d";
const SIGNED_2: &str = "e622b23b283823fd8030bbc5c774c067bd81c8c1f8a420d533e2db2fc75d6bab";
const SIGNED_BASE64: &str = "mFcoXBl6EXdyF44GxhP+F/uEtg1eWk//cjTbM8BlBX0=";

/// Who sends, of those sites, with these header lines.
fn found(path: &str, lines: &[(&str, &str)], body: &[u8]) -> Result<String, Doubt> {
    let mut request = Request::builder().method("POST").uri(path);
    for (name, value) in lines {
        request = request.header(*name, *value);
    }
    let head = request.body(()).unwrap().into_parts().0;
    let door = Door::new(&["custom"], &of_every_strategy(), 100);
    let claim = door.admit(&head, None, NOW).map_err(|refusal| doubt(&refusal))?;
    let sender = claim.confirm(body).map_err(|refusal| doubt(&refusal))?;
    Ok(format!("{} {} {}", sender.instance, sender.secret_id, sender.strategy))
}

fn doubt(refusal: &Refusal) -> Doubt {
    let Refusal::Unauthenticated(doubt) = *refusal else { panic!("{refusal:?}") };
    doubt
}

#[test]
fn a_secret_is_shown_in_the_way_of_its_strategy() {
    let hex = format!("sha256={SIGNED_1}");
    for (line, expected) in [
        // lrs:basic-secret
        (("authorization", "Basic bHJzOmJhc2ljLXNlY3JldA=="), Ok("basic a basic")),
        // other:basic-secret
        (("authorization", "Basic b3RoZXI6YmFzaWMtc2VjcmV0"), Err(Doubt::Unknown)),
        (("authorization", "Bearer basic-secret"), Err(Doubt::Malformed)),
        (("x-key", "v1=constant-secret"), Ok("constant a header")),
        (("x-key", "constant-secret"), Ok("constant a header")),
        (("x-key", "v1=constant-secre"), Err(Doubt::Unknown)),
        (("x-signature", hex.as_str()), Ok("hex a hmac-sha256")),
        (("x-signature", &hex.to_uppercase().replace("SHA256", "sha256")), Ok("hex a hmac-sha256")),
        (("x-signature", SIGNED_2), Ok("hex b hmac-sha256")),
        (("x-signature", SIGNED_BASE64), Ok("base64 a hmac-sha256")),
        (("x-signature", &SIGNED_1.replace('1', "2")), Err(Doubt::NotSigned)),
        (("x-signature", "hex-secret-1"), Err(Doubt::Unknown)),
        (("x-other", "hex-secret-1"), Err(Doubt::Missing)),
    ] {
        assert_eq!(found(CUSTOM, &[line], BODY), expected.map(str::to_owned), "{line:?}");
    }
}

#[test]
fn a_signature_is_of_the_bytes_as_they_came() {
    let line = [("x-signature", SIGNED_1)];
    for body in [&b"{\"id\":1}\n"[..], b"{\"id\": 1}", b"\xef\xbb\xbf{\"id\": 1}\n", b""] {
        assert_eq!(found(CUSTOM, &line, body), Err(Doubt::NotSigned), "{}", body.escape_ascii());
    }
    let twice = [("x-signature", SIGNED_1), ("x-signature", SIGNED_1)];
    assert_eq!(found(CUSTOM, &twice, BODY), Err(Doubt::Malformed));
}

#[test]
fn a_path_may_name_the_one_instance_that_sends_there() {
    let signed = [("x-signature", SIGNED_1)];
    let shown = [("x-key", "constant-secret")];
    let path = |instance: &str| format!("/api/public/hook/custom/{instance}/event");
    assert_eq!(found(&path("hex"), &signed, BODY), Ok("hex a hmac-sha256".to_owned()));
    assert_eq!(found(&path("constant"), &shown, BODY), Ok("constant a header".to_owned()));
    assert_eq!(found(&path("hex"), &shown, BODY), Err(Doubt::OtherInstance));
    assert_eq!(found(&path("constant"), &signed, BODY), Err(Doubt::Unknown));
    assert_eq!(found(&path("no-such"), &signed, BODY), Err(Doubt::Unknown));
}

#[test]
fn a_credential_is_good_from_its_first_moment_to_before_its_last() {
    let at = |micros: i64| Some(Timestamp::from_micros(NOW.micros() + micros));
    for (not_before, not_after, is_good) in [
        (None, None, true),
        (at(0), at(1), true),
        (at(1), None, false),
        (None, at(0), false),
        (at(-2), at(-1), false),
    ] {
        for strategy in ["shown", "signed"] {
            let mut instances = of_every_strategy();
            for credential in instances.iter_mut().flat_map(|instance| &mut instance.credentials) {
                (credential.not_before, credential.not_after) = (not_before, not_after);
            }
            let door = Door::new(&["custom"], &instances, 100);
            let (name, value) = if strategy == "shown" {
                ("x-key", "constant-secret")
            } else {
                ("x-signature", SIGNED_1)
            };
            let request = Request::builder().method("POST").uri(CUSTOM).header(name, value);
            let head = request.body(()).unwrap().into_parts().0;
            let claim = door.admit(&head, None, NOW).and_then(|claim| claim.confirm(BODY));
            assert_eq!(claim.is_ok(), is_good, "{strategy} {not_before:?} {not_after:?}");
        }
    }
}

#[test]
fn where_very_many_may_have_signed_the_path_has_to_say_who() {
    let sites = |count: usize| -> Vec<Instance> {
        let place =
            HeaderPlace { name: HeaderName::from_static("x-signature"), prefix: String::new() };
        let one = |number: usize| Instance {
            id: format!("site-{number}").parse().unwrap(),
            tenant: "acme".parse().unwrap(),
            source: "custom".to_owned(),
            credentials: vec![credential(
                "a",
                &if number == 0 { "hex-secret-1".to_owned() } else { format!("secret-{number}") },
                Strategy::HmacSha256(place.clone(), Encoding::Hex),
            )],
        };
        (0..count).map(one).collect()
    };
    let sent = |count, path: &str| {
        let request = Request::builder().method("POST").uri(path).header("x-signature", SIGNED_1);
        let head = request.body(()).unwrap().into_parts().0;
        let door = Door::new(&["custom"], &sites(count), 100);
        let claim = door.admit(&head, None, NOW).map_err(|refusal| doubt(&refusal))?;
        claim.confirm(BODY).map(|sender| sender.instance.clone()).map_err(|refusal| doubt(&refusal))
    };
    assert_eq!(sent(16, CUSTOM), Ok("site-0".to_owned()));
    assert_eq!(sent(17, CUSTOM), Err(Doubt::InstanceNeeded));
    assert_eq!(sent(17, "/api/public/hook/custom/site-0/event"), Ok("site-0".to_owned()));
}

#[test]
fn a_signature_stays_in_the_record_and_a_constant_does_not() {
    for (name, value, is_kept) in
        [("x-signature", SIGNED_1, true), ("x-key", "v1=constant-secret", false)]
    {
        let request = Request::builder().method("POST").uri(CUSTOM).header(name, value);
        let head = request.body(()).unwrap().into_parts().0;
        let door = Door::new(&["custom"], &of_every_strategy(), 100);
        let claim = door.admit(&head, None, NOW).unwrap();
        let sender = claim.confirm(BODY).unwrap();
        let client_ip = Ipv4Addr::LOCALHOST.into();
        let body = BODY.to_vec();
        let delivery = Delivery { id: "1".to_owned(), received_at: NOW, client_ip, body };
        let record = webhook(sender, &claim, &head, delivery);
        assert_eq!(record.headers.iter().any(|header| header.name == name), is_kept, "{name}");
        assert_eq!(record.auth.strategy, sender.strategy);
    }
}
