//! How often something may happen, and how often at once.

use std::fmt;
use std::num::NonZeroU32;

use crate::config::Section;

/// The most that a limit can be.
const MOST: u32 = 1_000_000_000;

/// So many in a minute over time, and so many at once after a pause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// Over time.
    pub per_minute: NonZeroU32,
    /// At once.
    pub burst: NonZeroU32,
}

impl RateLimit {
    /// A limit; nothing is limited to none.
    #[must_use]
    pub const fn new(per_minute: u32, burst: u32) -> Option<Self> {
        match (NonZeroU32::new(per_minute), NonZeroU32::new(burst)) {
            (Some(per_minute), Some(burst)) => Some(Self { per_minute, burst }),
            _ => None,
        }
    }

    /// The limit in a section, if it stands there: `per_minute` and `burst`, which is twice as much
    /// where it is absent.
    #[must_use]
    pub fn read(section: &Section<'_>) -> Option<Self> {
        let per_minute = section.integer("per_minute", 1..=MOST);
        if !section.is_present() {
            section.skip(&["burst"]);
            return None;
        }
        let per_minute = per_minute.required();
        let twice = per_minute.unwrap_or(1).saturating_mul(2).min(MOST);
        let burst = section.integer("burst", 1..=MOST).or(twice);
        Self::new(per_minute?, burst)
    }
}

impl fmt::Display for RateLimit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} a minute and {} at once", self.per_minute, self.burst)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::config::{self, Environment};

    fn read(text: &str) -> Result<Option<RateLimit>, String> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("kleos.toml");
        fs::write(&path, text).unwrap();
        let read = config::read(&path, &Environment::given([]), |root| {
            Some(RateLimit::read(&root.section("limit")))
        });
        read.map(|loaded| loaded.value).map_err(|problems| problems.to_string())
    }

    #[test]
    fn a_limit_is_so_many_a_minute_and_twice_as_many_at_once() {
        for (text, expected) in [
            ("", None),
            ("limit = { per_minute = 500 }", RateLimit::new(500, 1_000)),
            ("limit = { per_minute = 500, burst = 1 }", RateLimit::new(500, 1)),
            ("limit = { per_minute = 1_000_000_000 }", RateLimit::new(MOST, MOST)),
        ] {
            assert_eq!(read(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_limit_is_refused() {
        for (text, expected) in [
            ("limit = {}", "limit.per_minute: found nothing"),
            ("limit = { per_minute = 0 }", "limit.per_minute: found the integer 0"),
            ("limit = { per_minute = 5, burst = 0 }", "limit.burst: found the integer 0"),
            ("limit = { burst = 5 }", "limit.per_minute: found nothing"),
            ("limit = { per_minute = 5, per_second = 5 }", "limit.per_second: found a key"),
        ] {
            let problems = read(text).unwrap_err();
            assert!(problems.contains(expected), "{expected} in:\n{problems}");
        }
    }
}
