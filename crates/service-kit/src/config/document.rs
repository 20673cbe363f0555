//! The configuration as written: a tree of values, each with its place, from one or several files.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::config::problem::{Place, Problem, SourceFile};

/// A value with its place.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) place: Place,
    pub(crate) value: Value,
}

/// What TOML can say.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    Text(String),
    Integer(i128),
    Float(String),
    Boolean(bool),
    Time(String),
    List(Vec<Node>),
    Table(Table),
}

impl Value {
    /// For people: the kind and, where short, the value.
    pub(crate) fn describe(&self) -> String {
        match self {
            Self::Text(text) => describe_text(text),
            Self::Integer(number) => format!("the integer {number}"),
            Self::Float(number) => format!("the number {number}"),
            Self::Boolean(value) => format!("the boolean {value}"),
            Self::Time(time) => format!("the time {time}"),
            Self::List(_) => "a list".to_owned(),
            Self::Table(_) => "a table".to_owned(),
        }
    }

    /// For people, where the value must not be shown.
    pub(crate) const fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "a text",
            Self::Integer(_) => "an integer",
            Self::Float(_) => "a number",
            Self::Boolean(_) => "a boolean",
            Self::Time(_) => "a time",
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
        }
    }
}

/// The text in quotes, cut where it is long, without a password that a URL may hold.
pub(crate) fn describe_text(text: &str) -> String {
    const SHOWN: usize = 60;
    let text = match (text.split_once("://"), text.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, host))) => format!("{scheme}://…@{host}"),
        _ => text.to_owned(),
    };
    if text.chars().count() <= SHOWN {
        format!("{text:?}")
    } else {
        let start: String = text.chars().take(SHOWN).collect();
        format!("{start:?}…")
    }
}

/// Keys with their places and values.
#[derive(Clone, Debug, Default)]
pub(crate) struct Table {
    pub(crate) entries: BTreeMap<String, Entry>,
}

/// One key and its value.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) key: Place,
    pub(crate) node: Node,
}

/// Reads one file's text as far as it is TOML; the rest comes back as problems.
pub(crate) fn parse(file: &Arc<SourceFile>, text: &str) -> (Table, Vec<Problem>) {
    let places = Places::new(file, text);
    let mut problems: Vec<Problem> = Vec::new();
    let mut readable = text.to_owned();
    loop {
        let (root, errors) = DeTable::parse_recoverable(&readable);
        // The parser gives up after a line without a value: it is read again without that line.
        let stop = errors.iter().find_map(|error| places.stop_line(error, &readable));
        let Some((line, problem)) = stop else {
            problems.extend(errors.iter().map(|error| places.syntax_problem(error)));
            return (places.table(root.get_ref()), without_echoes(problems));
        };
        problems.push(problem);
        let blank = " ".repeat(line.len());
        drop((root, errors));
        readable.replace_range(line, &blank);
    }
}

/// A list without an end makes every later line of the file look wrong in the same way.
fn without_echoes(problems: Vec<Problem>) -> Vec<Problem> {
    let mut said = BTreeSet::new();
    problems
        .into_iter()
        .filter(|problem| !problem.found.contains("array") || said.insert(problem.found.clone()))
        .collect()
}

/// Turns byte offsets into lines and columns.
struct Places<'t> {
    file: &'t Arc<SourceFile>,
    text: &'t str,
    line_starts: Vec<usize>,
}

impl<'t> Places<'t> {
    fn new(file: &'t Arc<SourceFile>, text: &'t str) -> Self {
        let newlines = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let line_starts =
            std::iter::once(0).chain(newlines.map(|(offset, _)| offset + 1)).collect();
        Self { file, text, line_starts }
    }

    /// The line at which the parser gave up, unless it is blank already.
    fn stop_line(
        &self,
        error: &toml::de::Error,
        readable: &str,
    ) -> Option<(Range<usize>, Problem)> {
        let line = self.line(error.span()?.start);
        let is_blank = readable.get(line.clone()).is_none_or(|text| text.trim().is_empty());
        let is_stop = error.message().starts_with("key with no value") && !is_blank;
        is_stop.then(|| (line, self.syntax_problem(error)))
    }

    /// Without its newline.
    fn line(&self, offset: usize) -> Range<usize> {
        let next = self.line_starts.partition_point(|start| *start <= offset);
        let start = self.line_starts.get(next - 1).copied().unwrap_or(0);
        let end = self.line_starts.get(next).map_or(self.text.len(), |next| next - 1);
        start..end
    }

    fn at(&self, offset: usize) -> Place {
        let line = self.line_starts.partition_point(|start| *start <= offset);
        let start = self.line_starts.get(line - 1).copied().unwrap_or(0);
        let before = self.text.get(start..offset).map_or(0, |before| before.chars().count());
        Place { file: Arc::clone(self.file), line, column: before + 1 }
    }

    fn table(&self, table: &DeTable<'_>) -> Table {
        let entries = table
            .iter()
            .map(|(key, value)| {
                let entry = Entry { key: self.at(key.span().start), node: self.node(value) };
                (key.get_ref().to_string(), entry)
            })
            .collect();
        Table { entries }
    }

