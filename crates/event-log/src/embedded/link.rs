//! A worker's connection to the embedded log.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use kleos_contracts::topic::Topic;

use super::Inner;
use super::groups::Session;
use super::reader::StoreReader;
use super::sequencer::{Fence, NewRecord, Refusal, Write};
use crate::error::{CommitError, LogError};
use crate::link::{Assigned, Change, Link};
use crate::outbox::Outbox;
use crate::reader::Reader;
use crate::record::{Batch, Extent, Partition};
use crate::stage::Receipt;
use crate::worker::{BatchLimits, WorkerSpec};

#[derive(Debug)]
pub(super) struct EmbeddedLink {
    log: Arc<Inner>,
    session: Session,
    inputs: Vec<Partition>,
    changelogs: Vec<Topic>,
    limits: BatchLimits,
    held: BTreeMap<Partition, Held>,
}

/// A partition that is this worker's.
#[derive(Clone, Copy, Debug)]
struct Held {
    position: i64,
    paused: bool,
}

impl EmbeddedLink {
    pub(super) fn new(log: Arc<Inner>, spec: &WorkerSpec) -> Result<Self, LogError> {
        let mut inputs = Vec::new();
        for topic in &spec.inputs {
            let partitions = log.partitions(*topic)?;
            inputs.extend((0..partitions).map(|number| Partition::new(*topic, number)));
        }
        let now = log.clock.monotonic();
        let session = log.shared().groups.join(&spec.group(), &spec.member(), &inputs, now);
        Ok(Self {
            log,
            session,
            inputs,
            changelogs: spec.changelogs.clone(),
            limits: spec.limits,
            held: BTreeMap::new(),
        })
    }

    /// Asks the group which partitions come and go.
    fn rebalance(&mut self) -> Result<Vec<Change>, LogError> {
        let now = self.log.clock.monotonic();
        let moves = self.log.shared().groups.poll(&self.session, now);
        let Ok(moves) = moves else { return self.rejoin(now) };
        let mut changes = Vec::new();
        for partition in moves.revoked {
            self.held.remove(&partition);
            changes.push(Change::Revoked(partition));
        }
        for partition in moves.assigned {
            changes.push(Change::Assigned(self.hold(partition)?));
        }
        Ok(changes)
    }

    /// The session has expired or was replaced by one that is gone: begins another.
    fn rejoin(&mut self, now: Duration) -> Result<Vec<Change>, LogError> {
        let mut shared = self.log.shared();
        if shared.groups.is_replaced(&self.session) {
            return Err(LogError::InstanceTaken {
                instance: self.session.member.clone(),
                cause: "a newer session has its name".to_owned(),
            });
        }
        let Session { group, member, .. } = self.session.clone();
        self.session = shared.groups.join(&group, &member, &self.inputs, now);
        drop(shared);
        Ok(std::mem::take(&mut self.held).into_keys().map(Change::Revoked).collect())
    }

    /// Takes a partition, paused where the group goes on reading it.
    fn hold(&mut self, partition: Partition) -> Result<Assigned, LogError> {
        let range = self.log.tail.range(partition);
        let place = (self.session.group.clone(), partition);
        let shared = self.log.shared();
        let next = shared.committed.get(&place).copied().unwrap_or(range.low);
        // Committed offsets may be ahead of what can be read: they count what is being written.
        let given = shared.next.get(&partition).copied().unwrap_or_default();
        drop(shared);
        if next < range.low || next > given {
            let (low, high) = (range.low, given);
            return Err(LogError::OutOfRange { partition, offset: next, low, high });
        }
        self.held.insert(partition, Held { position: next, paused: true });
        Ok(Assigned { partition, next })
    }

    fn running(&self) -> Vec<(Partition, i64)> {
        self.held
            .iter()
            .filter(|(_, held)| !held.paused)
            .map(|(partition, held)| (*partition, held.position))
            .collect()
    }

