//! Texts, and what counts as no text at all.

use serde_json::Value;

/// Characters of a wrong value that a message repeats.
const SHOWN_CHARS: usize = 40;

/// The text without surrounding white space; none where the sender meant nothing: `""`, `"null"`,
/// `"NULL"`, `"None"`, or a placeholder that its template engine did not fill, `"{user_email}"` or
/// `"{{user.email}}"`.
pub(crate) fn meant(text: &str) -> Option<&str> {
    let text = text.trim();
    match text {
        "" | "null" | "NULL" | "None" => None,
        _ if is_placeholder(text) => None,
        _ => Some(text),
    }
}

/// `{name}` of letters, digits, `-` and `_`: what Moodle's template engine looks for. Or `{{name}}`
/// of the same, points and spaces: what `LearnWorlds` and most others look for.
fn is_placeholder(text: &str) -> bool {
    let Some(name) = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) else {
        return false;
    };
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    match name.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
        Some(name) => {
            !name.trim().is_empty()
                && name.bytes().all(|byte| is_plain(byte) || matches!(byte, b'.' | b' '))
        }
        None => !name.is_empty() && name.bytes().all(is_plain),
    }
}

/// Text or number as text. None for null and for what is not a single value.
pub(crate) fn scalar(value: &Value) -> Option<&str> {
    match value {
        Value::String(text) => meant(text),
        Value::Number(number) => Some(number.as_str()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Whether the value says nothing: null, or a text that means nothing.
pub(crate) fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => meant(text).is_none(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => false,
    }
}

/// A value for a message: its type, and its beginning if it is short enough to be of use.
pub(crate) fn shown(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => shortened(number.as_str()),
        Value::String(text) => format!("{:?}", shortened(text)),
        Value::Array(_) | Value::Object(_) => kind(value).to_owned(),
    }
}

/// A value's type for a message, for values that may hold secrets.
pub(crate) const fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// The first characters of a text, and `…` if there are more.
pub(crate) fn shortened(text: &str) -> String {
    match text.char_indices().nth(SHOWN_CHARS) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_comes_in_many_dresses() {
        for nothing in [
            "",
            "  ",
            "null",
            "NULL",
            "None",
            "{user_email}",
            " {other_x-1} ",
            "{{user.id}}",
            "{{ a_b }}",
        ] {
            assert_eq!(meant(nothing), None, "{nothing:?}");
        }
        for something in [
            "0",
            "nil",
            "{}",
            "{a b}",
            "{{}}",
            "{{ }}",
            "{{a}",
            "{{a:b}}",
            "{a.b}",
            "{a",
            "Noneuclid",
            "{\"a\":1}",
        ] {
            assert_eq!(meant(something), Some(something));
        }
        assert_eq!(meant("\u{a0}x\n"), Some("x"));
    }

    #[test]
    fn messages_show_little_of_a_value() {
        assert_eq!(shown(&"ä".repeat(41).into()), format!("{:?}", "ä".repeat(40) + "…"));
        assert_eq!(shown(&serde_json::json!([1, 2])), "a list");
        assert_eq!(shown(&serde_json::json!({"token": "hush"})), "an object");
    }
}
