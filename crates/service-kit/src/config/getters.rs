//! The kinds of value that a section hands out.
//!
//! Wherever one value is expected, `{ env = "NAME" }` and `{ file = "path" }` may stand for it.

use std::fmt::Display;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use url::Url;

use crate::config::document::{Node, Value};
use crate::config::field::{Field, Mismatch, Outcome};
use crate::config::reference::{Scalar, resolve};
use crate::config::section::{Section, nearest, one_of_text};
use crate::config::units::{bytes_text, duration_text, parse_bytes, parse_duration};

/// Why a text is not the value that was expected; the advice, where there is better than to correct
/// it.
type Refusal = Option<String>;

impl<'d> Section<'d> {
    /// A text that is not empty.
    pub fn string(&self, key: &'static str) -> Field<'_, 'd, String> {
        let expected = "a text that is not empty, in double quotes".to_owned();
        self.text(key, expected, |text| non_empty(text).ok_or(None))
    }

    /// A whole number of a range.
    pub fn integer<T>(&self, key: &'static str, range: RangeInclusive<T>) -> Field<'_, 'd, T>
    where
        T: TryFrom<i128> + PartialOrd + Display,
    {
        let expected = format!("an integer from {} to {}", range.start(), range.end());
        self.scalar(key, expected, |scalar| {
            scalar
                .integer()
                .and_then(|number| T::try_from(number).ok())
                .filter(|number| range.contains(number))
                .ok_or(None)
        })
    }

    /// `true` or `false`.
    pub fn boolean(&self, key: &'static str) -> Field<'_, 'd, bool> {
        self.scalar(key, "true or false, without quotes".to_owned(), |scalar| {
            scalar.boolean().ok_or(None)
        })
    }

    /// A duration of a range, as `"5s"`; units are ms, s, m, h and d.
    pub fn duration(
        &self,
        key: &'static str,
        range: RangeInclusive<Duration>,
    ) -> Field<'_, 'd, Duration> {
        let (start, end) = (duration_text(*range.start()), duration_text(*range.end()));
        let expected = format!("a duration from {start} to {end}, as {end:?}");
        self.text(key, expected, |text| {
            let advice = || "write a whole number and a unit: ms, s, m, h or d".to_owned();
            let duration = parse_duration(text).ok_or_else(|| Some(advice()))?;
            if range.contains(&duration) { Ok(duration) } else { Err(None) }
        })
    }

    /// A number of bytes of a range, as `"8MiB"`; units are B, KiB, MiB, GiB and TiB.
    pub fn bytes(&self, key: &'static str, range: RangeInclusive<u64>) -> Field<'_, 'd, u64> {
        let (start, end) = (bytes_text(*range.start()), bytes_text(*range.end()));
        let expected = format!("a size from {start} to {end}, as {end:?}");
        self.text(key, expected, |text| {
            let advice = || "write a whole number and a unit: B, KiB, MiB, GiB or TiB".to_owned();
            let bytes = parse_bytes(text).ok_or_else(|| Some(advice()))?;
            if range.contains(&bytes) { Ok(bytes) } else { Err(None) }
        })
    }

    /// An address to listen on.
    pub fn address(&self, key: &'static str) -> Field<'_, 'd, SocketAddr> {
        let expected = "an IP address with a port, as \"127.0.0.1:8080\"".to_owned();
        self.text(key, expected, |text| text.parse().map_err(|_| None))
    }

    /// A URL of one of some schemes.
    pub fn url(&self, key: &'static str, schemes: &[&str]) -> Field<'_, 'd, Url> {
        let starts: Vec<String> = schemes.iter().map(|scheme| format!("{scheme}://")).collect();
        let starts: Vec<&str> = starts.iter().map(String::as_str).collect();
        let expected = format!("a URL that starts with {}", one_of_text(&starts));
        self.text(key, expected, |text| {
            let url = Url::parse(text).map_err(|_| None)?;
            if schemes.contains(&url.scheme()) && url.has_host() { Ok(url) } else { Err(None) }
        })
    }

    /// A path; a relative one starts at the directory of the file that names it.
    pub fn path(&self, key: &'static str) -> Field<'_, 'd, PathBuf> {
        let directory = self.entry(key).map(|entry| entry.node.place.file.directory.clone());
        self.text(key, "a path, in double quotes".to_owned(), |text| {
            let path = non_empty(text).ok_or(None)?;
            Ok(directory.unwrap_or_default().join(path))
        })
    }

    /// A text of a form that its type knows; `expected` says which, as `a tenant, as "campus-a"`.
    pub fn parsed<T>(&self, key: &'static str, expected: &str) -> Field<'_, 'd, T>
    where
        T: FromStr<Err: Display>,
    {
        self.text(key, expected.to_owned(), |text| {
            text.parse().map_err(|error: T::Err| Some(format!("correct the value: {error}")))
        })
    }

    /// One of a few words.
    pub fn one_of<T: Clone>(&self, key: &'static str, words: &[(&str, T)]) -> Field<'_, 'd, T> {
        let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        let quoted: Vec<String> = known.iter().map(|word| format!("{word:?}")).collect();
        let quoted: Vec<&str> = quoted.iter().map(String::as_str).collect();
        self.text(key, one_of_text(&quoted), |text| {
            words
                .iter()
                .find(|(word, _)| *word == text)
                .map(|(_, value)| value.clone())
                .ok_or_else(|| nearest(text, &known).map(|near| format!("did you mean {near:?}?")))
        })
    }

    /// A list of texts, each of a form that its type knows; `expected` says what one of them is.
    pub fn list<T>(&self, key: &'static str, expected: &str) -> Field<'_, 'd, Vec<T>>
    where
        T: FromStr<Err: Display>,
    {
        self.items(key, format!("a list, each item {expected}"), |scalar| {
            scalar.text().ok_or(None)?.parse().map_err(|error: T::Err| Some(error.to_string()))
        })
    }

    fn text<T>(
        &self,
        key: &'static str,
        expected: String,
        parse: impl FnOnce(&str) -> Result<T, Refusal>,
    ) -> Field<'_, 'd, T> {
        self.scalar(key, expected, |scalar| scalar.text().ok_or(None).and_then(parse))
    }

    fn scalar<T>(
        &self,
        key: &'static str,
        expected: String,
        parse: impl FnOnce(&Scalar) -> Result<T, Refusal>,
    ) -> Field<'_, 'd, T> {
        self.field(key, expected, |section, node| {
            section.read_scalar(node, parse).map_err(|mismatch| vec![mismatch])
        })
    }

    fn items<T>(
        &self,
        key: &'static str,
        expected: String,
        parse: impl Fn(&Scalar) -> Result<T, Refusal>,
    ) -> Field<'_, 'd, Vec<T>> {
        self.field(key, expected, |section, node| {
            section.read_items(node, |item| section.read_scalar(item, &parse))
        })
    }

    fn read_scalar<T>(
        &self,
        node: &Node,
        parse: impl FnOnce(&Scalar) -> Result<T, Refusal>,
    ) -> Result<T, Mismatch> {
        let scalar = resolve(node, self.reading.environment)?;
        parse(&scalar).map_err(|remedy| Mismatch {
            place: node.place.clone(),
            found: scalar.describe(),
            remedy,
        })
    }

    /// Every item, or what is wrong with each.
    pub(crate) fn read_items<T>(
        &self,
        node: &Node,
        read: impl Fn(&Node) -> Result<T, Mismatch>,
    ) -> Result<Vec<T>, Vec<Mismatch>> {
        let Value::List(items) = &node.value else {
            let found = node.value.describe();
            return Err(vec![Mismatch { place: node.place.clone(), found, remedy: None }]);
        };
        let mut values = Vec::with_capacity(items.len());
        let mut wrong = Vec::new();
        for item in items {
            match read(item) {
                Ok(value) => values.push(value),
                Err(mismatch) => wrong.push(mismatch),
            }
        }
        if wrong.is_empty() { Ok(values) } else { Err(wrong) }
    }

    pub(crate) fn field<T>(
        &self,
        key: &'static str,
        expected: String,
        read: impl FnOnce(&Self, &Node) -> Result<T, Vec<Mismatch>>,
    ) -> Field<'_, 'd, T> {
        let outcome = match self.entry(key) {
            None => Outcome::Absent,
            Some(entry) => match read(self, &entry.node) {
                Ok(value) => Outcome::Read(value),
                Err(mismatches) => Outcome::Wrong(mismatches),
            },
        };
        Field { section: self, key, expected, outcome }
    }
}

fn non_empty(text: &str) -> Option<String> {
    if text.is_empty() { None } else { Some(text.to_owned()) }
}
