//! Apache Kafka behind the seam. The only place that knows librdkafka.

mod appender;
mod asker;
mod cluster;
mod config;
mod context;
mod failure;
mod held;
mod link;
mod membership;
mod patience;
mod reader;
mod registry;
mod session;
mod silence;
mod standing;
mod topics;

use std::sync::Arc;

use kleos_contracts::topic::Topic;

use self::appender::KafkaAppender;
use self::cluster::Cluster;
pub use self::config::KafkaConfig;
use self::link::KafkaLink;
use self::reader::KafkaReader;
use self::registry::ConfluentRegistry;
use self::session::Session;
use crate::error::{CommitError, LogError};
use crate::link::Link;
use crate::log::{Append, Backend, EventLog, Kind, Publish, Standing};
use crate::outbox::Outbox;
use crate::reader::{Reader, Start};
use crate::record::{Partition, Position};
use crate::registry::Registry;
use crate::topics::{Applied, Difference, TopicPlan};
use crate::worker::{WorkerSpec, group_of};

/// A cluster and its registry. Nothing is asked before it is needed.
#[derive(Debug)]
pub struct KafkaLog {
    cluster: Arc<Cluster>,
    registry: Arc<Registry>,
}

impl KafkaLog {
    /// Sets up the clients.
    ///
    /// # Errors
    /// [`LogError::Misconfigured`] if librdkafka or the registry's client refuses a setting.
    pub fn connect(config: KafkaConfig) -> Result<Self, LogError> {
        let registry = ConfluentRegistry::new(&config)?;
        let prefix = config.prefix.clone();
        let cluster = Arc::new(Cluster::connect(config)?);
        let registry = Registry::new(Box::new(registry), prefix);
        Ok(Self { cluster, registry: Arc::new(registry) })
    }

    /// The log for services.
    #[must_use]
    pub fn into_log(self) -> EventLog {
        EventLog::new(Arc::new(self))
    }

    /// Makes topics and registers schemas that are not there.
    ///
    /// # Errors
    /// If the cluster or the registry does not answer, or refuses.
    pub fn apply_topics(config: &KafkaConfig, plan: TopicPlan) -> Result<Applied, LogError> {
        let cluster = Cluster::connect(config.clone())?;
        topics::apply(&cluster, &ConfluentRegistry::new(config)?, plan)
    }

    /// Adds a version to a subject; the registry refuses one that would break readers.
    ///
    /// # Errors
    /// [`LogError::SchemaRefused`], or the registry does not answer.
    pub fn register_schema(
        config: &KafkaConfig,
        subject: &str,
        text: &str,
    ) -> Result<u32, LogError> {
        ConfluentRegistry::new(config)?.register(subject, text)
    }

    /// Tells what is not as it should be.
    ///
    /// # Errors
    /// If the cluster or the registry does not answer.
    pub fn check_topics(
        config: &KafkaConfig,
        plan: TopicPlan,
    ) -> Result<Vec<Difference>, LogError> {
        let cluster = Arc::new(Cluster::connect(config.clone())?);
        topics::check(&cluster, &ConfluentRegistry::new(config)?, plan)
    }
}

impl Backend for KafkaLog {
    fn kind(&self) -> Kind {
        Kind::Kafka
    }

    fn partitions(&self, topic: Topic) -> Result<i32, LogError> {
        self.cluster.shape(topic).map(|(partitions, _)| partitions)
    }

    fn identity(&self) -> Result<String, LogError> {
        self.cluster.identity()
    }

    fn progress(&self, service: &str, topic: Topic) -> Result<Vec<Standing>, LogError> {
        standing::progress(&self.cluster, &group_of(service), topic)
    }

    fn link(&self, spec: &WorkerSpec) -> Result<Box<dyn Link>, LogError> {
        Ok(Box::new(KafkaLink::open(Arc::clone(&self.cluster), spec)?))
    }

    fn appender(&self, topic: Topic) -> Result<Arc<dyn Append>, LogError> {
        Ok(Arc::new(KafkaAppender::open(&self.cluster, topic)?))
    }

    fn reader(&self, topic: Topic, start: Start) -> Result<Box<dyn Reader>, LogError> {
        let mut starts = Vec::new();
        for number in 0..self.partitions(topic)? {
            let partition = Partition::new(topic, number);
            let from = match start {
                Start::Earliest => None,
                Start::End => Some(self.cluster.watermarks(partition)?.1),
            };
            starts.push((partition, from));
        }
        Ok(Box::new(KafkaReader::open(Arc::clone(&self.cluster), &starts)?))
    }

    fn publisher(&self, name: &str) -> Result<Box<dyn Publish>, LogError> {
        let name = format!("kleos.publisher.{name}");
        Ok(Box::new(KafkaPublisher { session: Session::begin(&self.cluster, &name)? }))
    }

    fn registry(&self) -> &Arc<Registry> {
        &self.registry
    }
}

struct KafkaPublisher {
    session: Session,
}

impl Publish for KafkaPublisher {
    fn publish(&mut self, outbox: &Outbox) -> Result<Vec<Position>, LogError> {
        let written = self.session.commit(outbox, None, outbox.len(), &mut |index, _| Some(index));
        match written {
            Ok(offsets) => Ok(outbox
                .iter()
                .zip(offsets)
                .map(|(outgoing, offset)| Position { partition: outgoing.partition, offset })
                .collect()),
            Err(CommitError::RolledBack(cause) | CommitError::Unknown(cause)) => {
                Err(LogError::unavailable("publishing", cause))
            }
            Err(CommitError::Fatal(error)) => Err(error),
        }
    }
}
