//! What a rule decides: pure, synchronous, deterministic.
//!
//! A rule says which events it looks at, under which conditions, what it gives, and how often. The
//! engine takes one event at a time, in the order of the log:
//!
//! 1. [`admit()`] refuses what is too late to be judged.
//! 2. [`decide()`] takes facts, the learner's state and the event, and tells what follows: an
//!    outcome, a verdict for each rule that was considered, and effects. Effects are data; nothing
//!    has happened yet.
//! 3. [`awards`] and [`decision`] make the records that others read.
//! 4. [`evolve()`] carries the effects out on the learner's state, the only way that state changes.
//!
//! Rules come from a text: [`compile()`] gives a [`RuleSet`], or everything that is wrong with the
//! text. The rules of a set are considered in their order in the file; they share no limits, so the
//! order shows only in the order of verdicts and ledger lines.
//!
//! # Invariants
//!
//! - equal rules (by digest), state and event give equal decisions; equal histories give equal
//!   states, byte for byte. No clock, no I/O, no floats, no hash order, no randomness.
//! - the points of all awards add up to the balance, and every award carries the balance with
//!   it.
//! - no limit is exceeded at any moment, whatever the order of arrival.
//! - a duplicate changes nothing.
//! - dropping what has passed changes no decision on an admissible event.
//!
//! # What is not here
//!
//! Reading and writing, dedup, log time, the choice of the rule set that holds: the caller gathers
//! these facts and carries the effects out.

mod admit;
mod compile;
mod decide;
mod decimal;
mod diagnostic;
mod document;
mod effect;
mod evolve;
mod field;
mod index;
mod limits;
mod operator;
mod predicate;
mod record;
mod rule;
mod rule_set;
mod scope;
mod standing;
mod streak;
mod window;

pub use admit::{MAX_AGE_DAYS, Refusal, admit};
pub use compile::compile;
pub use decide::{Decided, EVENTS_PER_DAY_MAX, Facts, Seen, Verdict, decide};
pub use diagnostic::Diagnostic;
pub use effect::{Counted, Effect, Grant};
pub use evolve::evolve;
pub use record::{Position, awards, decision};
pub use rule_set::RuleSet;
pub use standing::{LimitStanding, PER_COOLDOWN, standing};
pub use window::{Period, Window, Zone, ZoneError};

/// Version of the semantics; part of every rule set's digest.
pub const ENGINE_VERSION: &str = "1";

/// The rules of tenants that have published none.
pub const DEFAULT_RULES: &str = include_str!("../default-rules.json");
