//! The body's bytes as one tree of values, whichever of its forms the sender chose.
//!
//! Senders and their content types disagree: JSON comes labelled as a form, forms labelled as
//! JSON, both without any label. So the bytes decide, not the label.

pub(crate) mod form;

use kleos_contracts::reason;
use serde_json::Value;

use crate::verdict::Verdict;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The tree in a body.
pub(crate) fn read(body: &[u8]) -> Result<Value, Verdict> {
    let body = body.strip_prefix(BYTE_ORDER_MARK).unwrap_or(body);
    if is_utf16(body) {
        let message = "the body is in UTF-16, expected UTF-8";
        return Err(Verdict::rejected(reason::MALFORMED_JSON, message));
    }
    let text = body.trim_ascii();
    match text.first() {
        None => Err(Verdict::rejected(reason::EMPTY_BODY, "the body is empty")),
        // Not trimmed, so that line and column of a fault are those of the body.
        Some(b'{' | b'[') => json(body),
        Some(_) if form::looks_like(text) => Ok(unwrapped(form::read(text))),
        Some(_) => json(body).map_err(|verdict| match verdict {
            Verdict::Rejected { reason, message } => {
                Verdict::rejected(reason, format!("neither JSON nor a form: {message}"))
            }
            Verdict::Unmapped { .. } | Verdict::Ignored { .. } => verdict,
        }),
    }
}

/// Whether it begins as what a tool of Windows writes unless it is told otherwise.
const fn is_utf16(body: &[u8]) -> bool {
    matches!(
        body,
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [b'{' | b'[', 0, ..] | [0, b'{' | b'[', ..]
    )
}

fn json(body: &[u8]) -> Result<Value, Verdict> {
    serde_json::from_slice(body)
        .map_err(|error| Verdict::rejected(reason::MALFORMED_JSON, error.to_string()))
}

/// The JSON inside a form that holds nothing else: `payload=%7B…%7D`, or `%7B…%7D` alone.
fn unwrapped(form: Value) -> Value {
    let Value::Object(fields) = &form else {
        return form;
    };
    let mut entries = fields.iter();
    let (Some((name, Value::String(text))), None) = (entries.next(), entries.next()) else {
        return form;
    };
    let text = if text.is_empty() { name } else { text };
    if text.trim_start().starts_with(['{', '[']) {
        serde_json::from_str(text).unwrap_or(form)
    } else {
        form
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn the_bytes_decide_what_a_body_is() {
        let expected = json!({"a": "1"});
        for body in [
            "{\"a\":\"1\"}",
            "\u{feff}{\"a\":\"1\"}",
            " \r\n{\"a\":\"1\"}\n",
            "a=1",
            "payload=%7B%22a%22%3A%221%22%7D",
            "payload={\"a\":\"1\"}",
            "%7B%22a%22%3A%221%22%7D",
            "%7B%22a%22%3A%221%22%7D=",
        ] {
            assert_eq!(read(body.as_bytes()), Ok(expected.clone()), "{body}");
        }
        assert_eq!(read(b"payload={oops"), Ok(json!({"payload": "{oops"})));
        assert_eq!(read(b"null"), Ok(Value::Null));
    }

    #[track_caller]
    fn check(body: &[u8], expected_reason: &str, expected_message: &str) {
        let Err(Verdict::Rejected { reason, message }) = read(body) else {
            panic!("{:?}", read(body));
        };
        assert_eq!((reason, message.as_str()), (expected_reason, expected_message));
    }

    #[test]
    fn a_fault_is_told_with_its_place() {
        check(b"", reason::EMPTY_BODY, "the body is empty");
        check(b" \n", reason::EMPTY_BODY, "the body is empty");
        check(b"\n{\"a\":1,}", reason::MALFORMED_JSON, "trailing comma at line 2 column 8");
        for body in [&b"\xff\xfe{\0"[..], b"\xfe\xff\0{", b"{\0\"\0", b"\0[\0]"] {
            check(body, reason::MALFORMED_JSON, "the body is in UTF-16, expected UTF-8");
        }
        check(
            b"<xml version=\"1\"/>",
            reason::MALFORMED_JSON,
            "neither JSON nor a form: expected value at line 1 column 1",
        );
        check(
            "[".repeat(1_000).as_bytes(),
            reason::MALFORMED_JSON,
            "recursion limit exceeded at line 1 column 128",
        );
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _tree = read(&bytes);
        }
    }
}
