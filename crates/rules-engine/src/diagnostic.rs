//! What is wrong with a rule file, where, and what to do about it.

use std::fmt;

use serde::Serialize;

use crate::document::{Node, Value};

/// One thing that keeps a rule file from being used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// Counted from 1.
    pub line: usize,
    /// Counted from 1, in characters.
    pub column: usize,
    /// As `rules[2].trigger.conditions.progress_pct`; empty for the file as a whole.
    pub path: String,
    /// What is wrong, what was expected, what to do.
    pub message: String,
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}: ", self.line, self.column)?;
        if !self.path.is_empty() {
            write!(formatter, "{}: ", self.path)?;
        }
        formatter.write_str(&self.message)
    }
}

/// Findings on one text, by offset.
#[derive(Debug, Default)]
pub(crate) struct Report {
    findings: Vec<(usize, String)>,
}

impl Report {
    /// Notes what is wrong at an offset.
    pub(crate) fn at(&mut self, offset: usize, message: impl Into<String>) {
        self.findings.push((offset, message.into()));
    }

    /// Notes that a value is of another kind than expected.
    pub(crate) fn expected(&mut self, expected: &str, node: &Node<'_>) {
        self.at(node.start, format!("expected {expected}, found {}", node.value.kind()));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.findings.is_empty()
    }

    /// All findings with line, column and path, in the order of the text.
    pub(crate) fn diagnostics(
        mut self,
        text: &str,
        root: Option<&Node<'_>>,
        prefix: &str,
    ) -> Vec<Diagnostic> {
        self.findings.sort_by_key(|(offset, _)| *offset);
        let lines = line_starts(text);
        self.findings
            .into_iter()
            .map(|(offset, message)| {
                let (line, column) = position(text, &lines, offset);
                let mut path = prefix.to_owned();
                if let Some(root) = root {
                    extend_path(&mut path, root, offset);
                }
                Diagnostic { line, column, path, message }
            })
            .collect()
    }
}

/// The known name that is most like an unknown one.
pub(crate) fn nearest<'k>(
    unknown: &str,
    known: impl IntoIterator<Item = &'k str>,
) -> Option<&'k str> {
    let likeness = |name: &str| strsim::jaro_winkler(&unknown.to_lowercase(), name);
    known
        .into_iter()
        .map(|name| (likeness(name), name))
        .max_by(|(left, _), (right, _)| left.total_cmp(right))
        .map(|(_, name)| name)
}

fn line_starts(text: &str) -> Vec<usize> {
    let breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
    std::iter::once(0).chain(breaks.map(|(offset, _)| offset + 1)).collect()
}

fn position(text: &str, lines: &[usize], offset: usize) -> (usize, usize) {
    let line = lines.partition_point(|start| *start <= offset).max(1);
    let start = lines.get(line - 1).copied().unwrap_or_default();
    let before = text.get(start..offset).unwrap_or_default();
    (line, before.chars().count() + 1)
}

fn extend_path(path: &mut String, node: &Node<'_>, offset: usize) {
    let mut node = node;
    while offset > node.start {
        match &node.value {
            Value::Object(members) => {
                let place = members.partition_point(|member| member.node.end <= offset);
                let Some(member) = members.get(place).filter(|m| m.name_start <= offset) else {
                    return;
                };
                if !path.is_empty() {
                    path.push('.');
                }
                path.push_str(&member.name);
                if offset < member.node.start {
                    return;
                }
                node = &member.node;
            }
            Value::List(items) => {
                let index = items.partition_point(|item| item.end <= offset);
                let Some(item) = items.get(index).filter(|item| item.start <= offset) else {
                    return;
                };
                path.push_str(&format!("[{index}]"));
                node = item;
            }
            Value::Null | Value::Flag(_) | Value::Number(_) | Value::Text(_) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_has_line_column_and_path() {
        let text = "{\n  \"\u{e9}\": [1, {\"b\": true}]\n}";
        let root = crate::document::parse(text, &mut Report::default()).unwrap();
        for (needle, line, column, path) in [
            ("{\n", 1, 1, ""),
            ("\"\u{e9}", 2, 3, "\u{e9}"),
            ("[1", 2, 8, "\u{e9}"),
            ("1,", 2, 9, "\u{e9}[0]"),
            ("\"b", 2, 13, "\u{e9}[1].b"),
            ("true", 2, 18, "\u{e9}[1].b"),
        ] {
            let mut report = Report::default();
            report.at(text.find(needle).unwrap(), "wrong");
            let found = report.diagnostics(text, Some(&root), "");
            assert_eq!((found[0].line, found[0].column), (line, column), "{needle}");
            assert_eq!(found[0].path, path, "{needle}");
        }
    }

    #[test]
    fn the_nearest_name_is_the_one_that_was_meant() {
        let known = ["max_per_day", "max_per_week", "cooldown_minutes"];
        assert_eq!(nearest("max_per_dya", known), Some("max_per_day"));
        assert_eq!(nearest("Cooldown_Minute", known), Some("cooldown_minutes"));
        assert_eq!(nearest("zzz", []), None);
    }
}
