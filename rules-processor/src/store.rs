//! The local copy of the state, in one RocksDB for all workers of the process.
//!
//! It is written after the log's commit, never before, and each write carries the offsets from
//! which the changelogs go on: so the copy may lack the newest transactions, which the changelogs
//! have, but never holds what was not committed. There is no write-ahead log, since the changelogs
//! are one; all column families are flushed together, so that what is on the disk is always one
//! moment of the past.

pub(crate) mod keys;

mod expiry;
mod options;
mod restore;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kleos_contracts::key::{Shard, shards_of_partition};
use kleos_contracts::time::Timestamp;
use kleos_contracts::topic::Topic;
use rocksdb::properties::BACKGROUND_ERRORS;
use rocksdb::{ColumnFamily, DB, FlushOptions, IteratorMode, WriteBatch, WriteOptions};

pub(crate) use self::expiry::counts as still_counts;
use self::keys::{Generation, Remembered};
use crate::error::StoreError;

/// The local copy of the state.
pub(crate) struct Store {
    db: DB,
    /// Generations of event keys that there are.
    generations: Mutex<BTreeSet<Generation>>,
    flushed: Mutex<Flushed>,
}

/// When the copy was last brought to the disk.
#[derive(Clone, Copy, Debug, Default)]
struct Flushed {
    at: Duration,
    /// Something was written since.
    is_behind: bool,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Store").field("path", &self.db.path()).finish_non_exhaustive()
    }
}

/// What one transaction changes.
#[derive(Default)]
pub(crate) struct Changes {
    batch: WriteBatch,
    generations: BTreeSet<Generation>,
}

impl Store {
    /// Opens the copy in `path`, and makes it on the first start. The caller has made sure that no
    /// other process has it.
    pub(crate) fn open(path: &Path, memory_bytes: usize) -> Result<Self, StoreError> {
        let db = options::open(path, memory_bytes)?;
        let store = Self {
            db,
            generations: Mutex::new(BTreeSet::new()),
            flushed: Mutex::new(Flushed::default()),
        };
        *store.generations() = store.find_generations()?;
        Ok(store)
    }

    /// Binds the copy to a log, or finds out that it belongs to another: the offsets of one log
    /// mean nothing in another.
    pub(crate) fn bind(&self, log: &str) -> Result<(), StoreError> {
        let bound = self.db.get(keys::LOG).map_err(StoreError::reading)?;
        match bound {
            Some(bound) if bound == log.as_bytes() => Ok(()),
            Some(bound) => Err(StoreError::OtherLog {
                path: self.db.path().display().to_string(),
                bound: String::from_utf8_lossy(&bound).into_owned(),
                found: log.to_owned(),
            }),
            None => {
                let mut changes = Changes::default();
                changes.batch.put(keys::LOG, log);
                self.write(changes)
            }
        }
    }

    /// A learner's record, as the changelog has it.
    pub(crate) fn learner(&self, shard: Shard, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let family = self.family(keys::LEARNERS)?;
        self.db.get_cf(family, keys::learner(shard, key)).map_err(StoreError::reading)
    }

    /// Learners' records, in the order of their keys, which are ascending.
    pub(crate) fn learners(&self, keys: &[Vec<u8>]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        let family = self.family(keys::LEARNERS)?;
        self.db
            .batched_multi_get_cf(family, keys, true)
            .into_iter()
            .map(|found| {
                let found = found.map_err(StoreError::reading)?;
                Ok(found.map(|value| value.to_vec()))
            })
            .collect()
    }

    /// What is remembered of event keys: for each `(shard, hash)` the newest entry.
    pub(crate) fn remembered(
        &self,
        wanted: &[(Shard, [u8; 16])],
    ) -> Result<Vec<Option<Remembered>>, StoreError> {
        let family = self.family(keys::DEDUP)?;
        let generations: Vec<Generation> = self.generations().iter().copied().collect();
        let mut order: Vec<usize> = (0..wanted.len()).collect();
        order.sort_unstable_by_key(|place| wanted[*place]);
        let mut found = vec![None; wanted.len()];
        for generation in generations {
            let keys: Vec<[u8; 20]> = order
                .iter()
                .map(|place| keys::dedup(generation, wanted[*place].0, wanted[*place].1))
                .collect();
            let values = self.db.batched_multi_get_cf(family, &keys, true);
            for (place, value) in order.iter().zip(values) {
                if let Some(value) = value.map_err(StoreError::reading)? {
                    found[*place] = Remembered::of_bytes(&value).or(found[*place]);
                }
            }
        }
        Ok(found)
    }

    /// Log time of a shard.
    pub(crate) fn log_time(&self, shard: Shard) -> Result<Option<Timestamp>, StoreError> {
        let family = self.family(keys::SHARD_TIMES)?;
        let found =
            self.db.get_pinned_cf(family, keys::shard(shard)).map_err(StoreError::reading)?;
        Ok(found.as_deref().and_then(keys::read_number).map(Timestamp::from_micros))
    }

    /// The partition's own record, as the changelog has it.
    pub(crate) fn partition(&self, partition: i32) -> Result<Option<Vec<u8>>, StoreError> {
        self.db.get(keys::rules(partition)).map_err(StoreError::reading)
    }

    /// From which offset a changelog goes on; none if there is no copy.
    pub(crate) fn changelog_position(
        &self,
        topic: Topic,
        partition: i32,
    ) -> Result<Option<i64>, StoreError> {
        let found = self.db.get(keys::changelog(topic, partition)).map_err(StoreError::reading)?;
        Ok(found.as_deref().and_then(keys::read_number))
    }

