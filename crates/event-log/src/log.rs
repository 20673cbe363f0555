//! The log as services see it, whatever lies behind.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use kleos_contracts::time::Timestamp;
use kleos_contracts::topic::Topic;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::codec::Codec;
use crate::error::LogError;
use crate::host::Host;
use crate::link::Link;
use crate::outbox::Outbox;
use crate::reader::{Reader, Start};
use crate::record::{Partition, Position};
use crate::registry::Registry;
use crate::stage::Stage;
use crate::worker::{self, WorkerError, WorkerSpec};

/// An answer that comes when something is durable.
pub type Durable<T> = Pin<Box<dyn Future<Output = Result<T, LogError>> + Send>>;

/// A handle to the log; cheap to clone.
#[derive(Clone, Debug)]
pub struct EventLog {
    backend: Arc<dyn Backend>,
}

/// What a log has to be able to do.
pub(crate) trait Backend: std::fmt::Debug + Send + Sync {
    fn kind(&self) -> Kind;
    fn partitions(&self, topic: Topic) -> Result<i32, LogError>;
    fn identity(&self) -> Result<String, LogError>;
    fn progress(&self, service: &str, topic: Topic) -> Result<Vec<Standing>, LogError>;
    fn link(&self, spec: &WorkerSpec) -> Result<Box<dyn Link>, LogError>;
    fn appender(&self, topic: Topic) -> Result<Arc<dyn Append>, LogError>;
    fn reader(&self, topic: Topic, start: Start) -> Result<Box<dyn Reader>, LogError>;
    fn publisher(&self, name: &str) -> Result<Box<dyn Publish>, LogError>;
    fn registry(&self) -> &Arc<Registry>;
}

/// What lies behind an [`EventLog`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A directory of this machine.
    Embedded,
    /// A cluster.
    Kafka,
}

impl Kind {
    /// The name for people.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Embedded => "embedded",
            Self::Kafka => "kafka",
        }
    }
}

/// How far a service has come in one partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The partition.
    pub partition: Partition,
    /// The offset that the service reads next; none if it has committed nothing there.
    pub committed: Option<i64>,
    /// The offset up to which every transaction has ended: what can be read.
    pub stable: i64,
    /// The offset after the newest record, also of open transactions.
    pub end: i64,
    /// Offsets that can be read and are not done. Nothing, where only marks of transactions are
    /// left: they take offsets, but nobody reads or commits them.
    pub behind: i64,
}

/// Writes single records without a transaction, from many tasks at once.
pub trait Append: std::fmt::Debug + Send + Sync {
    /// Writes a record without a key. The answer comes when it is durable, and says where it lies;
    /// after an error the record can still have been written.
    fn append(&self, timestamp: Timestamp, value: Vec<u8>) -> Durable<Position>;
}

/// Writes several records in one transaction, as the only one under its name.
pub trait Publish: Send {
    /// Writes all records or none; tells where they lie, in their order.
    ///
    /// # Errors
    /// Retriable: nothing was written, or it cannot be told; open a new publisher and look.
    fn publish(&mut self, outbox: &Outbox) -> Result<Vec<Position>, LogError>;
}

impl EventLog {
    pub(crate) fn new(backend: Arc<dyn Backend>) -> Self {
        Self { backend }
    }

    /// What lies behind.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.backend.kind()
    }

    /// How many partitions a topic has.
    ///
    /// # Errors
    /// If the topic does not exist or the log does not answer.
    pub fn partitions(&self, topic: Topic) -> Result<i32, LogError> {
        self.backend.partitions(topic)
    }

    /// What tells this log from every other: offsets of one mean nothing in another.
    ///
    /// # Errors
    /// If the log does not answer.
    pub fn identity(&self) -> Result<String, LogError> {
        self.backend.identity()
    }

    /// How far a service has come in a topic, partition by partition.
    ///
    /// # Errors
    /// If the topic does not exist or the log does not answer.
    pub fn progress(&self, service: &str, topic: Topic) -> Result<Vec<Standing>, LogError> {
        self.backend.progress(service, topic)
    }

    /// The codec of a topic's values.
    ///
    /// # Errors
    /// If the topic's subject lacks our schema, or the registry does not answer.
    pub fn codec<T: Serialize + DeserializeOwned>(
        &self,
        topic: Topic,
    ) -> Result<Codec<T>, LogError> {
        Codec::new(topic, self.backend.registry())
    }

    /// Moves records through a stage on the calling thread until the host stops.
    ///
    /// # Errors
    /// Something fatal: another process took this one's place, the disk is full, records are gone.
    pub fn run_worker(
        &self,
        spec: &WorkerSpec,
        stage: &mut dyn Stage,
        host: &dyn Host,
    ) -> Result<(), WorkerError> {
        worker::run(&|| self.backend.link(spec), spec, stage, host)
    }

    /// A writer of single records.
    ///
    /// # Errors
    /// If the log cannot be reached or configured.
    pub fn appender(&self, topic: Topic) -> Result<Arc<dyn Append>, LogError> {
        self.backend.appender(topic)
    }

    /// A reader of all partitions of a topic, outside of any group.
    ///
    /// # Errors
    /// If the topic does not exist or the log does not answer.
    pub fn reader(&self, topic: Topic, start: Start) -> Result<Box<dyn Reader>, LogError> {
        self.backend.reader(topic, start)
    }

    /// The only publisher of a name: one that was opened before cannot publish any more.
    ///
    /// # Errors
    /// If the log does not answer.
    pub fn publisher(&self, name: &str) -> Result<Box<dyn Publish>, LogError> {
        self.backend.publisher(name)
    }
}
