//! Credentials that a platform puts into its bodies, whichever way it proves itself: they are no
//! part of an event, and the log keeps what it gets for long.

use std::ops::Range;

/// Names of fields, by the source whose bodies have credentials in them.
///
/// Moodle's `local_webhooks` puts its token into every body.
const RULES: &[(&str, &[&str])] = &[("moodle", &["token"])];

/// Where the values of such fields stand in a body, at any depth, in the order of the body.
pub(super) fn places(source: &str, body: &[u8]) -> Vec<Range<usize>> {
    let rule = RULES.iter().find(|(known, _)| *known == source);
    rule.map_or_else(Vec::new, |(_, names)| Scan { body, at: 0 }.values_of(names))
}

/// Reads JSON by its marks alone, once from the beginning to the end: a body that is malformed, or
/// nested without end, has its credentials taken out like any other.
struct Scan<'b> {
    body: &'b [u8],
    at: usize,
}

impl Scan<'_> {
    fn values_of(mut self, names: &[&str]) -> Vec<Range<usize>> {
        let mut places = Vec::new();
        while let Some(byte) = self.peek() {
            if byte != b'"' {
                self.at += 1;
                continue;
            }
            let text = self.text();
            let after = self.after_space(self.at);
            if self.body.get(after) != Some(&b':') || !self.is_any_of(text, names) {
                continue;
            }
            self.at = self.after_space(after + 1);
            let start = self.at;
            self.skip_value();
            if start < self.at {
                places.push(start..self.at);
            }
        }
        places
    }

    fn peek(&self) -> Option<u8> {
        self.body.get(self.at).copied()
    }

    fn after_space(&self, from: usize) -> usize {
        let rest = self.body.get(from..).unwrap_or_default();
        from + rest.iter().take_while(|byte| byte.is_ascii_whitespace()).count()
    }

    /// Passes over a text, from its first quote to behind its last.
    fn text(&mut self) -> Range<usize> {
        let start = self.at;
        self.at += 1;
        while let Some(byte) = self.peek() {
            self.at += if byte == b'\\' { 2 } else { 1 };
            if byte == b'"' {
                break;
            }
        }
        self.at = self.at.min(self.body.len());
        start..self.at
    }

    /// Passes over a text, or over an object, a list, a number or a word up to what follows it.
    fn skip_value(&mut self) {
        let mut depth = 0_usize;
        while let Some(byte) = self.peek() {
            match byte {
                b'"' => drop(self.text()),
                b'{' | b'[' => {
                    depth += 1;
                    self.at += 1;
                }
                b'}' | b']' if depth > 0 => {
                    depth -= 1;
                    self.at += 1;
                }
                b',' | b'}' | b']' if depth == 0 => return,
                _ if depth == 0 && byte.is_ascii_whitespace() => return,
                _ => {
                    self.at += 1;
                    continue;
                }
            }
            if depth == 0 {
                return;
            }
        }
    }

    /// Whether a text is one of the names, however it is escaped.
    fn is_any_of(&self, text: Range<usize>, names: &[&str]) -> bool {
        let text = self.body.get(text).unwrap_or_default();
        if text.contains(&b'\\') {
            let plain: Result<String, _> = serde_json::from_slice(text);
            return plain.is_ok_and(|plain| names.contains(&plain.as_str()));
        }
        let bare = text.strip_prefix(b"\"").and_then(|open| open.strip_suffix(b"\""));
        bare.is_some_and(|bare| names.iter().any(|name| name.as_bytes() == bare))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoding::Content;

    fn redacted(source: &str, body: &[u8]) -> String {
        let mut content = Content::from(body.to_vec());
        content.take_out(&places(source, body));
        String::from_utf8(content.into_bytes()).unwrap()
    }

    #[test]
    fn the_values_of_a_rules_fields_are_taken_out_and_nothing_else_is_touched() {
        for (body, expected) in [
            (r#"{"a":1, "token" : "sesame" ,"b":2}"#, r#"{"a":1, "token" : "***" ,"b":2}"#),
            (
                r#"[{"token":"a"},{"x":{"token":"b"}}]"#,
                r#"[{"token":"***"},{"x":{"token":"***"}}]"#,
            ),
            (r#"{"\u0074oken":"sesame"}"#, r#"{"\u0074oken":"***"}"#),
            (r#"{"token":"a\"b\\","c":1}"#, r#"{"token":"***","c":1}"#),
            (r#"{"token":12.5e3}"#, r#"{"token":"***"}"#),
            (r#"{"token":null , "b":1}"#, r#"{"token":"***" , "b":1}"#),
            (r#"{"token":{"a":["b","}"],"token":1},"c":2}"#, r#"{"token":"***","c":2}"#),
            (r#"{"token":"a","token":"b"}"#, r#"{"token":"***","token":"***"}"#),
            (r#"{"token":""}"#, r#"{"token":"***"}"#),
            // A body that is cut, or is not JSON at all.
            (r#"{"token":"sesame"#, r#"{"token":"***""#),
            (r#"{"a":1,}{"token":"sesame"} x"#, r#"{"a":1,}{"token":"***"} x"#),
            (r#"{"token":"#, r#"{"token":"#),
            // What only looks like it.
            (
                r#"{"tokens":"a","Token":"b","a":"token"}"#,
                r#"{"tokens":"a","Token":"b","a":"token"}"#,
            ),
            (r#"{"a":"\"token\":\"sesame\""}"#, r#"{"a":"\"token\":\"sesame\""}"#),
            (r#"["token","sesame"]"#, r#"["token","sesame"]"#),
            ("token=sesame", "token=sesame"),
            ("", ""),
        ] {
            assert_eq!(redacted("moodle", body.as_bytes()), expected);
            assert_eq!(redacted("custom", body.as_bytes()), body);
        }
    }

    #[test]
    fn any_body_is_read_once_however_it_is_nested() {
        let deep = format!("{}\"token\":1", "{\"token\":[".repeat(300_000));
        assert_eq!(places("moodle", deep.as_bytes()).len(), 1);
        let wide = "{\"token\":1}".repeat(90_000);
        assert_eq!(places("moodle", wide.as_bytes()).len(), 90_000);
        assert_eq!(places("moodle", &[b'"'; 1 << 20]).len(), 0);
        assert_eq!(places("moodle", b"\"token\":\"\\").first(), Some(&(8..10)));
    }
}
