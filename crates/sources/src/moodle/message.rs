//! The fields of one event as channels A and B send them.

use std::borrow::Cow;
use std::cell::OnceCell;

use kleos_contracts::reason;
use serde_json::{Map, Value};

use super::is_real;
use crate::php;
use crate::read::fields::Fields;
use crate::read::{boolean, id, text};
use crate::verdict::Verdict;

/// One event's fields. `other`, which comes in five forms, is read when it is first asked for.
#[derive(Debug)]
pub(super) struct Message<'a> {
    pub(super) fields: Fields<'a>,
    /// Its template was typed as JSON, into which Moodle pasted percent-encoded values.
    pub(super) was_encoded: bool,
    other: OnceCell<Option<Other<'a>>>,
}

type Other<'a> = Cow<'a, Map<String, Value>>;

impl<'a> Message<'a> {
    pub(super) fn new(fields: &'a Map<String, Value>, was_encoded: bool) -> Self {
        Self { fields: Fields::of(fields), was_encoded, other: OnceCell::new() }
    }

    /// A field of `other`, by its flat name: `other_quizid` is `quizid` in `other`.
    pub(super) fn other(&self, flat_name: &'static str) -> Result<Option<&Value>, Verdict> {
        if let Some(value) = self.fields.get(flat_name) {
            return Ok(Some(value));
        }
        let nested_name = flat_name.strip_prefix("other_").unwrap_or(flat_name);
        match self.other.get_or_init(|| self.fields.get("other").map_or_else(nothing, opened)) {
            Some(fields) => Ok(fields.get(nested_name).filter(|value| !text::is_nothing(value))),
            None => Err(Verdict::rejected(
                reason::INVALID_FIELD,
                "other: expected an object, as it is, as JSON text or as PHP writes it; found a \
                 text or value that is none of these",
            )),
        }
    }

    /// The id in a field of `other`, by its flat name.
    pub(super) fn other_id(&self, flat_name: &'static str) -> Result<Option<String>, Verdict> {
        match self.other(flat_name)? {
            None => Ok(None),
            Some(value) => id::id(value).map_err(|id::NotAnId| {
                Verdict::invalid(&nested_path(flat_name), id::EXPECTED, value)
            }),
        }
    }

    /// The id in a field, if it is one of a person or thing: nought and negative ones are not.
    pub(super) fn real_id(&self, name: &str) -> Result<Option<String>, Verdict> {
        Ok(self.fields.id(name)?.filter(|id| is_real(id)))
    }

    /// Whether a field says yes; anything unreadable is a no.
    pub(super) fn says_yes(&self, name: &str) -> bool {
        self.fields.get(name).and_then(boolean::boolean) == Some(true)
    }
}

/// The path of a flat name for messages: `other.quizid`.
pub(super) fn nested_path(flat_name: &str) -> String {
    flat_name.replacen('_', ".", 1)
}

fn nothing<'a>() -> Option<Other<'a>> {
    Some(Cow::Owned(Map::new()))
}

/// `other` in any of its forms; none if it is in none of them.
fn opened(value: &Value) -> Option<Other<'_>> {
    match value {
        Value::Object(fields) => Some(Cow::Borrowed(fields)),
        // PHP writes an empty object as an empty list.
        Value::Array(_) | Value::Null => nothing(),
        Value::String(text) => {
            let text = text.trim();
            let value = if text.starts_with(['{', '[']) {
                serde_json::from_str(text).ok()?
            } else {
                php::unserialized(text)?
            };
            match value {
                Value::Object(fields) => Some(Cow::Owned(fields)),
                Value::Array(_) | Value::Null => nothing(),
                Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
            }
        }
        Value::Bool(_) | Value::Number(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(message: &Value, expected: Option<&str>) {
        let fields = message.as_object().unwrap();
        assert_eq!(
            Message::new(fields, false).other_id("other_quizid").unwrap().as_deref(),
            expected,
            "{message}"
        );
    }

    #[test]
    fn other_is_read_in_every_form() {
        check(&json!({"other_quizid": "7"}), Some("7"));
        check(&json!({"other": {"quizid": 7}}), Some("7"));
        check(&json!({"other": "{\"quizid\":7}"}), Some("7"));
        check(&json!({"other": "a:1:{s:6:\"quizid\";i:7;}"}), Some("7"));
        check(&json!({"other_quizid": "{other_quizid}", "other": {"quizid": "7"}}), Some("7"));
        for nothing in [json!(null), json!([]), json!(""), json!("N;"), json!("[]"), json!({})] {
            check(&json!({"other": nothing}), None);
        }
        check(&json!({}), None);
    }

    #[test]
    fn other_in_no_form_is_refused_without_showing_it() {
        for wrong in [json!(5), json!("O:1:\"X\":1:{s:5:\"token\";s:4:\"hush\";}"), json!("i:5;")] {
            let message = json!({"other": wrong});
            let verdict =
                Message::new(message.as_object().unwrap(), false).other_id("other_quizid");
            let Err(Verdict::Rejected { reason, message }) = verdict else {
                panic!("{verdict:?}");
            };
            assert_eq!(reason, reason::INVALID_FIELD);
            assert!(!message.contains("hush"));
        }
    }
}
