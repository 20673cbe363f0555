//! Logs of a test's own: in a directory, or on the cluster that all tests share.
//!
//! A test of a service takes a `&mut dyn TestLog` and so runs with both. What needs a kill starts
//! the test binary again as a child, which finds the same log by [`log_of_child`].
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, and reads its environment"
)]

use std::ops::{Deref, DerefMut};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use kleos_contracts::topic::Topic;
use kleos_event_log::{
    EmbeddedConfig, EmbeddedLog, EventLog, KafkaConfig, KafkaLog, Kind, TopicPlan,
};
use kleos_service_kit::clock::SystemClock;

use crate::wait::wait_until;

/// Partitions of the topics that share their number.
pub const PARTITIONS: i32 = 4;

const DIRECTORY: &str = "KLEOS_TEST_DIRECTORY";
const PREFIX: &str = "KLEOS_TEST_PREFIX";

/// A log that a test has for itself.
pub trait TestLog {
    /// The log.
    fn log(&self) -> EventLog;

    /// The log for looking at while a child has it.
    fn watch(&self) -> EventLog;

    /// What a child process needs to open the same log.
    fn environment(&self) -> (&'static str, String);

    /// Lets go of the log, so that a child can have it.
    fn close(&mut self) {}

    /// Takes the log back.
    fn reopen(&mut self) {}
}

/// On the embedded log.
#[derive(Debug)]
pub struct Embedded {
    directory: tempfile::TempDir,
    log: Option<Arc<EmbeddedLog>>,
}

impl Embedded {
    /// A new one.
    #[must_use]
    pub fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let log = open(&directory.path().join("log"));
        Self { directory, log: Some(log) }
    }
}

fn open(directory: &Path) -> Arc<EmbeddedLog> {
    let config = EmbeddedConfig { partitions: PARTITIONS, ..EmbeddedConfig::default() };
    Arc::new(EmbeddedLog::open(directory, config, SystemClock::shared()).unwrap())
}

impl TestLog for Embedded {
    fn log(&self) -> EventLog {
        Arc::clone(self.log.as_ref().unwrap()).into_log()
    }

    fn watch(&self) -> EventLog {
        let path = |name| self.directory.path().join(name);
        let view =
            EmbeddedLog::open_view(&path("log"), &path("scratch"), SystemClock::shared()).unwrap();
        Arc::new(view).into_log()
    }

    fn environment(&self) -> (&'static str, String) {
        (DIRECTORY, self.directory.path().join("log").display().to_string())
    }

    fn close(&mut self) {
        self.log = None;
    }

    fn reopen(&mut self) {
        self.log = Some(open(&self.directory.path().join("log")));
    }
}

/// On Apache Kafka: a deployment of its own, told apart by its prefix.
#[derive(Debug)]
pub struct OnKafka {
    config: KafkaConfig,
}

impl OnKafka {
    /// A new one, with its topics.
    #[must_use]
    pub fn start() -> Self {
        let config = kafka_config();
        let plan = TopicPlan { partitions: PARTITIONS, replication: 1 };
        KafkaLog::apply_topics(&config, plan).unwrap();
        Self { config }
    }
}

/// The shared cluster, under a prefix that nobody else has; without topics yet.
///
/// # Panics
/// Where no cluster is named.
#[must_use]
pub fn kafka_config() -> KafkaConfig {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::SeqCst);
    kafka_config_of(format!("t{}-{number}.", uuid::Uuid::new_v4().simple()))
}

fn kafka_config_of(prefix: String) -> KafkaConfig {
    let registry = named("KLEOS_TEST_REGISTRY");
    let mut config = KafkaConfig::new(&named("KLEOS_TEST_KAFKA"), &registry);
    config.prefix = prefix;
    config.session_timeout = Duration::from_secs(6);
    config
}

fn named(variable: &str) -> String {
    std::env::var(variable).unwrap_or_else(|_| {
        panic!("{variable} is not set: run scripts/kafka up and eval \"$(scripts/kafka env)\"")
    })
}

impl TestLog for OnKafka {
    fn log(&self) -> EventLog {
        KafkaLog::connect(self.config.clone()).unwrap().into_log()
    }

    fn watch(&self) -> EventLog {
        self.log()
    }

    fn environment(&self) -> (&'static str, String) {
        (PREFIX, self.config.prefix.clone())
    }
}

/// The log that the parent has given to this child.
///
/// # Panics
/// In a process that is no such child.
#[must_use]
pub fn log_of_child() -> EventLog {
    match std::env::var_os(DIRECTORY) {
        Some(directory) => open(&PathBuf::from(directory)).into_log(),
        None => KafkaLog::connect(kafka_config_of(named(PREFIX))).unwrap().into_log(),
    }
}

/// Starts this test binary again as a child that runs one test, with the log and one more variable,
/// by which the child knows what it is for.
///
/// # Panics
/// If it cannot be started.
#[must_use]
pub fn spawn_child(log: &dyn TestLog, test: &str, (role, data): (&str, &Path)) -> Victim {
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(role, data)
        .envs([log.environment()])
        .stdout(Stdio::null())
        .spawn();
    Victim(child.unwrap())
}

/// A child that is killed when it is dropped, so that a test that fails leaves none behind.
#[derive(Debug)]
pub struct Victim(Child);

impl Deref for Victim {
    type Target = Child;

    fn deref(&self) -> &Child {
        &self.0
    }
}

impl DerefMut for Victim {
    fn deref_mut(&mut self) -> &mut Child {
        &mut self.0
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// Holds a child still where it has written records to a topic that are not committed. The embedded
/// log shows nothing of that, so there it is held anywhere.
pub fn hold_in_transaction(watch: &EventLog, child: &Child, (service, topic): (&str, Topic)) {
    let is_open = || {
        let standings = watch.progress(service, topic).unwrap();
        standings.iter().any(|standing| standing.end > standing.stable)
    };
    wait_until("in a transaction", || {
        signal(child, "STOP");
        let is_there = watch.kind() == Kind::Embedded || is_open();
        if !is_there {
            signal(child, "CONT");
        }
        is_there
    });
}

/// Sends a signal by its name.
///
/// # Panics
/// If there is no such process.
pub fn signal(child: &Child, name: &str) {
    let line = format!("kill -{name} {}", child.id());
    assert!(Command::new("sh").args(["-c", &line]).status().unwrap().success());
}
