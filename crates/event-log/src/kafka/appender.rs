//! Appends single records, acknowledged by all replicas.

use std::time::Duration;

use kleos_contracts::time::Timestamp;
use kleos_contracts::topic::Topic;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{FutureProducer, FutureRecord, Producer};

use super::cluster::Cluster;
use super::context::{NOWHERE, Quiet};
use super::failure;
use super::session::kafka_timestamp;
use crate::error::LogError;
use crate::log::{Append, Durable};
use crate::record::{Partition, Position};

pub(super) struct KafkaAppender {
    producer: FutureProducer<Quiet>,
    topic: Topic,
    name: String,
}

impl std::fmt::Debug for KafkaAppender {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("KafkaAppender").field("topic", &self.topic).finish_non_exhaustive()
    }
}

const WHAT: &str = "writing to the log";

impl KafkaAppender {
    pub(super) fn open(cluster: &Cluster, topic: Topic) -> Result<Self, LogError> {
        let producer = cluster
            .config
            .appender()
            .create_with_context(Quiet)
            .map_err(|error| failure::of_call("starting a producer", &error))?;
        Ok(Self { producer, topic, name: cluster.names.of(topic).to_owned() })
    }

    /// Whether the producer has failed for good: an idempotent producer does so where it can no
    /// longer promise that nothing is doubled or out of order.
    fn fatal_error(&self) -> Option<String> {
        self.producer.client().fatal_error().map(|(code, cause)| format!("{code}: {cause}"))
    }
}

impl Append for KafkaAppender {
    fn append(&self, timestamp: Timestamp, value: Vec<u8>) -> Durable<Position> {
        let topic = self.topic;
        let record = FutureRecord::<[u8], [u8]>::to(&self.name)
            .timestamp(kafka_timestamp(timestamp))
            .payload(&value);
        let delivery = match self.producer.send_result(record) {
            Ok(delivery) => delivery,
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), _)) => {
                let error = LogError::unavailable(WHAT, "too much is waiting for the brokers");
                return Box::pin(std::future::ready(Err(error)));
            }
            Err((error, _)) => {
                let error = match self.fatal_error() {
                    Some(cause) => LogError::Misconfigured { what: WHAT.to_owned(), cause },
                    None => failure::of_call(WHAT, &error),
                };
                return Box::pin(std::future::ready(Err(error)));
            }
        };
        Box::pin(async move {
            match delivery.await {
                // See the context of the other producer: without an offset it need not lie there.
                Ok(Ok(delivered)) if delivered.offset < 0 => {
                    Err(LogError::unavailable(WHAT, NOWHERE))
                }
                Ok(Ok(delivered)) => Ok(Position {
                    partition: Partition::new(topic, delivered.partition),
                    offset: delivered.offset,
                }),
                Ok(Err((error, _))) => Err(failure::of_call(WHAT, &error)),
                Err(_) => Err(LogError::Closed),
            }
        })
    }
}

impl Drop for KafkaAppender {
    /// Waits for what is in flight: somebody may have been told that it is on its way.
    fn drop(&mut self) {
        if let Err(error) = self.producer.flush(Duration::from_secs(5)) {
            tracing::warn!(%error, "records were still on their way to the log at the end");
        }
    }
}
