//! The normalizer on a real cluster.

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use kleos_event_log::{EventLog, KafkaConfig, KafkaLog, TopicPlan};

use crate::bench::PARTITIONS;
use crate::suite::{self, Bench, suite_tests};

struct KafkaBench {
    config: KafkaConfig,
    directory: tempfile::TempDir,
}

fn environment(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| {
        panic!("{name} is not set: run scripts/kafka up and eval \"$(scripts/kafka env)\"")
    })
}

fn config(prefix: String) -> KafkaConfig {
    let registry = environment("KLEOS_TEST_REGISTRY");
    let mut config = KafkaConfig::new(&environment("KLEOS_TEST_KAFKA"), &registry);
    config.prefix = prefix;
    config.session_timeout = Duration::from_secs(6);
    config
}

/// A deployment of its own on the shared cluster.
fn bench() -> KafkaBench {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::SeqCst);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let config = config(format!("normalizer{}-{number}.", now.as_millis()));
    let plan = TopicPlan { partitions: PARTITIONS, replication: 1 };
    KafkaLog::apply_topics(&config, plan).unwrap();
    KafkaBench { config, directory: tempfile::tempdir().unwrap() }
}

impl Bench for KafkaBench {
    fn log(&self) -> EventLog {
        KafkaLog::connect(self.config.clone()).unwrap().into_log()
    }

    fn directory(&self) -> &Path {
        self.directory.path()
    }

    fn watch(&self) -> EventLog {
        self.log()
    }

    fn child(&self) -> (&'static str, Vec<(&'static str, String)>) {
        ("kafka::child", vec![("KLEOS_PREFIX", self.config.prefix.clone())])
    }
}

suite_tests!(bench());

/// Not a test of its own: what the parent kills.
#[test]
fn child() {
    if std::env::var_os(suite::CHILD).is_some() {
        let config = config(environment("KLEOS_PREFIX"));
        suite::run_child(&KafkaLog::connect(config).unwrap().into_log());
    }
}