    /// Every learner's record, for those who compare it with something.
    pub(crate) fn all_learners(
        &self,
    ) -> Result<impl Iterator<Item = Result<Vec<u8>, StoreError>> + '_, StoreError> {
        let entries = self.db.iterator_cf(self.family(keys::LEARNERS)?, IteratorMode::Start);
        Ok(entries.map(|entry| entry.map(|(_, value)| value.into()).map_err(StoreError::reading)))
    }

    pub(crate) fn put_learner(
        &self,
        changes: &mut Changes,
        (shard, key): (Shard, &[u8]),
        value: &[u8],
    ) -> Result<(), StoreError> {
        changes.batch.put_cf(self.family(keys::LEARNERS)?, keys::learner(shard, key), value);
        Ok(())
    }

    pub(crate) fn put_remembered(
        &self,
        changes: &mut Changes,
        (shard, hash): (Shard, [u8; 16]),
        remembered: Remembered,
    ) -> Result<(), StoreError> {
        let generation = Generation::of_day(remembered.day);
        let key = keys::dedup(generation, shard, hash);
        changes.batch.put_cf(self.family(keys::DEDUP)?, key, remembered.to_bytes());
        changes.generations.insert(generation);
        Ok(())
    }

    pub(crate) fn put_log_time(
        &self,
        changes: &mut Changes,
        shard: Shard,
        log_time: Timestamp,
    ) -> Result<(), StoreError> {
        let value = keys::number(log_time.micros());
        changes.batch.put_cf(self.family(keys::SHARD_TIMES)?, keys::shard(shard), value);
        Ok(())
    }

    pub(crate) fn put_partition(&self, changes: &mut Changes, partition: i32, value: &[u8]) {
        changes.batch.put(keys::rules(partition), value);
    }

    pub(crate) fn put_changelog_position(
        &self,
        changes: &mut Changes,
        topic: Topic,
        partition: i32,
        next: i64,
    ) {
        changes.batch.put(keys::changelog(topic, partition), keys::number(next));
    }

    pub(crate) fn put_input_position(&self, changes: &mut Changes, partition: i32, next: i64) {
        changes.batch.put(keys::input(partition), keys::number(next));
    }

    /// Writes all changes or none.
    pub(crate) fn write(&self, changes: Changes) -> Result<(), StoreError> {
        let mut options = WriteOptions::default();
        options.disable_wal(true);
        self.db.write_opt(changes.batch, &options).map_err(StoreError::writing)?;
        self.generations().extend(changes.generations);
        self.flushed().is_behind = true;
        Ok(())
    }

    /// Throws away what is known of a partition.
    pub(crate) fn forget(&self, partition: i32, partitions: i32) -> Result<(), StoreError> {
        let (learners, dedup) = (self.family(keys::LEARNERS)?, self.family(keys::DEDUP)?);
        let times = self.family(keys::SHARD_TIMES)?;
        let generations: Vec<Generation> = self.generations().iter().copied().collect();
        let mut changes = Changes::default();
        let batch = &mut changes.batch;
        for shard in shards_of_partition(partition, partitions) {
            batch.delete_range_cf(learners, keys::shard(shard), keys::after_shard(shard));
            batch.delete_cf(times, keys::shard(shard));
            for generation in &generations {
                let (from, to) = expiry::shard_range(*generation, shard);
                batch.delete_range_cf(dedup, &from[..], &to[..]);
            }
        }
        batch.delete(keys::rules(partition));
        batch.delete(keys::input(partition));
        for topic in [Topic::State, Topic::Dedup] {
            batch.delete(keys::changelog(topic, partition));
        }
        self.write(changes)
    }

    /// Tells of what failed while the copy was brought to the disk. The next write would, but it can
    /// be long in coming.
    pub(crate) fn check(&self) -> Result<(), StoreError> {
        let failures =
            self.db.property_int_value(BACKGROUND_ERRORS).map_err(StoreError::reading)?;
        match failures {
            None | Some(0) => Ok(()),
            // What cannot be overcome refuses every write, and says why.
            Some(_) => self.write(Changes::default()),
        }
    }

    /// Brings the copy to the disk if it has not been for `age_max`, so that a restart finds no
    /// long tail of the changelogs however quiet the process was. Does not wait for the disk.
    pub(crate) fn flush_if_older(
        &self,
        now: Duration,
        age_max: Duration,
    ) -> Result<(), StoreError> {
        let mut flushed = self.flushed();
        if !flushed.is_behind || now.saturating_sub(flushed.at) < age_max {
            return Ok(());
        }
        *flushed = Flushed { at: now, is_behind: false };
        drop(flushed);
        let mut options = FlushOptions::default();
        options.set_wait(false);
        let mut families = vec![self.family(rocksdb::DEFAULT_COLUMN_FAMILY_NAME)?];
        for name in [keys::LEARNERS, keys::DEDUP, keys::SHARD_TIMES] {
            families.push(self.family(name)?);
        }
        let families: Vec<&&ColumnFamily> = families.iter().collect();
        self.db.flush_cfs_opt(&families, &options).map_err(StoreError::writing)
    }

    fn generations(&self) -> MutexGuard<'_, BTreeSet<Generation>> {
        self.generations.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn flushed(&self) -> MutexGuard<'_, Flushed> {
        self.flushed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn family(&self, name: &str) -> Result<&ColumnFamily, StoreError> {
        self.db.cf_handle(name).ok_or_else(|| StoreError::missing(name))
    }
}