    fn node(&self, value: &Spanned<DeValue<'_>>) -> Node {
        let place = self.at(value.span().start);
        let value = match value.get_ref() {
            DeValue::String(text) => Value::Text(text.to_string()),
            DeValue::Integer(number) => Value::Integer(
                // Too long for any number: as far from every range as can be.
                i128::from_str_radix(number.as_str(), number.radix()).unwrap_or(i128::MAX),
            ),
            DeValue::Float(number) => Value::Float(number.to_string()),
            DeValue::Boolean(value) => Value::Boolean(*value),
            DeValue::Datetime(time) => Value::Time(time.to_string()),
            DeValue::Array(items) => {
                Value::List(items.iter().map(|item| self.node(item)).collect())
            }
            DeValue::Table(table) => Value::Table(self.table(table)),
        };
        Node { place, value }
    }

    fn syntax_problem(&self, error: &toml::de::Error) -> Problem {
        let message = error.message();
        let (found, expected) = match message.split_once(", expected ") {
            Some((found, expected)) => (found, expected),
            None => (message, "TOML"),
        };
        let (expected, remedy) = if found == "duplicate key" {
            ("each key once", "keep one of the two")
        } else {
            (expected, "correct the line; texts stand in double quotes, tables in [brackets]")
        };
        Problem {
            place: self.at(error.span().map_or(0, |span| span.start)),
            path: String::new(),
            found: found.to_owned(),
            expected: expected.to_owned(),
            remedy: remedy.to_owned(),
        }
    }
}

/// Adds one file's tables to another's. A key that both have is a problem, unless both times a
/// table stands there.
pub(crate) fn merge(into: &mut Table, from: Table, path: &str, problems: &mut Vec<Problem>) {
    for (key, entry) in from.entries {
        let path = join(path, &key);
        match into.entries.get_mut(&key) {
            None => {
                into.entries.insert(key, entry);
            }
            Some(Entry { node: Node { value: Value::Table(first), .. }, .. })
                if matches!(entry.node.value, Value::Table(_)) =>
            {
                if let Value::Table(second) = entry.node.value {
                    merge(first, second, &path, problems);
                }
            }
            Some(first) => problems.push(Problem {
                place: entry.key,
                path,
                found: "the key a second time".to_owned(),
                expected: format!("each key once; the first is at {}", first.key),
                remedy: "keep one of the two".to_owned(),
            }),
        }
    }
}

/// `path.key`, the key in quotes where TOML would want them.
pub(crate) fn join(path: &str, key: &str) -> String {
    let bare = !key.is_empty()
        && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
    let key = if bare { key.to_owned() } else { format!("{key:?}") };
    if path.is_empty() { key } else { format!("{path}.{key}") }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_file() -> Arc<SourceFile> {
        Arc::new(SourceFile {
            name: "kleos.toml".to_owned(),
            directory: "".into(),
            index: 0,
            world_readable: false,
        })
    }

    #[test]
    fn places_count_lines_and_characters_from_one() {
        let (table, problems) =
            parse(&any_file(), "['ä']\r\n'ü ö' = { 'é' = 1, y = 3 }\n\n  x = 2");
        assert_eq!(problems, []);
        let Value::Table(inner) = &table.entries["ä"].node.value else { panic!("a table") };
        assert_eq!(inner.entries["ü ö"].node.place.to_string(), "kleos.toml:2:9");
        let Value::Table(inline) = &inner.entries["ü ö"].node.value else { panic!("a table") };
        assert_eq!(inline.entries["y"].key.to_string(), "kleos.toml:2:20");
        assert_eq!(inner.entries["x"].key.to_string(), "kleos.toml:4:3");
    }

    #[test]
    fn numbers_of_any_base_and_length_are_read() {
        let (table, _) = parse(&any_file(), "a = 0x1F\nb = 1_000\nc = 99999999999999999999");
        let shown = |key: &str| table.entries[key].node.value.describe();
        assert_eq!(shown("a"), "the integer 31");
        assert_eq!(shown("b"), "the integer 1000");
        assert_eq!(shown("c"), "the integer 99999999999999999999");
    }

    #[test]
    fn texts_are_shown_short_and_without_passwords() {
        assert_eq!(describe_text("a\nb"), r#""a\nb""#);
        assert_eq!(describe_text(&"é".repeat(60)), format!("\"{}\"", "é".repeat(60)));
        assert_eq!(describe_text(&"é".repeat(61)), format!("\"{}\"…", "é".repeat(60)));
        assert_eq!(describe_text("http://me:p@ss@host:1/x"), r#""http://…@host:1/x""#);
    }

    proptest! {
        #[test]
        fn no_text_hangs_or_breaks_the_parser(
            pieces in prop::collection::vec(
                prop::sample::select(vec![
                    "a", " = ", "=", "1", "\n", "\r\n", "[", "]", "[[", "]]", "{", "}", ",", ".",
                    "\"", "\"\"\"", "'", "#", " ", "\t", "é", "include", "nan", "1979-05-27",
                ]),
                0..40,
            ),
        ) {
            let text = pieces.concat();
            let (_, problems) = parse(&any_file(), &text);
            let is_toml = toml::from_str::<toml::Table>(&text).is_ok();
            prop_assert_eq!(problems.is_empty(), is_toml, "{:?}", problems);
        }
    }
}
