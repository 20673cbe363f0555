use std::sync::{Arc, Mutex};
use std::time::Duration;

use kleos_event_log::{EmbeddedConfig, EmbeddedLog};
use kleos_service_kit::clock::SystemClock;
use kleos_service_kit::lifecycle::ShutdownTrigger;
use kleos_service_kit::metrics::Registry;
use kleos_service_kit::readiness::Readiness;
use kleos_test_kit::builders::award;

use super::*;
use crate::batch::Limits;
use crate::pace::Pace;
use crate::sender::{Rhythm, Surroundings};
use crate::transport::Transport;
use crate::verdict::Answer;

/// Takes single events while it is open, and counts the requests.
#[derive(Clone, Debug, Default)]
struct Door(Arc<Mutex<(bool, usize)>>);

impl Transport for Door {
    fn post(&mut self, _: Vec<u8>) -> Result<Answer, String> {
        let mut state = self.0.lock().unwrap();
        state.1 += 1;
        if !state.0 {
            return Err("closed".to_owned());
        }
        let body = b"{\"num_records_imported\":1}".to_vec();
        Ok(Answer { status: 200, body, ..Answer::default() })
    }
}

impl Door {
    /// Opens or closes it, and counts anew.
    fn set(&self, is_open: bool) {
        *self.0.lock().unwrap() = (is_open, 0);
    }

    fn requests(&self) -> usize {
        self.0.lock().unwrap().1
    }
}

struct Bench {
    sink: Sink,
    door: Door,
    awards: Codec<Award>,
    // The codecs outlive the log, but not its directory.
    _directory: tempfile::TempDir,
}

fn bench() -> Bench {
    let directory = tempfile::tempdir().unwrap();
    let clock = SystemClock::shared();
    let path = directory.path().join("log");
    let log = EmbeddedLog::open(&path, EmbeddedConfig::default(), Arc::clone(&clock)).unwrap();
    let log = Arc::new(log).into_log();
    let pace = Pace {
        first: Duration::from_millis(1),
        longest: Duration::from_millis(1),
        jitter_min: Duration::ZERO,
        jitter_max: Duration::ZERO,
        patience: Duration::ZERO,
    };
    let rhythm = Rhythm { limits: Limits::new(1, 1 << 20), pace, interval: Duration::ZERO };
    let metrics = SinkMetrics::register(&Registry::new().unwrap()).unwrap();
    let around = Surroundings {
        clock: Arc::clone(&clock),
        shutdown: ShutdownTrigger::new(Arc::clone(&clock)).shutdown(),
        condition: Readiness::new(clock).condition("mixpanel"),
        metrics: metrics.clone(),
    };
    let door = Door::default();
    let sender = Sender::new(Box::new(door.clone()), rhythm, around);
    let sink = Sink::new(&log, DistinctId::UserKey, sender, metrics).unwrap();
    Bench { sink, door, awards: log.codec(Topic::Awards).unwrap(), _directory: directory }
}

impl Bench {
    /// One award in each of two partitions.
    fn batch(&self) -> Batch {
        let mut batch = Batch::default();
        for number in [0, 1] {
            let mut value = Vec::new();
            self.awards.encode(&award(number), &mut value).unwrap();
            let partition = Partition::new(Topic::Awards, i32::try_from(number).unwrap());
            batch.push(Record {
                position: Position { partition, offset: 7 },
                timestamp: Timestamp::EPOCH,
                key: None,
                value: Some(&value),
            });
        }
        batch
    }

    /// Processes until it goes well; it does after some turns, each of which settles something.
    fn process(&mut self, batch: &Batch) {
        let mut outbox = Outbox::default();
        while self.sink.process(batch, &mut outbox).is_err() {
            self.sink.rolled_back();
        }
        assert!(outbox.is_empty());
    }

    fn imported(&self) -> u64 {
        self.sink.metrics.records.with([Topic::Awards.name(), "imported"]).get()
    }
}

#[test]
fn a_record_is_counted_when_it_is_committed_and_not_before() {
    let mut bench = bench();
    bench.door.set(true);
    let batch = bench.batch();
    bench.process(&batch);
    bench.sink.rolled_back();
    assert_eq!(bench.imported(), 0);
    bench.process(&batch);
    assert_eq!(bench.imported(), 0);
    bench.sink.committed(&Receipt::default()).unwrap();
    assert_eq!(bench.imported(), 2);
    bench.sink.committed(&Receipt::default()).unwrap();
    assert_eq!(bench.imported(), 2);
}

#[test]
fn verdicts_are_kept_until_the_batch_is_committed_or_the_partition_is_gone() {
    let mut bench = bench();
    let batch = bench.batch();
    let mut outbox = Outbox::default();
    bench.door.set(true);
    // Without patience there is one request in a turn.
    assert!(bench.sink.process(&batch, &mut outbox).is_err());
    bench.door.set(false);
    assert!(bench.sink.process(&batch, &mut outbox).is_err());
    assert_eq!(bench.door.requests(), 1, "the one that is not settled");
    bench.sink.revoked(Partition::new(Topic::Awards, 1));
    assert_eq!(bench.sink.settled.len(), 1);
    bench.sink.revoked(Partition::new(Topic::Awards, 0));
    assert_eq!(bench.sink.settled.len(), 0);

    bench.door.set(true);
    bench.process(&batch);
    assert_eq!(bench.door.requests(), 2);
    bench.sink.committed(&Receipt::default()).unwrap();
    assert_eq!(bench.sink.settled.len(), 0);
}
