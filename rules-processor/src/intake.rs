//! From a record of `kleos.events.v1` to an event that can be decided about, or a reason why not.
//! Pure.

use kleos_contracts::event::LearningEvent;
use kleos_contracts::identity::{content_digest, event_hash};
use kleos_contracts::key::{Shard, learner_key, partition_of_shard, shard_of};
use kleos_contracts::reason;
use kleos_event_log::{Codec, DecodeError, Record};

/// Bytes of an event at most. Awards, decisions and the learner's state carry parts of it: without a
/// bound one event could make a record that the log does not take, and stop all others.
const EVENT_BYTES_MAX: usize = 64 << 10;

/// What a record turned out to be.
#[derive(Debug)]
pub(crate) enum Item {
    /// Something that a learner did.
    Learner(Box<Incoming>),
    /// An event of the reserved domain.
    System(Box<LearningEvent>, Shard),
    /// Nothing that can be decided about.
    Refused(Refused),
}

/// A learner's event with all that is derived from it.
#[derive(Debug)]
pub(crate) struct Incoming {
    pub(crate) event: LearningEvent,
    /// Key of the learner's records.
    pub(crate) key: String,
    pub(crate) shard: Shard,
    /// Stands for the event in duplicate detection.
    pub(crate) hash: [u8; 16],
    /// Stands for its content.
    pub(crate) digest: i64,
}

/// Why a record is set aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    /// A code of the registry.
    pub(crate) reason: &'static str,
    /// What is wrong.
    pub(crate) message: String,
    /// The event, if it could be read that far.
    pub(crate) tenant: String,
}

impl Refused {
    fn new(reason: &'static str, message: String) -> Self {
        Self { reason, message, tenant: String::new() }
    }
}

/// Reads a record of a partition among `partitions`. An error only if the record's schema could
/// not be had for now.
pub(crate) fn read(
    record: &Record<'_>,
    codec: &Codec<LearningEvent>,
    partitions: i32,
) -> Result<Item, DecodeError> {
    let Some(value) = record.value else {
        let message = "a record of kleos.events.v1 without a value: expected an event".to_owned();
        return Ok(Item::Refused(Refused::new(reason::UNDECODABLE, message)));
    };
    let event = match codec.decode(value) {
        Ok(event) => event,
        Err(DecodeError::Malformed(cause)) => {
            let message = format!("not a record of kleos.events.v1: {cause}");
            return Ok(Item::Refused(Refused::new(reason::UNDECODABLE, message)));
        }
        Err(error) => return Err(error),
    };
    if event.is_system() {
        let shard = shard_of(record.key.unwrap_or_default());
        return Ok(Item::System(Box::new(event), shard));
    }
    Ok(match incoming(event, record, partitions) {
        Ok(incoming) => Item::Learner(Box::new(incoming)),
        Err(refused) => Item::Refused(refused),
    })
}

fn incoming(
    event: LearningEvent,
    record: &Record<'_>,
    partitions: i32,
) -> Result<Incoming, Refused> {
    let refuse = |reason, message| Refused { reason, message, tenant: event.tenant.clone() };
    let bytes = record.value.map_or(0, <[u8]>::len);
    if bytes > EVENT_BYTES_MAX {
        let message = format!("an event of {bytes} bytes: expected at most {EVENT_BYTES_MAX}");
        return Err(refuse(reason::TOO_LARGE, message));
    }
    if event.tenant.is_empty() || event.user.key.is_empty() {
        let message = "tenant and user.key are needed: the event names no learner".to_owned();
        return Err(refuse(reason::MISSING_LEARNER, message));
    }
    let key = learner_key(&event.tenant, &event.user.key);
    let shard = shard_of(key.as_bytes());
    let expected = partition_of_shard(shard, partitions);
    let number = record.position.partition.number;
    if expected != number {
        let message = format!(
            "the learner's partition is {expected}, the record lies in {number}: set \
             partitioner=murmur2_random in what writes there besides Kleos"
        );
        return Err(refuse(reason::MISPLACED, message));
    }
    let (hash, digest) = (event_hash(&event), content_digest(&event));
    Ok(Incoming { event, key, shard, hash, digest })
}
