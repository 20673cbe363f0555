use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::*;
use crate::mixpanel::project::Limits;

const NOW: Timestamp = Timestamp::from_millis(1_755_771_330_000);

fn event(number: usize) -> Value {
    let id = format!("id-{number}");
    let properties =
        json!({ "time": 1_755_771_330, "distinct_id": "campus-a/1", "$insert_id": id, "ip": 0 });
    json!({ "event": "award.granted", "properties": properties })
}

fn events(count: usize) -> Vec<u8> {
    Value::Array((0..count).map(event).collect()).to_string().into_bytes()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn basic(credentials: &str) -> String {
    format!("Basic {}", STANDARD.encode(credentials))
}

/// A good request, for a test to change.
fn import<'a>(authorization: &'a str, body: &'a [u8]) -> Import<'a> {
    Import {
        strict: Some("1"),
        project_id: Some("1234567"),
        authorization: Some(authorization),
        content_type: Some("application/json"),
        content_encoding: None,
        body,
    }
}

fn account() -> String {
    let (user, secret) = Project::default().account;
    basic(&format!("{user}:{secret}"))
}

/// Status, and how many were stored.
fn judged(import: &Import<'_>) -> (u16, usize) {
    let judgement = judge(&Project::default(), Spent::default(), NOW, import);
    (judgement.answer.status, judgement.stored.len())
}

#[test]
fn only_the_account_with_the_project_and_the_token_may_import() {
    let Project { token, account: (user, secret), .. } = Project::default();
    let body = events(1);
    for (credentials, project_id, expected) in [
        (format!("{user}:{secret}"), Some("1234567"), 200),
        (format!("{user}:{secret}"), None, 401),
        (format!("{user}:{secret}"), Some("7"), 401),
        (format!("{user}:wrong"), Some("1234567"), 401),
        (format!("other:{secret}"), Some("1234567"), 401),
        (format!("{token}:"), None, 200),
        (format!("{token}:"), Some("1234567"), 200),
        (format!("{token}:"), Some("7"), 401),
        (format!("{token}:{secret}"), None, 401),
        (token.clone(), None, 401),
    ] {
        let authorization = basic(&credentials);
        let import = Import { project_id, ..import(&authorization, &body) };
        assert_eq!(judged(&import).0, expected, "{credentials} {project_id:?}");
    }
    let none = Import { authorization: None, ..import("", &body) };
    assert_eq!(judged(&none), (401, 0));
    let bearer = format!("Bearer {token}");
    assert_eq!(judged(&import(&bearer, &body)), (401, 0));
}

#[test]
fn a_body_is_an_array_or_lines_plain_or_gzip() {
    let (authorization, array) = (account(), events(2));
    let lines = format!("{}\n{}\n", event(0), event(1)).into_bytes();
    let (zipped, torn) = (gzip(&array), gzip(&array)[..40].to_vec());
    let (json, ndjson) = (Some("application/json"), Some("application/x-ndjson"));
    let broken = b"[{\"event\": \"a\", ";
    for (body, content_type, content_encoding, expected) in [
        (array.as_slice(), json, None, (200, 2)),
        (&lines, ndjson, None, (200, 2)),
        (&zipped, json, Some("gzip"), (200, 2)),
        (&gzip(&lines), ndjson, Some("gzip"), (200, 2)),
        (&lines, json, None, (400, 0)),
        (&array, ndjson, None, (400, 0)),
        (&array, Some("text/plain"), None, (400, 0)),
        (&array, None, None, (400, 0)),
        (&array, json, Some("gzip"), (400, 0)),
        (&torn, json, Some("gzip"), (400, 0)),
        (&array, json, Some("zstd"), (400, 0)),
        (broken, json, None, (400, 0)),
        (b"[]", json, None, (400, 0)),
        (b"", ndjson, None, (400, 0)),
    ] {
        let import = Import { content_type, content_encoding, ..import(&authorization, body) };
        assert_eq!(judged(&import), expected, "{content_type:?} {content_encoding:?}");
    }
    let lax = Import { strict: None, ..import(&authorization, &array) };
    assert_eq!(judged(&lax), (400, 0));
}

#[test]
fn a_request_has_two_thousand_events_and_two_mebibytes_uncompressed_at_most() {
    let authorization = account();
    assert_eq!(judged(&import(&authorization, &events(2_000))), (200, 2_000));
    let more = events(2_001);
    let judgement =
        judge(&Project::default(), Spent::default(), NOW, &import(&authorization, &more));
    assert_eq!(judgement.answer.status, 413);
    assert_eq!(judgement.stored, []);

    let mut padded = events(1);
    padded.resize(2_097_152, b' ');
    assert_eq!(judged(&import(&authorization, &padded)), (200, 1));
    padded.push(b' ');
    let zipped = gzip(&padded);
    let zipped = Import { content_encoding: Some("gzip"), ..import(&authorization, &zipped) };
    for import in [import(&authorization, &padded), zipped] {
        let answer = judge(&Project::default(), Spent::default(), NOW, &import).answer;
        assert_eq!(
            answer.body,
            json!({
                "code": 413,
                "error": "request exceeds max limit of 2097152 bytes",
                "status": "Request Entity Too Large",
            })
        );
    }
}

#[test]
fn what_is_good_is_stored_and_what_is_bad_is_named() {
    let authorization = account();
    let mut values: Vec<Value> = (0..4).map(event).collect();
    values[1]["properties"]["distinct_id"] = json!("0");
    values[3]["properties"]["x"] = json!("y".repeat(1_000_000));
    let body = Value::Array(values).to_string().into_bytes();
    let import = import(&authorization, &body);
    let judgement = judge(&Project::default(), Spent::default(), NOW, &import);
    let ids: Vec<_> = judgement.stored.iter().map(|event| event.insert_id.as_str()).collect();
    assert_eq!(ids, ["id-0", "id-2"]);
    let expected = json!({
        "code": 400,
        "error": "some data points in the request failed validation",
        "failed_records": [
            {
                "index": 1,
                "$insert_id": "id-1",
                "field": "properties.distinct_id",
                "message": "'properties.distinct_id' is invalid: must not be a placeholder",
            },
            {
                "index": 3,
                "$insert_id": "id-3",
                "field": "event",
                "message": "'event' is invalid: must be smaller than 1MB",
            },
        ],
        "num_records_imported": 2,
        "status": "Bad Request",
    });
    assert_eq!(judgement.answer.body, expected);
    let named = judgement.answer.naming(IdField::Plain).body;
    assert_eq!(named["failed_records"][1]["insert_id"], "id-3");
    assert_eq!(named["failed_records"][1].get("$insert_id"), None);
}

#[test]
fn a_minute_has_so_many_events_and_bytes_at_most() {
    let limits = Limits { minute_events: 10, minute_bytes: 5_000, ..Limits::default() };
    let project = Project { limits, ..Project::default() };
    let (authorization, body) = (account(), events(3));
    for (events, bytes, expected) in
        [(7, 0, 200), (8, 0, 429), (0, 5_000 - body.len(), 200), (0, 5_001 - body.len(), 429)]
    {
        let spent = Spent { events, bytes };
        let judgement = judge(&project, spent, NOW, &import(&authorization, &body));
        assert_eq!(judgement.answer.status, expected, "{spent:?}");
    }
}
