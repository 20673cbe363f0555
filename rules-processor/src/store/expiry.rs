//! Forgets event keys that no event can repeat any more.
//!
//! Whether a remembered key counts is decided by its day alone, so this only frees space: the same
//! events are duplicates whether or not it has run.

use std::collections::BTreeSet;

use kleos_contracts::key::{SHARDS, Shard};
use kleos_contracts::time::Timestamp;
use rocksdb::{Direction, IteratorMode};

use super::keys::{self, Generation};
use super::{Changes, Store};
use crate::error::StoreError;

/// Days of log time for which an event key is remembered.
pub(crate) const REMEMBERED_DAYS: i32 = 35;

/// Whether a key of that day still counts for a shard whose log time is `log_time`.
pub(crate) fn counts(day: i32, log_time: Timestamp) -> bool {
    day >= log_time.utc_day() - REMEMBERED_DAYS
}

/// The keys of a shard in a generation.
pub(super) fn shard_range(generation: Generation, shard: Shard) -> ([u8; 4], Vec<u8>) {
    let from = keys::dedup_shard(generation, shard);
    let to = match generation.next() {
        _ if shard + 1 < SHARDS => keys::dedup_shard(generation, shard + 1).to_vec(),
        Some(next) => keys::dedup_shard(next, 0).to_vec(),
        None => vec![u8::MAX; 5],
    };
    (from, to)
}

impl Store {
    /// Deletes, shard by shard, the generations that lie wholly before what a shard remembers.
    /// Returns how many generations are left.
    pub(crate) fn forget_old_keys(&self) -> Result<usize, StoreError> {
        let family = self.family(keys::DEDUP)?;
        let generations: Vec<Generation> = self.generations().iter().copied().collect();
        let mut changes = Changes::default();
        for shard in 0..SHARDS {
            let Some(log_time) = self.log_time(shard)? else { continue };
            for generation in &generations {
                if !counts(generation.last_day(), log_time) {
                    let (from, to) = shard_range(*generation, shard);
                    changes.batch.delete_range_cf(family, &from[..], &to[..]);
                }
            }
        }
        if !changes.batch.is_empty() {
            self.write(changes)?;
            *self.generations() = self.find_generations()?;
        }
        Ok(self.generations().len())
    }

    /// Looks which generations there are, by leaps.
    pub(super) fn find_generations(&self) -> Result<BTreeSet<Generation>, StoreError> {
        let family = self.family(keys::DEDUP)?;
        let mut found = BTreeSet::new();
        let mut from = Some(Generation(0));
        while let Some(generation) = from {
            let start = keys::dedup_shard(generation, 0);
            let mode = IteratorMode::From(&start, Direction::Forward);
            let first = self.db.iterator_cf(family, mode).next().transpose();
            let first = first.map_err(StoreError::reading)?;
            let key = first.as_ref().map(|(key, _)| key.as_ref());
            let next = key.and_then(keys::read_generation);
            found.extend(next);
            from = next.and_then(Generation::next);
        }
        Ok(found)
    }
}
