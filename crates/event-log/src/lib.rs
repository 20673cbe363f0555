//! The log behind one seam, at the level of a batch: read a batch from the assigned partitions,
//! process it, then commit what came of it and the input's offsets, both or neither.
//!
//! Two logs stand behind it: Apache Kafka ([`KafkaLog`]) and an embedded log in RocksDB
//! ([`EmbeddedLog`]). The same contract tests run against both, and nothing outside of this crate
//! names rdkafka, the registry's client or Avro's framing.
//!
//! # The path of a batch
//!
//! ```text
//!  log ──poll──▶ Batch ──Stage::process──▶ Outbox ──commit──▶ log
//!                  ▲                                  │
//!                  └──────── rewind ◀── rolled back ──┤
//!                  └─ renew + restore ◀── unknown ────┴──▶ Stage::committed
//! ```
//!
//! # What always holds
//!
//! - A transaction is only open inside a commit; partitions only come and go inside a poll. So a
//!   rebalance never meets an open transaction.
//! - A worker that lost its partitions without noticing cannot commit: the log refuses.
//! - After a call whose outcome nobody knows, the session is replaced and committed offsets are
//!   read again, before anything else is written.
//! - Nothing is skipped: an offset outside of the log is an error that stops the worker.

mod codec;
mod embedded;
mod error;
mod host;
mod kafka;
mod link;
mod log;
mod metrics;
mod outbox;
mod reader;
mod record;
mod registry;
mod service;
mod stage;
mod topics;
mod worker;

pub use codec::Codec;
pub use embedded::{EmbeddedConfig, EmbeddedLog};
pub use error::{DecodeError, EncodeError, LogError};
pub use host::{Event, Host};
pub use kafka::{KafkaConfig, KafkaLog};
pub use log::{Append, Durable, EventLog, Kind, Publish, Standing};
pub use metrics::WorkerMetrics;
pub use outbox::{Address, Mark, Outbox, Outgoing, SendError, TooLarge, largest_record};
pub use reader::{Progress, Reader, Start};
pub use record::{Batch, Extent, Partition, Position, Record};
pub use service::spawn_worker;
pub use stage::{Receipt, Stage, StageError};
pub use topics::{Applied, Difference, TopicPlan};
pub use worker::{BatchLimits, WorkerError, WorkerSpec};
