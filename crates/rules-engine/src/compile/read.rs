//! Shapes of JSON: objects of known keys, lists, texts, whole numbers.

use std::ops::RangeInclusive;

use crate::decimal::Decimal;
use crate::diagnostic::{Report, nearest};
use crate::document::{Member, Node, Value};

/// An object whose keys are known.
#[derive(Clone, Copy)]
pub(super) struct Object<'n, 't> {
    node: &'n Node<'t>,
    members: &'n [Member<'t>],
}

/// The object, and a finding for each key that is not known.
pub(super) fn object<'n, 't>(
    node: &'n Node<'t>,
    known: &[&str],
    report: &mut Report,
) -> Option<Object<'n, 't>> {
    let Value::Object(members) = &node.value else {
        report.expected(&format!("an object with {}", known.join(", ")), node);
        return None;
    };
    for member in members.iter().filter(|member| !known.contains(&member.name.as_ref())) {
        let near = nearest(&member.name, known.iter().copied()).unwrap_or_default();
        report.at(
            member.name_start,
            format!(
                "unknown key {:?}: the nearest known is {near:?}, known are {}",
                member.name,
                known.join(", ")
            ),
        );
    }
    Some(Object { node, members })
}

impl<'n, 't> Object<'n, 't> {
    /// The whole member of a key.
    pub(super) fn member(&self, name: &str) -> Option<&'n Member<'t>> {
        self.members.iter().find(|member| member.name == name)
    }

    /// The value of a key.
    pub(super) fn get(&self, name: &str) -> Option<&'n Node<'t>> {
        self.member(name).map(|member| &member.node)
    }

    /// The value of a key that must be there.
    pub(super) fn required(
        &self,
        name: &str,
        expected: &str,
        report: &mut Report,
    ) -> Option<&'n Node<'t>> {
        let found = self.get(name);
        if found.is_none() {
            report.at(self.node.start, format!("{name} is missing: expected {expected}"));
        }
        found
    }
}

/// The items of a list.
pub(super) fn list<'n, 't>(
    node: &'n Node<'t>,
    expected: &str,
    report: &mut Report,
) -> Option<&'n [Node<'t>]> {
    if let Value::List(items) = &node.value {
        return Some(items);
    }
    report.expected(expected, node);
    None
}

/// The items of a list, or the one value that stands for a list of one.
pub(super) fn one_or_more<'n, 't>(node: &'n Node<'t>) -> &'n [Node<'t>] {
    match &node.value {
        Value::List(items) => items,
        Value::Null | Value::Flag(_) | Value::Number(_) | Value::Text(_) | Value::Object(_) => {
            std::slice::from_ref(node)
        }
    }
}

/// A text.
pub(super) fn text<'n>(node: &'n Node<'_>, expected: &str, report: &mut Report) -> Option<&'n str> {
    if let Value::Text(text) = &node.value {
        return Some(text);
    }
    report.expected(expected, node);
    None
}

/// A whole number in a range.
pub(super) fn whole(
    node: &Node<'_>,
    range: RangeInclusive<i64>,
    report: &mut Report,
) -> Option<i64> {
    let expected = format!("a whole number from {} to {}", range.start(), range.end());
    let Value::Number(written) = &node.value else {
        report.expected(&expected, node);
        return None;
    };
    let number = written.parse::<Decimal>().ok().and_then(Decimal::to_whole);
    let number = number.filter(|number| range.contains(number));
    if number.is_none() {
        report.at(node.start, format!("expected {expected}, found {written}"));
    }
    number
}

/// An id of a rule or badge.
pub(super) fn id<'n>(node: &'n Node<'_>, report: &mut Report) -> Option<&'n str> {
    const EXPECTED: &str = "1 to 64 of a-z, 0-9, _ and -";
    let id = text(node, EXPECTED, report)?;
    let is_id = (1..=64).contains(&id.len())
        && id.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-'));
    if !is_id {
        report.at(node.start, format!("{id:?} is not an id: expected {EXPECTED}"));
    }
    is_id.then_some(id)
}
