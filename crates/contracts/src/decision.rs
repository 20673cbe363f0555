//! What became of an event, and why.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// What became of one event; `schemas/decision`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// Who owns the learner.
    pub tenant: String,
    /// Who the learner is in the tenant.
    pub user_key: String,
    /// The event's id.
    pub event_id: String,
    /// The event's name.
    pub event: Cow<'static, str>,
    /// The event's source.
    pub source: String,
    /// The event's instance.
    pub instance: String,
    /// When the event occurred.
    pub occurred_at: Timestamp,
    /// The event's `accepted_at`.
    pub decided_at: Timestamp,
    /// Where the event lies in `kleos.events.v1`.
    pub partition: i32,
    /// Where the event lies in `kleos.events.v1`.
    pub offset: i64,
    /// [`outcome`].
    pub outcome: Cow<'static, str>,
    /// The set that held at that record.
    pub rule_set_version: i64,
    /// The set's digest.
    pub rule_set_digest: String,
    /// Version of the engine's semantics.
    pub engine: Cow<'static, str>,
    /// One for each rule that was considered, in the order of consideration.
    pub verdicts: Vec<RuleVerdict>,
}

/// What one rule said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleVerdict {
    /// The rule.
    pub rule_id: String,
    /// [`verdict`].
    pub verdict: Cow<'static, str>,
    /// The first condition that did not hold.
    pub leaf: Option<String>,
    /// What the event had there.
    pub observed: Option<String>,
    /// Points given.
    pub points: i64,
    /// The award given.
    pub award_id: Option<String>,
    /// Limits that were looked at.
    pub counters: Vec<CounterChange>,
    /// Before this instant of event time the rule gives nothing more here.
    pub next_eligible_at: Option<Timestamp>,
}

/// One limit before and after.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CounterChange {
    /// `day`, `week`, `month` or `lifetime`.
    pub per: Cow<'static, str>,
    /// The period, as `2026-11-22`.
    pub window: String,
    /// What is counted apart, as `course=campus-a/987`.
    pub scope: Option<String>,
    /// Awards before.
    pub before: i64,
    /// Awards after.
    pub after: i64,
    /// The limit.
    pub max: i64,
}

/// Values of [`Decision::outcome`].
pub mod outcome {
    /// Rules were considered.
    pub const DECIDED: &str = "decided";
    /// The same event was accepted before.
    pub const DUPLICATE: &str = "duplicate";
    /// Another event of the same id was accepted before; never paid.
    pub const CONFLICT: &str = "conflict";
    /// The learner has more events on that day than are counted.
    pub const DAILY_LIMIT: &str = "daily_limit";
    /// Test traffic.
    pub const TEST: &str = "test";
    /// By or for somebody who is not a learner here.
    pub const PRIVILEGED: &str = "privileged";
}

/// Values of [`RuleVerdict::verdict`].
pub mod verdict {
    /// Points or a badge were given.
    pub const AWARDED: &str = "awarded";
    /// A condition did not hold.
    pub const CONDITION_FALSE: &str = "condition_false";
    /// A condition could not be told: a field is missing or of another type.
    pub const CONDITION_UNKNOWN: &str = "condition_unknown";
    /// A limit is used up.
    pub const CAP_REACHED: &str = "cap_reached";
    /// Too soon before or after another award.
    pub const COOLDOWN: &str = "cooldown";
    /// The event does not say what the rule is once for.
    pub const SCOPE_MISSING: &str = "scope_missing";
    /// The award stands already.
    pub const ALREADY_GRANTED: &str = "already_granted";
    /// The week before has no event: the streak has not begun.
    pub const STREAK_OPEN: &str = "streak_open";
    /// The rule does not hold at the event's time.
    pub const NOT_EFFECTIVE: &str = "not_effective";
}
