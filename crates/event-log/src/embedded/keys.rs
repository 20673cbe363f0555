//! How the embedded log lies in RocksDB. What is written here is read for ever.
//!
//! | column family | key | value |
//! | --- | --- | --- |
//! | records | topic, partition, offset | timestamp, flags, key, value |
//! | latest | topic, partition, key | offset of the newest record of the key, for compacted topics |
//! | default | `n` topic, partition | offset of the next record |
//! | default | `l` topic, partition | offset of the oldest record kept |
//! | default | `o` group, 0, topic, partition | offset that the group reads next |
//! | default | `p` topic | number of partitions |
//! | default | `s` id | Avro text of a schema |
//! | default | `u` | what tells the log from every other |
//!
//! A topic is one byte, a partition two, an offset eight, a schema id four; all big endian.

use kleos_contracts::time::Timestamp;
use kleos_contracts::topic::Topic;

use crate::record::{Partition, Position, Record};

pub(super) const RECORDS: &str = "records";
pub(super) const LATEST: &str = "latest";

const HAS_KEY: u8 = 1;
const HAS_VALUE: u8 = 2;
const PARTITION_BYTES: usize = 3;
const HEADER_BYTES: usize = 13;

/// Topic and partition.
pub(super) fn partition(partition: Partition) -> [u8; PARTITION_BYTES] {
    let number = u16::try_from(partition.number).unwrap_or(u16::MAX).to_be_bytes();
    [partition.topic.number(), number[0], number[1]]
}

/// Topic, partition and offset.
pub(super) fn record(position: Position) -> [u8; 11] {
    let mut key = [0; 11];
    key[..PARTITION_BYTES].copy_from_slice(&partition(position.partition));
    key[PARTITION_BYTES..].copy_from_slice(&offset(position.offset));
    key
}

/// Topic, partition and the record's key.
pub(super) fn latest(place: Partition, key: &[u8]) -> Vec<u8> {
    [&partition(place)[..], key].concat()
}

pub(super) fn next_offset(place: Partition) -> Vec<u8> {
    [&b"n"[..], &partition(place)].concat()
}

pub(super) fn low_offset(place: Partition) -> Vec<u8> {
    [&b"l"[..], &partition(place)].concat()
}

pub(super) fn committed(group: &str, place: Partition) -> Vec<u8> {
    [&b"o"[..], group.as_bytes(), &[0], &partition(place)].concat()
}

pub(super) fn partitions(topic: Topic) -> [u8; 2] {
    [b'p', topic.number()]
}

pub(super) fn schema(id: u32) -> Vec<u8> {
    [&b"s"[..], &id.to_be_bytes()].concat()
}

/// What a key of the default column family is about.
pub(super) enum Meta {
    Next(Partition),
    Low(Partition),
    Committed(String, Partition),
    Partitions(Topic),
    Schema(u32),
    Identity,
}

/// The key of the log's identity.
pub(super) const IDENTITY: &[u8] = b"u";

/// Reads a key of the default column family; none if it is of no known form.
pub(super) fn read_meta(key: &[u8]) -> Option<Meta> {
    let (kind, rest) = key.split_first()?;
    match kind {
        b'n' => read_partition(rest).map(Meta::Next),
        b'l' => read_partition(rest).map(Meta::Low),
        b'o' => {
            let end = rest.iter().position(|byte| *byte == 0)?;
            let group = std::str::from_utf8(&rest[..end]).ok()?;
            Some(Meta::Committed(group.to_owned(), read_partition(&rest[end + 1..])?))
        }
        b'p' => Topic::of_number(*rest.first()?).map(Meta::Partitions),
        b'u' => Some(Meta::Identity),
        b's' => Some(Meta::Schema(u32::from_be_bytes(rest.try_into().ok()?))),
        _ => None,
    }
}

