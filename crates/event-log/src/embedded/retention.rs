//! Throws away records that are older than their topic keeps them.

use kleos_contracts::time::Timestamp;
use kleos_contracts::topic::{Cleanup, Retention, Topic};

use super::Inner;
use crate::error::LogError;
use crate::record::Partition;

/// One pass over all topics; returns how many records went.
pub(super) fn expire(log: &Inner, now: Timestamp) -> Result<i64, LogError> {
    let mut expired = 0;
    for topic in Topic::ALL {
        let spec = topic.spec();
        let Retention::Days(_) = spec.retention else { continue };
        if spec.cleanup == Cleanup::Compact {
            continue;
        }
        let cutoff = now.plus_micros(-spec.retention.millis().saturating_mul(1_000));
        for number in 0..log.partitions(topic)? {
            expired += expire_partition(log, Partition::new(topic, number), cutoff)?;
        }
    }
    Ok(expired)
}

fn expire_partition(log: &Inner, partition: Partition, cutoff: Timestamp) -> Result<i64, LogError> {
    let range = log.tail.range(partition);
    let low = log.store.first_since(partition, range, cutoff)?;
    truncate(log, partition, low)?;
    Ok(low - range.low)
}

/// Throws away what lies before `low`.
pub(super) fn truncate(log: &Inner, partition: Partition, low: i64) -> Result<(), LogError> {
    let range = log.tail.range(partition);
    if low <= range.low {
        return Ok(());
    }
    // Readers learn of it first: what they may not read any more can then go.
    log.tail.raise_low(partition, low);
    log.store.expire(partition, range, low)
}
