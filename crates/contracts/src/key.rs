//! Where a record lies: its key, its virtual shard and its partition.
//!
//! Virtual shard = `toPositive(murmur2(key)) mod 4096`, partition = shard mod n with n a power of
//! two. Since n divides 4096, the partition equals what Java's, Flink's and Python's producers
//! choose for the same key with their murmur2 partitioner.

/// Virtual shards in a deployment, whatever its number of partitions.
pub const SHARDS: u16 = 4096;

/// A learner's place in one of the virtual shards.
pub type Shard = u16;

/// The key of everything that concerns a learner: `tenant|learner key`.
#[must_use]
pub fn learner_key(tenant: &str, user_key: &str) -> String {
    let mut key = String::with_capacity(tenant.len() + 1 + user_key.len());
    key.push_str(tenant);
    key.push('|');
    key.push_str(user_key);
    key
}

/// Tenant and learner key of a record key.
#[must_use]
pub fn split_learner_key(key: &str) -> Option<(&str, &str)> {
    key.split_once('|').filter(|(tenant, user_key)| !tenant.is_empty() && !user_key.is_empty())
}

/// The virtual shard of a record key.
#[must_use]
pub fn shard_of(key: &[u8]) -> Shard {
    // 4096 shards need twelve bits; the mask makes the conversion exact.
    u16::try_from(murmur2(key) & u32::from(SHARDS - 1)).unwrap_or_default()
}

/// The partition of a virtual shard among `partitions`, a power of two up to 4096.
#[must_use]
pub fn partition_of_shard(shard: Shard, partitions: i32) -> i32 {
    debug_assert!(is_partition_count(partitions), "partitions are a power of two");
    i32::from(shard) % partitions.max(1)
}

/// The partition of a record key.
#[must_use]
pub fn partition_of(key: &[u8], partitions: i32) -> i32 {
    partition_of_shard(shard_of(key), partitions)
}

/// The virtual shards of one partition, ascending.
pub fn shards_of_partition(partition: i32, partitions: i32) -> impl Iterator<Item = Shard> {
    let first = u16::try_from(partition).unwrap_or(SHARDS);
    let step = usize::try_from(partitions).unwrap_or(1).max(1);
    (first..SHARDS).step_by(step)
}

/// Whether a topic may have so many partitions.
#[must_use]
pub fn is_partition_count(partitions: i32) -> bool {
    partitions > 0 && partitions <= i32::from(SHARDS) && partitions & (partitions - 1) == 0
}

/// Kafka's murmur2 (seed 0x9747b28c), as `org.apache.kafka.common.utils.Utils.murmur2` has it.
#[must_use]
pub fn murmur2(data: &[u8]) -> u32 {
    const SEED: u32 = 0x9747_b28c;
    const M: u32 = 0x5bd1_e995;
    let length = u32::try_from(data.len()).unwrap_or(u32::MAX);
    let mut hash = SEED ^ length;
    let mut blocks = data.chunks_exact(4);
    for block in &mut blocks {
        let mut word = u32::from_le_bytes([block[0], block[1], block[2], block[3]]);
        word = word.wrapping_mul(M);
        word ^= word >> 24;
        word = word.wrapping_mul(M);
        hash = hash.wrapping_mul(M) ^ word;
    }
    let rest = blocks.remainder();
    if !rest.is_empty() {
        for (index, byte) in rest.iter().enumerate() {
            hash ^= u32::from(*byte) << (8 * index);
        }
        hash = hash.wrapping_mul(M);
    }
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(M);
    hash ^ (hash >> 15)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hash_equals_the_values_of_apache_kafka() {
        // From org.apache.kafka.common.utils.UtilsTest.testMurmur2.
        for (text, expected) in [
            ("21", -973_932_308_i32),
            ("foobar", -790_332_482),
            ("a-little-bit-long-string", -985_981_536),
            ("a-little-bit-longer-string", -1_486_304_829),
            ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971),
            ("abc", 479_470_107),
        ] {
            assert_eq!(murmur2(text.as_bytes()).cast_signed(), expected, "{text}");
        }
    }

    #[test]
    fn partition_equals_the_java_partitioner_for_every_power_of_two() {
        for number in 0..2_000 {
            let key = format!("tenant|campus-a/{number}");
            let positive = murmur2(key.as_bytes()) & 0x7fff_ffff;
            for exponent in 0..=12 {
                let partitions = 1 << exponent;
                let java = i32::try_from(positive % (1 << exponent)).unwrap();
                assert_eq!(partition_of(key.as_bytes(), partitions), java);
            }
        }
    }

    #[test]
    fn shards_of_all_partitions_are_all_shards_once() {
        let mut seen: Vec<Shard> = (0..8).flat_map(|p| shards_of_partition(p, 8)).collect();
        seen.sort_unstable();
        assert!(seen.into_iter().eq(0..SHARDS));
        assert!(shards_of_partition(3, 8).all(|shard| partition_of_shard(shard, 8) == 3));
    }

    #[test]
    fn only_powers_of_two_up_to_the_shards_are_partition_counts() {
        assert!([1, 2, 8, 4096].into_iter().all(is_partition_count));
        assert!(![0, -8, 3, 12, 8192].into_iter().any(is_partition_count));
    }
}
