//! What people are shown of a learner. Pure.

use kleos_contracts::state::{HeldBadge, LearnerState, RecentAward};
use kleos_contracts::time::Timestamp;
use kleos_rules_engine::{LimitStanding, Zone, standing};
use serde::Serialize;

use crate::rules::Versioned;

/// A learner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct LearnerView {
    pub(crate) tenant: String,
    pub(crate) learner: String,
    pub(crate) user_id: String,
    /// Sum of all ledger lines.
    pub(crate) balance: i64,
    pub(crate) badges: Vec<HeldBadge>,
    /// Newest first.
    pub(crate) recent_awards: Vec<RecentAward>,
    /// What is used of each limit, and what is left.
    pub(crate) limits: Vec<LimitStanding>,
    /// Accepted events.
    pub(crate) events: i64,
    /// Ledger lines.
    pub(crate) awards: i64,
    pub(crate) last_event_at: Timestamp,
    pub(crate) rule_set_version: i64,
    pub(crate) rule_set_digest: String,
    /// The zone of days and weeks.
    pub(crate) zone: String,
}

/// What is shown of a learner at an instant.
pub(crate) fn of(
    state: LearnerState,
    versioned: &Versioned,
    zone: &Zone,
    at: Timestamp,
) -> LearnerView {
    let limits = standing(&versioned.rules, zone, &state, at);
    let mut recent_awards = state.recent;
    recent_awards.reverse();
    LearnerView {
        tenant: state.tenant,
        learner: state.user_key,
        user_id: state.user_id,
        balance: state.balance,
        badges: state.badges,
        recent_awards,
        limits,
        events: state.events,
        awards: state.awards,
        last_event_at: state.last_event_at,
        rule_set_version: versioned.version,
        rule_set_digest: versioned.rules.digest().to_owned(),
        zone: zone.to_string(),
    }
}
