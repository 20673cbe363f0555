//! Lines of learners' ledgers.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// One line of a learner's ledger; `schemas/award`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Award {
    /// Names this line for ever.
    pub entry_id: String,
    /// Names the award for ever.
    pub award_id: String,
    /// [`kind`].
    pub kind: Cow<'static, str>,
    /// Why a line of another kind than granted was written.
    pub reason: Cow<'static, str>,
    /// [`status`].
    pub status: Cow<'static, str>,
    /// Who owns the learner.
    pub tenant: String,
    /// Who the learner is in the tenant.
    pub user_key: String,
    /// As the platform wrote it.
    pub user_id: String,
    /// The event's.
    pub source: String,
    /// The event's.
    pub instance: String,
    /// The rule that decided.
    pub rule_id: String,
    /// The set that the rule was read from.
    pub rule_set_version: i64,
    /// Signed change of the balance.
    pub points: i64,
    /// Badge that comes with it.
    pub badge: Option<String>,
    /// Name of the event that carries the award.
    pub event: Cow<'static, str>,
    /// Id of that event.
    pub event_id: String,
    /// When that event occurred.
    pub occurred_at: Timestamp,
    /// `accepted_at` of the event that caused the decision.
    pub decided_at: Timestamp,
    /// What the award is once for.
    pub scope: Option<String>,
    /// The period that the rule counts in.
    pub window: Option<String>,
    /// When the points can be spent; none: at once.
    pub available_at: Option<Timestamp>,
    /// When they lapse; none: never.
    pub expires_at: Option<Timestamp>,
    /// Set on the lines of a restatement.
    pub restatement_id: Option<String>,
    /// The learner's balance with this line.
    pub balance_after: i64,
}

/// Values of [`Award::kind`].
pub mod kind {
    /// Points or a badge were given.
    pub const GRANTED: &str = "granted";
    /// They were taken back.
    pub const REVERSED: &str = "reversed";
    /// Another event carries them now.
    pub const REATTRIBUTED: &str = "reattributed";
}

/// Values of [`Award::status`].
pub mod status {
    /// Nothing moves any more.
    pub const FINAL: &str = "final";
}
