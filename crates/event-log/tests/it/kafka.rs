//! The contract on a real cluster, and what only it has.

mod faults;
mod foreign;
mod schemas;

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use kleos_event_log::{EventLog, KafkaConfig, KafkaLog, Partition, TopicPlan};
use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::DefaultClientContext;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use crate::bench::{Bench, PARTITIONS};
use crate::suite::{self, contract_tests};

pub(crate) const PLAN: TopicPlan = TopicPlan { partitions: PARTITIONS, replication: 1 };

struct KafkaBench {
    config: KafkaConfig,
}

fn environment(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| {
        panic!("{name} is not set: run scripts/kafka up and eval \"$(scripts/kafka env)\"")
    })
}

/// A deployment of its own on the shared cluster.
pub(crate) fn config() -> KafkaConfig {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::SeqCst);
    let registry = environment("KLEOS_TEST_REGISTRY");
    let mut config = KafkaConfig::new(&environment("KLEOS_TEST_KAFKA"), &registry);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    config.prefix = format!("t{}-{number}.", now.as_millis());
    config.session_timeout = Duration::from_secs(6);
    config.poll_interval_max = Duration::from_secs(6);
    config
}

fn bench() -> KafkaBench {
    let config = config();
    KafkaLog::apply_topics(&config, PLAN).unwrap();
    KafkaBench { config }
}

impl Bench for KafkaBench {
    fn log(&self) -> EventLog {
        KafkaLog::connect(self.config.clone()).unwrap().into_log()
    }

    fn truncate(&self, partition: Partition, low: i64) {
        let admin: AdminClient<DefaultClientContext> = rdkafka::ClientConfig::new()
            .set("bootstrap.servers", &self.config.brokers)
            .create()
            .unwrap();
        let mut list = TopicPartitionList::new();
        let name = format!("{}{}", self.config.prefix, partition.topic);
        list.add_partition_offset(&name, partition.number, Offset::Offset(low)).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(admin.delete_records(&list, &AdminOptions::new())).unwrap();
    }

    fn poll_interval_max(&self) -> Duration {
        self.config.poll_interval_max
    }

    fn child_environment(&self) -> Vec<(&'static str, String)> {
        vec![("KLEOS_PREFIX", self.config.prefix.clone())]
    }
}

contract_tests!(bench());

/// Not a test of its own: what the parent kills.
#[test]
fn child() {
    if std::env::var_os(suite::CHILD).is_some() {
        let config = KafkaConfig { prefix: environment("KLEOS_PREFIX"), ..config() };
        suite::run_child(&KafkaLog::connect(config).unwrap().into_log());
    }
}
