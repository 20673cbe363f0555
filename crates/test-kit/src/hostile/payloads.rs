//! What a platform sends is stored byte for byte, whatever it is.

use super::rows::{MOODLE, TOKEN, case, post};
use super::{Case, Step};

const GROUP: &str = "payload";

pub(super) fn cases() -> Vec<Case> {
    let mut bodies: Vec<(&str, Vec<u8>)> =
        TEXTS.iter().map(|(name, text)| (*name, text.as_bytes().to_vec())).collect();
    bodies.extend(BYTES.iter().map(|(name, bytes)| (*name, bytes.to_vec())));
    bodies.extend(large());
    bodies.into_iter().map(|(name, body)| stored(name, body)).collect()
}

fn stored(name: &str, body: Vec<u8>) -> Case {
    let lines = format!("authorization: Bearer {TOKEN}\r\ncontent-type: application/json\r\n");
    case(GROUP, name, vec![Step::Send(post(MOODLE, &lines, &body)), Step::Stored(body)])
}

const TEXTS: &[(&str, &str)] = &[
    ("nothing but null", "null"),
    ("an empty list", "[]"),
    ("an empty object", "{ }"),
    ("a text", "\"text\""),
    ("a number", "17"),
    ("no JSON", "eventname=%5Ccore%5Cevent%5Cuser_loggedin&userid=3"),
    ("a key twice", r#"{"id":1,"id":2}"#),
    ("the same key, escaped", r#"{"id":1,"\u0069d":2}"#),
    ("half of a pair of surrogates", r#"{"name":"\ud83d"}"#),
    ("the wrong half first", r#"{"name":"\ude00\ud83d"}"#),
    ("not a number", r#"{"grade":NaN}"#),
    ("infinity", r#"{"grade":-Infinity}"#),
    ("a number beyond all", r#"{"grade":1e999999999}"#),
    ("minus zero", r#"{"grade":-0}"#),
    ("more behind the end", r#"{"id":3} {"id":4}"#),
    ("cut off", r#"{"id":"#),
    ("a comma too many", r#"{"id":5,}"#),
    ("a comment", "{\"id\":6}// six"),
    ("an id as a number", r#"{"id":9194694}"#),
    ("the same as a text", r#"{"id":"9194694"}"#),
    ("the same with a fraction", r#"{"id":9194694.0}"#),
    ("an id beyond what doubles tell apart", r#"{"id":9007199254740993}"#),
    ("backslashes, as Moodle has them", r#"{"eventname":"\\core\\event\\course_completed"}"#),
    ("backslashes that are not escaped", r#"{"eventname":"\core\event\course_completed"}"#),
    ("a user who is nobody", r#"{"userid":0}"#),
    ("a user below nobody", r#"{"userid":-1}"#),
    ("a time of 1970", r#"{"timecreated":0}"#),
    ("a time before that", r#"{"timecreated":-1}"#),
    ("a time in milliseconds", r#"{"timecreated":1755771330482}"#),
    ("a time of the year 9999", r#"{"timecreated":253402300799}"#),
    ("a leap second", r#"{"timestamp":"2016-12-31T23:59:60Z"}"#),
    ("an emoji for an id", "{\"userid\":\"\u{1f600}\"}"),
    ("an id from right to left", "{\"userid\":\"\u{202e}\u{5d0}\u{5d1}\"}"),
    ("an id of nothing that shows", "{\"userid\":\"\u{200b}\u{feff}\"}"),
    ("a NUL in a text", "{\"userid\":\"a\u{0}b\"}"),
    ("an escaped NUL", r#"{"userid":"a\u0000b"}"#),
    ("the name of the parser's own number", r#"{"$serde_json::private::Number":"oops"}"#),
    ("a head in the body", "POST / HTTP/1.1\r\nhost: kleos\r\n\r\n"),
    ("a line of the log in the body", "\u{1b}[31m2025-08-21T10:15:30Z ERROR forged\n"),
];

const BYTES: &[(&str, &[u8])] = &[
    ("a byte order mark", b"\xef\xbb\xbf{\"id\":7}"),
    ("UTF-16, the low byte first", b"\xff\xfe{\0\"\0i\0d\0\"\0:\0" as &[u8]),
    ("UTF-16, the high byte first", b"\xfe\xff\0{\0\"\0i\0d\0\"\0:\08\0}"),
    ("a surrogate in UTF-8", b"{\"name\":\"\xed\xa0\xbd\"}"),
    ("a letter that is longer than it needs to be", b"{\"name\":\"\xc1\x81\"}"),
    ("a letter that is cut", b"{\"name\":\"\xc3\"}"),
    ("latin letters", b"{\"name\":\"J\xfcrgen\"}"),
    ("nothing but NULs", b"\0\0\0\0\0\0\0\0"),
];

/// Deep, wide and long ones, within the longest body.
fn large() -> Vec<(&'static str, Vec<u8>)> {
    let nested = |open: &str, close: &str| open.repeat(10_000) + "1" + &close.repeat(10_000);
    let keys: Vec<String> = (0..90_000).map(|number| format!("\"k{number}\":0")).collect();
    let events = vec!["{\"id\":1}"; 100_000].join(",");
    vec![
        ("every byte", (0..=255).collect()),
        ("10,000 lists in each other", nested("[", "]").into_bytes()),
        ("10,000 objects in each other", nested("{\"a\":", "}").into_bytes()),
        ("half a million lists that do not end", "[".repeat(500_000).into_bytes()),
        ("90,000 keys", format!("{{{}}}", keys.join(",")).into_bytes()),
        (
            "one key 150,000 times",
            format!("{{{}\"a\":0}}", "\"a\":0,".repeat(150_000)).into_bytes(),
        ),
        ("100,000 events", format!("[{events}]").into_bytes()),
        ("a number of 400 digits", format!("{{\"id\":{}}}", "9".repeat(400)).into_bytes()),
        ("a number of a million digits", "7".repeat(1_000_000).into_bytes()),
        ("a text of a million characters", format!("\"{}\"", "s".repeat(1_000_000)).into_bytes()),
        ("a million escapes", format!("\"{}\"", "\\u0000".repeat(170_000)).into_bytes()),
        ("a million spaces", format!("{}[8]", " ".repeat(1_000_000)).into_bytes()),
    ]
}
