//! What could not be processed, and what nobody maps.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// A record that a stage could not process; `schemas/dead-letter`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetter {
    /// Which stage gave up.
    pub stage: Cow<'static, str>,
    /// [`CLASS_POISON`].
    pub class: Cow<'static, str>,
    /// A code of [`crate::reason`].
    pub reason: Cow<'static, str>,
    /// What was wrong, where, what was expected.
    pub message: String,
    /// Empty where the record did not even say that.
    pub tenant: String,
    /// Where the record lies.
    pub topic: Cow<'static, str>,
    /// Where the record lies.
    pub partition: i32,
    /// Where the record lies.
    pub offset: i64,
    /// The record's key.
    #[serde(with = "crate::bytes::optional")]
    pub key: Option<Vec<u8>>,
    /// The record's bytes, framing included.
    #[serde(with = "crate::bytes")]
    pub value: Vec<u8>,
    /// Place of the failing item among the items of the record.
    pub index: i32,
    /// `accepted_at` of the record where it could be read, else the log's time of it.
    pub first_seen: Timestamp,
    /// How often it was tried.
    pub attempts: i32,
}

/// It fails again however often it is tried.
pub const CLASS_POISON: &str = crate::class::Class::Poison.as_str();

/// Authenticated and readable, but of a type that nobody maps; `schemas/unmapped-event`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnmappedEvent {
    /// Who owns the source instance.
    pub tenant: String,
    /// The platform.
    pub source: String,
    /// One site of it.
    pub instance: String,
    /// The type as the platform wrote it.
    pub r#type: String,
    /// The raw record's.
    pub delivery_id: String,
    /// Place among the events of one webhook.
    pub index: i32,
    /// The raw record's `received_at`.
    pub accepted_at: Timestamp,
    /// As sent.
    pub content_type: String,
    /// The part of the webhook that was not mapped, secrets removed.
    #[serde(with = "crate::bytes")]
    pub body: Vec<u8>,
    /// Where the webhook lies in `kleos.raw.v1`.
    pub partition: i32,
    /// Where the webhook lies in `kleos.raw.v1`.
    pub offset: i64,
}
