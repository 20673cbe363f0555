//! JSON as people wrote it: every value and every key knows its place in the text.
//!
//! serde_json reads the text; its `RawValue` is a slice of it, so that the address of a slice tells
//! where the value stands. Each level of nesting is read again by the level around it, which
//! [`DEPTH_MAX`] bounds.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::decimal::Decimal;
use crate::diagnostic::Report;

/// Levels of nesting in a file; a rule at its own limits needs fewer than half of them.
const DEPTH_MAX: usize = 64;

/// One value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Node<'t> {
    /// Offset of the first byte.
    pub(crate) start: usize,
    /// Offset behind the last byte.
    pub(crate) end: usize,
    /// What it is.
    pub(crate) value: Value<'t>,
}

/// What a value is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value<'t> {
    Null,
    Flag(bool),
    /// As written.
    Number(&'t str),
    Text(Cow<'t, str>),
    List(Vec<Node<'t>>),
    Object(Vec<Member<'t>>),
}

/// One key of an object and its value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Member<'t> {
    pub(crate) name: Cow<'t, str>,
    pub(crate) name_start: usize,
    pub(crate) node: Node<'t>,
}

impl Value<'_> {
    /// The kind of value, for messages.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Flag(_) => "true or false",
            Self::Number(_) => "a number",
            Self::Text(_) => "text",
            Self::List(_) => "a list",
            Self::Object(_) => "an object",
        }
    }
}

/// Reads a text. What is wrong goes to the report; none if nothing can be told of the rest.
pub(crate) fn parse<'t>(text: &'t str, report: &mut Report) -> Option<Node<'t>> {
    match serde_json::from_str::<&'t RawValue>(text) {
        Ok(raw) => Reading { text, report }.node(raw, 0),
        Err(error) => {
            report.at(offset_of(text, &error), not_json(&error));
            None
        }
    }
}

/// The value again, in the one form that equal values have: keys in byte order, no white space,
/// numbers without superfluous digits.
pub(crate) fn canonical(node: &Node<'_>) -> String {
    let mut out = String::with_capacity(node.end - node.start);
    write_canonical(node, &mut out);
    out
}

struct Reading<'t, 'r> {
    text: &'t str,
    report: &'r mut Report,
}

impl<'t> Reading<'t, '_> {
    fn node(&mut self, raw: &'t RawValue, depth: usize) -> Option<Node<'t>> {
        let written = raw.get();
        let start = self.offset(written);
        if depth > DEPTH_MAX {
            self.report.at(start, format!("nested deeper than {DEPTH_MAX} levels: flatten it"));
            return None;
        }
        let value = match written.as_bytes().first() {
            Some(b'{') => Value::Object(self.members(written, start, depth)?),
            Some(b'[') => Value::List(self.items(written, start, depth)?),
            Some(b'"') => Value::Text(self.string(written, start)?),
            Some(b't') => Value::Flag(true),
            Some(b'f') => Value::Flag(false),
            Some(b'n') => Value::Null,
            _ => Value::Number(written),
        };
        Some(Node { start, end: start + written.len(), value })
    }

    fn members(&mut self, written: &'t str, start: usize, depth: usize) -> Option<Vec<Member<'t>>> {
        let raw: RawMembers<'t> = self.read(written, start)?;
        let mut names = BTreeSet::new();
        let mut members = Vec::with_capacity(raw.0.len());
        for (name, value) in raw.0 {
            let name_start = self.offset(name.get());
            let name = self.string(name.get(), name_start)?;
            if !names.insert(name.clone()) {
                self.report.at(name_start, format!("{name:?} is given twice: leave one out"));
            }
            members.push(Member { name, name_start, node: self.node(value, depth + 1)? });
        }
        Some(members)
    }

    fn items(&mut self, written: &'t str, start: usize, depth: usize) -> Option<Vec<Node<'t>>> {
        let raw: Vec<&'t RawValue> = self.read(written, start)?;
        raw.into_iter().map(|item| self.node(item, depth + 1)).collect()
    }

    fn string(&mut self, written: &'t str, start: usize) -> Option<Cow<'t, str>> {
        if written.contains('\\') {
            return self.read::<String>(written, start).map(Cow::Owned);
        }
        let inner = written.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        inner.map(Cow::Borrowed)
    }

    fn read<T: Deserialize<'t>>(&mut self, written: &'t str, start: usize) -> Option<T> {
        match serde_json::from_str(written) {
            Ok(value) => Some(value),
            Err(error) => {
                self.report.at(start, not_json(&error));
                None
            }
        }
    }

    /// Where a slice of the text stands in it.
    fn offset(&self, slice: &str) -> usize {
        slice.as_ptr().addr().saturating_sub(self.text.as_ptr().addr()).min(self.text.len())
    }
}

/// The members of an object in their order, doubles included.
struct RawMembers<'t>(Vec<(&'t RawValue, &'t RawValue)>);

impl<'de> Deserialize<'de> for RawMembers<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor).map(Self)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Vec<(&'de RawValue, &'de RawValue)>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(members)
    }
}

