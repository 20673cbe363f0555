//! Reads committed records outside of any group.

use std::sync::Arc;
use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;

use super::cluster::Cluster;
use super::config::Isolation;
use super::context::Quiet;
use super::failure;
use super::patience::retire;
use super::silence::Silence;
use crate::error::LogError;
use crate::reader::{Progress, Reader};
use crate::record::{Batch, Partition};
use crate::worker::BatchLimits;

fn client(cluster: &Cluster) -> Result<BaseConsumer<Quiet>, LogError> {
    let config = cluster.config.reader(Isolation::Committed);
    let client = config.create_with_context(Quiet);
    client.map_err(|error| failure::of_call("setting up a reader", &error))
}

/// Reads partitions of one topic.
///
/// "To the end" means to the end as it is for a reader that sees everything. A reader of committed
/// records is stopped by an open transaction before that, so reading begins only when every
/// transaction up to that end has ended; and since the last offset can be a transaction's marker
/// and not a record, the client's notice of the partition's end counts as well as an offset.
pub(super) struct KafkaReader {
    cluster: Arc<Cluster>,
    consumer: BaseConsumer<Quiet>,
    places: Vec<Place>,
    is_assigned: bool,
    silence: Silence,
    /// An error that came behind records.
    deferred: Option<LogError>,
}

#[derive(Clone, Copy, Debug)]
struct Place {
    partition: Partition,
    position: i64,
    end: i64,
    is_done: bool,
}

impl KafkaReader {
    pub(super) fn open(
        cluster: Arc<Cluster>,
        partitions: &[(Partition, Option<i64>)],
    ) -> Result<Self, LogError> {
        let mut places = Vec::with_capacity(partitions.len());
        for (partition, from) in partitions.iter().copied() {
            let (low, high) = cluster.watermarks(partition)?;
            let offset = from.unwrap_or(low);
            if offset < low || offset > high {
                return Err(LogError::OutOfRange { partition, offset, low, high });
            }
            let is_done = offset >= high;
            places.push(Place { partition, position: offset, end: high, is_done });
        }
        let consumer = client(&cluster)?;
        let silence = Silence::new();
        Ok(Self { cluster, consumer, places, is_assigned: false, silence, deferred: None })
    }

    /// Whether every transaction up to the ends has ended.
    fn is_stable(&self) -> Result<bool, LogError> {
        for place in self.places.iter().filter(|place| !place.is_done) {
            if self.cluster.last_stable_offset(place.partition)? < place.end {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn assign(&mut self) -> Result<(), LogError> {
        let places = self.places.iter().map(|place| (place.partition, place.position));
        let list = self.cluster.offsets(places)?;
        self.consumer
            .assign(&list)
            .map_err(|error| failure::of_call("choosing partitions", &error))?;
        self.is_assigned = true;
        Ok(())
    }

    /// Goes on with another client where this one would never be heard of again.
    fn mind_silence(&mut self) -> Result<(), LogError> {
        let Some(place) = self.places.first() else { return Ok(()) };
        if self.silence.is_final(&self.consumer, &self.cluster, place.partition.topic) {
            retire(std::mem::replace(&mut self.consumer, client(&self.cluster)?));
            self.assign()?;
        }
        Ok(())
    }

    fn fill(&mut self, batch: &mut Batch, wait: Duration) -> Result<(), LogError> {
        let mut wait = wait;
        let limits = BatchLimits::default();
        while batch.len() < limits.records && batch.bytes() < limits.bytes {
            match self.consumer.poll(wait) {
                None => return Ok(()),
                Some(Ok(message)) => {
                    if let Some(record) = self.cluster.record_of(&message) {
                        let next = record.position.offset + 1;
                        batch.push(record);
                        self.advance(record.position.partition.number, Some(next));
                    }
                }
                Some(Err(KafkaError::PartitionEOF(number))) => self.advance(number, None),
                Some(Err(error)) => {
                    let error = failure::of_call("reading", &error);
                    if batch.is_empty() {
                        return Err(error);
                    }
                    // What was read already does not come again: the error can wait.
                    self.deferred = Some(error);
                    return Ok(());
                }
            }
            if self.is_done() && batch.is_empty() {
                return Ok(());
            }
            wait = Duration::ZERO;
        }
        Ok(())
    }

    /// A record was read, or the partition's end was met.
    fn advance(&mut self, number: i32, next: Option<i64>) {
        for place in self.places.iter_mut().filter(|place| place.partition.number == number) {
            place.position = next.unwrap_or(place.position);
            place.is_done |= next.is_none_or(|next| next >= place.end);
        }
    }

    fn is_done(&self) -> bool {
        self.places.iter().all(|place| place.is_done)
    }
}

impl Reader for KafkaReader {
    fn read(&mut self, batch: &mut Batch, wait: Duration) -> Result<Progress, LogError> {
        if let Some(error) = self.deferred.take() {
            return Err(error);
        }
        if !self.is_assigned {
            if !self.is_stable()? {
                // Bounded by the broker's timeout for transactions.
                std::thread::sleep(wait.min(Duration::from_millis(50)));
                return Ok(Progress::Behind);
            }
            self.assign()?;
        }
        self.fill(batch, wait)?;
        if batch.is_empty() {
            self.mind_silence()?;
        } else {
            self.silence.is_broken();
        }
        Ok(if self.is_done() { Progress::CaughtUp } else { Progress::Behind })
    }
}
