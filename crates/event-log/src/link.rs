//! What a backend gives to a worker: the narrow side of the seam.

use std::time::Duration;

use crate::error::{CommitError, LogError};
use crate::outbox::Outbox;
use crate::reader::Reader;
use crate::record::{Batch, Extent, Partition};
use crate::stage::Receipt;

/// One worker's connection: its place in the group, its input and its transactions.
///
/// A transaction is only open inside [`Link::commit`], and partitions only come and go inside
/// [`Link::poll`]. So a rebalance never finds a transaction open, and a batch in hand is always of
/// partitions that were this worker's when it was read; if they are not any more, the commit is
/// refused by the log.
pub(crate) trait Link {
    /// Adds records of running partitions to `batch`, waiting up to `wait` for the first, and tells
    /// which partitions came and went. Records of partitions that went are not in the batch.
    fn poll(&mut self, batch: &mut Batch, wait: Duration) -> Result<Vec<Change>, LogError>;

    /// Lets records of a partition come. A partition comes paused.
    fn resume(&mut self, partition: Partition) -> Result<(), LogError>;

    /// Writes the outbox and commits the inputs' offsets, both or neither.
    fn commit(&mut self, outbox: &Outbox, inputs: &[Extent]) -> Result<Receipt, CommitError>;

    /// Lets the records of a batch come again.
    fn rewind(&mut self, inputs: &[Extent]) -> Result<(), LogError>;

    /// Ends whatever was open, by a new transactional session, and pauses all partitions at the
    /// offsets that are committed. Returns those partitions.
    fn renew(&mut self) -> Result<Vec<Assigned>, LogError>;

    /// Reads partitions of one changelog, each from an offset or else from the oldest record, to
    /// their ends. An offset that is not in the log is [`LogError::OutOfRange`].
    fn changelog(
        &mut self,
        partitions: &[(Partition, Option<i64>)],
    ) -> Result<Box<dyn Reader>, LogError>;
}

/// A partition came or went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// It is this worker's, paused.
    Assigned(Assigned),
    /// It is not this worker's any more.
    Revoked(Partition),
}

/// A partition and where its records go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Assigned {
    pub(crate) partition: Partition,
    pub(crate) next: i64,
}
