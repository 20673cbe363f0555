//! What can go wrong in the processor.

use std::path::Path;

use kleos_contracts::class::Class;
use kleos_event_log::{DecodeError, LogError, Record, StageError};
use kleos_rules_engine::Diagnostic;

/// The local copy of the state.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum StoreError {
    /// The disk, or what is on it.
    #[error(
        "{what}: {cause}. Mend the disk, or delete the directory: the state is restored from the log"
    )]
    Disk {
        /// What was tried.
        what: String,
        /// What came back.
        cause: String,
    },
    /// A changelog holds something that this program does not write.
    #[error("{place}: {cause}: somebody else writes to the changelog, or it is of a newer version")]
    Changelog {
        /// Topic, partition and offset.
        place: String,
        /// What is wrong.
        cause: String,
    },
    /// The copy belongs to another log.
    #[error(
        "the state in {path} is of the log {bound}, this log is {found}: give the process another \
         data directory, or delete that one: the state is restored from the log"
    )]
    OtherLog {
        /// Where the copy lies.
        path: String,
        /// The log it is of.
        bound: String,
        /// The log that there is.
        found: String,
    },
    /// A record of the state could not be read.
    #[error(transparent)]
    Decode(DecodeError),
}

impl StoreError {
    pub(crate) fn opening(path: &Path, error: &rocksdb::Error) -> Self {
        let what = format!("opening the state in {}", path.display());
        Self::Disk { what, cause: error.to_string() }
    }

    #[expect(clippy::needless_pass_by_value, reason = "for map_err")]
    pub(crate) fn reading(error: rocksdb::Error) -> Self {
        Self::Disk { what: "reading the state".to_owned(), cause: error.to_string() }
    }

    #[expect(clippy::needless_pass_by_value, reason = "for map_err")]
    pub(crate) fn writing(error: rocksdb::Error) -> Self {
        Self::Disk { what: "writing the state".to_owned(), cause: error.to_string() }
    }

    pub(crate) fn missing(family: &str) -> Self {
        Self::Disk { what: "reading the state".to_owned(), cause: format!("no {family}") }
    }

    pub(crate) fn changelog(record: &Record<'_>, cause: &str) -> Self {
        let place = format!("{} offset {}", record.position.partition, record.position.offset);
        Self::Changelog { place, cause: cause.to_owned() }
    }

    /// What to do.
    pub(crate) const fn class(&self) -> Class {
        match self {
            Self::Disk { .. } | Self::Changelog { .. } | Self::OtherLog { .. } => Class::Fatal,
            // A state that cannot be read is no record to be set aside.
            Self::Decode(DecodeError::Malformed(_)) => Class::Fatal,
            Self::Decode(error) => error.class(),
        }
    }
}

impl From<StoreError> for StageError {
    fn from(error: StoreError) -> Self {
        match error.class() {
            Class::Retriable => Self::retriable(error.to_string()),
            Class::Poison | Class::Fatal => Self::fatal(error.to_string()),
        }
    }
}

/// Why a rule set was not published.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PublishError {
    /// Everything that is wrong with the rules.
    #[error("the rules are refused as a whole; the set that holds stays")]
    Refused(Vec<Diagnostic>),
    /// A rule does not fit into a record.
    #[error("the rules are too large: {0}")]
    TooLarge(String),
    /// The log.
    #[error(transparent)]
    Log(#[from] LogError),
}

/// Why the processor cannot begin.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum OpenError {
    /// The rules that come with the program.
    #[error(transparent)]
    Publish(#[from] PublishError),
    /// The log.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The local copy of the state.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Threads.
    #[error("a worker cannot be started: {0}")]
    Spawn(String),
}

impl OpenError {
    /// What to do.
    pub(crate) const fn class(&self) -> Class {
        match self {
            Self::Publish(error) => error.class(),
            Self::Log(error) => error.class(),
            Self::Store(error) => error.class(),
            Self::Spawn(_) => Class::Fatal,
        }
    }
}

impl PublishError {
    /// What to do.
    #[must_use]
    pub const fn class(&self) -> Class {
        match self {
            Self::Refused(_) | Self::TooLarge(_) => Class::Poison,
            Self::Log(error) => error.class(),
        }
    }
}
