//! How far the log reaches, for those who wait for it.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::store::Range;
use crate::record::Partition;

/// The ranges of all partitions, as far as they are on the disk.
#[derive(Debug, Default)]
pub(super) struct Tail {
    ranges: Mutex<BTreeMap<Partition, Range>>,
    grown: Condvar,
}

impl Tail {
    pub(super) fn new(ranges: BTreeMap<Partition, Range>) -> Self {
        Self { ranges: Mutex::new(ranges), grown: Condvar::new() }
    }

    pub(super) fn range(&self, partition: Partition) -> Range {
        self.lock().get(&partition).copied().unwrap_or_default()
    }

    /// Makes records readable.
    pub(super) fn advance(&self, ends: impl IntoIterator<Item = (Partition, i64)>) {
        let mut ranges = self.lock();
        for (partition, next) in ends {
            let range = ranges.entry(partition).or_default();
            range.next = range.next.max(next);
        }
        drop(ranges);
        self.grown.notify_all();
    }

    /// Takes over all ranges as another process has written them.
    pub(super) fn replace(&self, ranges: BTreeMap<Partition, Range>) {
        *self.lock() = ranges;
        self.grown.notify_all();
    }

    pub(super) fn raise_low(&self, partition: Partition, low: i64) {
        self.lock().entry(partition).or_default().low = low;
    }

    /// Waits until a record lies behind one of the positions, or for so long.
    pub(super) fn wait_beyond(&self, positions: &[(Partition, i64)], wait: Duration) {
        let reached = |ranges: &mut BTreeMap<Partition, Range>| {
            !positions.iter().any(|(partition, position)| {
                ranges.get(partition).is_some_and(|range| range.next > *position)
            })
        };
        drop(
            self.grown
                .wait_timeout_while(self.lock(), wait, reached)
                .unwrap_or_else(PoisonError::into_inner),
        );
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Partition, Range>> {
        self.ranges.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
