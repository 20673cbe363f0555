//! No body makes it panic, and every body comes to something.

use kleos_contracts::raw::{Header, RawWebhook};
use kleos_contracts::reason;
use kleos_sources::{InstanceProfile, Item, SOURCES, normalize};
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Map, Value, json};

use crate::kit::{cases, event, lines, webhook};

/// The items of a body, which must be the same a second time.
fn items(source: &str, body: &[u8]) -> Vec<Item> {
    let webhook = webhook(source, body);
    let items = normalize(&webhook, &InstanceProfile::default());
    assert!(!items.is_empty());
    assert_eq!(items, normalize(&webhook, &InstanceProfile::default()));
    // Renders every item: the bodies of unmapped ones must be JSON.
    let _lines = lines(&items);
    items
}

fn source() -> impl Strategy<Value = &'static str> {
    proptest::sample::select(SOURCES)
}

fn corpus() -> Vec<Vec<u8>> {
    SOURCES.iter().flat_map(|source| cases(source)).map(|case| case.webhook.body).collect()
}

#[derive(Clone, Debug)]
enum Mutation {
    Set(Index, u8),
    Remove(Index, usize),
    Insert(Index, Vec<u8>),
    Repeat(Index, usize),
    Truncate(Index),
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let fragment = prop_oneof![
        proptest::collection::vec(any::<u8>(), 1..6),
        proptest::sample::select(vec![
            &b"\"\""[..],
            b"null",
            b"{}",
            b"[]",
            b"[[",
            b"1e999",
            b"-0",
            b"\\u0000",
            b"\\ud800",
            b"%5C",
            b"&",
            b"=",
            b"[x]",
            b"a:9:{",
            b"{\"$serde_json::private::Number\":\"1\"}",
        ])
        .prop_map(<[u8]>::to_vec),
    ];
    prop_oneof![
        (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Mutation::Set(at, byte)),
        (any::<Index>(), 1_usize..20).prop_map(|(at, count)| Mutation::Remove(at, count)),
        (any::<Index>(), fragment).prop_map(|(at, bytes)| Mutation::Insert(at, bytes)),
        (any::<Index>(), 1_usize..50).prop_map(|(at, count)| Mutation::Repeat(at, count)),
        any::<Index>().prop_map(Mutation::Truncate),
    ]
}

fn mutated(mut body: Vec<u8>, mutations: &[Mutation]) -> Vec<u8> {
    for mutation in mutations {
        if body.is_empty() {
            break;
        }
        let length = body.len();
        let range = |at: &Index, count: usize| {
            let at = at.index(length);
            at..(at + count).min(length)
        };
        match mutation {
            Mutation::Set(at, byte) => body[at.index(length)] = *byte,
            Mutation::Remove(at, count) => drop(body.drain(range(at, *count))),
            Mutation::Insert(at, bytes) => {
                let at = at.index(length);
                body.splice(at..at, bytes.iter().copied());
            }
            Mutation::Repeat(at, count) => {
                let range = range(at, *count);
                let repeated = body[range.clone()].to_vec();
                body.splice(range.end..range.end, repeated);
            }
            Mutation::Truncate(at) => body.truncate(at.index(length)),
        }
    }
    body
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "-?[0-9]{1,40}(\\.[0-9]{1,40})?([eE][+-]?[0-9]{1,12})?".prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        "[aisdbNO:;{}\"0-9]{0,30}".prop_map(Value::from),
        Just(json!([])),
        Just(json!({})),
        Just(json!([[{"a": [null]}]])),
        Just(json!({"id": {"id": {"id": 1}}, "": null})),
    ]
}

/// Puts a value at one of the places of a tree.
fn replace(tree: &mut Value, at: &Index, value: Value) {
    let count = count(tree);
    let mut left = at.index(count);
    replace_nth(tree, &mut left, &mut Some(value));
}

fn count(tree: &Value) -> usize {
    1 + match tree {
        Value::Array(items) => items.iter().map(count).sum(),
        Value::Object(fields) => fields.values().map(count).sum(),
        _ => 0,
    }
}

