//! How the local state lies in RocksDB. What is written here is read by later versions.
//!
//! | column family | key | value |
//! | --- | --- | --- |
//! | learners | shard, record key | the state changelog's value |
//! | dedup | generation, shard, hash | content digest, day |
//! | shards | shard | log time, microseconds |
//! | default | `r` partition | the state changelog's value of the partition's record |
//! | default | `c` topic, partition | offset from which the changelog goes on |
//! | default | `i` partition | offset from which the input goes on |
//! | default | `l` | the log that the copy is of |
//!
//! A shard and a generation are two bytes, a partition and a day four, all others eight; big endian.

use kleos_contracts::key::{SHARDS, Shard};
use kleos_contracts::topic::Topic;

pub(crate) const LEARNERS: &str = "learners";
pub(crate) const DEDUP: &str = "dedup";
pub(crate) const SHARD_TIMES: &str = "shards";

/// The key under which the copy remembers its log.
pub(crate) const LOG: &[u8] = b"l";

/// Days whose event keys lie together and go together.
pub(crate) const GENERATION_DAYS: i32 = 7;

/// Days that lie together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Generation(pub(crate) u16);

impl Generation {
    /// The generation of a day since 1970. Days out of a generation's range are of the nearest.
    pub(crate) fn of_day(day: i32) -> Self {
        let number = day.div_euclid(GENERATION_DAYS).clamp(0, i32::from(u16::MAX));
        Self(u16::try_from(number).unwrap_or_default())
    }

    /// The last day of the generation.
    pub(crate) fn last_day(self) -> i32 {
        (i32::from(self.0) + 1) * GENERATION_DAYS - 1
    }

    /// The generation after this.
    pub(crate) fn next(self) -> Option<Self> {
        self.0.checked_add(1).map(Self)
    }
}

pub(crate) fn learner(shard: Shard, key: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(2 + key.len());
    bytes.extend_from_slice(&shard.to_be_bytes());
    bytes.extend_from_slice(key);
    bytes
}

pub(crate) fn shard(shard: Shard) -> [u8; 2] {
    shard.to_be_bytes()
}

/// The first key behind those of a shard.
pub(crate) fn after_shard(shard: Shard) -> [u8; 2] {
    debug_assert!(shard < SHARDS, "there are 4096 shards");
    (shard + 1).to_be_bytes()
}

pub(crate) fn dedup(generation: Generation, shard: Shard, hash: [u8; 16]) -> [u8; 20] {
    let mut key = [0; 20];
    key[..4].copy_from_slice(&dedup_shard(generation, shard));
    key[4..].copy_from_slice(&hash);
    key
}

/// What the keys of a shard in a generation begin with.
pub(crate) fn dedup_shard(generation: Generation, shard: Shard) -> [u8; 4] {
    let (generation, shard) = (generation.0.to_be_bytes(), shard.to_be_bytes());
    [generation[0], generation[1], shard[0], shard[1]]
}

pub(crate) fn read_generation(key: &[u8]) -> Option<Generation> {
    key.first_chunk().map(|bytes| Generation(u16::from_be_bytes(*bytes)))
}

/// What is remembered of an accepted event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Remembered {
    /// 64 bits of its content.
    pub(crate) digest: i64,
    /// The shard's day when it was accepted.
    pub(crate) day: i32,
}

impl Remembered {
    pub(crate) fn to_bytes(self) -> [u8; 12] {
        let mut bytes = [0; 12];
        bytes[..8].copy_from_slice(&self.digest.to_be_bytes());
        bytes[8..].copy_from_slice(&self.day.to_be_bytes());
        bytes
    }

    pub(crate) fn of_bytes(bytes: &[u8]) -> Option<Self> {
        let (digest, day) = bytes.split_first_chunk()?;
        Some(Self {
            digest: i64::from_be_bytes(*digest),
            day: i32::from_be_bytes(day.try_into().ok()?),
        })
    }
}

pub(crate) fn rules(partition: i32) -> [u8; 5] {
    with_partition(b'r', partition)
}

pub(crate) fn input(partition: i32) -> [u8; 5] {
    with_partition(b'i', partition)
}

pub(crate) fn changelog(topic: Topic, partition: i32) -> [u8; 6] {
    let [_, number @ ..] = with_partition(b'c', partition);
    [b'c', topic.number(), number[0], number[1], number[2], number[3]]
}

fn with_partition(kind: u8, partition: i32) -> [u8; 5] {
    let number = partition.to_be_bytes();
    [kind, number[0], number[1], number[2], number[3]]
}

/// A time or an offset.
pub(crate) fn number(number: i64) -> [u8; 8] {
    number.to_be_bytes()
}

pub(crate) fn read_number(bytes: &[u8]) -> Option<i64> {
    bytes.try_into().ok().map(i64::from_be_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_have_the_bytes_they_always_had() {
        assert_eq!(learner(258, b"a|b"), [1, 2, b'a', b'|', b'b']);
        assert_eq!(after_shard(255), [1, 0]);
        assert_eq!(dedup(Generation(3), 258, [9; 16])[..6], [0, 3, 1, 2, 9, 9]);
        assert_eq!(rules(7), [b'r', 0, 0, 0, 7]);
        assert_eq!(input(7), [b'i', 0, 0, 0, 7]);
        assert_eq!(changelog(Topic::State, 7), [b'c', 8, 0, 0, 0, 7]);
    }

    #[test]
    fn what_is_remembered_is_read_back_and_torn_bytes_are_not() {
        let remembered = Remembered { digest: i64::MIN + 5, day: -3 };
        assert_eq!(Remembered::of_bytes(&remembered.to_bytes()), Some(remembered));
        assert_eq!(Remembered::of_bytes(&remembered.to_bytes()[..11]), None);
        assert_eq!(read_number(&number(-7)), Some(-7));
        assert_eq!(read_number(&[0; 7]), None);
    }

    #[test]
    fn a_generation_holds_seven_days() {
        let day = 20_321;
        let generation = Generation::of_day(day);
        assert!((generation.last_day() - 6..=generation.last_day()).contains(&day));
        assert_eq!(Generation::of_day(generation.last_day()), generation);
        assert_eq!(Generation::of_day(generation.last_day() + 1), generation.next().unwrap());
        assert_eq!(Generation::of_day(-1), Generation(0));
    }
}
