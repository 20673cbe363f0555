//! How often a rule paid in windows and scopes, packed.
//!
//! A learner's counters grow with every lesson and every thread that pays once, and all of them are
//! written whenever one changes. So they are kept as the bytes that are written: what did not change
//! is not even looked at.
//!
//! The bytes are groups, ascending by period and window: the period's number (one byte: 0 day,
//! 1 week, 2 month, 3 lifetime), the window (zigzag), how many bytes the group's entries take, and
//! the entries, ascending by scope. An entry is how many bytes its scope has in common with the one
//! before, how many more there are, these, and the count. All numbers but the first are variable
//! length integers, seven bits a byte, the lowest first.

mod packed;
#[cfg(test)]
mod tests;

use std::fmt;
use std::ops::Range;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use self::packed::{Group, Place, find, groups};
use crate::period::Period;

/// Awards in one window and scope.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counter {
    /// What is counted in.
    pub per: Period,
    /// Number of the day, ISO week or month since 1970; 0 for a lifetime.
    pub window: i32,
    /// As `course=campus-a/987`; empty if the limit has no scope.
    pub scope: String,
    /// Awards.
    pub count: u64,
}

/// Awards in windows and scopes. Equal counters have equal bytes.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Counters(Vec<u8>);

/// Bytes that are no counters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("byte {at} of packed counters: {what}")]
pub struct CountersError {
    at: usize,
    what: &'static str,
}

impl Counters {
    /// Counters from their bytes.
    ///
    /// # Errors
    /// Where the bytes are not what counters leave.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, CountersError> {
        packed::check(&bytes)?;
        Ok(Self(bytes))
    }

    /// As they are written.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Awards in a window and scope.
    #[must_use]
    pub fn count(&self, per: Period, window: i32, scope: &str) -> u64 {
        match self.group(per, window) {
            Ok(group) => match find(group.entries(&self.0), scope.as_bytes()) {
                Place::Found { count, .. } => count,
                Place::Missing { .. } => 0,
            },
            Err(_) => 0,
        }
    }

    /// Adds to the awards in a window and scope, and says how many there are now.
    pub fn add(&mut self, per: Period, window: i32, scope: &str, awards: u64) -> u64 {
        if awards == 0 {
            return self.count(per, window, scope);
        }
        let (old, whole): (&[u8], Range<usize>) = match self.group(per, window) {
            Ok(group) => (group.entries(&self.0), group.whole()),
            Err(place) => (&[], place..place),
        };
        let (entries, count) = packed::add(old, scope.as_bytes(), awards);
        let group = packed::group(per, window, &entries);
        self.0.splice(whole, group);
        count
    }

    /// Forgets the windows of a period that come before this one.
    pub fn forget_before(&mut self, per: Period, window: i32) {
        let place = |of: &dyn Fn(&Group) -> bool| {
            groups(&self.0).find(of).map_or(self.0.len(), |group| group.whole().start)
        };
        let from = place(&|group| group.per >= per);
        let to = place(&|group| (group.per, group.window) >= (per, window));
        self.0.drain(from..to);
    }

    /// All of them, by period, window and scope.
    pub fn iter(&self) -> impl Iterator<Item = Counter> {
        groups(&self.0).flat_map(|group| {
            let mut scope = Vec::new();
            packed::entries(group.entries(&self.0)).map(move |entry| {
                scope.truncate(entry.shared);
                scope.extend_from_slice(entry.rest);
                let scope = String::from_utf8_lossy(&scope).into_owned();
                Counter { per: group.per, window: group.window, scope, count: entry.count }
            })
        })
    }

    /// The group of a window, or else where it belongs.
    fn group(&self, per: Period, window: i32) -> Result<Group, usize> {
        match groups(&self.0).find(|group| (group.per, group.window) >= (per, window)) {
            Some(group) if (group.per, group.window) == (per, window) => Ok(group),
            Some(group) => Err(group.whole().start),
            None => Err(self.0.len()),
        }
    }
}

impl FromIterator<Counter> for Counters {
    fn from_iter<I: IntoIterator<Item = Counter>>(counters: I) -> Self {
        let mut packed = Self::default();
        for counter in counters {
            packed.add(counter.per, counter.window, &counter.scope, counter.count);
        }
        packed
    }
}

impl fmt::Debug for Counters {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_list().entries(self.iter()).finish()
    }
}

/// Bytes for machines, a list for people.
impl Serialize for Counters {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_seq(self.iter())
        } else {
            serializer.serialize_bytes(&self.0)
        }
    }
}

impl<'de> Deserialize<'de> for Counters {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            return Ok(Vec::<Counter>::deserialize(deserializer)?.into_iter().collect());
        }
        let bytes = crate::bytes::deserialize(deserializer)?;
        Self::from_bytes(bytes).map_err(D::Error::custom)
    }
}
