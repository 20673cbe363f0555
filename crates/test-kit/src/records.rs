//! What lies in a topic.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use kleos_contracts::class::Class;
use kleos_contracts::time::Timestamp;
use kleos_contracts::topic::Topic;
use kleos_event_log::{Batch, EventLog, Position, Progress, Start};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A record as it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found<T> {
    /// Where.
    pub position: Position,
    /// Its timestamp.
    pub timestamp: Timestamp,
    /// Its key.
    pub key: Option<Vec<u8>>,
    /// What it says.
    pub value: T,
}

/// All committed records of a topic, in the order of each partition.
///
/// # Panics
/// If the log cannot be read, or holds something else.
#[must_use]
pub fn read<T: Serialize + DeserializeOwned>(log: &EventLog, topic: Topic) -> Vec<Found<T>> {
    let codec = log.codec::<T>(topic).unwrap();
    let mut reader = log.reader(topic, Start::Earliest).unwrap();
    let (mut batch, mut found, mut patience) = (Batch::default(), Vec::new(), 100);
    loop {
        batch.clear();
        let progress = match reader.read(&mut batch, Duration::from_millis(200)) {
            // Brokers can be slow to answer while all tests run at once.
            Err(error) if error.class() == Class::Retriable && patience > 0 => {
                patience -= 1;
                continue;
            }
            progress => progress.unwrap(),
        };
        found.extend(batch.iter().map(|record| Found {
            position: record.position,
            timestamp: record.timestamp,
            key: record.key.map(<[u8]>::to_vec),
            value: codec.decode(record.value.unwrap()).unwrap(),
        }));
        if progress == Progress::CaughtUp {
            found.sort_by_key(|record| record.position);
            return found;
        }
    }
}
