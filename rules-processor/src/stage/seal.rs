//! Closes a transaction: one changelog record for each learner that changed, one for the accepted
//! event keys of each partition, one for each partition whose rule sets changed. What goes into the
//! changelog is what the local copy will get.

use std::collections::BTreeMap;

use kleos_contracts::key::{Shard, partition_of_shard};
use kleos_contracts::state::{
    DedupBatch, DedupGroup, DedupKey, ProcessorState, partition_state_key,
};
use kleos_contracts::topic::Topic;
use kleos_event_log::{Address, Outbox, Outgoing, Partition, StageError};

use super::{RulesStage, send};

impl RulesStage {
    pub(super) fn seal(&mut self, outbox: &mut Outbox) -> Result<(), StageError> {
        self.seal_learners(outbox)?;
        self.seal_keys(outbox)?;
        self.seal_partitions(outbox)
    }

    fn seal_learners(&mut self, outbox: &mut Outbox) -> Result<(), StageError> {
        for key in &self.memory.order {
            let Some(learner) = self.memory.learners.get_mut(key) else { continue };
            if !learner.is_changed {
                continue;
            }
            let state = std::mem::take(&mut learner.state);
            let record = ProcessorState { learner: Some(state), partition: None };
            self.scratch.clear();
            self.codecs.state.encode(&record, &mut self.scratch)?;
            learner.state = record.learner.unwrap_or_default();
            let outgoing = Outgoing {
                partition: Partition::new(Topic::State, learner.partition),
                timestamp: learner.timestamp,
                key: Some(key.as_bytes()),
                value: &self.scratch,
            };
            outbox.push(outgoing).map_err(|error| StageError::fatal(error.to_string()))?;
            let place = (learner.shard, key.as_bytes());
            self.shared.store.put_learner(&mut self.changes, place, &self.scratch)?;
        }
        Ok(())
    }

    fn seal_keys(&mut self, outbox: &mut Outbox) -> Result<(), StageError> {
        let mut batches: BTreeMap<i32, BTreeMap<Shard, DedupGroup>> = BTreeMap::new();
        for (shard, log_time) in &self.memory.log_times {
            let number = partition_of_shard(*shard, self.partitions);
            let group =
                DedupGroup { shard: i32::from(*shard), log_time: *log_time, keys: Vec::new() };
            batches.entry(number).or_default().insert(*shard, group);
            self.shared.store.put_log_time(&mut self.changes, *shard, *log_time)?;
        }
        for accepted in &self.memory.accepted {
            let groups = batches.entry(accepted.partition).or_default();
            if let Some(group) = groups.get_mut(&accepted.shard) {
                let (hash, remembered) = (accepted.hash.to_vec(), accepted.remembered);
                group.keys.push(DedupKey { hash, digest: remembered.digest, day: remembered.day });
            }
            let place = (accepted.shard, accepted.hash);
            self.shared.store.put_remembered(&mut self.changes, place, accepted.remembered)?;
        }
        for (number, groups) in batches {
            let key = number.to_string();
            // Log time can be long past when much is caught up. By that the log would throw keys away
            // that a restore still needs, so they age from when they were written.
            let address = Address {
                partition: Partition::new(Topic::Dedup, number),
                timestamp: self.shared.clock.now(),
                key: Some(key.as_bytes()),
            };
            let batch = DedupBatch { partition: number, groups: groups.into_values().collect() };
            send(outbox.send(&self.codecs.dedup, address, &batch))?;
        }
        Ok(())
    }

    fn seal_partitions(&mut self, outbox: &mut Outbox) -> Result<(), StageError> {
        for (number, state) in &self.memory.partitions {
            let record = ProcessorState { learner: None, partition: Some(state.clone()) };
            self.scratch.clear();
            self.codecs.state.encode(&record, &mut self.scratch)?;
            let key = partition_state_key(*number);
            let outgoing = Outgoing {
                partition: Partition::new(Topic::State, *number),
                timestamp: self.memory.newest_log_time(),
                key: Some(key.as_bytes()),
                value: &self.scratch,
            };
            outbox.push(outgoing).map_err(|error| StageError::fatal(error.to_string()))?;
            self.shared.store.put_partition(&mut self.changes, *number, &self.scratch);
        }
        Ok(())
    }
}
