use kleos_contracts::key::{learner_key, partition_of, shard_of};
use kleos_event_log::{Extent, Position};
use kleos_service_kit::clock::SystemClock;
use kleos_service_kit::config::{self, Environment};
use kleos_service_kit::metrics::Registry;
use kleos_test_kit::builders::learning_event;
use kleos_test_kit::log::{Embedded, PARTITIONS, TestLog};

use super::*;

/// A stage on an embedded log, with a copy of its own.
struct Bench {
    stage: RulesStage,
    store: Arc<Store>,
    embedded: Embedded,
    _directory: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let embedded = Embedded::start();
        let log = embedded.log();
        let store = Arc::new(Store::open(&directory.path().join("state"), 16 << 20).unwrap());
        let path = directory.path().join("kleos.toml");
        std::fs::write(&path, "[rules]\n").unwrap();
        let settings = config::read(&path, &Environment::given([]), |root| {
            Some(Settings::read(&root.section("rules"), &BTreeMap::new(), directory.path()))
        });
        let shared = Shared {
            store: Arc::clone(&store),
            table: Arc::new(RuleTable::open(&log).unwrap()),
            ownership: Arc::new(Ownership::new("a", String::new())),
            settings: Arc::new(settings.unwrap().value),
            metrics: ProcessorMetrics::register(&Registry::new().unwrap()).unwrap(),
            clock: SystemClock::shared(),
        };
        let stage = open(&log, shared).unwrap();
        Self { stage, store, embedded, _directory: directory }
    }

    /// Processes learner 1's completion of a course, and counts what is to be written.
    fn process(&mut self) -> (usize, Partition) {
        let event = learning_event(1);
        let key = learner_key(&event.tenant, &event.user.key);
        let number = partition_of(key.as_bytes(), PARTITIONS);
        let partition = Partition::new(Topic::Events, number);
        let mut value = Vec::new();
        self.embedded.log().codec(Topic::Events).unwrap().encode(&event, &mut value).unwrap();
        let mut batch = Batch::default();
        batch.push(Record {
            position: Position { partition, offset: 7 },
            timestamp: event.accepted_at,
            key: Some(key.as_bytes()),
            value: Some(&value),
        });
        let mut outbox = Outbox::default();
        self.stage.process(&batch, &mut outbox).unwrap();
        let awards = outbox.iter().filter(|record| record.partition.topic == Topic::Awards);
        (awards.count(), partition)
    }

    fn is_known(&self) -> bool {
        let key = learner_key("acme", "campus-a/1");
        self.store.learner(shard_of(key.as_bytes()), key.as_bytes()).unwrap().is_some()
    }
}

#[test]
fn the_state_is_written_after_the_commit_and_not_before() {
    let mut bench = Bench::new();
    let (awards, partition) = bench.process();
    assert_eq!((awards, bench.is_known()), (1, false));
    let changelog = Partition::new(Topic::State, partition.number);
    bench
        .stage
        .committed(&Receipt {
            inputs: vec![Extent { partition, first: 7, next: 8 }],
            changelogs: vec![(changelog, 40)],
        })
        .unwrap();
    assert!(bench.is_known());
    let position = bench.store.changelog_position(Topic::State, partition.number).unwrap();
    assert_eq!(position, Some(40));
}

#[test]
fn what_is_rolled_back_was_never_decided() {
    let mut bench = Bench::new();
    for _ in 0..3 {
        // Each time it is the learner's first event again, and pays.
        assert_eq!((bench.process().0, bench.is_known()), (1, false));
        bench.stage.rolled_back();
    }
    let (_, partition) = bench.process();
    let inputs = vec![Extent { partition, first: 7, next: 8 }];
    bench.stage.committed(&Receipt { inputs, changelogs: Vec::new() }).unwrap();
    assert_eq!(bench.process().0, 0, "a duplicate of what is committed");
}
