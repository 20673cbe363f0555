//! What a stage writes: an outbox of records, all of them or none.

use kleos_contracts::time::Timestamp;
use kleos_contracts::topic::Topic;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::codec::Codec;
use crate::error::EncodeError;
use crate::record::{Partition, Span};

/// Records that a stage wants written, all of them or none, together with its input's offsets.
#[derive(Debug, Default)]
pub struct Outbox {
    bytes: Vec<u8>,
    entries: Vec<OutboxEntry>,
}

#[derive(Clone, Copy, Debug)]
struct OutboxEntry {
    partition: Partition,
    timestamp: Timestamp,
    key: Option<Span>,
    value: Span,
}

/// One record of an outbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outgoing<'a> {
    /// Where it goes.
    pub partition: Partition,
    /// The log's time of it.
    pub timestamp: Timestamp,
    /// The key, if it has one.
    pub key: Option<&'a [u8]>,
    /// The value.
    pub value: &'a [u8],
}

/// A record is larger than its topic takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a record of {bytes} bytes for {topic}: expected at most {limit}")]
pub struct TooLarge {
    /// Where it was to go.
    pub topic: Topic,
    /// Its size, key included.
    pub bytes: usize,
    /// The largest that can be sent.
    pub limit: usize,
}

/// What Kafka's framing of one record in a batch can need besides key and value.
const FRAMING_BYTES: usize = 512;

impl Outbox {
    /// Adds a record with an encoded value.
    ///
    /// # Errors
    /// [`SendError`]; nothing is added then.
    pub fn send<T: Serialize + DeserializeOwned>(
        &mut self,
        codec: &Codec<T>,
        address: Address<'_>,
        value: &T,
    ) -> Result<(), SendError> {
        let begin = self.bytes.len();
        let key = address.key.map(|bytes| {
            self.bytes.extend_from_slice(bytes);
            Span { start: begin, end: self.bytes.len() }
        });
        let start = self.bytes.len();
        if let Err(error) = codec.encode(value, &mut self.bytes) {
            self.bytes.truncate(begin);
            return Err(error.into());
        }
        let value = Span { start, end: self.bytes.len() };
        let limit = largest_record(address.partition.topic);
        let bytes = self.bytes.len() - begin;
        if bytes > limit {
            self.bytes.truncate(begin);
            return Err(TooLarge { topic: address.partition.topic, bytes, limit }.into());
        }
        let Address { partition, timestamp, .. } = address;
        self.entries.push(OutboxEntry { partition, timestamp, key, value });
        Ok(())
    }

    /// Adds a record.
    ///
    /// # Errors
    /// [`TooLarge`] if the topic would not take it; nothing is added then.
    pub fn push(&mut self, record: Outgoing<'_>) -> Result<(), TooLarge> {
        let bytes = record.key.map_or(0, <[u8]>::len) + record.value.len();
        let limit = largest_record(record.partition.topic);
        if bytes > limit {
            return Err(TooLarge { topic: record.partition.topic, bytes, limit });
        }
        let key = record.key.map(|key| self.append(key));
        let value = self.append(record.value);
        let Outgoing { partition, timestamp, .. } = record;
        self.entries.push(OutboxEntry { partition, timestamp, key, value });
        Ok(())
    }

    /// The records in the order they were added.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Outgoing<'_>> {
        self.entries.iter().map(|entry| Outgoing {
            partition: entry.partition,
            timestamp: entry.timestamp,
            key: entry.key.map(|span| &self.bytes[span.start..span.end]),
            value: &self.bytes[entry.value.start..entry.value.end],
        })
    }

    /// Records.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no record.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Throws all records away and keeps the memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.entries.clear();
    }

    /// How far the outbox is filled, for [`Outbox::rewind`].
    #[must_use]
    pub fn mark(&self) -> Mark {
        Mark { bytes: self.bytes.len(), entries: self.entries.len() }
    }

    fn append(&mut self, bytes: &[u8]) -> Span {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(bytes);
        Span { start, end: self.bytes.len() }
    }

    /// Takes back what was added since `mark`, so that a record that fails half way leaves nothing.
    pub fn rewind(&mut self, mark: Mark) {
        self.bytes.truncate(mark.bytes);
        self.entries.truncate(mark.entries);
    }
}

/// Where a record of an outbox goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Address<'a> {
    /// The partition.
    pub partition: Partition,
    /// The log's time of the record.
    pub timestamp: Timestamp,
    /// The key, if it has one.
    pub key: Option<&'a [u8]>,
}

/// Why a record was not added to an outbox.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// The topic would not take it.
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
    /// The value is not one of the topic.
    #[error(transparent)]
    Encode(#[from] EncodeError),
}

/// A filling of an [`Outbox`].
#[derive(Clone, Copy, Debug)]
pub struct Mark {
    bytes: usize,
    entries: usize,
}

/// The largest key and value together that fit into one record of the topic.
#[must_use]
pub fn largest_record(topic: Topic) -> usize {
    usize::try_from(topic.spec().max_message_bytes)
        .unwrap_or_default()
        .saturating_sub(FRAMING_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outbox_refuses_what_the_topic_would_not_take_and_keeps_the_rest() {
        let mut outbox = Outbox::default();
        let partition = Partition::new(Topic::Awards, 0);
        let mut send = |bytes: usize| {
            let value = vec![0; bytes];
            outbox.push(Outgoing {
                partition,
                timestamp: Timestamp::EPOCH,
                key: Some(b"k"),
                value: &value,
            })
        };
        let limit = largest_record(Topic::Awards);
        assert_eq!(send(limit - 1), Ok(()));
        assert_eq!(send(limit), Err(TooLarge { topic: Topic::Awards, bytes: limit + 1, limit }));
        assert_eq!(outbox.len(), 1);
    }

    #[test]
    fn rewinding_leaves_what_was_there_at_the_mark() {
        let mut outbox = Outbox::default();
        let partition = Partition::new(Topic::Awards, 0);
        let send = |outbox: &mut Outbox, value: &[u8]| {
            outbox
                .push(Outgoing { partition, timestamp: Timestamp::EPOCH, key: None, value })
                .unwrap();
        };
        send(&mut outbox, b"a");
        let mark = outbox.mark();
        send(&mut outbox, b"b");
        outbox.rewind(mark);
        send(&mut outbox, b"c");
        let values: Vec<_> = outbox.iter().map(|outgoing| outgoing.value.to_vec()).collect();
        assert_eq!(values, [b"a", b"c"]);
    }
}
