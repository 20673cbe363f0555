//! Reading a topic outside of a group: tables, changelogs, `kleos tail`.

use std::time::Duration;

use crate::error::LogError;
use crate::record::Batch;

/// Reads committed records of one topic, each partition in order.
pub trait Reader: Send {
    /// Adds the next records to `batch`, waiting up to `wait` for the first.
    ///
    /// # Errors
    /// Retriable ones can be tried again with the same reader; nothing is skipped.
    fn read(&mut self, batch: &mut Batch, wait: Duration) -> Result<Progress, LogError>;
}

/// How far a reader has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// There is more of what was in the log when the reader was opened.
    Behind,
    /// All that was in the log when the reader was opened has been read, records of transactions
    /// that were open then included.
    CaughtUp,
}

/// Where a reader begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// With the oldest record there is.
    Earliest,
    /// With the next record written.
    End,
}
