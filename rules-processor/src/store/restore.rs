//! Applies records of the changelogs to the copy.

use std::collections::BTreeMap;

use kleos_contracts::key::{Shard, shard_of};
use kleos_contracts::state::DedupBatch;
use kleos_contracts::time::Timestamp;
use kleos_contracts::topic::Topic;
use kleos_event_log::{Batch, Codec, Partition, Record};

use super::keys::Remembered;
use super::{Changes, Store};
use crate::error::StoreError;

/// What begins the key of a partition's own record.
const PARTITION_KEY: &[u8] = b"@partition|";

impl Store {
    /// Applies a batch of changelog records and remembers how far they reach.
    pub(crate) fn apply_changelog(
        &self,
        changelog: &Batch,
        dedup: &Codec<DedupBatch>,
    ) -> Result<(), StoreError> {
        let mut changes = Changes::default();
        let mut log_times: BTreeMap<Shard, Timestamp> = BTreeMap::new();
        let mut ends: BTreeMap<Partition, i64> = BTreeMap::new();
        for record in changelog.iter() {
            ends.insert(record.position.partition, record.position.offset + 1);
            if record.position.partition.topic == Topic::Dedup {
                self.apply_keys(&mut changes, &record, dedup, &mut log_times)?;
            } else {
                self.apply_state(&mut changes, &record)?;
            }
        }
        for (shard, log_time) in log_times {
            let known = self.log_time(shard)?.unwrap_or(log_time);
            self.put_log_time(&mut changes, shard, known.max(log_time))?;
        }
        for (partition, next) in ends {
            let Partition { topic, number } = partition;
            self.put_changelog_position(&mut changes, topic, number, next);
        }
        self.write(changes)
    }

    fn apply_state(&self, changes: &mut Changes, record: &Record<'_>) -> Result<(), StoreError> {
        let (Some(key), Some(value)) = (record.key, record.value) else {
            return Err(StoreError::changelog(record, "no key or no value"));
        };
        if key.starts_with(PARTITION_KEY) {
            self.put_partition(changes, record.position.partition.number, value);
            return Ok(());
        }
        self.put_learner(changes, (shard_of(key), key), value)
    }

    fn apply_keys(
        &self,
        changes: &mut Changes,
        record: &Record<'_>,
        codec: &Codec<DedupBatch>,
        log_times: &mut BTreeMap<Shard, Timestamp>,
    ) -> Result<(), StoreError> {
        let value = record.value.unwrap_or_default();
        let batch = codec.decode(value).map_err(|error| StoreError::Decode(error.clone()))?;
        for group in batch.groups {
            let torn = |_| StoreError::changelog(record, "a shard out of range");
            let shard = Shard::try_from(group.shard).map_err(torn)?;
            let log_time = log_times.entry(shard).or_insert(group.log_time);
            *log_time = (*log_time).max(group.log_time);
            for key in group.keys {
                let hash: [u8; 16] = key
                    .hash
                    .try_into()
                    .map_err(|_| StoreError::changelog(record, "a hash that is not 16 bytes"))?;
                let remembered = Remembered { digest: key.digest, day: key.day };
                self.put_remembered(changes, (shard, hash), remembered)?;
            }
        }
        Ok(())
    }
}
