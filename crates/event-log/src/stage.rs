//! What a service does with records, seen from the log.

use kleos_contracts::class::Class;
use kleos_contracts::topic::Topic;

use crate::error::{DecodeError, EncodeError, LogError};
use crate::outbox::Outbox;
use crate::record::{Batch, Extent, Partition};

/// One worker's part of a service. All calls come from the worker's thread.
///
/// ```text
///                  ┌──────────────── for each changelog ───────────────┐
///   (assigned) ──▶ restore_from ──▶ restore* ──▶ (end of log reached) ─┴─▶ assigned
///                       ▲                                                    │
///                       │ unknown outcome                                    ▼
///                       └──────────── rolled_back ◀── process ──▶ committed ─┤ repeat
///                                                                            ▼
///                                                                         revoked
/// ```
///
/// One `process` is one transaction: what it put into the outbox and the offsets of its batch are
/// committed together, or neither is. Whatever `process` changed in memory is provisional until
/// `committed`; `rolled_back` throws it away and the same records come again.
pub trait Stage {
    /// From which offset of `changelog` the local copy of the partition's state has to catch up;
    /// none if there is no copy.
    ///
    /// # Errors
    /// Any error stops the worker.
    fn restore_from(&mut self, _: Partition, _changelog: Topic) -> Result<Option<i64>, StageError> {
        Ok(None)
    }

    /// Applies records of a changelog to the local copy of their partitions' state.
    ///
    /// # Errors
    /// Any error stops the worker.
    fn restore(&mut self, _changelog: &Batch) -> Result<(), StageError> {
        Ok(())
    }

    /// The local copy of the partition's state cannot be continued: throw it away.
    ///
    /// # Errors
    /// Any error stops the worker.
    fn forget(&mut self, _: Partition) -> Result<(), StageError> {
        Ok(())
    }

    /// The partition is this worker's and its state is restored; its records come from `next` on.
    ///
    /// # Errors
    /// Any error stops the worker.
    fn assigned(&mut self, _: Partition, _next: i64) -> Result<(), StageError> {
        Ok(())
    }

    /// Processes a batch.
    ///
    /// # Errors
    /// Retriable: the batch comes again after a pause. Fatal: the worker stops. A poisonous record
    /// is no error here: the stage puts it among the dead letters.
    fn process(&mut self, batch: &Batch, outbox: &mut Outbox) -> Result<(), StageError>;

    /// What the last `process` wrote is in the log, and so are the offsets of its batch.
    ///
    /// # Errors
    /// Any error stops the worker; its state is restored from the changelog on the next start.
    fn committed(&mut self, _: &Receipt) -> Result<(), StageError> {
        Ok(())
    }

    /// What the last `process` wrote is not in the log.
    fn rolled_back(&mut self) {}

    /// The partition is another worker's from now on.
    fn revoked(&mut self, _: Partition) {}

    /// There was nothing to do for a moment.
    ///
    /// # Errors
    /// Any error stops the worker.
    fn idle(&mut self) -> Result<(), StageError> {
        Ok(())
    }
}

/// What a commit has written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Receipt {
    /// The input that is done.
    pub inputs: Vec<Extent>,
    /// For each partition of a changelog written to: the offset after the last record of it.
    pub changelogs: Vec<(Partition, i64)>,
}

/// Why a stage could not do its part.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct StageError {
    class: Class,
    message: String,
}

impl StageError {
    /// Trying the same again later can succeed.
    pub fn retriable(message: impl Into<String>) -> Self {
        Self { class: Class::Retriable, message: message.into() }
    }

    /// The worker has to stop.
    pub fn fatal(message: impl Into<String>) -> Self {
        Self { class: Class::Fatal, message: message.into() }
    }

    /// What to do.
    #[must_use]
    pub const fn class(&self) -> Class {
        self.class
    }
}

impl From<LogError> for StageError {
    fn from(error: LogError) -> Self {
        Self { class: error.class(), message: error.to_string() }
    }
}

impl From<DecodeError> for StageError {
    fn from(error: DecodeError) -> Self {
        Self { class: error.class(), message: error.to_string() }
    }
}

impl From<EncodeError> for StageError {
    fn from(error: EncodeError) -> Self {
        Self::fatal(error.to_string())
    }
}
