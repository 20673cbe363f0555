//! What can go wrong with a record, and becomes a dead letter.

use kleos_contracts::class::Class;
use kleos_contracts::reason;
use kleos_event_log::{DecodeError, TooLarge};

/// Why a webhook or one of its items is set aside.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NormalizeError {
    /// The bytes are not a webhook.
    #[error("not a record of kleos.raw.v1: {0}")]
    Undecodable(String),
    /// The record has no value.
    #[error("a record of kleos.raw.v1 without a value: expected a webhook")]
    Tombstone,
    /// The configuration does not have the instance.
    #[error(
        "instance {instance:?} is not in the configuration: add [instances.{instance}], then replay"
    )]
    UnknownInstance {
        /// Its name.
        instance: String,
    },
    /// The mapping refused it.
    #[error("{message}")]
    Refused {
        /// A code of the registry.
        reason: &'static str,
        /// What was wrong, where.
        message: String,
    },
    /// A record made of it does not fit its topic.
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
}

impl NormalizeError {
    /// The code that the dead letter carries.
    pub(crate) const fn reason(&self) -> &'static str {
        match self {
            Self::Undecodable(_) | Self::Tombstone => reason::UNDECODABLE,
            Self::UnknownInstance { .. } => reason::UNKNOWN_INSTANCE,
            Self::Refused { reason, .. } => reason,
            Self::TooLarge(_) => reason::TOO_LARGE,
        }
    }

    /// All of them stay as they are, however often the record is tried.
    pub(crate) const fn class(&self) -> Class {
        Class::Poison
    }

    /// A record that could not be read; none if only its schema could not be had for now.
    pub(crate) fn of_decoding(error: &DecodeError) -> Option<Self> {
        match error {
            DecodeError::Malformed(message) => Some(Self::Undecodable(message.clone())),
            DecodeError::Registry(_) => None,
        }
    }
}
