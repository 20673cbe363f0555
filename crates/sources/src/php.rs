//! PHP's serialised values, as far as data needs them.
//!
//! Arrays, texts, whole numbers, decimals, booleans and null. Objects and references are refused:
//! nothing that a platform stores as data needs them.

use serde_json::{Map, Number, Value};

/// Deeper arrays are refused.
const MAX_DEPTH: u8 = 32;

/// The value in a serialised text; none if the text is anything else. Arrays become objects, whole
/// keys become texts; numbers keep their digits.
pub(crate) fn unserialized(text: &str) -> Option<Value> {
    let mut reader = Reader { rest: text };
    let value = reader.value(MAX_DEPTH)?;
    reader.rest.is_empty().then_some(value)
}

struct Reader<'a> {
    rest: &'a str,
}

impl<'a> Reader<'a> {
    fn value(&mut self, depth: u8) -> Option<Value> {
        if let Some(rest) = self.rest.strip_prefix("N;") {
            self.rest = rest;
            return Some(Value::Null);
        }
        let (kind, rest) = self.rest.split_once(':')?;
        self.rest = rest;
        match kind {
            "b" => match self.until(';')? {
                "0" => Some(Value::Bool(false)),
                "1" => Some(Value::Bool(true)),
                _ => None,
            },
            "i" => self.until(';')?.parse::<i64>().ok().map(Value::from),
            "d" => match self.until(';')? {
                "INF" | "-INF" | "NAN" => Some(Value::Null),
                digits => digits.parse::<Number>().ok().map(Value::Number),
            },
            "s" => Some(Value::from(self.text()?)),
            "a" => self.array(depth.checked_sub(1)?),
            _ => None,
        }
    }

    /// What stands before a character, which is skipped.
    fn until(&mut self, end: char) -> Option<&'a str> {
        let (before, rest) = self.rest.split_once(end)?;
        self.rest = rest;
        Some(before)
    }

    /// The rest of `s:4:"text";`. The length counts bytes.
    fn text(&mut self) -> Option<&'a str> {
        let length = self.until(':')?.parse().ok()?;
        let (text, rest) = self.rest.strip_prefix('"')?.split_at_checked(length)?;
        self.rest = rest.strip_prefix("\";")?;
        Some(text)
    }

    /// The rest of `a:1:{key value}`.
    fn array(&mut self, depth: u8) -> Option<Value> {
        let count: usize = self.until(':')?.parse().ok()?;
        self.rest = self.rest.strip_prefix('{')?;
        let mut fields = Map::new();
        // An untrue count runs out of text, so that the work is bounded by the text's length.
        for _ in 0..count {
            let key = match self.value(0)? {
                Value::String(text) => text,
                Value::Number(number) => number.to_string(),
                Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
            };
            fields.insert(key, self.value(depth)?);
        }
        self.rest = self.rest.strip_prefix('}')?;
        Some(Value::Object(fields))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &Value) {
        assert_eq!(unserialized(text).as_ref(), Some(expected), "{text}");
    }

    #[test]
    fn data_is_read() {
        check("N;", &Value::Null);
        check("b:1;", &json!(true));
        check("i:-5;", &json!(-5));
        check("d:85.50;", &"85.50".parse::<Number>().unwrap().into());
        check("d:1.0E+25;", &"1.0E+25".parse::<Number>().unwrap().into());
        check("d:NAN;", &Value::Null);
        check("s:0:\"\";", &json!(""));
        check("s:7:\"né\";\"x\";", &json!("né\";\"x"));
        check("a:0:{}", &json!({}));
        check(
            "a:3:{s:13:\"relateduserid\";i:1;s:10:\"overrideby\";N;s:15:\"completionstate\";i:2;}",
            &json!({"relateduserid": 1, "overrideby": null, "completionstate": 2}),
        );
        check(
            "a:2:{i:0;s:1:\"x\";i:1;a:1:{s:1:\"k\";b:0;}}",
            &json!({"0": "x", "1": {"k": false}}),
        );
    }

    #[test]
    fn everything_else_is_refused() {
        for text in [
            "",
            "x",
            "N",
            "i:5",
            "i:5;i:6;",
            "i:five;",
            "b:2;",
            "d:;",
            "s:3:\"ab\";",
            "s:1:\"ab\";",
            "s:1:\"a",
            "s:1:\"é\";",
            "s:99999999999999999999:\"a\";",
            "a:1:{}",
            "a:1:{i:0;}",
            "a:1:{N;i:0;}",
            "a:4294967295:{i:0;i:0;",
            "O:8:\"stdClass\":0:{}",
            "C:3:\"Foo\":0:{}",
            "a:1:{i:0;O:8:\"stdClass\":0:{}}",
            "a:1:{i:0;R:1;}",
            "E:7:\"Foo:Bar\";",
        ] {
            assert_eq!(unserialized(text), None, "{text}");
        }
        assert_eq!(unserialized(&"a:1:{i:0;".repeat(100_000)), None);
    }

    fn serialized(value: &Value) -> String {
        match value {
            Value::Null => "N;".to_owned(),
            Value::Bool(flag) => format!("b:{};", u8::from(*flag)),
            Value::Number(number) => format!("i:{number};"),
            Value::String(text) => format!("s:{}:\"{text}\";", text.len()),
            Value::Array(_) => unreachable!("PHP has no lists of its own"),
            Value::Object(fields) => {
                let inner: String = fields
                    .iter()
                    .map(|(name, value)| serialized(&json!(name)) + &serialized(value))
                    .collect();
                format!("a:{}:{{{inner}}}", fields.len())
            }
        }
    }

    fn data() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            "\\PC{0,8}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 20, 4, |inner| {
            proptest::collection::btree_map("\\PC{0,6}", inner, 0..4)
                .prop_map(|fields| Value::Object(fields.into_iter().collect()))
        })
    }

    proptest! {
        #[test]
        fn what_php_writes_is_read_back(value in data()) {
            prop_assert_eq!(unserialized(&serialized(&value)), Some(value));
        }

        #[test]
        fn any_text_is_read_or_refused(text in "[abdinsNORC:;{}\"0-9é]{0,60}") {
            let _value = unserialized(&text);
        }
    }
}