fn not_json(error: &serde_json::Error) -> String {
    let message = error.to_string();
    let what = message.split(" at line ").next().unwrap_or_default();
    format!("not JSON: {what}")
}

/// serde_json counts lines from 1 and bytes of a line, up to the one that it stumbled over.
fn offset_of(text: &str, error: &serde_json::Error) -> usize {
    if error.is_eof() {
        return text.len();
    }
    let line_start = match error.line().checked_sub(2) {
        None => 0,
        Some(breaks) => text
            .bytes()
            .enumerate()
            .filter(|(_, byte)| *byte == b'\n')
            .nth(breaks)
            .map_or(text.len(), |(offset, _)| offset + 1),
    };
    let mut offset = line_start.saturating_add(error.column().saturating_sub(1)).min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    offset
}

fn write_canonical(node: &Node<'_>, out: &mut String) {
    match &node.value {
        Value::Null => out.push_str("null"),
        Value::Flag(flag) => out.push_str(if *flag { "true" } else { "false" }),
        Value::Number(written) => match written.parse::<Decimal>() {
            Ok(number) => out.push_str(&number.to_string()),
            Err(_) => out.push_str(written),
        },
        Value::Text(text) => write_string(text, out),
        Value::List(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_canonical(item, out);
            }
            out.push(']');
        }
        Value::Object(members) => {
            out.push('{');
            for (index, member) in in_byte_order(members).into_iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_string(&member.name, out);
                out.push(':');
                write_canonical(&member.node, out);
            }
            out.push('}');
        }
    }
}

/// Members as everything that depends on an order takes them, so that a rule means the same in
/// whatever order its keys are written.
pub(crate) fn in_byte_order<'n, 't>(members: &'n [Member<'t>]) -> Vec<&'n Member<'t>> {
    let mut sorted: Vec<&Member<'_>> = members.iter().collect();
    sorted.sort_by(|left, right| left.name.cmp(&right.name));
    sorted
}

fn write_string(text: &str, out: &mut String) {
    out.push_str(&serde_json::Value::from(text).to_string());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_and_keys_know_where_they_stand() {
        let text = "{ \"a\" : [1, \"x\"],\n\"\\u0062\": null }";
        let mut report = Report::default();
        let root = parse(text, &mut report).unwrap();
        let Value::Object(members) = &root.value else { panic!("not an object: {root:?}") };
        let at = |start: usize, end: usize| text.get(start..end).unwrap();
        assert_eq!(at(members[0].node.start, members[0].node.end), "[1, \"x\"]");
        assert_eq!(members[1].name, "b");
        assert_eq!(at(members[1].name_start, members[1].node.end), "\"\\u0062\": null");
        let Value::List(items) = &members[0].node.value else { panic!("not a list") };
        assert_eq!(at(items[1].start, items[1].end), "\"x\"");
    }

    #[test]
    fn equal_values_have_one_canonical_form() {
        let mut report = Report::default();
        let mut form = |text| canonical(&parse(text, &mut report).unwrap());
        let expected = r#"{"a":[80,0.5,-3],"b":"x\ny"}"#;
        assert_eq!(form(r#" {"b" : "x\ny", "a":[80.0, 5e-1, -3]} "#), expected);
        assert_eq!(form(expected), expected);
    }
}