fn read_partition(bytes: &[u8]) -> Option<Partition> {
    let [topic, high, low] = *bytes.first_chunk()?;
    let number = i32::from(u16::from_be_bytes([high, low]));
    Some(Partition::new(Topic::of_number(topic)?, number))
}

/// An offset's bytes, in the order of the offsets.
pub(super) fn offset(offset: i64) -> [u8; 8] {
    offset.to_be_bytes()
}

/// The offset of a value or at the end of a record's key.
pub(super) fn read_offset(bytes: &[u8]) -> Option<i64> {
    bytes.last_chunk().map(|bytes| i64::from_be_bytes(*bytes))
}

/// A record as it is stored: timestamp, flags, length of the key, key, value.
pub(super) fn encode(timestamp: Timestamp, key: Option<&[u8]>, value: Option<&[u8]>) -> Vec<u8> {
    let (key_bytes, value_bytes) = (key.unwrap_or_default(), value.unwrap_or_default());
    let mut stored = Vec::with_capacity(HEADER_BYTES + key_bytes.len() + value_bytes.len());
    stored.extend_from_slice(&timestamp.micros().to_be_bytes());
    stored.push(u8::from(key.is_some()) * HAS_KEY + u8::from(value.is_some()) * HAS_VALUE);
    stored.extend_from_slice(&u32::try_from(key_bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
    stored.extend_from_slice(key_bytes);
    stored.extend_from_slice(value_bytes);
    stored
}

/// Reads what [`encode`] wrote; none if the bytes are of another form.
pub(super) fn decode(position: Position, stored: &[u8]) -> Option<Record<'_>> {
    let timestamp = read_timestamp(stored)?;
    let flags = *stored.get(8)?;
    let length = u32::from_be_bytes(*stored.get(9..)?.first_chunk()?);
    let key_end = HEADER_BYTES.checked_add(usize::try_from(length).ok()?)?;
    let (key, value) = (stored.get(HEADER_BYTES..key_end)?, stored.get(key_end..)?);
    Some(Record {
        position,
        timestamp,
        key: (flags & HAS_KEY != 0).then_some(key),
        value: (flags & HAS_VALUE != 0).then_some(value),
    })
}

/// The timestamp of a stored record.
pub(super) fn read_timestamp(stored: &[u8]) -> Option<Timestamp> {
    stored.first_chunk().map(|bytes| Timestamp::from_micros(i64::from_be_bytes(*bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: Partition = Partition::new(Topic::Events, 7);

    #[test]
    fn keys_have_the_bytes_they_always_had() {
        let position = Position { partition: PLACE, offset: 258 };
        assert_eq!(record(position), [2, 0, 7, 0, 0, 0, 0, 0, 0, 1, 2]);
        assert_eq!(latest(PLACE, b"k"), [2, 0, 7, b'k']);
        assert_eq!(next_offset(PLACE), [b'n', 2, 0, 7]);
        assert_eq!(low_offset(PLACE), [b'l', 2, 0, 7]);
        assert_eq!(committed("g", PLACE), [b'o', b'g', 0, 2, 0, 7]);
        assert_eq!(partitions(Topic::Events), [b'p', 2]);
        assert_eq!(schema(1), [b's', 0, 0, 0, 1]);
    }

    #[test]
    fn a_stored_record_is_read_back_and_torn_bytes_are_not() {
        let position = Position { partition: PLACE, offset: 1 };
        let timestamp = Timestamp::from_micros(-5);
        for (key, value) in
            [(None, None), (Some(&b""[..]), Some(&b"v"[..])), (Some(&b"key"[..]), Some(&b""[..]))]
        {
            let stored = encode(timestamp, key, value);
            let expected = Record { position, timestamp, key, value };
            assert_eq!(decode(position, &stored), Some(expected));
            assert_eq!(decode(position, &stored[..12]), None);
        }
        let stored = encode(timestamp, Some(b"key"), None);
        assert_eq!(decode(position, &stored[..stored.len() - 1]), None);
    }
}
