//! A worker's connection to Kafka: a consumer of its own and a transactional producer.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use kleos_contracts::class::Class;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use super::cluster::{CALL_TIMEOUT, Cluster};
use super::context::{Member, Move};
use super::failure;
use super::held::{Held, accept};
use super::membership::{Name, is_fenced, join};
use super::patience::retire;
use super::reader::KafkaReader;
use super::session::{Inputs, Session};
use super::silence::Silence;
use crate::error::{CommitError, LogError};
use crate::link::{Assigned, Change, Link};
use crate::outbox::Outbox;
use crate::reader::Reader;
use crate::record::{Batch, Extent, Partition};
use crate::stage::Receipt;
use crate::worker::WorkerSpec;

pub(super) struct KafkaLink {
    cluster: Arc<Cluster>,
    spec: WorkerSpec,
    /// Ends before the consumer, so that nothing is committed while the group is being left.
    session: Option<Session>,
    consumer: BaseConsumer<Member>,
    name: Name,
    held: BTreeMap<Partition, Held>,
    /// Partitions that the group gave and that are still to be taken. The group goes on only when
    /// they are, even if there are none of them.
    offered: Option<Vec<Partition>>,
    /// Partitions that went with a consumer, and of which that is still to be told.
    lost: Vec<Partition>,
    /// Questions for committed offsets in a row that had no answer.
    unanswered: u32,
    silence: Silence,
    /// An error that came behind records.
    deferred: Option<LogError>,
}

/// After so many the consumer is replaced: one that lost its coordinator in the middle of a
/// rebalance can stay without for ever.
const UNANSWERED_MAX: u32 = 3;

impl KafkaLink {
    pub(super) fn open(cluster: Arc<Cluster>, spec: &WorkerSpec) -> Result<Self, LogError> {
        for topic in spec.inputs.iter().chain(&spec.changelogs) {
            cluster.shape(*topic)?;
        }
        // First of all: this ends what an earlier run of this worker has left open.
        let session = Session::begin(&cluster, &spec.member())?;
        let consumer = join(&cluster, spec)?;
        Ok(Self {
            cluster,
            spec: spec.clone(),
            session: Some(session),
            consumer,
            name: Name::new(spec),
            held: BTreeMap::new(),
            offered: None,
            lost: Vec::new(),
            unanswered: 0,
            silence: Silence::new(),
            deferred: None,
        })
    }

    /// Joins the group again where it gave the name to a member that is gone by now.
    fn join_again(&mut self) -> Result<(), LogError> {
        if self.name.is_free(&self.cluster)? {
            retire(std::mem::replace(&mut self.consumer, join(&self.cluster, &self.spec)?));
            self.name.regained();
        }
        Ok(())
    }

    /// Nothing of what was held or offered is this worker's any more.
    fn lose(&mut self) {
        drop(self.consumer.context().take_moves());
        self.offered = None;
        self.lost.extend(std::mem::take(&mut self.held).into_keys());
    }

    /// Carries out what the group told during the last poll.
    fn carry_out_moves(&mut self) -> Result<Vec<Change>, LogError> {
        let lost = std::mem::take(&mut self.lost);
        let mut changes: Vec<Change> = lost.into_iter().map(Change::Revoked).collect();
        for step in self.consumer.context().take_moves() {
            match step {
                Move::Gave(partitions) => {
                    if let Some(offered) = &mut self.offered {
                        offered.retain(|offered| !partitions.contains(offered));
                    }
                    for partition in partitions {
                        if self.held.remove(&partition).is_some() {
                            changes.push(Change::Revoked(partition));
                        }
                    }
                }
                Move::Take(partitions) => {
                    self.offered.get_or_insert_default().extend(partitions);
                }
                Move::Failed(cause) => {
                    self.deferred = Some(LogError::unavailable("giving partitions back", cause));
                }
            }
        }
        if let Some(offered) = &self.offered {
            match self.take(&offered.clone()) {
                Ok(taken) => changes.extend(taken.into_iter().map(Change::Assigned)),
                Err(error) if changes.is_empty() => return Err(error),
                // The next poll tries again.
                Err(_) => {}
            }
        }
        Ok(changes)
    }

    /// Takes the offered partitions, paused where the group goes on reading them.
    fn take(&mut self, offered: &[Partition]) -> Result<Vec<Assigned>, LogError> {
        let assigned = self.committed(offered)?;
        let what = "taking partitions";
        let list =
            self.cluster.offsets(assigned.iter().map(|taken| (taken.partition, taken.next)))?;
        self.consumer.incremental_assign(&list).map_err(|error| failure::of_call(what, &error))?;
        self.offered = None;
        self.pause(&assigned)?;
        Ok(assigned)
    }