fn replace_nth(tree: &mut Value, left: &mut usize, value: &mut Option<Value>) {
    if *left == 0 {
        if let Some(value) = value.take() {
            *tree = value;
        }
        return;
    }
    *left -= 1;
    let children: Vec<&mut Value> = match tree {
        Value::Array(items) => items.iter_mut().collect(),
        Value::Object(fields) => fields.values_mut().collect(),
        _ => Vec::new(),
    };
    for child in children {
        if value.is_some() {
            replace_nth(child, left, value);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn any_bytes_come_to_something(
        source in source(), bytes in proptest::collection::vec(any::<u8>(), 0..300)
    ) {
        items(source, &bytes);
    }

    #[test]
    fn a_damaged_body_comes_to_something(
        source in source(),
        body in proptest::sample::select(corpus()),
        mutations in proptest::collection::vec(mutation(), 1..5),
    ) {
        items(source, &mutated(body, &mutations));
    }

    #[test]
    fn a_body_with_other_values_comes_to_something(
        source in source(),
        body in proptest::sample::select(corpus()),
        values in proptest::collection::vec((any::<Index>(), value()), 1..4),
    ) {
        if let Ok(mut tree) = serde_json::from_slice(&body) {
            for (at, value) in values {
                replace(&mut tree, &at, value);
            }
            items(source, tree.to_string().as_bytes());
        }
    }
}

fn header() -> impl Strategy<Value = Header> {
    let name = proptest::sample::select(vec![
        "ce-specversion",
        "ce-type",
        "ce-id",
        "ce-source",
        "ce-time",
        "ce-data",
        "webhook-id",
        "svix-id",
        "x-request-id",
    ]);
    let value = prop_oneof![
        Just("1.0".to_owned()),
        Just("com.example.course.completed.v1".to_owned()),
        Just("a.".repeat(100_000)),
        "\\PC{0,20}",
        "[%0-9a-fA-F+&=.\u{0}]{0,30}",
    ];
    (name, value).prop_map(|(name, value)| Header { name: name.to_owned(), value })
}

proptest! {
    #[test]
    fn any_headers_of_any_body_come_to_something(
        source in source(),
        body in proptest::sample::select(corpus()),
        headers in proptest::collection::vec(header(), 0..8),
    ) {
        let webhook = RawWebhook { headers, ..webhook(source, &body) };
        let items = normalize(&webhook, &InstanceProfile::default());
        prop_assert!(!items.is_empty());
        let _lines = lines(&items);
    }
}

#[track_caller]
fn check(source: &str, body: &[u8], expected_reason: &str) {
    let items = items(source, body);
    let [Item::Rejected { reason, message, index: 0 }] = items.as_slice() else {
        panic!("{} items, first {:?}", items.len(), items.first());
    };
    assert_eq!(*reason, expected_reason, "{message}");
    assert!(message.len() < 300, "{message}");
}

#[test]
fn large_and_deep_bodies_are_refused_or_read_in_bounded_work() {
    check("custom", json!(vec![json!({}); 1_001]).to_string().as_bytes(), reason::UNEXPECTED_SHAPE);
    check("moodle", json!(vec![0; 10_001]).to_string().as_bytes(), reason::UNEXPECTED_SHAPE);
    for source in SOURCES {
        check(source, "[".repeat(1 << 20).as_bytes(), reason::MALFORMED_JSON);
        check(source, "{\"a\":".repeat(1 << 18).as_bytes(), reason::MALFORMED_JSON);
        check(source, format!("[{}]", "1".repeat(1 << 20)).as_bytes(), reason::UNEXPECTED_SHAPE);
        check(source, format!("a{}=1", "[a]".repeat(1 << 18)).as_bytes(), reason::MISSING_FIELD);
        check(source, "a[]=1&".repeat(1 << 17).as_bytes(), reason::MISSING_FIELD);
        check(source, &vec![0xff; 1 << 20], reason::MALFORMED_JSON);
    }
    let other = format!("{}:{{", "a:1:{i:0;".repeat(1 << 16));
    let body =
        json!({"eventname": "core\\event\\user_graded", "relateduserid": "", "other": other});
    check("moodle", body.to_string().as_bytes(), reason::INVALID_FIELD);
}

#[test]
fn as_many_items_as_allowed_are_each_their_own() {
    let mut list = vec![json!({"event": "lesson.completed", "user": {"id": 1}}); 1_000];
    list[500] = json!(null);
    let items = items("custom", json!(list).to_string().as_bytes());
    assert_eq!(items.len(), 1_000);
    let rejected: Vec<i32> = items
        .iter()
        .filter(|item| matches!(item, Item::Rejected { .. }))
        .map(Item::index)
        .collect();
    assert_eq!(rejected, [500]);
}

#[test]
fn a_field_that_looks_like_the_parsers_own_number_is_only_a_field() {
    let mut fields = Map::new();
    fields.insert("$serde_json::private::Number".to_owned(), json!("5"));
    let body = json!({"event": "lesson.completed", "user": {"id": fields}});
    items("custom", body.to_string().as_bytes());
    items("custom", b"{\"$serde_json::private::Number\":\"oops\"}");
}

#[test]
fn what_is_no_json_to_everybody_is_a_dead_letter_that_says_where() {
    let event = r#"{"event":"lesson.completed","user":{"id":1}}"#;
    let utf16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    let nested = |open: &str, close: &str| open.repeat(10_000) + "1" + &close.repeat(10_000);
    let in_user = |id: &str| format!(r#"{{"event":"lesson.completed","user":{{"id":{id}}}}}"#);
    let bodies: [Vec<u8>; 16] = [
        nested("[", "]").into(),
        nested("{\"a\":", "}").into(),
        in_user(r#""\ud83d""#).into(),
        in_user(r#""\ude00\ud83d""#).into(),
        in_user("NaN").into(),
        in_user("-Infinity").into(),
        in_user("01").into(),
        in_user("\"a\0b\"").into(),
        format!("{event} {event}").into(),
        format!("{event},").into(),
        event.replace("}}", "},}").into(),
        [b"\xff\xfe", utf16(event).as_slice()].concat(),
        utf16(event),
        [b"\xef\xbb\xbf\xef\xbb\xbf", event.as_bytes()].concat(),
        event.as_bytes().iter().map(|byte| if *byte == b'1' { 0xff } else { *byte }).collect(),
        [event.as_bytes(), b"\0"].concat(),
    ];
    for body in bodies {
        for source in SOURCES {
            check(source, &body, reason::MALFORMED_JSON);
        }
    }
}

#[test]
fn what_is_no_event_is_a_dead_letter_that_says_what_was_expected() {
    let of_user = |id: &str| format!(r#"{{"event":"lesson.completed","user":{{"id":{id}}}}}"#);
    let score = |score: &str| {
        format!(r#"{{"event":"a.b","user":{{"id":1}},"metrics":{{"score_pct":{score}}}}}"#)
    };
    for (body, expected) in [
        ("null".to_owned(), reason::UNEXPECTED_SHAPE),
        ("17".to_owned(), reason::UNEXPECTED_SHAPE),
        ("\"text\"".to_owned(), reason::UNEXPECTED_SHAPE),
        ("[]".to_owned(), reason::UNEXPECTED_SHAPE),
        (String::new(), reason::EMPTY_BODY),
        ("\u{feff}".to_owned(), reason::EMPTY_BODY),
        (format!("[{}]", vec!["{}"; 100_000].join(",")), reason::UNEXPECTED_SHAPE),
    ] {
        for source in SOURCES {
            check(source, body.as_bytes(), expected);
        }
    }
    for (body, expected) in [
        (format!("{{{}\"a\":0}}", "\"a\":0,".repeat(690_000)), reason::MISSING_FIELD),
        (of_user(r#""a\u0000b""#), reason::INVALID_FIELD),
        (of_user("1.5"), reason::INVALID_FIELD),
        (of_user("1e999999999"), reason::INVALID_FIELD),
        (score(&"9".repeat(400)), reason::INVALID_FIELD),
        (score("1e999999999"), reason::INVALID_FIELD),
    ] {
        check("custom", body.as_bytes(), expected);
    }
}

#[test]
fn ids_keep_every_digit_and_of_two_fields_of_a_name_the_last_counts() {
    let long = "9".repeat(400);
    for (user, expected) in [
        (format!(r#""id":{long}"#), long.as_str()),
        (r#""id":9007199254740993"#.to_owned(), "9007199254740993"),
        (r#""id":9194694"#.to_owned(), "9194694"),
        (r#""id":"9194694""#.to_owned(), "9194694"),
        (r#""id":9194694.0"#.to_owned(), "9194694"),
        (r#""id":1,"id":2"#.to_owned(), "2"),
        (r#""id":1,"\u0069d":2"#.to_owned(), "2"),
        ("\"id\":\"\u{1f600}\u{202e}\u{5d0}\"".to_owned(), "\u{1f600}\u{202e}\u{5d0}"),
    ] {
        let body = format!(r#"{{"event":"lesson.completed","user":{{{user}}}}}"#);
        let found = event("custom", &body).user.id;
        assert_eq!(found, expected, "{body:.100}");
        let marked = format!("\u{feff}{body}");
        assert_eq!(event("custom", &marked).user.id, expected);
    }
}
