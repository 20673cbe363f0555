//! What a stage reads: batches of records.

use kleos_contracts::time::Timestamp;
use kleos_contracts::topic::Topic;

/// One partition of one topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Partition {
    /// The topic.
    pub topic: Topic,
    /// Its number, from 0.
    pub number: i32,
}

impl Partition {
    /// Partition `number` of `topic`.
    #[must_use]
    pub const fn new(topic: Topic, number: i32) -> Self {
        Self { topic, number }
    }
}

impl std::fmt::Display for Partition {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}/{}", self.topic, self.number)
    }
}

/// Where a record lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The partition.
    pub partition: Partition,
    /// Offset in the partition.
    pub offset: i64,
}

/// One record of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// Where it lies.
    pub position: Position,
    /// The log's time of it, as its writer gave it.
    pub timestamp: Timestamp,
    /// The key, if it has one.
    pub key: Option<&'a [u8]>,
    /// The value; none is a tombstone.
    pub value: Option<&'a [u8]>,
}

/// Records of one or several partitions; each partition's records in the order of their offsets.
///
/// The bytes lie in one buffer that is used again from batch to batch.
#[derive(Debug, Default)]
pub struct Batch {
    bytes: Vec<u8>,
    entries: Vec<Entry>,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    position: Position,
    timestamp: Timestamp,
    key: Option<Span>,
    value: Option<Span>,
}

/// A part of a buffer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    pub(crate) start: usize,
    pub(crate) end: usize,
}

impl Batch {
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

    /// Bytes of keys and values.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// The records.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Record<'_>> {
        self.entries.iter().map(|entry| Record {
            position: entry.position,
            timestamp: entry.timestamp,
            key: entry.key.map(|span| &self.bytes[span.start..span.end]),
            value: entry.value.map(|span| &self.bytes[span.start..span.end]),
        })
    }

    /// For every partition in the batch the first offset and the one after the last.
    #[must_use]
    pub fn extents(&self) -> Vec<Extent> {
        let mut extents: Vec<Extent> = Vec::new();
        for entry in &self.entries {
            let next = entry.position.offset + 1;
            match extents.iter_mut().find(|extent| extent.partition == entry.position.partition) {
                Some(extent) => extent.next = extent.next.max(next),
                None => extents.push(Extent {
                    partition: entry.position.partition,
                    first: entry.position.offset,
                    next,
                }),
            }
        }
        extents
    }

    /// Adds a copy of a record.
    pub fn push(&mut self, record: Record<'_>) {
        let key = record.key.map(|bytes| self.append(bytes));
        let value = record.value.map(|bytes| self.append(bytes));
        self.entries.push(Entry {
            position: record.position,
            timestamp: record.timestamp,
            key,
            value,
        });
    }

    /// Throws all records away and keeps the memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.entries.clear();
    }

    /// Throws away the records of partitions that are not wanted.
    pub(crate) fn retain(&mut self, wanted: impl Fn(Partition) -> bool) {
        self.entries.retain(|entry| wanted(entry.position.partition));
    }

    fn append(&mut self, bytes: &[u8]) -> Span {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(bytes);
        Span { start, end: self.bytes.len() }
    }
}

/// The part of a partition that a batch covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// The partition.
    pub partition: Partition,
    /// Offset of the first record.
    pub first: i64,
    /// Offset after the last record: what is committed.
    pub next: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(topic: Topic, number: i32, offset: i64, value: &[u8]) -> Record<'_> {
        Record {
            position: Position { partition: Partition::new(topic, number), offset },
            timestamp: Timestamp::EPOCH,
            key: None,
            value: Some(value),
        }
    }

    #[test]
    fn a_batch_gives_back_what_was_put_in_and_knows_its_extents() {
        let mut batch = Batch::default();
        batch.push(record(Topic::Raw, 1, 7, b"a"));
        batch.push(record(Topic::Raw, 0, 3, b"b"));
        batch.push(record(Topic::Raw, 1, 9, b"c"));
        let values: Vec<_> = batch.iter().filter_map(|record| record.value).collect();
        assert_eq!(values, [b"a", b"b", b"c"]);
        let (one, zero) = (Partition::new(Topic::Raw, 1), Partition::new(Topic::Raw, 0));
        let extents = [
            Extent { partition: one, first: 7, next: 10 },
            Extent { partition: zero, first: 3, next: 4 },
        ];
        assert_eq!(batch.extents(), extents);
        batch.retain(|partition| partition != one);
        assert_eq!(batch.extents(), extents[1..]);
    }
}