    fn pause(&mut self, assigned: &[Assigned]) -> Result<(), LogError> {
        if assigned.is_empty() {
            return Ok(());
        }
        let list =
            self.cluster.offsets(assigned.iter().map(|taken| (taken.partition, taken.next)))?;
        self.consumer
            .pause(&list)
            .map_err(|error| failure::of_call("pausing partitions", &error))?;
        for Assigned { partition, next } in assigned {
            self.held.insert(*partition, Held { position: *next, paused: true });
        }
        Ok(())
    }

    /// Where the group goes on reading: its committed offset, else the oldest record there is.
    fn committed(&mut self, partitions: &[Partition]) -> Result<Vec<Assigned>, LogError> {
        if partitions.is_empty() {
            return Ok(Vec::new());
        }
        let mut list = TopicPartitionList::new();
        for partition in partitions {
            list.add_partition(self.cluster.names.of(partition.topic), partition.number);
        }
        let answer = self.consumer.committed_offsets(list, CALL_TIMEOUT);
        let committed = match answer {
            Ok(committed) => committed,
            Err(error) => return Err(self.no_answer(&error)),
        };
        self.unanswered = 0;
        let mut assigned = Vec::with_capacity(partitions.len());
        for partition in partitions.iter().copied() {
            let element =
                committed.find_partition(self.cluster.names.of(partition.topic), partition.number);
            let (low, high) = self.cluster.watermarks(partition)?;
            let next = match element.map(|element| element.offset()) {
                Some(Offset::Offset(offset)) => offset,
                _ => low,
            };
            if next < low || next > high {
                return Err(LogError::OutOfRange { partition, offset: next, low, high });
            }
            assigned.push(Assigned { partition, next });
        }
        Ok(assigned)
    }

    fn no_answer(&mut self, error: &KafkaError) -> LogError {
        self.unanswered += 1;
        if self.unanswered >= UNANSWERED_MAX
            && let Err(error) = self.replace_consumer()
        {
            return error;
        }
        failure::of_call("reading committed offsets", error)
    }

    /// Goes on with another consumer, which has yet to be given partitions.
    fn replace_consumer(&mut self) -> Result<(), LogError> {
        let consumer = join(&self.cluster, &self.spec)?;
        self.unanswered = 0;
        self.lose();
        retire(std::mem::replace(&mut self.consumer, consumer));
        Ok(())
    }

    /// Replaces a consumer that would never be heard of again.
    fn mind_silence(&mut self, batch: &Batch) -> Result<(), LogError> {
        if !batch.is_empty() || self.consumer.context().has_moves() {
            self.silence.is_broken();
            return Ok(());
        }
        let Some(topic) = self.spec.inputs.first() else { return Ok(()) };
        if self.silence.is_final(&self.consumer, &self.cluster, *topic) {
            return self.replace_consumer();
        }
        Ok(())
    }

    fn seek(&mut self, positions: &[(Partition, i64)]) -> Result<(), LogError> {
        let what = "moving back";
        let sought = self
            .consumer
            .seek_partitions(self.cluster.offsets(positions.iter().copied())?, CALL_TIMEOUT)
            .map_err(|error| failure::of_call(what, &error))?;
        for element in sought.elements() {
            element.error().map_err(|error| failure::of_call(what, &error))?;
        }
        for (partition, position) in positions {
            if let Some(held) = self.held.get_mut(partition) {
                held.position = *position;
            }
        }
        Ok(())
    }

    /// Takes records until the batch is full or there are no more at hand.
    fn fill(&mut self, batch: &mut Batch, wait: Duration) {
        let mut wait = wait;
        let limits = self.spec.limits;
        while batch.len() < limits.records && batch.bytes() < limits.bytes {
            match self.consumer.poll(wait) {
                None => return,
                Some(Ok(message)) => {
                    if let Some(record) = self.cluster.record_of(&message) {
                        accept(&mut self.held, batch, record);
                    }
                }
                Some(Err(error)) if is_fenced(&error) => return self.name.taken(),
                // While brokers are away the client says so many times over. Each would be a pause,
                // so all that is at hand counts as one.
                Some(Err(error)) => {
                    self.deferred = self.judge(&error).or(self.deferred.take());
                    let class = self.deferred.as_ref().map(LogError::class);
                    if class.is_some_and(|class| class != Class::Retriable) {
                        return;
                    }
                }
            }
            if self.consumer.context().has_moves() {
                return;
            }
            wait = Duration::ZERO;
        }
    }

