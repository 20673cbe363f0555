//! What librdkafka calls back, on the thread that polls. Callbacks translate and return.

use std::sync::{Mutex, MutexGuard, PoisonError};

use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext, RebalanceProtocol};
use rdkafka::error::KafkaError;
use rdkafka::message::{DeliveryResult, Message};
use rdkafka::producer::ProducerContext;
use rdkafka::topic_partition_list::TopicPartitionList;
use rdkafka::types::RDKafkaRespErr;

use super::cluster::Names;
use crate::record::Partition;

/// Logs of a client without callbacks of its own.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Quiet;

impl ClientContext for Quiet {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        forward_log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(target: "librdkafka", %error, reason);
    }
}

impl ConsumerContext for Quiet {}

/// A worker's consumer: remembers which partitions came and went.
#[derive(Debug)]
pub(super) struct Member {
    names: Names,
    moves: Mutex<Vec<Move>>,
}

/// What the group told the consumer.
#[derive(Debug)]
pub(super) enum Move {
    /// The group wants the consumer to take these; they are not taken yet.
    Take(Vec<Partition>),
    /// These are given back.
    Gave(Vec<Partition>),
    /// Giving back or taking failed.
    Failed(String),
}

impl Member {
    pub(super) fn new(names: Names) -> Self {
        Self { names, moves: Mutex::new(Vec::new()) }
    }

    pub(super) fn take_moves(&self) -> Vec<Move> {
        std::mem::take(&mut *self.lock())
    }

    pub(super) fn has_moves(&self) -> bool {
        !self.lock().is_empty()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Move>> {
        self.moves.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ClientContext for Member {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        forward_log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(target: "librdkafka", %error, reason);
    }
}

impl ConsumerContext for Member {
    /// Gives partitions back at once: no transaction is ever open while the consumer is polled, so
    /// there is nothing to finish. Partitions to take are only noted; the worker takes them when it
    /// knows where their records go on, so that the client never guesses an offset.
    fn rebalance(
        &self,
        consumer: &BaseConsumer<Self>,
        kind: RDKafkaRespErr,
        list: &mut TopicPartitionList,
    ) {
        let partitions = partitions_of(&self.names, list);
        if kind == RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS {
            self.lock().push(Move::Take(partitions));
            return;
        }
        let given = match consumer.rebalance_protocol() {
            RebalanceProtocol::Cooperative => consumer.incremental_unassign(list),
            RebalanceProtocol::Eager | RebalanceProtocol::None => consumer.unassign(),
        };
        let mut moves = self.lock();
        moves.push(Move::Gave(partitions));
        if let Err(error) = given {
            moves.push(Move::Failed(error.to_string()));
        }
    }
}

fn partitions_of(names: &Names, list: &TopicPartitionList) -> Vec<Partition> {
    list.elements()
        .iter()
        .filter_map(|element| {
            let topic = names.topic_of(element.topic())?;
            Some(Partition::new(topic, element.partition()))
        })
        .collect()
}

/// A producer: remembers where records went and what went wrong first.
#[derive(Debug, Default)]
pub(super) struct Deliveries {
    state: Mutex<DeliveryState>,
}

#[derive(Debug, Default)]
struct DeliveryState {
    /// For each slot the greatest offset that was acknowledged.
    offsets: Vec<i64>,
    failure: Option<String>,
}

/// What is said of a record that was acknowledged without an offset.
pub(super) const NOWHERE: &str = "the broker has not said where the record lies";

/// No slot: where the record went does not matter.
pub(super) const NO_SLOT: usize = usize::MAX;

impl Deliveries {
    /// Forgets what was, and makes room for so many slots.
    pub(super) fn begin(&self, slots: usize) {
        let mut state = self.lock();
        state.offsets.clear();
        state.offsets.resize(slots, -1);
        state.failure = None;
    }

    pub(super) fn failure(&self) -> Option<String> {
        self.lock().failure.clone()
    }

    pub(super) fn offsets(&self) -> Vec<i64> {
        self.lock().offsets.clone()
    }

    fn lock(&self) -> MutexGuard<'_, DeliveryState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ClientContext for Deliveries {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        forward_log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(target: "librdkafka", %error, reason);
    }
}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, slot: usize) {
        match result {
            // The client takes a later record's success for that of all before it. A broker that has
            // forgotten the producer takes the later one without them: only what has an offset lies
            // there.
            Ok(message) if message.offset() < 0 => {
                let mut state = self.lock();
                state.failure.get_or_insert_with(|| format!("{}: {NOWHERE}", message.topic()));
            }
            Ok(_) if slot == NO_SLOT => {}
            Ok(message) => {
                if let Some(offset) = self.lock().offsets.get_mut(slot) {
                    *offset = (*offset).max(message.offset());
                }
            }
            Err((error, message)) => {
                let mut state = self.lock();
                state.failure.get_or_insert_with(|| format!("{}: {error}", message.topic()));
            }
        }
    }
}

fn forward_log(level: RDKafkaLogLevel, facility: &str, message: &str) {
    match level {
        RDKafkaLogLevel::Emerg
        | RDKafkaLogLevel::Alert
        | RDKafkaLogLevel::Critical
        | RDKafkaLogLevel::Error
        | RDKafkaLogLevel::Warning => {
            tracing::debug!(target: "librdkafka", facility, message);
        }
        RDKafkaLogLevel::Notice | RDKafkaLogLevel::Info | RDKafkaLogLevel::Debug => {
            tracing::trace!(target: "librdkafka", facility, message);
        }
    }
}
