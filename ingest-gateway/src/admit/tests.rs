//! The way from a head to a sender, and from head and body to a record.

use std::net::{Ipv4Addr, Ipv6Addr};

use hyper::HeaderMap;
use hyper::header::{HeaderName, HeaderValue};
use hyper::{Method, Request};
use kleos_contracts::raw::Header;
use kleos_service_kit::config::Secret;
use kleos_service_kit::config::credentials::{Credential, Encoding, HeaderPlace, Strategy};

use super::*;

mod addresses;
mod strategies;

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
            allow_from: Networks::default(),
            rate_limit: None,
            accepted_status: None,
        })
        .into()
}

pub(crate) fn door() -> Door {
    Door::new(&["moodle", "custom"], &instances(), Proxies::default(), 100)
}

/// As a request is admitted, from its path on.
fn admit<'d>(door: &'d Door, head: &Parts, arrival: Arrival) -> Result<Claim<'d>, Refusal> {
    door.admit(head, Door::hook(head)?, arrival)
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

/// A site of the custom source that sends from everywhere.
fn site(id: &str, credentials: Vec<Credential>) -> Instance {
    Instance {
        id: id.parse().unwrap(),
        tenant: "acme".parse().unwrap(),
        source: "custom".to_owned(),
        credentials,
        allow_from: Networks::default(),
        rate_limit: None,
        accepted_status: None,
    }
}

/// A request of a client that is known, at a time.
fn arrival(declared: Option<u64>, now: Timestamp) -> Arrival {
    let client = Client { address: Ipv4Addr::LOCALHOST.into(), is_known: true };
    Arrival { client, declared, now }
}

#[track_caller]
fn check(path: &str, authorization: Option<&str>, expected: &Result<(&str, &str), Refusal>) {
    let door = door();
    let claim = admit(&door, &head("POST", path, authorization), arrival(Some(3), NOW));
    let sender = claim.and_then(|claim| claim.confirm(&mut b"{}".to_vec().into()));
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
    let door = Door::new(&["moodle"], &[], Proxies::default(), 100);
    assert!(!door.knows_anybody());
    for authorization in [None, Some("Bearer "), Some("Bearer sesame")] {
        let refusal =
            admit(&door, &head("POST", MOODLE, authorization), arrival(None, NOW)).err().unwrap();
        assert!(matches!(refusal, Refusal::Unauthenticated(_)), "{refusal:?}");
    }
}

#[test]
fn a_length_over_the_limit_is_refused_once_the_sender_is_known() {
    let door = door();
    let declared = |authorization, length| {
        admit(&door, &head("POST", MOODLE, authorization), arrival(length, NOW)).map(|_| ())
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
    let refusal =
        |method, path| admit(&door(), &head(method, path, None), arrival(None, NOW)).err().unwrap();
    assert_eq!(refusal("POST", "/"), Refusal::NotFound);
    assert_eq!(refusal("GET", MOODLE), Refusal::MethodNotAllowed { allowed: &[Method::POST] });
    assert_eq!(
        refusal("GET", "/api/public/hook/moodel/event"),
        Refusal::MethodNotAllowed { allowed: &[Method::POST] }
    );
}

#[test]
fn a_path_is_counted_by_the_sources_that_there_are() {
    let door = door();
    let index = |path| door.source_index(Door::presumed_source(path)?);
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
    let claim = admit(&door, &head, arrival(None, NOW)).unwrap();
    let sender = claim.confirm(&mut Vec::new().into()).unwrap();
    let delivery = Delivery {
        id: "0198c9d4-76f2-7c1e-8a30-5d2f6b7c8d9e".to_owned(),
        received_at: Timestamp::from_millis(1_755_771_330_482),
        client_ip: Ipv4Addr::new(192, 0, 2, 7).into(),
        content: b"{\"id\":1}\xff".to_vec().into(),
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
    assert_eq!(door.webhook(sender, &claim, &head, delivery), expected);
}

#[test]
fn what_a_request_does_not_have_is_empty() {
    let head = head("POST", MOODLE, Some("Bearer token-of-campus-b-1"));
    let door = door();
    let claim = admit(&door, &head, arrival(None, NOW)).unwrap();
    let sender = claim.confirm(&mut Vec::new().into()).unwrap();
    let client_ip = Ipv6Addr::LOCALHOST.into();
    let (id, content) = ("1".to_owned(), Vec::new().into());
    let delivery = Delivery { id, received_at: Timestamp::EPOCH, client_ip, content };
    let webhook = door.webhook(sender, &claim, &head, delivery);
    assert_eq!((webhook.query.as_str(), webhook.content_type.as_str()), ("", ""));
    assert_eq!((webhook.client_ip.as_str(), webhook.body.len()), ("::1", 0));
    assert_eq!(webhook.headers, []);
}
