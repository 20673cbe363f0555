//! A log, a vendor, and the sink between them.

use std::sync::Arc;
use std::time::Duration;

use kleos_analytics_sink::{Credentials, Destination, DistinctId, Pace, Settings, Started};
use kleos_contracts::award::Award;
use kleos_contracts::dead_letter::DeadLetter;
use kleos_contracts::event::LearningEvent;
use kleos_contracts::key::{learner_key, partition_of};
use kleos_contracts::time::Timestamp;
use kleos_contracts::topic::Topic;
use kleos_event_log::{Address, EventLog, Outbox, Outgoing, Partition};
use kleos_service_kit::bootstrap::Process;
use kleos_service_kit::clock::SharedClock;
use kleos_service_kit::config::Secret;
use kleos_test_kit::clock::ManualClock;
use kleos_test_kit::log::PARTITIONS;
use kleos_test_kit::mixpanel::Mixpanel;
use kleos_test_kit::mixpanel::event::StoredEvent;
use kleos_test_kit::mixpanel::project::Project;
use kleos_test_kit::mixpanel::server::Running;
use kleos_test_kit::records;
use kleos_test_kit::service::Hosted;
use kleos_test_kit::wait::wait_until;

/// A vendor whose clock shows a time after all records of the builders that a test uses.
pub(crate) fn vendor() -> (Running, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::at("2025-08-22T00:00:00Z".parse().unwrap()));
    let shared: SharedClock = Arc::clone(&clock) as SharedClock;
    (Running::start(Project::default(), shared).unwrap(), clock)
}

/// For a vendor at an address, with requests of 100 and pauses that a test can wait out.
pub(crate) fn settings(url: &str) -> Settings {
    let (username, secret) = Project::default().account;
    let destination = Destination {
        url: url.parse().unwrap(),
        project_id: Some(Project::default().id),
        credentials: Credentials::ServiceAccount { username, secret: Secret::new(secret) },
    };
    Settings {
        destination: Some(destination),
        events: true,
        distinct_id: DistinctId::UserKey,
        batch_records: 100,
        batch_bytes: 1 << 20,
        request_interval: Duration::ZERO,
        workers: 1,
        pace: Pace {
            first: Duration::from_millis(1),
            longest: Duration::from_millis(20),
            jitter_min: Duration::ZERO,
            jitter_max: Duration::from_millis(1),
            patience: Duration::from_secs(1),
        },
    }
}

/// Writes awards to the log, each in its learner's partition.
pub(crate) fn feed_awards(log: &EventLog, awards: &[Award]) {
    let (mut outbox, codec) = (Outbox::default(), log.codec(Topic::Awards).unwrap());
    for award in awards {
        let key = learner_key(&award.tenant, &award.user_key);
        let address = address(Topic::Awards, &key, award.decided_at);
        outbox.send(&codec, address, award).unwrap();
    }
    log.publisher("feed").unwrap().publish(&outbox).unwrap();
}

/// Writes events to the log, each in its learner's partition.
pub(crate) fn feed_events(log: &EventLog, events: &[LearningEvent]) {
    let (mut outbox, codec) = (Outbox::default(), log.codec(Topic::Events).unwrap());
    for event in events {
        let key = learner_key(&event.tenant, &event.user.key);
        let address = address(Topic::Events, &key, event.accepted_at);
        outbox.send(&codec, address, event).unwrap();
    }
    log.publisher("feed").unwrap().publish(&outbox).unwrap();
}

/// Writes bytes to the log as if they were an award.
pub(crate) fn feed_bytes(log: &EventLog, value: &[u8]) {
    let mut outbox = Outbox::default();
    let partition = Partition::new(Topic::Awards, 0);
    let timestamp = Timestamp::from_millis(1_755_771_330_000);
    outbox.push(Outgoing { partition, timestamp, key: Some(b"acme|x"), value }).unwrap();
    log.publisher("feed").unwrap().publish(&outbox).unwrap();
}

fn address(topic: Topic, key: &str, timestamp: Timestamp) -> Address<'_> {
    let partition = Partition::new(topic, partition_of(key.as_bytes(), PARTITIONS));
    Address { partition, timestamp, key: Some(key.as_bytes()) }
}

/// All dead letters of the log.
pub(crate) fn dead_letters(log: &EventLog) -> Vec<DeadLetter> {
    records::read(log, Topic::DeadLetters).into_iter().map(|letter| letter.value).collect()
}

/// The sink as a process of its own, in this one.
pub(crate) struct Service {
    pub(crate) hosted: Hosted,
}

impl Service {
    pub(crate) fn start(log: &EventLog, settings: Settings) -> Self {
        let (service, started) = Self::try_start(log, settings);
        assert_eq!(started, Started::Running);
        service
    }

    pub(crate) fn try_start(log: &EventLog, settings: Settings) -> (Self, Started) {
        let (hosted, started) = Hosted::start(async |process| {
            kleos_analytics_sink::start(process, log.clone(), "test", settings).await.unwrap()
        });
        (Self { hosted }, started)
    }

    /// Stops the sink; the batch in hand is finished.
    pub(crate) fn stop(self) -> Process {
        self.hosted.stop()
    }

    /// Waits until the process is as it should be.
    #[track_caller]
    pub(crate) fn wait_until(&self, what: &str, is_so: impl Fn(&Process) -> bool) {
        wait_until(what, || is_so(&self.hosted.process));
    }
}

/// The sum of a metric's series whose labels contain all of some texts.
pub(crate) fn metric(process: &Process, name: &str, labels: &[&str]) -> u64 {
    let text = process.metrics.text().unwrap();
    let series = text.lines().filter(|line| {
        line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' ']))
            && labels.iter().all(|label| line.contains(label))
    });
    series.map(|line| line.rsplit_once(' ').unwrap().1.parse::<u64>().unwrap()).sum()
}

/// How many records had an outcome.
pub(crate) fn outcome(process: &Process, outcome: &str) -> u64 {
    metric(process, "kleos_sink_records_total", &[&format!("outcome=\"{outcome}\"")])
}

/// Every record that was committed had one outcome.
#[track_caller]
pub(crate) fn assert_conserved(process: &Process, fed: usize) {
    let outcomes = metric(process, "kleos_sink_records_total", &[]);
    assert_eq!(outcomes, metric(process, "kleos_worker_records_total", &[]));
    assert_eq!(outcomes, fed as u64);
    let dead = outcome(process, "dead_letter");
    assert_eq!(dead, metric(process, "kleos_sink_dead_letters_total", &[]));
}

/// The vendor shows exactly these awards, each with its points.
#[track_caller]
pub(crate) fn assert_shows(mixpanel: &Mixpanel, awards: &[Award]) {
    let mut shown: Vec<_> = mixpanel.deduplicated().iter().map(award_of).collect();
    let mut expected: Vec<_> = awards
        .iter()
        .map(|award| (award.entry_id.clone(), award.occurred_at.millis(), award.points))
        .collect();
    shown.sort();
    expected.sort();
    assert_eq!(shown, expected);
}

fn award_of(event: &StoredEvent) -> (String, i64, i64) {
    assert!(event.event.starts_with("award."), "{event:?}");
    let entry_id = event.properties["entry_id"].as_str().unwrap().to_owned();
    assert_eq!(Some(event.insert_id.as_str()), entry_id.get(..32));
    (entry_id, event.time_millis, event.properties["points"].as_i64().unwrap())
}
