//! What can go wrong with a log.

use kleos_contracts::class::Class;

use crate::record::Partition;

/// An error of the log, with the class that says what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LogError {
    /// Broker, registry or coordinator does not answer, or asks to try again.
    #[error("{what}: {cause}")]
    Unavailable {
        /// What was tried.
        what: String,
        /// What came back.
        cause: String,
    },
    /// A topic of Kleos is not there.
    #[error("topic {0} does not exist: run `kleos topics apply`")]
    MissingTopic(String),
    /// The registry has no such schema.
    #[error("subject {0} has no schema that equals ours: run `kleos topics apply`")]
    MissingSchema(String),
    /// The registry refused a schema.
    #[error("the registry refuses the schema of {subject}: {cause}")]
    SchemaRefused {
        /// The subject.
        subject: String,
        /// The registry's words.
        cause: String,
    },
    /// Where to go on is not in the log any more, or not yet.
    #[error(
        "{partition}: offset {offset} is outside of the log, which holds {low} to {high}: records \
         were deleted before they were read, or the log is another one. Nothing is skipped \
         silently: set the group's offset by hand to accept the loss, or restore the topic"
    )]
    OutOfRange {
        /// The partition.
        partition: Partition,
        /// Where reading was to go on.
        offset: i64,
        /// The first offset there is.
        low: i64,
        /// The offset after the last.
        high: i64,
    },
    /// Another process took this instance's place.
    #[error(
        "another process runs as instance {instance}: give each its own `instance` name ({cause})"
    )]
    InstanceTaken {
        /// The name.
        instance: String,
        /// What the log said.
        cause: String,
    },
    /// The log cannot be used as it is configured.
    #[error("{what}: {cause}")]
    Misconfigured {
        /// What was tried.
        what: String,
        /// What is wrong.
        cause: String,
    },
    /// The disk does not hold what it should, or takes no more.
    #[error("{what}: {cause}. Mend the disk, then start again")]
    Storage {
        /// What was tried.
        what: String,
        /// What came back.
        cause: String,
    },
    /// The process is stopping.
    #[error("the log is being closed")]
    Closed,
}

impl LogError {
    /// What to do.
    #[must_use]
    pub const fn class(&self) -> Class {
        match self {
            Self::Unavailable { .. } | Self::MissingTopic(_) | Self::MissingSchema(_) => {
                Class::Retriable
            }
            Self::SchemaRefused { .. }
            | Self::OutOfRange { .. }
            | Self::InstanceTaken { .. }
            | Self::Misconfigured { .. }
            | Self::Storage { .. }
            | Self::Closed => Class::Fatal,
        }
    }

    pub(crate) fn unavailable(what: impl Into<String>, cause: impl std::fmt::Display) -> Self {
        Self::Unavailable { what: what.into(), cause: cause.to_string() }
    }

    pub(crate) fn storage(what: impl Into<String>, cause: impl std::fmt::Display) -> Self {
        Self::Storage { what: what.into(), cause: cause.to_string() }
    }
}

/// Bytes that are not a record of their topic.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Poison: it stays as it is.
    #[error("{0}")]
    Malformed(String),
    /// The schema is not known yet and the registry could not be asked.
    #[error(transparent)]
    Registry(#[from] LogError),
}

impl DecodeError {
    /// What to do.
    #[must_use]
    pub const fn class(&self) -> Class {
        match self {
            Self::Malformed(_) => Class::Poison,
            Self::Registry(error) => error.class(),
        }
    }
}

/// A value that its schema cannot hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the value does not fit its schema: {0}")]
pub struct EncodeError(pub(crate) String);

/// How a commit failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CommitError {
    /// Nothing of it is in the log or ever will be.
    #[error("rolled back: {0}")]
    RolledBack(String),
    /// Nobody here can tell whether it is in the log.
    #[error("unknown outcome: {0}")]
    Unknown(String),
    /// It cannot be tried again.
    #[error(transparent)]
    Fatal(LogError),
}
