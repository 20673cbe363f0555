//! What a worker holds of its topics.

use std::collections::BTreeMap;

use crate::record::{Batch, Partition, Position, Record};

/// A partition that is this worker's.
#[derive(Clone, Copy, Debug)]
pub(super) struct Held {
    pub(super) position: i64,
    pub(super) paused: bool,
}

/// Copies a record that is expected; one from before a pause or a move back is not.
pub(super) fn accept(held: &mut BTreeMap<Partition, Held>, batch: &mut Batch, record: Record<'_>) {
    let Position { partition, offset } = record.position;
    if let Some(held) = held.get_mut(&partition)
        && !held.paused
        && offset >= held.position
    {
        held.position = offset + 1;
        batch.push(record);
    }
}
