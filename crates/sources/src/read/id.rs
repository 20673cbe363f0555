//! Ids: texts with every digit kept.

use serde_json::Value;

use super::number;
use super::text;

/// Longer ids are refused: they go into record keys, and no platform has them.
pub(crate) const MAX_BYTES: usize = 1_024;

/// What an id looks like, for messages.
pub(crate) const EXPECTED: &str = "a text of at most 1024 bytes, or a whole number";

/// A value that is not of the form that an id has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotAnId;

/// The id in a value: `8774`, `"8774"` and `8774.0` are one id, `"08774"` is another.
///
/// # Errors
/// For anything but a text, a whole number or nothing; for control characters and over-long texts.
pub(crate) fn id(value: &Value) -> Result<Option<String>, NotAnId> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) => match text::meant(text) {
            None => Ok(None),
            Some(text) if text.len() > MAX_BYTES || text.chars().any(char::is_control) => {
                Err(NotAnId)
            }
            Some(text) => Ok(Some(text.to_owned())),
        },
        Value::Number(number) => whole_number(number.as_str()).map(Some).ok_or(NotAnId),
        Value::Bool(_) | Value::Array(_) | Value::Object(_) => Err(NotAnId),
    }
}

/// The digits of a whole number, as they stand if they stand alone.
fn whole_number(text: &str) -> Option<String> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.bytes().all(|byte| byte.is_ascii_digit()) && digits != "0" {
        return (text.len() <= MAX_BYTES).then(|| text.to_owned());
    }
    number::decimal(text)?.whole().map(|whole| whole.to_string())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(json: &str, expected: Result<Option<&str>, NotAnId>) {
        let value: Value = serde_json::from_str(json).unwrap();
        assert_eq!(id(&value), expected.map(|id| id.map(str::to_owned)), "{json}");
    }

    #[test]
    fn ids_keep_every_digit_and_no_more() {
        check("8774", Ok(Some("8774")));
        check("\" 8774 \"", Ok(Some("8774")));
        check("8774.0", Ok(Some("8774")));
        check("8.774e3", Ok(Some("8774")));
        check("20191029145629636106318", Ok(Some("20191029145629636106318")));
        check(
            "123456789012345678901234567890123456789012345",
            Ok(Some("123456789012345678901234567890123456789012345")),
        );
        check("\"08774\"", Ok(Some("08774")));
        check("\"U-123\"", Ok(Some("U-123")));
        check("-0", Ok(Some("0")));
        check("-5", Ok(Some("-5")));
    }

    #[test]
    fn nothing_is_no_id_and_other_values_are_refused() {
        for nothing in ["null", "\"\"", "\"None\"", "\"{id}\""] {
            check(nothing, Ok(None));
        }
        for wrong in ["8774.5", "1e400", "true", "[]", "{}", "\"a\\u0000b\"", "\"a\\nb\""] {
            check(wrong, Err(NotAnId));
        }
        check(&format!("\"{}\"", "x".repeat(1_025)), Err(NotAnId));
    }

    proptest! {
        #[test]
        fn an_id_is_the_same_as_number_and_as_text(number in any::<i128>()) {
            let as_number: Value = serde_json::from_str(&number.to_string()).unwrap();
            let as_text = Value::String(number.to_string());
            prop_assert_eq!(id(&as_number), id(&as_text));
            prop_assert_eq!(id(&as_number).unwrap(), Some(number.to_string()));
        }
    }
}
