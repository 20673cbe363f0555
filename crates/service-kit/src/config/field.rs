//! One key's value on its way from what was written to what is meant.

use crate::config::problem::{Place, Problem};
use crate::config::section::Section;

/// A value that was asked for. It becomes one by saying what holds where the key is absent.
#[derive(Debug)]
#[must_use = "say what holds where the key is absent: required, or, optional"]
pub struct Field<'s, 'd, T> {
    pub(crate) section: &'s Section<'d>,
    pub(crate) key: &'static str,
    pub(crate) expected: String,
    pub(crate) outcome: Outcome<T>,
}

/// What came of reading a key.
#[derive(Debug)]
pub(crate) enum Outcome<T> {
    Absent,
    Wrong(Vec<Mismatch>),
    Read(T),
}

/// A value that is not what was expected.
#[derive(Debug)]
pub(crate) struct Mismatch {
    pub(crate) place: Place,
    pub(crate) found: String,
    /// Where there is better advice than to correct the value.
    pub(crate) remedy: Option<String>,
}

impl<T> Field<'_, '_, T> {
    /// The value. Absence is a problem; so is nothing at all, as after any other problem.
    #[must_use]
    pub fn required(self) -> Option<T> {
        if matches!(self.outcome, Outcome::Absent) {
            self.section.report_missing(self.key, &self.expected);
        }
        self.read("correct the value")
    }

    /// The value, or a default.
    #[must_use]
    pub fn or(self, default: T) -> T {
        self.read("correct the value, or remove the line to have the default").unwrap_or(default)
    }

    /// The value, where there is one.
    #[must_use]
    pub fn optional(self) -> Option<T> {
        self.read("correct the value, or remove the line")
    }

    fn read(self, remedy: &str) -> Option<T> {
        match self.outcome {
            Outcome::Absent => None,
            Outcome::Read(value) => Some(value),
            Outcome::Wrong(mismatches) => {
                for Mismatch { place, found, remedy: better } in mismatches {
                    self.section.record(Problem {
                        place,
                        path: self.section.path_of(self.key),
                        found,
                        expected: self.expected.clone(),
                        remedy: better.unwrap_or_else(|| remedy.to_owned()),
                    });
                }
                None
            }
        }
    }
}
