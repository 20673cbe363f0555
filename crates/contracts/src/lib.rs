//! What an event is, from the webhook's bytes to the award.
//!
//! Every record that lies in a topic has its Rust form here and its Avro text under `schemas/`; the
//! texts are the source of truth and a test holds the two together. One set of types serves both
//! forms of a record: Avro on the wire, JSON for people, with the same field names.
//!
//! Nothing here does I/O, reads a clock or knows Kafka.
//!
//! - [`raw`], [`event`], [`award`], [`decision`], [`rule`], [`dead_letter`], [`state`]: the records
//! - [`topic`]: which record lies in which topic, and how the topic is kept
//! - [`key`]: record keys, virtual shards and partitions
//! - [`identity`]: the digests that name awards, ledger lines and events for ever
//! - [`learner`]: what makes two users one learner
//! - [`ids`], [`time`], [`decimal`], [`period`]: values that cannot be wrong
//! - [`counters`]: what grows most of a learner's state, packed
//! - [`class`]: what to do after an error
//! - [`reason`]: every reason code that a record can be refused with

pub mod award;
pub mod class;
pub mod counters;
pub mod dead_letter;
pub mod decimal;
pub mod decision;
pub mod event;
pub mod event_name;
pub mod identity;
pub mod ids;
pub mod key;
pub mod learner;
pub mod period;
pub mod raw;
pub mod reason;
pub mod rule;
pub mod schema;
pub mod state;
pub mod time;
pub mod topic;

mod bytes;
