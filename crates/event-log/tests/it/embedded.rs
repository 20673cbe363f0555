//! The contract on the embedded log, and what only it has.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use kleos_contracts::time::{DAY, Timestamp};
use kleos_contracts::topic::Topic;
use kleos_event_log::{EmbeddedConfig, EmbeddedLog, EventLog, LogError, Partition};
use kleos_service_kit::clock::SystemClock;

use crate::bench::{Bench, PARTITIONS, feed, keys, read_all};
use crate::suite::{self, contract_tests};

const CONFIG: EmbeddedConfig =
    EmbeddedConfig { partitions: PARTITIONS, poll_interval_max: Duration::from_secs(1) };

struct EmbeddedBench {
    directory: tempfile::TempDir,
    log: Option<Arc<EmbeddedLog>>,
}

fn open(directory: &Path) -> Arc<EmbeddedLog> {
    Arc::new(EmbeddedLog::open(directory, CONFIG, SystemClock::shared()).unwrap())
}

fn bench() -> EmbeddedBench {
    let directory = tempfile::tempdir().unwrap();
    let log = open(&directory.path().join("log"));
    EmbeddedBench { directory, log: Some(log) }
}

impl Bench for EmbeddedBench {
    fn log(&self) -> EventLog {
        Arc::clone(self.log.as_ref().unwrap()).into_log()
    }

    fn truncate(&self, partition: Partition, low: i64) {
        self.log.as_ref().unwrap().truncate(partition, low).unwrap();
    }

    fn poll_interval_max(&self) -> Duration {
        CONFIG.poll_interval_max
    }

    fn child_environment(&self) -> Vec<(&'static str, String)> {
        let path = self.directory.path().join("log");
        vec![("KLEOS_DIRECTORY", path.to_str().unwrap().to_owned())]
    }

    fn close(&mut self) {
        self.log = None;
    }

    fn reopen(&mut self) {
        self.log = Some(open(&self.directory.path().join("log")));
    }
}

contract_tests!(bench());

/// Not a test of its own: what the parent kills.
#[test]
fn child() {
    if std::env::var_os(suite::CHILD).is_some() {
        let directory = PathBuf::from(std::env::var_os("KLEOS_DIRECTORY").unwrap());
        suite::run_child(&open(&directory).into_log());
    }
}

#[test]
fn what_was_written_is_there_after_opening_again() {
    let mut bench = bench();
    feed(&bench.log(), &keys(3, 5));
    let before = read_all(&bench.log(), Topic::Raw);
    bench.close();
    bench.reopen();
    assert_eq!(read_all(&bench.log(), Topic::Raw), before);
    feed(&bench.log(), &keys(3, 5));
    assert_eq!(read_all(&bench.log(), Topic::Raw).len(), before.len() * 2);
}

#[test]
fn records_older_than_their_topic_keeps_them_go_and_others_stay() {
    let bench = bench();
    let log = bench.log.as_ref().unwrap();
    feed(&bench.log(), &keys(3, 5));
    let written = Timestamp::from_millis(1_700_000_000_000);
    assert_eq!(log.expire(written.plus_micros(399 * DAY)).unwrap(), 0);
    assert_eq!(log.expire(written.plus_micros(401 * DAY)).unwrap(), 15);
    assert_eq!(read_all(&bench.log(), Topic::Raw), []);
    feed(&bench.log(), &["late".to_owned()]);
    assert_eq!(read_all(&bench.log(), Topic::Raw).len(), 1);
}

#[test]
fn a_compacted_topic_keeps_the_newest_record_of_a_key() {
    let mut bench = bench();
    let publish = |log: &EventLog, values: &[&str]| {
        let mut outbox = kleos_event_log::Outbox::default();
        for value in values {
            outbox
                .push(kleos_event_log::Outgoing {
                    partition: Partition::new(Topic::State, 1),
                    timestamp: Timestamp::EPOCH,
                    key: Some(b"key"),
                    value: value.as_bytes(),
                })
                .unwrap();
        }
        log.publisher("state").unwrap().publish(&outbox).unwrap();
    };
    publish(&bench.log(), &["1", "2"]);
    publish(&bench.log(), &["3"]);
    bench.close();
    bench.reopen();
    publish(&bench.log(), &["4"]);
    let values: Vec<String> =
        read_all(&bench.log(), Topic::State).into_iter().map(|(_, _, value)| value).collect();
    assert_eq!(values, ["4"]);
}

#[test]
fn another_process_can_look_while_one_writes() {
    let bench = bench();
    feed(&bench.log(), &keys(3, 5));
    let scratch = tempfile::tempdir().unwrap();
    let path = bench.directory.path().join("log");
    let view = EmbeddedLog::open_view(&path, scratch.path(), SystemClock::shared()).unwrap();
    let view = Arc::new(view).into_log();
    assert_eq!(read_all(&view, Topic::Raw), read_all(&bench.log(), Topic::Raw));
    feed(&bench.log(), &keys(3, 5));
    assert_eq!(read_all(&view, Topic::Raw).len(), 30);
}

#[test]
fn a_directory_that_is_open_is_refused() {
    let bench = bench();
    let path = bench.directory.path().join("log");
    let second = EmbeddedLog::open(&path, CONFIG, SystemClock::shared());
    assert!(matches!(second, Err(LogError::Storage { .. })), "{second:?}");
}
