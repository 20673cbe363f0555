//! One table of the configuration, from which a service takes what it knows.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt;

use crate::config::document::{self, Entry, Node, Table, Value};
use crate::config::environment::Environment;
use crate::config::load::Document;
use crate::config::problem::{Place, Problem, Warning};

/// What all sections of one reading share.
pub(crate) struct Reading<'d> {
    pub(crate) environment: &'d Environment,
    problems: RefCell<Vec<Problem>>,
    warnings: RefCell<Vec<Warning>>,
    /// Lines that are not TOML: what was made of them is not worth a word.
    broken_lines: BTreeSet<(usize, usize)>,
}

impl<'d> Reading<'d> {
    pub(crate) fn new(environment: &'d Environment, document: &mut Document) -> Self {
        let mut problems = std::mem::take(&mut document.torn);
        let broken_lines =
            problems.iter().map(|problem| (problem.place.file.index, problem.place.line)).collect();
        problems.append(&mut document.problems);
        Self {
            environment,
            problems: RefCell::new(problems),
            warnings: RefCell::default(),
            broken_lines,
        }
    }

    /// Whether every line was understood: otherwise a key that is missed can stand in the rest.
    pub(crate) fn is_complete(&self) -> bool {
        self.broken_lines.is_empty()
    }

    pub(crate) fn into_parts(self) -> (Vec<Problem>, Vec<Warning>) {
        (self.problems.into_inner(), self.warnings.into_inner())
    }
}

/// One table.
///
/// Every getter takes a key and hands back a [`Field`](crate::config::Field); what is wrong is
/// collected, and reading goes on. Take every key first and put the values together last: a `?`
/// halfway would hide the problems that follow. When the section is dropped, keys that nobody
/// asked for are refused.
pub struct Section<'d> {
    pub(crate) reading: &'d Reading<'d>,
    table: Option<&'d Table>,
    name: String,
    path: String,
    place: Place,
    /// Whether the section stands there in another form, so that nothing in it can be missed.
    is_broken: bool,
    asked: RefCell<BTreeSet<&'static str>>,
}

impl<'d> Section<'d> {
    pub(crate) fn root(reading: &'d Reading<'d>, document: &'d Document) -> Self {
        Self {
            reading,
            table: Some(&document.root),
            name: String::new(),
            path: String::new(),
            place: document.place.clone(),
            is_broken: false,
            asked: RefCell::default(),
        }
    }

    fn child(&self, table: Option<&'d Table>, name: &str, path: String, place: Place) -> Self {
        Self {
            reading: self.reading,
            table,
            name: name.to_owned(),
            path,
            place,
            is_broken: self.is_broken,
            asked: RefCell::default(),
        }
    }

    /// The last part of its path.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it stands in the configuration.
    #[must_use]
    pub const fn is_present(&self) -> bool {
        self.table.is_some()
    }

