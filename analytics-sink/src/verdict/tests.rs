use serde_json::{Value, json};

use super::*;

/// The verdict on four rows, `a` to `d`.
fn verdict(status: u16, body: &[u8]) -> Verdict {
    let insert_ids = ["a", "b", "c", "d"].map(str::to_owned);
    judge(&Answer { status, body: body.to_vec(), ..Answer::default() }, &insert_ids)
}

fn verdict_on(status: u16, body: &Value) -> Verdict {
    verdict(status, body.to_string().as_bytes())
}

fn kind(verdict: &Verdict) -> &'static str {
    verdict.as_str()
}

#[test]
fn success_is_believed_only_if_its_count_is_that_of_the_rows() {
    let ok = |count: Value| json!({ "code": 200, "num_records_imported": count, "status": "OK" });
    assert_eq!(verdict_on(200, &ok(json!(4))), Verdict::Imported);
    for (body, expected) in [
        (ok(json!(3)), "unclear"),
        (ok(json!(5)), "unclear"),
        (ok(json!(0)), "unclear"),
        (ok(json!(-1)), "unavailable"),
        (ok(json!("4")), "unavailable"),
        (ok(Value::Null), "unavailable"),
        (json!({ "code": 200, "status": "OK" }), "unavailable"),
        (json!(1), "unavailable"),
    ] {
        assert_eq!(kind(&verdict_on(200, &body)), expected, "{body}");
    }
    for body in ["", "<html>welcome to the hotel</html>", "{\"num_records_imported\": 4"] {
        assert_eq!(kind(&verdict(200, body.as_bytes())), "unavailable", "{body}");
    }
}

fn partial(imported: u64, failed: &Value) -> Value {
    json!({
        "code": 400,
        "error": "some data points in the request failed validation",
        "num_records_imported": imported,
        "failed_records": failed,
        "status": "Bad Request",
    })
}

#[test]
fn refused_rows_are_those_that_index_and_id_name_alike() {
    let rejection = |index| Rejection {
        index,
        field: "properties.time".to_owned(),
        message: "is invalid".to_owned(),
    };
    let named = |index: usize, field: &str, id: &str| json!({ "index": index, field: id, "field": "properties.time", "message": "is invalid" });
    for field in ["insert_id", "$insert_id"] {
        let body = partial(2, &json!([named(3, field, "d"), named(1, field, "b")]));
        let expected = Verdict::Partly(vec![rejection(3), rejection(1)]);
        assert_eq!(verdict_on(400, &body), expected);
        assert_eq!(verdict_on(200, &body), expected);
        let all = ["a", "b", "c", "d"].iter().enumerate().map(|(at, id)| named(at, field, id));
        let body = partial(0, &all.collect());
        assert!(matches!(verdict_on(400, &body), Verdict::Partly(rows) if rows.len() == 4));
    }
    let words = "é".repeat(1_000);
    let failed = json!([{ "index": 0, "insert_id": "a", "message": words, "unheard": {} }]);
    let Verdict::Partly(rows) = verdict_on(400, &partial(3, &failed)) else { panic!("partly") };
    assert_eq!(rows[0].message, "é".repeat(300));
}

#[test]
fn what_does_not_add_up_is_unclear() {
    let a = json!({ "index": 0, "$insert_id": "a", "field": "f", "message": "m" });
    let b = json!({ "index": 1, "insert_id": "b" });
    for body in [
        partial(4, &json!([])),
        partial(2, &json!([])),
        partial(2, &json!([a])),
        partial(4, &json!([a])),
        partial(2, &json!([a, a])),
        partial(u64::MAX, &json!([a, b])),
        partial(3, &json!([{ "index": 1, "$insert_id": "a" }])),
        partial(3, &json!([{ "index": 4, "$insert_id": "a" }])),
        partial(3, &json!([{ "index": 0 }])),
        partial(3, &json!([{ "index": 0, "$insert_id": "a", "insert_id": "b" }])),
        partial(3, &json!([{ "$insert_id": "a" }])),
        partial(3, &json!([{ "index": -1, "$insert_id": "a" }])),
        partial(3, &json!("all of them")),
        json!({ "code": 400, "failed_records": [a], "status": "Bad Request" }),
        json!({ "code": 400, "error": "request body is not valid JSON" }),
    ] {
        assert_eq!(kind(&verdict_on(400, &body)), "unclear", "{body}");
    }
    assert_eq!(kind(&verdict(400, b"<html>")), "unclear");
    assert_eq!(verdict(400, b" \n"), Verdict::Unclear("no words".to_owned()));
}

#[test]
fn other_answers_say_nothing_of_the_rows() {
    for (status, expected) in [
        (401, "denied"),
        (403, "denied"),
        (408, "unavailable"),
        (413, "too_large"),
        (425, "unavailable"),
        (429, "rate_limited"),
        (500, "unavailable"),
        (502, "unavailable"),
        (503, "unavailable"),
        (504, "unavailable"),
        (599, "unavailable"),
        (202, "misdirected"),
        (204, "misdirected"),
        (301, "misdirected"),
        (308, "misdirected"),
        (404, "misdirected"),
        (405, "misdirected"),
        (415, "misdirected"),
        (422, "misdirected"),
    ] {
        assert_eq!(kind(&verdict(status, b"words")), expected, "{status}");
    }
}

#[test]
fn trouble_says_what_came_back_and_when_to_come_again() {
    let header = Some("30".to_owned());
    let answer = Answer {
        status: 429,
        retry_after: header.clone(),
        body: b"{\"error\":\"slow down\"}".to_vec(),
        ..Answer::default()
    };
    let Verdict::Trouble(trouble) = judge(&answer, &[]) else { panic!("trouble") };
    assert_eq!(trouble.retry_after, header);
    assert_eq!(
        trouble.to_string(),
        "Mixpanel asks for a pause: status 429: {\"error\":\"slow down\"}"
    );
    let location = Some("https://elsewhere.example".to_owned());
    let answer = Answer { status: 302, location, ..Answer::default() };
    let Verdict::Trouble(trouble) = judge(&answer, &[]) else { panic!("trouble") };
    assert!(trouble.to_string().ends_with("status 302, which leads to https://elsewhere.example"));
}
