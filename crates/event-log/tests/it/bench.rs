//! What a backend has to bring along to be tested.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use kleos_contracts::class::Class;
use kleos_contracts::key::partition_of;
use kleos_contracts::time::Timestamp;
use kleos_contracts::topic::Topic;
use kleos_event_log::{
    Batch, BatchLimits, EventLog, Outbox, Outgoing, Partition, Position, Progress, Start,
    WorkerError, WorkerSpec,
};

use crate::counting::{Counting, Plan};
use crate::host::TestHost;

pub(crate) const PARTITIONS: i32 = 4;

/// A log of its own for one test.
pub(crate) trait Bench {
    fn log(&self) -> EventLog;

    /// Throws away the records of a partition before `low`.
    fn truncate(&self, partition: Partition, low: i64);

    /// How long a worker may go without a poll before it loses its partitions.
    fn poll_interval_max(&self) -> Duration;

    /// What another process needs to open the same log; while it does, this one must not.
    fn child_environment(&self) -> Vec<(&'static str, String)>;

    /// Lets go of the log, so that another process can have it.
    fn close(&mut self) {}

    /// Takes the log back.
    fn reopen(&mut self) {}
}

pub(crate) fn spec(service: &'static str, instance: &str) -> WorkerSpec {
    WorkerSpec {
        service,
        instance: instance.to_owned(),
        index: 0,
        inputs: vec![Topic::Raw],
        changelogs: vec![Topic::State],
        limits: BatchLimits { records: 50, ..BatchLimits::default() },
    }
}

/// Writes records to the input, `keys[i]` with value `i`.
pub(crate) fn feed(log: &EventLog, keys: &[String]) -> Vec<Position> {
    let mut outbox = Outbox::default();
    for (index, key) in keys.iter().enumerate() {
        let partition = Partition::new(Topic::Raw, partition_of(key.as_bytes(), PARTITIONS));
        let value = index.to_string();
        outbox
            .push(Outgoing {
                partition,
                timestamp: Timestamp::from_millis(1_700_000_000_000),
                key: Some(key.as_bytes()),
                value: value.as_bytes(),
            })
            .unwrap();
    }
    log.publisher("feed").unwrap().publish(&outbox).unwrap()
}

/// `count` keys, each `times` times, shuffled by a fixed rule.
pub(crate) fn keys(count: usize, times: usize) -> Vec<String> {
    (0..count * times).map(|index| format!("key-{}", (index * 7919) % count)).collect()
}

/// All committed records of a topic.
pub(crate) fn read_all(log: &EventLog, topic: Topic) -> Vec<(Position, String, String)> {
    let mut reader = log.reader(topic, Start::Earliest).unwrap();
    let mut batch = Batch::default();
    let (mut records, mut patience) = (Vec::new(), 100);
    loop {
        batch.clear();
        let progress = match reader.read(&mut batch, Duration::from_millis(200)) {
            // Brokers can be slow to answer while all tests run at once.
            Err(error) if error.class() == Class::Retriable && patience > 0 => {
                patience -= 1;
                continue;
            }
            progress => progress.unwrap(),
        };
        records.extend(batch.iter().map(|record| {
            let text = |bytes: Option<&[u8]>| {
                String::from_utf8(bytes.unwrap_or_default().to_vec()).unwrap()
            };
            (record.position, text(record.key), text(record.value))
        }));
        if progress == Progress::CaughtUp {
            return records;
        }
    }
}

/// Every key's outputs must be 1, 2, 3 and so on, to the number of its inputs, in one partition.
#[track_caller]
pub(crate) fn assert_counted(log: &EventLog, fed: &[String]) {
    let mut expected: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
    for key in fed {
        let counts = expected.entry(key).or_default();
        counts.push(counts.len() as u64 + 1);
    }
    let records = read_all(log, Topic::Events);
    let mut found: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
    for (position, key, value) in &records {
        assert_eq!(position.partition.number, partition_of(key.as_bytes(), PARTITIONS));
        found.entry(key).or_default().push(value.parse().unwrap());
    }
    assert_eq!(found, expected);
}

/// A worker on a thread of its own.
pub(crate) struct Running {
    pub(crate) host: Arc<TestHost>,
    thread: std::thread::JoinHandle<(Counting, Result<(), WorkerError>)>,
}

impl Running {
    pub(crate) fn start(log: EventLog, spec: WorkerSpec, plan: Plan) -> Self {
        Self::start_with(log, spec, Counting::new(plan))
    }

    pub(crate) fn start_with(log: EventLog, spec: WorkerSpec, mut stage: Counting) -> Self {
        let host = TestHost::new();
        let shared = Arc::clone(&host);
        let thread = std::thread::spawn(move || {
            let result = log.run_worker(&spec, &mut stage, shared.as_ref());
            (stage, result)
        });
        Self { host, thread }
    }

    /// Stops the worker, which must have been well.
    #[track_caller]
    pub(crate) fn stop(self) -> Counting {
        self.host.stop();
        let (stage, result) = self.thread.join().unwrap();
        assert_eq!(result, Ok(()));
        stage
    }

    /// Waits for the worker to end by itself.
    pub(crate) fn join(self) -> (Counting, Result<(), WorkerError>) {
        self.thread.join().unwrap()
    }
}

/// Waits until the topic has so many committed records.
#[track_caller]
pub(crate) fn wait_for_records(log: &EventLog, topic: Topic, count: usize) {
    let deadline = std::time::Instant::now() + Duration::from_secs(60);
    loop {
        let found = read_all(log, topic).len();
        if found >= count {
            return;
        }
        assert!(std::time::Instant::now() < deadline, "{found} of {count} records in {topic}");
        std::thread::sleep(Duration::from_millis(50));
    }
}
