//! How the clients of a cluster are set.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use rdkafka::ClientConfig;

use crate::worker::WorkerSpec;

/// Largest record that any client takes or sends: that of the dead letters.
const MESSAGE_BYTES_MAX: &str = "16777216";

/// A cluster and its registry.
#[derive(Clone, PartialEq, Eq)]
pub struct KafkaConfig {
    /// `host:port` of some brokers, separated by commas.
    pub brokers: String,
    /// Address of the registry's Confluent API.
    pub registry: String,
    /// What the names of topics, groups, transactions and subjects begin with, so that several
    /// deployments can share a cluster. Usually empty.
    pub prefix: String,
    /// User and password for the registry.
    pub registry_login: Option<(String, String)>,
    /// librdkafka's settings for security: `security.protocol`, `sasl.*` and `ssl.*`.
    pub security: BTreeMap<String, String>,
    /// A member that was not heard of for so long loses its partitions.
    pub session_timeout: Duration,
    /// A worker that has not polled for so long loses its partitions.
    pub poll_interval_max: Duration,
    /// The broker ends a transaction that is open for so long.
    pub transaction_timeout: Duration,
    /// How long the gateway waits for the broker's acknowledgement.
    pub append_timeout: Duration,
}

impl fmt::Debug for KafkaConfig {
    /// Without logins: of what is for security, the names alone.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("KafkaConfig")
            .field("brokers", &self.brokers)
            .field("registry", &self.registry)
            .field("prefix", &self.prefix)
            .field("has_registry_login", &self.registry_login.is_some())
            .field("security", &self.security.keys())
            .field("session_timeout", &self.session_timeout)
            .field("poll_interval_max", &self.poll_interval_max)
            .field("transaction_timeout", &self.transaction_timeout)
            .field("append_timeout", &self.append_timeout)
            .finish()
    }
}

impl KafkaConfig {
    /// A cluster with the settings that Kleos was measured with.
    #[must_use]
    pub fn new(brokers: &str, registry: &str) -> Self {
        Self {
            brokers: brokers.to_owned(),
            registry: registry.to_owned(),
            prefix: String::new(),
            registry_login: None,
            security: BTreeMap::new(),
            session_timeout: Duration::from_secs(10),
            poll_interval_max: Duration::from_secs(300),
            transaction_timeout: Duration::from_secs(15),
            append_timeout: Duration::from_secs(5),
        }
    }

    /// A name in this deployment.
    pub(super) fn named(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    fn base(&self, client: &str) -> ClientConfig {
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", &self.brokers)
            .set("client.id", client)
            .set("socket.nagle.disable", "true")
            .set("message.max.bytes", MESSAGE_BYTES_MAX)
            .set("topic.metadata.refresh.interval.ms", "60000")
            .set("reconnect.backoff.ms", "50")
            .set("reconnect.backoff.max.ms", "2000");
        for (name, value) in &self.security {
            config.set(name, value);
        }
        config
    }

    /// A client that neither produces nor consumes.
    pub(super) fn admin(&self) -> ClientConfig {
        self.base("kleos.admin")
    }

    /// A worker's consumer.
    pub(super) fn member(&self, spec: &WorkerSpec) -> ClientConfig {
        let member = self.named(&spec.member());
        let mut config = self.consumer(&member, &self.named(&spec.group()));
        config
            .set("group.instance.id", &member)
            .set("partition.assignment.strategy", "cooperative-sticky")
            .set("session.timeout.ms", millis(self.session_timeout))
            .set("heartbeat.interval.ms", millis(self.session_timeout / 4))
            .set("max.poll.interval.ms", millis(self.poll_interval_max))
            .set("isolation.level", "read_committed");
        config
    }

    /// A consumer outside of any group.
    pub(super) fn reader(&self, isolation: Isolation) -> ClientConfig {
        let mut config = self.consumer("kleos.reader", "kleos.reader");
        config
            .set("isolation.level", isolation.as_str())
            .set("enable.partition.eof", "true")
            // An end of a partition is told after the broker has waited so long for more.
            .set("fetch.wait.max.ms", "20");
        config
    }

    /// A client that looks at a group without joining it. It is told what was committed last, also
    /// while a transaction that commits more is open.
    pub(super) fn looking(&self, group: &str) -> ClientConfig {
        let mut config = self.consumer("kleos.looking", group);
        config.set("isolation.level", Isolation::Uncommitted.as_str());
        config
    }

    fn consumer(&self, client: &str, group: &str) -> ClientConfig {
        let mut config = self.base(client);
        config
            .set("group.id", group)
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            // Nothing is skipped silently: an offset outside of the log is an error.
            .set("auto.offset.reset", "error")
            .set("allow.auto.create.topics", "false")
            .set("fetch.message.max.bytes", "1048576")
            .set("queued.max.messages.kbytes", "32768")
            .set("fetch.queue.backoff.ms", "20");
        config
    }

    /// A transactional producer.
    pub(super) fn transactional(&self, name: &str) -> ClientConfig {
        let name = self.named(name);
        let mut config = self.producer(&name);
        config
            .set("transactional.id", &name)
            .set("transaction.timeout.ms", millis(self.transaction_timeout))
            // The client wants it below the transaction's, so that a commit can still be tried.
            .set("message.timeout.ms", millis(self.transaction_timeout * 2 / 3))
            // A transaction that follows at once finds the one before still being ended, and asks
            // again after this: by default 100 ms.
            .set("retry.backoff.ms", "5")
            .set("linger.ms", "1");
        config
    }

    /// A producer that only appends.
    pub(super) fn appender(&self) -> ClientConfig {
        let mut config = self.producer("kleos.appender");
        config
            .set("message.timeout.ms", millis(self.append_timeout))
            .set("linger.ms", "2")
            .set("sticky.partitioning.linger.ms", "10");
        config
    }

    fn producer(&self, client: &str) -> ClientConfig {
        let mut config = self.base(client);
        config
            .set("enable.idempotence", "true")
            .set("acks", "all")
            .set("compression.type", "lz4")
            .set("partitioner", "murmur2_random")
            .set("batch.size", "1000000")
            .set("queue.buffering.max.messages", "200000")
            .set("queue.buffering.max.kbytes", "131072");
        config
    }
}

/// Which records a reader sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Isolation {
    Committed,
    Uncommitted,
}

impl Isolation {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Committed => "read_committed",
            Self::Uncommitted => "read_uncommitted",
        }
    }
}

fn millis(duration: Duration) -> String {
    duration.as_millis().to_string()
}
