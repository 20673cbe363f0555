//! The fields of one object of a body, read with their paths for messages.

use kleos_contracts::decimal::Percent;
use kleos_contracts::event::Place;
use serde_json::{Map, Value};

use super::{boolean, id, number, percent, text, time};
use crate::verdict::Verdict;

/// An object of a body, with its path and the point that follows it: `user.`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fields<'a> {
    map: Option<&'a Map<String, Value>>,
    path: &'static str,
}

impl<'a> Fields<'a> {
    /// The fields of an item.
    pub(crate) const fn of(map: &'a Map<String, Value>) -> Self {
        Self { map: Some(map), path: "" }
    }

    /// No fields at all.
    pub(crate) const fn nothing(path: &'static str) -> Self {
        Self { map: None, path }
    }

    /// The value of a field, unless it says nothing.
    pub(crate) fn get(&self, name: &str) -> Option<&'a Value> {
        self.map?.get(name).filter(|value| !text::is_nothing(value))
    }

    /// Whether there is such a field, whatever it says.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.map.is_some_and(|map| map.contains_key(name))
    }

    /// The object in a field; without any field if the field says nothing. PHP writes an empty
    /// object as an empty list.
    pub(crate) fn object(&self, name: &str, path: &'static str) -> Result<Fields<'a>, Verdict> {
        match self.get(name) {
            None => Ok(Fields::nothing(path)),
            Some(Value::Object(map)) => Ok(Fields { map: Some(map), path }),
            Some(Value::Array(items)) if items.is_empty() => Ok(Fields::nothing(path)),
            Some(other) => Err(self.invalid(name, "an object", other)),
        }
    }

    /// Every field that says something, in the order of the names.
    pub(crate) fn each(&self) -> impl Iterator<Item = (&'a String, &'a Value)> {
        self.map.into_iter().flatten().filter(|(_, value)| !text::is_nothing(value))
    }

    /// The id in a field.
    pub(crate) fn id(&self, name: &str) -> Result<Option<String>, Verdict> {
        match self.get(name) {
            None => Ok(None),
            Some(value) => {
                id::id(value).map_err(|id::NotAnId| self.invalid(name, id::EXPECTED, value))
            }
        }
    }

    /// The text in a field.
    pub(crate) fn text(&self, name: &str) -> Result<Option<String>, Verdict> {
        match self.get(name) {
            None => Ok(None),
            Some(value) => match text::scalar(value) {
                Some(text) => Ok(Some(text.to_owned())),
                None => Err(self.invalid(name, "a text", value)),
            },
        }
    }

    /// The text in a field; none also where there is anything else.
    pub(crate) fn lenient_text(&self, name: &str) -> Option<&'a str> {
        self.get(name).and_then(text::scalar)
    }

    /// Whether a field says yes.
    pub(crate) fn flag(&self, name: &str) -> Result<bool, Verdict> {
        match self.get(name) {
            None => Ok(false),
            Some(value) => {
                boolean::boolean(value).ok_or_else(|| self.invalid(name, "true or false", value))
            }
        }
    }

    /// The percentage in a field, 0 to 100.
    pub(crate) fn percent(&self, name: &str) -> Result<Option<Percent>, Verdict> {
        match self.get(name) {
            None => Ok(None),
            Some(value) => text::scalar(value)
                .and_then(number::decimal)
                .filter(|number| number.is_from_0_to_100())
                .and_then(|_| percent::percent(value))
                .map(Some)
                .ok_or_else(|| self.invalid(name, "a number from 0 to 100", value)),
        }
    }

    /// The percentage in a field, moved to the nearer end where it is beyond 0 or 100; none where
    /// there is no number.
    pub(crate) fn clamped_percent(&self, name: &str) -> Option<Percent> {
        self.get(name).and_then(percent::percent).map(Percent::clamped)
    }

    /// The place whose id and title are in the fields of those names; none without an id.
    pub(crate) fn place(&self, id: &str, title: &str) -> Result<Option<Place>, Verdict> {
        let title = self.lenient_text(title).map(str::to_owned);
        Ok(self.id(id)?.map(|id| Place { id, title }))
    }

    /// Whole seconds in a field, a fraction cut off.
    pub(crate) fn seconds(&self, name: &str) -> Result<Option<i64>, Verdict> {
        match self.get(name) {
            None => Ok(None),
            Some(value) => text::scalar(value)
                .and_then(number::decimal)
                .and_then(|number| i64::try_from(number.scaled(0)?).ok())
                .filter(|seconds| *seconds >= 0)
                .map(Some)
                .ok_or_else(|| self.invalid(name, "a number of seconds, not negative", value)),
        }
    }

    /// The instant in a field; none also where it cannot be read.
    pub(crate) fn instant(&self, name: &str) -> Option<kleos_contracts::time::Timestamp> {
        self.get(name).and_then(time::instant)
    }

    /// A field says nothing although the event needs it.
    pub(crate) fn missing(&self, name: &str, expected: &str) -> Verdict {
        Verdict::missing(&self.path_of(name), expected)
    }

    /// A field is of another form than expected.
    pub(crate) fn invalid(&self, name: &str, expected: &str, found: &Value) -> Verdict {
        Verdict::invalid(&self.path_of(name), expected, found)
    }

    /// Where a field is.
    pub(crate) fn path_of(&self, name: &str) -> String {
        format!("{}{name}", self.path)
    }
}