    /// What an error of the consumer means; none if the client mends it by itself.
    fn judge(&self, error: &KafkaError) -> Option<LogError> {
        match error.rdkafka_error_code() {
            Some(RDKafkaErrorCode::AutoOffsetReset | RDKafkaErrorCode::OffsetOutOfRange) => {
                Some(self.out_of_range(error))
            }
            Some(RDKafkaErrorCode::PollExceeded) => None,
            Some(RDKafkaErrorCode::PartitionEOF) | None => None,
            Some(_) => Some(failure::of_call("reading", error)),
        }
    }

    fn out_of_range(&self, error: &KafkaError) -> LogError {
        for (partition, held) in &self.held {
            match self.cluster.watermarks(*partition) {
                Ok((low, high)) if held.position < low || held.position > high => {
                    let (partition, offset) = (*partition, held.position);
                    return LogError::OutOfRange { partition, offset, low, high };
                }
                Ok(_) => {}
                Err(unavailable) => return unavailable,
            }
        }
        failure::of_call("reading", error)
    }
}

impl Link for KafkaLink {
    fn poll(&mut self, batch: &mut Batch, wait: Duration) -> Result<Vec<Change>, LogError> {
        if let Some(error) = self.deferred.take() {
            return Err(error);
        }
        if self.name.is_taken() {
            self.join_again()?;
        }
        self.fill(batch, wait);
        self.mind_silence(batch)?;
        if self.name.is_taken() {
            self.lose();
        }
        let changes = self.carry_out_moves();
        let held = &self.held;
        batch.retain(|partition| held.contains_key(&partition));
        match changes {
            // What was read already must not be lost: the error can wait.
            Err(error) if !batch.is_empty() => {
                self.deferred = Some(error);
                Ok(Vec::new())
            }
            changes => changes,
        }
    }

    fn resume(&mut self, partition: Partition) -> Result<(), LogError> {
        let Some(held) = self.held.get(&partition).copied() else { return Ok(()) };
        // What was fetched before the pause took hold was thrown away.
        self.seek(&[(partition, held.position)])?;
        self.consumer
            .resume(&self.cluster.offsets([(partition, held.position)])?)
            .map_err(|error| failure::of_call("resuming a partition", &error))?;
        self.held.insert(partition, Held { paused: false, ..held });
        Ok(())
    }

    fn commit(&mut self, outbox: &Outbox, inputs: &[Extent]) -> Result<Receipt, CommitError> {
        let Some(session) = &self.session else {
            return Err(CommitError::Unknown("no session".to_owned()));
        };
        if self.consumer.assignment_lost() {
            return Err(CommitError::RolledBack("the partitions were lost".to_owned()));
        }
        let next = inputs.iter().map(|extent| (extent.partition, extent.next));
        let offsets = self.cluster.offsets(next).map_err(CommitError::Fatal)?;
        let Some(group) = self.consumer.group_metadata() else {
            return Err(CommitError::RolledBack("not in the group".to_owned()));
        };
        let mut slots: Vec<Partition> = Vec::new();
        let changelogs = &self.spec.changelogs;
        let slots_max = changelogs.len() * self.held.len().max(inputs.len());
        let written = session.commit(
            outbox,
            Some(Inputs { offsets, group }),
            slots_max,
            &mut |_, outgoing| {
                changelogs
                    .contains(&outgoing.partition.topic)
                    .then(|| slot_of(&mut slots, outgoing.partition))
            },
        )?;
        let changelogs = slots.into_iter().zip(written).map(|(place, last)| (place, last + 1));
        Ok(Receipt { inputs: inputs.to_vec(), changelogs: changelogs.collect() })
    }

    fn rewind(&mut self, inputs: &[Extent]) -> Result<(), LogError> {
        let held = inputs.iter().filter(|extent| self.held.contains_key(&extent.partition));
        let positions: Vec<_> = held.map(|extent| (extent.partition, extent.first)).collect();
        self.seek(&positions)
    }

    fn renew(&mut self) -> Result<Vec<Assigned>, LogError> {
        // The old one must be gone before the new one begins: they have the same name.
        self.session = None;
        self.session = Some(Session::begin(&self.cluster, &self.spec.member())?);
        let partitions: Vec<Partition> = self.held.keys().copied().collect();
        let assigned = self.committed(&partitions)?;
        self.pause(&assigned)?;
        Ok(assigned)
    }

    fn changelog(
        &mut self,
        partitions: &[(Partition, Option<i64>)],
    ) -> Result<Box<dyn Reader>, LogError> {
        Ok(Box::new(KafkaReader::open(Arc::clone(&self.cluster), partitions)?))
    }
}

/// The slot of a changelog's partition.
fn slot_of(slots: &mut Vec<Partition>, partition: Partition) -> usize {
    slots.iter().position(|known| *known == partition).unwrap_or_else(|| {
        slots.push(partition);
        slots.len() - 1
    })
}
