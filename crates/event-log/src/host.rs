//! What a worker needs of the process that it runs in.

use std::time::Duration;

/// The process that a worker runs in: it stops the worker, gives it the time and hears of it.
pub trait Host: Send + Sync {
    /// Whether the worker is to come to an end.
    fn stopping(&self) -> bool;

    /// Waits so long, or until the worker is to come to an end.
    fn pause(&self, duration: Duration);

    /// Time since some fixed moment, never going back.
    fn elapsed(&self) -> Duration;

    /// Hears what happens.
    fn observe(&self, event: Event<'_>);
}

/// What happens in a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// Partitions came or went, or were restored.
    Partitions {
        /// Whose records are being processed.
        running: usize,
        /// Whose state is being restored.
        restoring: usize,
    },
    /// Some partitions' state is complete.
    Restored {
        /// Changelog records that were applied.
        records: u64,
    },
    /// A transaction was committed.
    Committed {
        /// Records of its input.
        records: usize,
        /// Time spent by the stage.
        processing: Duration,
        /// Time from the first write to the end of the commit.
        commit: Duration,
    },
    /// A transaction was rolled back; its records come again.
    RolledBack,
    /// A transaction's outcome was unknown; a new session was begun.
    UnknownOutcome,
    /// Something does not work for now; the worker tries again.
    Trouble(&'a str),
}