    /// Keys that others read: they are known, and not looked at.
    pub fn skip(&self, keys: &[&'static str]) {
        self.asked.borrow_mut().extend(keys);
    }

    /// A table in it; an empty one where it is absent.
    #[must_use]
    pub fn section(&self, key: &'static str) -> Section<'d> {
        let path = self.path_of(key);
        match self.entry(key) {
            None => self.child(None, key, path, self.place.clone()),
            Some(Entry { node: Node { value: Value::Table(table), place }, .. }) => {
                self.child(Some(table), key, path, place.clone())
            }
            Some(Entry { node, .. }) => {
                self.record_other(node, path.clone(), &format!("a table, as [{path}]"));
                let mut section = self.child(None, key, path, node.place.clone());
                section.is_broken = true;
                section
            }
        }
    }

    /// The tables below it by name, as `[key.name]`, in the order of the names.
    #[must_use]
    pub fn named(&self, key: &'static str) -> Vec<Section<'d>> {
        let path = self.path_of(key);
        let expected = format!("tables by name, as [{path}.name]");
        match self.entry(key) {
            None => Vec::new(),
            Some(Entry { node: Node { value: Value::Table(table), .. }, .. }) => table
                .entries
                .iter()
                .filter_map(|(name, entry)| {
                    self.item(name, document::join(&path, name), &entry.node, &expected)
                })
                .collect(),
            Some(Entry { node, .. }) => {
                self.record_other(node, path, &expected);
                Vec::new()
            }
        }
    }

    /// A list of tables, as `[[key]]`.
    #[must_use]
    pub fn list_of_tables(&self, key: &'static str) -> Vec<Section<'d>> {
        let path = self.path_of(key);
        let expected = format!("a list of tables, as [[{path}]] or {key} = [{{ … }}]");
        match self.entry(key) {
            None => Vec::new(),
            Some(Entry { node: Node { value: Value::List(items), .. }, .. }) => items
                .iter()
                .enumerate()
                .filter_map(|(index, node)| {
                    self.item(key, format!("{path}[{index}]"), node, &expected)
                })
                .collect(),
            Some(Entry { node, .. }) => {
                self.record_other(node, path, &expected);
                Vec::new()
            }
        }
    }

    fn item(&self, name: &str, path: String, node: &'d Node, expected: &str) -> Option<Self> {
        if let Value::Table(table) = &node.value {
            Some(self.child(Some(table), name, path, node.place.clone()))
        } else {
            self.record_other(node, path, expected);
            None
        }
    }

    fn record_other(&self, node: &Node, path: String, expected: &str) {
        self.record(Problem {
            place: node.place.clone(),
            path,
            found: node.value.describe(),
            expected: expected.to_owned(),
            remedy: "write it in that form".to_owned(),
        });
    }

    /// A problem that the reader sees in a key's value, or, where the key is absent, in the section.
    pub fn problem(&self, key: &'static str, found: String, expected: &str, remedy: &str) {
        let place = self.entry(key).map_or(&self.place, |entry| &entry.node.place);
        self.record(Problem {
            place: place.clone(),
            path: self.path_of(key),
            found,
            expected: expected.to_owned(),
            remedy: remedy.to_owned(),
        });
    }

    /// A problem that the reader sees in the section as a whole, as its name.
    pub fn problem_here(&self, found: String, expected: &str, remedy: &str) {
        self.record(Problem {
            place: self.place.clone(),
            path: self.path.clone(),
            found,
            expected: expected.to_owned(),
            remedy: remedy.to_owned(),
        });
    }

    pub(crate) fn entry(&self, key: &'static str) -> Option<&'d Entry> {
        self.asked.borrow_mut().insert(key);
        self.table?.entries.get(key)
    }

    pub(crate) fn path_of(&self, key: &str) -> String {
        document::join(&self.path, key)
    }

    pub(crate) fn record(&self, problem: Problem) {
        let line = (problem.place.file.index, problem.place.line);
        if !self.reading.broken_lines.contains(&line) {
            self.reading.problems.borrow_mut().push(problem);
        }
    }

    pub(crate) fn warn(&self, warning: Warning) {
        let mut warnings = self.reading.warnings.borrow_mut();
        if !warnings.contains(&warning) {
            warnings.push(warning);
        }
    }

    pub(crate) fn report_missing(&self, key: &str, expected: &str) {
        if self.is_broken || !self.reading.is_complete() {
            return;
        }
        let remedy = if self.path.is_empty() {
            format!("add a line {key} = … at the top of the file")
        } else {
            format!("add a line {key} = … to [{}]", self.path)
        };
        self.record(Problem {
            place: self.place.clone(),
            path: self.path_of(key),
            found: "nothing".to_owned(),
            expected: expected.to_owned(),
            remedy,
        });
    }

    /// Nothing came of it although nothing is known to be wrong: never a silent refusal.
    pub(crate) fn record_unexplained(&self) {
        if self.reading.problems.borrow().is_empty() {
            let advice = "report this: the program refused the file without saying why";
            self.problem_here("a configuration that means nothing".to_owned(), "settings", advice);
        }
    }

    fn refuse_unknown(&self, key: &str, entry: &Entry) {
        let asked = self.asked.borrow();
        let known: Vec<&str> = asked.iter().copied().collect();
        let remedy = nearest(key, &known).map_or_else(
            || "remove it".to_owned(),
            |near| format!("did you mean {near}? Otherwise remove it"),
        );
        self.record(Problem {
            place: entry.key.clone(),
            path: self.path_of(key),
            found: "a key that is not known".to_owned(),
            expected: one_of_text(&known),
            remedy,
        });
    }
}

impl Drop for Section<'_> {
    fn drop(&mut self) {
        let Some(table) = self.table else { return };
        for (key, entry) in &table.entries {
            if !self.asked.borrow().contains(key.as_str()) {
                self.refuse_unknown(key, entry);
            }
        }
    }
}

impl fmt::Debug for Section<'_> {
    /// Without values: there are secrets among them.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Section([{}] at {})", self.path, self.place)
    }
}

/// The one of them that was probably meant.
pub(crate) fn nearest<'k>(text: &str, known: &[&'k str]) -> Option<&'k str> {
    let allowed = (text.chars().count() / 3).max(1);
    known
        .iter()
        .map(|candidate| (strsim::damerau_levenshtein(text, candidate), *candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min()
        .map(|(_, candidate)| candidate)
}

/// `a`, `a or b`, `one of a, b, c`.
pub(crate) fn one_of_text(known: &[&str]) -> String {
    match known {
        [] => "nothing".to_owned(),
        [only] => (*only).to_owned(),
        [first, second] => format!("{first} or {second}"),
        many => format!("one of {}", many.join(", ")),
    }
}
