//! One transactional producer, from its initialisation to its end.

use std::sync::Arc;
use std::time::Duration;

use kleos_contracts::time::Timestamp;
use rdkafka::consumer::ConsumerGroupMetadata;
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer, PurgeConfig};
use rdkafka::topic_partition_list::TopicPartitionList;

use super::cluster::{Cluster, Names};
use super::context::{Deliveries, NO_SLOT};
use super::failure::{self, Transactional};
use super::patience::Helper;
use crate::error::{CommitError, LogError};
use crate::outbox::{Outbox, Outgoing};

/// How long one wait for delivery reports is. The client's own waits are no shorter than a
/// millisecond, end late, and spin through what is left of their last one.
const DRAIN_STEP: Duration = Duration::from_micros(200);
/// Records after which delivery reports are looked at.
const REPORT_EVERY: usize = 1_000;

const NO_ANSWER: &str = "the Kafka client does not come back";
/// How much longer than a transaction may last its end may take.
const MARGIN: Duration = Duration::from_secs(5);

/// What is committed together with the records.
pub(super) struct Inputs {
    pub(super) offsets: TopicPartitionList,
    /// Taken afresh for every commit: it carries the member's generation, by which the broker
    /// refuses a member that lost its partitions.
    pub(super) group: ConsumerGroupMetadata,
}

type Client = BaseProducer<Deliveries>;

/// A session is replaced, never mended, after a call whose outcome is unknown.
pub(super) struct Session {
    producer: Arc<Client>,
    helper: Helper,
    names: Names,
    timeout: Duration,
}

impl Session {
    /// Begins a session; whatever an earlier one of the name had open is ended by the broker.
    pub(super) fn begin(cluster: &Cluster, name: &str) -> Result<Self, LogError> {
        let what = "starting a transactional producer";
        let producer: Client = cluster
            .config
            .transactional(name)
            .create_with_context(Deliveries::default())
            .map_err(|error| failure::of_call(what, &error))?;
        let session = Self {
            producer: Arc::new(producer),
            helper: Helper::start("transactions")?,
            names: cluster.names.clone(),
            timeout: cluster.config.transaction_timeout,
        };
        match session.call(Client::init_transactions) {
            Some(Ok(())) => Ok(session),
            Some(Err(error)) => Err(failure::of_call(what, &error)),
            None => Err(LogError::unavailable(what, NO_ANSWER)),
        }
    }

    /// What a call answers that waits for brokers, if it comes back. The time that it is given is
    /// that of a transaction: after it the broker has ended what was open.
    fn call<T: Send + 'static>(
        &self,
        call: impl FnOnce(&Client, Duration) -> KafkaResult<T> + Send + 'static,
    ) -> Option<KafkaResult<T>> {
        let (producer, timeout) = (Arc::clone(&self.producer), self.timeout);
        self.helper.within(timeout + MARGIN, move || call(&producer, timeout))
    }

    /// One transaction. `slot_of` numbers the records whose offsets are wanted; the answer has for
    /// each slot the greatest offset given.
    pub(super) fn commit(
        &self,
        outbox: &Outbox,
        inputs: Option<Inputs>,
        slots: usize,
        slot_of: &mut dyn FnMut(usize, &Outgoing<'_>) -> Option<usize>,
    ) -> Result<Vec<i64>, CommitError> {
        self.producer.context().begin(slots);
        self.producer.begin_transaction().map_err(|error| unknown(&error))?;
        self.write(outbox, slot_of).map_err(|error| self.give_up(&error))?;
        match self.call(|producer, timeout| finish(producer, inputs, timeout)) {
            Some(Ok(Ended::Committed)) => Ok(self.producer.context().offsets()),
            Some(Ok(Ended::Failed(cause))) => Err(self.abort(&cause)),
            Some(Err(error)) => Err(self.give_up(&error)),
            None => Err(CommitError::Unknown(NO_ANSWER.to_owned())),
        }
    }

    fn write(
        &self,
        outbox: &Outbox,
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
                    take_reports(&self.producer);
                    record = refused;
                }
                Err((error, _)) => return Err(error),
            }
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
        drain(&self.producer);
        match self.call(Client::abort_transaction) {
            Some(Ok(())) => CommitError::RolledBack(cause.to_owned()),
            Some(Err(error)) => CommitError::Unknown(format!("{cause}; then the abort: {error}")),
            None => CommitError::Unknown(format!("{cause}; then the abort: {NO_ANSWER}")),
        }
    }
}

/// How a transaction ended that could be ended.
enum Ended {
    Committed,
    /// A record was not taken; nothing is committed.
    Failed(String),
}

/// Commits what was written, with the offsets of the inputs.
fn finish(producer: &Client, inputs: Option<Inputs>, timeout: Duration) -> KafkaResult<Ended> {
    // The offsets travel while the records are in flight.
    if let Some(Inputs { offsets, group }) = inputs {
        producer.send_offsets_to_transaction(&offsets, &group, timeout)?;
    }
    drain(producer);
    if let Some(cause) = producer.context().failure() {
        return Ok(Ended::Failed(cause));
    }
    // Nothing is in flight, so the crate's own flush before the commit returns at once.
    producer.commit_transaction(timeout)?;
    Ok(Ended::Committed)
}

/// Waits until every record is acknowledged or has failed; the message timeout bounds it.
fn drain(producer: &Client) {
    while producer.in_flight_count() > 0 {
        take_reports(producer);
    }
}

/// Takes the delivery reports at hand, or waits a little for some.
fn take_reports(producer: &Client) {
    let before = producer.in_flight_count();
    producer.poll(Duration::ZERO);
    if producer.in_flight_count() >= before {
        std::thread::park_timeout(DRAIN_STEP);
    }
}

fn unknown(error: &KafkaError) -> CommitError {
    CommitError::Unknown(error.to_string())
}

/// Kafka's time of a record has milliseconds; zero would mean now.
pub(super) fn kafka_timestamp(timestamp: Timestamp) -> i64 {
    timestamp.millis().max(1)
}
