//! A checked rule: whatever can be built here can be decided with.

use std::fmt;

use kleos_contracts::time::{DAY, Timestamp};

use crate::limits::Limit;
use crate::predicate::Condition;
use crate::scope::Scope;

/// The longest cooldown, in microseconds. Awards are remembered so long behind the oldest
/// admissible event, whatever rules ask today: a rule that is published later finds them.
pub(crate) const COOLDOWN_MAX: i64 = 35 * DAY;

/// One rule.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Rule {
    pub(crate) id: String,
    /// The rule's text in its canonical form.
    pub(crate) canonical: String,
    /// At least one.
    pub(crate) triggers: Vec<Trigger>,
    pub(crate) effective: Effective,
    pub(crate) within: Option<Within>,
    pub(crate) payout: Payout,
    pub(crate) mode: Mode,
}

/// Which events a rule looks at.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Trigger {
    /// At least one.
    pub(crate) patterns: Vec<Pattern>,
    pub(crate) condition: Condition,
}

/// Names of events.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Pattern {
    /// One name.
    Named(String),
    /// Every name that starts so; the text ends in a dot.
    Domain(String),
    /// Every name.
    Any,
}

/// When a rule holds, in event time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Effective {
    /// From this instant on.
    pub(crate) from: Option<Timestamp>,
    /// Up to, and not at, this instant.
    pub(crate) to: Option<Timestamp>,
}

impl Effective {
    pub(crate) fn holds(self, at: Timestamp) -> bool {
        self.from.is_none_or(|from| from <= at) && self.to.is_none_or(|to| at < to)
    }
}

/// How long ago another event may lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Within {
    /// The other event's name.
    pub(crate) since: String,
    pub(crate) scope: Option<Scope>,
    /// Microseconds, inclusive.
    pub(crate) at_most: i64,
}

/// What a rule gives: points, a badge or both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Payout {
    pub(crate) points: i64,
    pub(crate) badge: Option<String>,
}

/// How often a rule gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// For each event, as far as limits and cooldown allow.
    PerEvent {
        /// In the order of their checks.
        limits: Vec<Limit>,
        /// Microseconds between two awards.
        cooldown: Option<i64>,
    },
    /// Once for each ISO week that has a qualifying event and follows one that has.
    WeeklyStreak,
}

impl fmt::Display for Effective {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("effective")?;
        if let Some(from) = self.from {
            write!(formatter, " from {from}")?;
        }
        match self.to {
            Some(to) => write!(formatter, " to {to}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Within {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "within {} lte {}", self.since, seconds(self.at_most))
    }
}

/// Microseconds as an ISO 8601 duration in seconds.
pub(crate) fn seconds(micros: i64) -> String {
    let text = jiff::SignedDuration::from_micros(micros);
    let (whole, rest) = (text.as_secs(), text.subsec_micros());
    if rest == 0 {
        return format!("PT{whole}S");
    }
    let fraction = format!("{rest:06}");
    format!("PT{whole}.{}S", fraction.trim_end_matches('0'))
}

impl Rule {
    /// The rule's limits, in the order of their checks.
    pub(crate) fn limits(&self) -> &[Limit] {
        match &self.mode {
            Mode::PerEvent { limits, .. } => limits,
            Mode::WeeklyStreak => &[],
        }
    }

    /// The rule's cooldown in microseconds.
    pub(crate) fn cooldown(&self) -> Option<i64> {
        match &self.mode {
            Mode::PerEvent { cooldown, .. } => *cooldown,
            Mode::WeeklyStreak => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_holds_from_its_first_instant_up_to_its_end() {
        let at = Timestamp::from_micros;
        let effective = Effective { from: Some(at(10)), to: Some(at(20)) };
        let held = [9, 10, 19, 20].map(|micros| effective.holds(at(micros)));
        assert_eq!(held, [false, true, true, false]);
        assert!(Effective::default().holds(at(i64::MIN)));
    }
}
