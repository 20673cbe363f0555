//! What the rules-processor remembers, as its changelogs keep it.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::counters::Counters;
use crate::time::Timestamp;

/// One record of the state changelog; `schemas/processor-state`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessorState {
    /// What is known of one learner.
    pub learner: Option<LearnerState>,
    /// What is known of one partition as a whole.
    pub partition: Option<PartitionState>,
}

/// What is known of one learner.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LearnerState {
    /// Who owns the learner.
    pub tenant: String,
    /// Who the learner is in the tenant.
    pub user_key: String,
    /// As the platform wrote it.
    pub user_id: String,
    /// Sum of the points of all ledger lines.
    pub balance: i64,
    /// Accepted events, duplicates not counted.
    pub events: i64,
    /// Ledger lines written.
    pub awards: i64,
    /// The latest `occurred_at` of an accepted event.
    pub last_event_at: Timestamp,
    /// Badges held. All lists of a state are sorted, so that equal histories leave equal bytes.
    pub badges: Vec<HeldBadge>,
    /// Events a day of `occurred_at`, for the daily limit.
    pub days: Vec<DayCount>,
    /// Earliest event of a name in a scope, for rules that measure from it; sorted by event and
    /// scope.
    pub marks: Vec<Mark>,
    /// What each rule remembers, sorted by rule id.
    pub rules: Vec<RuleState>,
    /// The last awards, newest last.
    pub recent: Vec<RecentAward>,
}

/// A badge held.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldBadge {
    /// Its name.
    pub badge: String,
    /// The rule that gave it.
    pub rule_id: String,
    /// When the event occurred that earned it.
    pub granted_at: Timestamp,
}

/// Events of one day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DayCount {
    /// Days since 1970-01-01.
    pub day: i32,
    /// Accepted events.
    pub count: i32,
}

/// The earliest event of a name in a scope.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// Name of the event.
    pub event: String,
    /// As `course=campus-a/987`.
    pub scope: String,
    /// Event time.
    pub earliest_at: Timestamp,
}

/// What one rule remembers of one learner.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleState {
    /// The rule.
    pub rule_id: String,
    /// Awards in windows and scopes.
    pub counters: Counters,
    /// Event times of awards, microseconds, ascending, for the cooldown.
    pub award_times: Vec<i64>,
    /// ISO weeks with a qualifying event, ascending, for a streak.
    pub active_weeks: Vec<i32>,
    /// ISO weeks that were paid, ascending.
    pub paid_weeks: Vec<i32>,
}

/// One of the last awards.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecentAward {
    /// The rule that gave it.
    pub rule_id: String,
    /// Signed points.
    pub points: i64,
    /// Badge that came with it.
    pub badge: Option<String>,
    /// The event that earned it.
    pub event: Cow<'static, str>,
    /// Its id.
    pub event_id: String,
    /// When it occurred.
    pub occurred_at: Timestamp,
    /// What the award is once for.
    pub scope: Option<String>,
    /// The period that it counted in.
    pub window: Option<String>,
}

/// What is known of one partition as a whole.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartitionState {
    /// The partition.
    pub partition: i32,
    /// Rule sets that hold from here on, one for each tenant.
    pub rule_sets: Vec<ActiveRuleSet>,
}

/// The rule set that holds for a tenant in a partition.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActiveRuleSet {
    /// Whose learners it holds for.
    pub tenant: String,
    /// Version of the set.
    pub version: i64,
    /// Digest of the set.
    pub digest: String,
    /// Of the activating record in `kleos.events.v1`.
    pub since_offset: i64,
}

/// The event keys that one transaction accepted in one partition; `schemas/dedup-batch`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DedupBatch {
    /// The partition.
    pub partition: i32,
    /// Grouped by virtual shard, ascending.
    pub groups: Vec<DedupGroup>,
}

/// The event keys that one transaction accepted in one virtual shard.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DedupGroup {
    /// The virtual shard.
    pub shard: i32,
    /// Greatest `accepted_at` seen in the shard.
    pub log_time: Timestamp,
    /// In the order of acceptance.
    pub keys: Vec<DedupKey>,
}

/// One accepted event.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DedupKey {
    /// [`crate::identity::event_hash`].
    #[serde(with = "crate::bytes")]
    pub hash: Vec<u8>,
    /// [`crate::identity::content_digest`].
    pub digest: i64,
    /// Day of the shard's log time at acceptance, days since 1970-01-01.
    pub day: i32,
}

/// Which instance answers queries for a partition; `schemas/partition-owner`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartitionOwner {
    /// The partition.
    pub partition: i32,
    /// The instance.
    pub instance: String,
    /// Where its query port answers.
    pub url: String,
    /// Since when.
    pub since: Timestamp,
}

/// Key of the state record of a partition. No learner's key is like it: a tenant has no `@`.
#[must_use]
pub fn partition_state_key(partition: i32) -> String {
    format!("@partition|{partition}")
}
