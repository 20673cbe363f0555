//! One transactional producer, from its initialisation to its end.

use std::time::Duration;

use kleos_contracts::time::Timestamp;
use rdkafka::consumer::ConsumerGroupMetadata;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer, PurgeConfig};
use rdkafka::topic_partition_list::TopicPartitionList;

use super::cluster::{Cluster, Names};
use super::context::{Deliveries, NO_SLOT};
use super::failure::{self, Transactional};
use crate::error::{CommitError, LogError};
use crate::outbox::{Outbox, Outgoing};

/// How long one wait for delivery reports is. The client's own waits are no shorter than a
/// millisecond, end late, and spin through what is left of their last one.
const DRAIN_STEP: Duration = Duration::from_micros(200);
/// Records after which delivery reports are looked at.
const REPORT_EVERY: usize = 1_000;

/// What is committed together with the records.
pub(super) struct Inputs<'a> {
    pub(super) offsets: &'a TopicPartitionList,
    /// Taken afresh for every commit: it carries the member's generation, by which the broker
    /// refuses a member that lost its partitions.
    pub(super) group: &'a ConsumerGroupMetadata,
}

/// A session is replaced, never mended, after a call whose outcome is unknown.
pub(super) struct Session {
    producer: BaseProducer<Deliveries>,
    names: Names,
    timeout: Duration,
}

impl Session {
    /// Begins a session; whatever an earlier one of the name had open is ended by the broker.
    pub(super) fn begin(cluster: &Cluster, name: &str) -> Result<Self, LogError> {
        let what = "starting a transactional producer";
        let producer: BaseProducer<Deliveries> = cluster
            .config
            .transactional(name)
            .create_with_context(Deliveries::default())
            .map_err(|error| failure::of_call(what, &error))?;
        let timeout = cluster.config.transaction_timeout;
        producer.init_transactions(timeout).map_err(|error| failure::of_call(what, &error))?;
        Ok(Self { producer, names: cluster.names.clone(), timeout })
    }

    /// One transaction. `slot_of` numbers the records whose offsets are wanted; the answer has for
    /// each slot the greatest offset given.
    pub(super) fn commit(
        &self,
        outbox: &Outbox,
        inputs: Option<&Inputs<'_>>,
        slots: usize,
        slot_of: &mut dyn FnMut(usize, &Outgoing<'_>) -> Option<usize>,
    ) -> Result<Vec<i64>, CommitError> {
        self.producer.context().begin(slots);
        self.producer.begin_transaction().map_err(|error| unknown(&error))?;
        self.write(outbox, inputs, slot_of).map_err(|error| self.give_up(&error))?;
        if let Some(cause) = self.producer.context().failure() {
            return Err(self.abort(&cause));
        }
        // Nothing is in flight, so the crate's own flush before the commit returns at once.
        self.producer.commit_transaction(self.timeout).map_err(|error| self.give_up(&error))?;
        Ok(self.producer.context().offsets())
    }

    fn write(
        &self,
        outbox: &Outbox,
        inputs: Option<&Inputs<'_>>,
        slot_of: &mut dyn FnMut(usize, &Outgoing<'_>) -> Option<usize>,
    ) -> Result<(), KafkaError> {
        // A partition's records one after the other: the client sends what a partition has whenever
        // its lingering is over, so records by turns would go out in many small requests.
        let mut records: Vec<_> = outbox.iter().enumerate().collect();
        records.sort_by_key(|(_, outgoing)| outgoing.partition);
        for (sent, (index, outgoing)) in records.iter().enumerate() {
            let slot = slot_of(*index, outgoing).unwrap_or(NO_SLOT);
            self.send(outgoing, slot)?;
            if sent % REPORT_EVERY == REPORT_EVERY - 1 {
                self.producer.poll(Duration::ZERO);
            }
        }
        // The offsets travel while the records are in flight.
        if let Some(inputs) = inputs {
            self.producer.send_offsets_to_transaction(
                inputs.offsets,
                inputs.group,
                self.timeout,
            )?;
        }
        self.drain();
        Ok(())
    }

    fn send(&self, outgoing: &Outgoing<'_>, slot: usize) -> Result<(), KafkaError> {
        let topic = self.names.of(outgoing.partition.topic);
        let mut record = BaseRecord::<[u8], [u8], usize>::with_opaque_to(topic, slot)
            .partition(outgoing.partition.number)
            .timestamp(kafka_timestamp(outgoing.timestamp))
            .payload(outgoing.value);
        record.key = outgoing.key;
        loop {
            match self.producer.send(record) {
                Ok(()) => return Ok(()),
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), refused)) => {
                    self.take_reports();
                    record = refused;
                }
                Err((error, _)) => return Err(error),
            }
        }
    }

    /// Waits until every record is acknowledged or has failed; the message timeout bounds it.
    fn drain(&self) {
        while self.producer.in_flight_count() > 0 {
            self.take_reports();
        }
    }

    /// Takes the delivery reports at hand, or waits a little for some.
    fn take_reports(&self) {
        let before = self.producer.in_flight_count();
        self.producer.poll(Duration::ZERO);
        if self.producer.in_flight_count() >= before {
            std::thread::park_timeout(DRAIN_STEP);
        }
    }

    fn give_up(&self, error: &KafkaError) -> CommitError {
        match failure::of_transaction(error) {
            Transactional::Abort => self.abort(&error.to_string()),
            Transactional::Renew => unknown(error),
        }
    }

    fn abort(&self, cause: &str) -> CommitError {
        // The client's abort would wait for delivery reports that only we serve.
        self.producer.purge(PurgeConfig::default().queue().inflight());
        self.drain();
        match self.producer.abort_transaction(self.timeout) {
            Ok(()) => CommitError::RolledBack(cause.to_owned()),
            Err(error) => CommitError::Unknown(format!("{cause}; then the abort: {error}")),
        }
    }
}

fn unknown(error: &KafkaError) -> CommitError {
    CommitError::Unknown(error.to_string())
}

/// Kafka's time of a record has milliseconds; zero would mean now.
pub(super) fn kafka_timestamp(timestamp: Timestamp) -> i64 {
    timestamp.millis().max(1)
}
