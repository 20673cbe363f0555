//! Booleans and what platforms send in their place.

use serde_json::Value;

use super::text;

/// Yes or no; none where the value says neither.
pub(crate) fn boolean(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(flag) => Some(*flag),
        Value::Number(_) | Value::String(_) => match text::scalar(value)? {
            "1" | "true" | "True" | "TRUE" | "yes" | "on" | "correct" => Some(true),
            "0" | "false" | "False" | "FALSE" | "no" | "off" | "incorrect" => Some(false),
            _ => None,
        },
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn words_and_digits_are_booleans() {
        for yes in [json!(true), json!(1), json!("1"), json!("True"), json!("correct")] {
            assert_eq!(boolean(&yes), Some(true), "{yes}");
        }
        for no in [json!(false), json!(0), json!("0"), json!("False"), json!("incorrect")] {
            assert_eq!(boolean(&no), Some(false), "{no}");
        }
        for neither in [json!(null), json!(""), json!(2), json!("maybe"), json!([]), json!({})] {
            assert_eq!(boolean(&neither), None, "{neither}");
        }
    }
}
