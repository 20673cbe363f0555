//! Reads what a batch needs to know, all at once and in the order in which it is stored.

use std::collections::BTreeMap;

use kleos_contracts::key::Shard;
use kleos_contracts::state::LearnerState;
use kleos_contracts::time::Timestamp;
use kleos_event_log::{Batch, StageError};

use super::RulesStage;
use crate::intake::Item;
use crate::memory::Learner;
use crate::store::keys;

/// A learner who is not in memory: where the record lies, and in which partition.
type Missing<'a> = BTreeMap<Vec<u8>, (&'a str, Shard, i32)>;

impl RulesStage {
    pub(super) fn gather(&mut self, batch: &Batch, items: &[Item]) -> Result<(), StageError> {
        let mut missing = Missing::new();
        let mut wanted = Vec::with_capacity(items.len());
        for (record, item) in batch.iter().zip(items) {
            let Item::Learner(incoming) = item else { continue };
            wanted.push((incoming.shard, incoming.hash));
            let key = incoming.key.as_str();
            if self.memory.learners.contains_key(key) {
                continue;
            }
            let (shard, partition) = (incoming.shard, record.position.partition.number);
            match self.cache.take(key) {
                Some(state) => self.remember(key, (shard, partition), state),
                None => {
                    let place = keys::learner(shard, key.as_bytes());
                    missing.insert(place, (key, shard, partition));
                }
            }
        }
        self.read_learners(&missing)?;
        let remembered = self.shared.store.remembered(&wanted)?;
        for ((_, hash), known) in wanted.into_iter().zip(remembered) {
            if let Some(known) = known {
                self.memory.seen.insert(hash, known);
            }
        }
        Ok(())
    }

    fn read_learners(&mut self, missing: &Missing<'_>) -> Result<(), StageError> {
        self.counts.learners_read(missing.len());
        let places: Vec<Vec<u8>> = missing.keys().cloned().collect();
        let found = self.shared.store.learners(&places)?;
        for ((key, shard, partition), bytes) in missing.values().zip(found) {
            let state = match bytes {
                Some(bytes) => self.codecs.state.decode(&bytes)?.learner.unwrap_or_default(),
                None => LearnerState::default(),
            };
            self.remember(key, (*shard, *partition), state);
        }
        Ok(())
    }

    fn remember(&mut self, key: &str, (shard, partition): (Shard, i32), state: LearnerState) {
        let timestamp = Timestamp::EPOCH;
        let learner = Learner { state, shard, partition, timestamp, is_changed: false };
        self.memory.learners.insert(key.to_owned(), learner);
        self.memory.order.push(key.to_owned());
    }
}