    /// Adds what there is, beginning with the partition that is furthest behind.
    fn fill(&mut self, batch: &mut Batch) -> Result<(), LogError> {
        let mut running = self.running();
        running.sort_by_key(|(partition, position)| {
            position.saturating_sub(self.log.tail.range(*partition).next)
        });
        let share = self.limits.records.div_ceil(running.len().max(1));
        for (partition, position) in running {
            let range = self.log.tail.range(partition);
            let (low, end) = (range.low, range.next);
            if position < low {
                return Err(LogError::OutOfRange { partition, offset: position, low, high: end });
            }
            let full = batch.len() >= self.limits.records || batch.bytes() >= self.limits.bytes;
            if position >= end || full {
                continue;
            }
            let limits = BatchLimits { records: batch.len() + share, bytes: self.limits.bytes };
            let next = self.log.store.read(partition, (position, end), limits, batch)?;
            if let Some(held) = self.held.get_mut(&partition) {
                held.position = next;
            }
        }
        Ok(())
    }
}

impl Link for EmbeddedLink {
    fn poll(&mut self, batch: &mut Batch, wait: Duration) -> Result<Vec<Change>, LogError> {
        let changes = self.rebalance()?;
        if !changes.is_empty() {
            return Ok(changes);
        }
        self.fill(batch)?;
        if batch.is_empty() && !wait.is_zero() {
            self.log.tail.wait_beyond(&self.running(), wait);
            self.fill(batch)?;
        }
        Ok(changes)
    }

    fn resume(&mut self, partition: Partition) -> Result<(), LogError> {
        if let Some(held) = self.held.get_mut(&partition) {
            held.paused = false;
        }
        Ok(())
    }

    fn commit(&mut self, outbox: &Outbox, inputs: &[Extent]) -> Result<Receipt, CommitError> {
        let write = Write {
            records: outbox.iter().map(NewRecord::new).collect(),
            fence: Fence::Session { session: self.session.clone(), inputs: inputs.to_vec() },
        };
        let positions = match self.log.sequencer.write(write).blocking_recv() {
            Ok(Ok(positions)) => positions,
            Ok(Err(Refusal::Fenced)) => {
                let cause = "the partitions belong to another worker".to_owned();
                return Err(CommitError::RolledBack(cause));
            }
            Ok(Err(Refusal::Log(error))) => return Err(CommitError::Fatal(error)),
            Err(_) => return Err(CommitError::Fatal(LogError::Closed)),
        };
        let mut changelogs = BTreeMap::new();
        for position in positions {
            if self.changelogs.contains(&position.partition.topic) {
                changelogs.insert(position.partition, position.offset + 1);
            }
        }
        Ok(Receipt { inputs: inputs.to_vec(), changelogs: changelogs.into_iter().collect() })
    }

    fn rewind(&mut self, inputs: &[Extent]) -> Result<(), LogError> {
        for extent in inputs {
            if let Some(held) = self.held.get_mut(&extent.partition) {
                held.position = extent.first;
            }
        }
        Ok(())
    }

    fn renew(&mut self) -> Result<Vec<Assigned>, LogError> {
        let partitions: Vec<Partition> = self.held.keys().copied().collect();
        partitions.into_iter().map(|partition| self.hold(partition)).collect()
    }

    fn changelog(
        &mut self,
        partitions: &[(Partition, Option<i64>)],
    ) -> Result<Box<dyn Reader>, LogError> {
        let mut ranges = Vec::with_capacity(partitions.len());
        for (partition, from) in partitions.iter().copied() {
            let high = self.log.shared().next.get(&partition).copied().unwrap_or_default();
            let low = self.log.tail.range(partition).low;
            let offset = from.unwrap_or(low);
            if offset < low || offset > high {
                return Err(LogError::OutOfRange { partition, offset, low, high });
            }
            ranges.push((partition, offset, high));
        }
        Ok(Box::new(StoreReader::new(Arc::clone(&self.log), ranges)))
    }
}

impl Drop for EmbeddedLink {
    fn drop(&mut self) {
        let mut shared = self.log.shared.lock().unwrap_or_else(PoisonError::into_inner);
        shared.groups.leave(&self.session);
    }
}
