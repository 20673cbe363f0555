//! What one transaction knows and changes: learners, event keys, log times and rule sets.
//!
//! Everything here is provisional until the log has committed it. A learner is decoded once and
//! then kept as a value; what a rolled back transaction did to it is thrown away with the value.

use std::collections::BTreeMap;

use foldhash::HashMap;
use kleos_contracts::key::Shard;
use kleos_contracts::state::{LearnerState, PartitionState};
use kleos_contracts::time::Timestamp;

use crate::store::keys::Remembered;

/// Learners, event keys and log times of one transaction.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    pub(crate) learners: HashMap<String, Learner>,
    /// The learners in the order of the batch, so that equal batches are written equally.
    pub(crate) order: Vec<String>,
    /// Event keys: what was remembered before, or was accepted since.
    pub(crate) seen: HashMap<[u8; 16], Remembered>,
    /// What was accepted in this transaction, in order.
    pub(crate) accepted: Vec<Accepted>,
    /// Log times that went on.
    pub(crate) log_times: BTreeMap<Shard, Timestamp>,
    /// Partitions' own records that changed.
    pub(crate) partitions: BTreeMap<i32, PartitionState>,
}

/// A learner of the transaction.
#[derive(Debug)]
pub(crate) struct Learner {
    pub(crate) state: LearnerState,
    pub(crate) shard: Shard,
    pub(crate) partition: i32,
    /// The log's time of the learner's next changelog record.
    pub(crate) timestamp: Timestamp,
    pub(crate) is_changed: bool,
}

/// An event key that this transaction accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Accepted {
    pub(crate) partition: i32,
    pub(crate) shard: Shard,
    pub(crate) hash: [u8; 16],
    pub(crate) remembered: Remembered,
}

impl Memory {
    /// Keeps the memory and forgets what was in it.
    pub(crate) fn clear(&mut self) {
        self.learners.clear();
        self.order.clear();
        self.seen.clear();
        self.accepted.clear();
        self.log_times.clear();
        self.partitions.clear();
    }

    /// The latest of the log times that went on.
    pub(crate) fn newest_log_time(&self) -> Timestamp {
        self.log_times.values().copied().max().unwrap_or_default()
    }
}
