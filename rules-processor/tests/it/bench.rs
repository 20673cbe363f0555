//! What the processor is told, and what it is fed.

use std::path::Path;
use std::sync::LazyLock;

use kleos_contracts::event::{LearningEvent, Place};
use kleos_contracts::key::{learner_key, partition_of};
use kleos_contracts::time::{DAY, SECOND, Timestamp};
use kleos_contracts::topic::Topic;
use kleos_event_log::{Address, EventLog, Outbox, Outgoing, Partition, Position};
use kleos_rules_processor::Settings;
use kleos_service_kit::clock::{Clock, SystemClock};
use kleos_service_kit::config::tenants::{self, SecretUse};
use kleos_service_kit::config::{self, Environment};
use kleos_test_kit::builders::{EPOCH, learning_event};
use kleos_test_kit::log::PARTITIONS;

pub(crate) const QUERY_TOKEN: &str = "query-token-of-acme";
pub(crate) const OTHER_QUERY_TOKEN: &str = "query-token-of-umbrella";
pub(crate) const PUBLISH_TOKEN: &str = "token-of-the-publisher";

/// What every learner is paid for a course by the default rules.
pub(crate) const COURSE_POINTS: i64 = 50;

/// What the processor is told; `more` are lines of `[rules]`.
pub(crate) fn settings(data: &Path, more: &str) -> Settings {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("kleos.toml");
    let text = format!(
        "[tenants.acme]\nquery_tokens = [\"an-older-token-of-acme\", \"{QUERY_TOKEN}\"]\n\
         decisions = \"all\"\n\
         [tenants.umbrella]\nquery_tokens = [\"{OTHER_QUERY_TOKEN}\"]\n\
         [rules]\nlisten = \"127.0.0.1:0\"\npublish_token = \"{PUBLISH_TOKEN}\"\n\
         memory = \"16MiB\"\nlearner_cache = \"1MiB\"\n{more}\n"
    );
    std::fs::write(&path, text).unwrap();
    let loaded = config::read(&path, &Environment::given([]), |root| {
        let tenants = tenants::read(root, SecretUse::Needed);
        Some(Settings::read(&root.section("rules"), &tenants, data))
    });
    loaded.unwrap().value
}

/// Some minutes after the first event of all, which is of a Thursday two to three weeks ago, at
/// 10:15:30Z. What is older than its topic keeps it, a cluster deletes under a test's feet.
pub(crate) fn minute(minutes: i64) -> Timestamp {
    const WEEK: i64 = 7 * DAY;
    static WEEKS: LazyLock<i64> =
        LazyLock::new(|| SystemClock::new().now().since(EPOCH) / WEEK - 2);
    EPOCH.plus_micros(*WEEKS * WEEK + minutes * 60 * SECOND)
}

/// A learner does something in course 987.
pub(crate) fn act(learner: u32, id: &str, name: &'static str, at: Timestamp) -> LearningEvent {
    LearningEvent {
        event: name.into(),
        event_id: id.to_owned(),
        occurred_at: at,
        accepted_at: at.plus_micros(SECOND),
        ..learning_event(learner)
    }
}

/// A place of the platform.
pub(crate) fn place(id: &str) -> Option<Place> {
    Some(Place { id: id.to_owned(), title: None })
}

/// Each of some learners completes a course, which pays [`COURSE_POINTS`] and nothing else.
pub(crate) fn course(learners: std::ops::Range<u32>, number: u32) -> Vec<LearningEvent> {
    let complete = |learner| {
        let id = format!("{learner}-{number}");
        let mut event = act(learner, &id, "course.completed", minute(i64::from(number)));
        event.context.course = place(&format!("course-{number}"));
        event
    };
    learners.map(complete).collect()
}

pub(crate) fn key_of(event: &LearningEvent) -> String {
    learner_key(&event.tenant, &event.user.key)
}

/// The partition of learner `number` of tenant acme.
pub(crate) fn partition_of_learner(number: u32) -> i32 {
    partition_of(key_of(&learning_event(number)).as_bytes(), PARTITIONS)
}

/// A learner of each partition.
pub(crate) fn a_learner_of_each_partition() -> Vec<u32> {
    let first_of =
        |partition| (0..).find(|number| partition_of_learner(*number) == partition).unwrap();
    (0..PARTITIONS).map(first_of).collect()
}

/// Adds events to an outbox, each in its learner's partition.
pub(crate) fn put(log: &EventLog, outbox: &mut Outbox, events: &[LearningEvent]) {
    let codec = log.codec(Topic::Events).unwrap();
    for event in events {
        let key = key_of(event);
        let number = partition_of(key.as_bytes(), PARTITIONS);
        let partition = Partition::new(Topic::Events, number);
        let address =
            Address { partition, timestamp: event.accepted_at, key: Some(key.as_bytes()) };
        outbox.send(&codec, address, event).unwrap();
    }
}

/// Writes events to the log, all in one transaction.
pub(crate) fn feed(log: &EventLog, events: &[LearningEvent]) -> Vec<Position> {
    let mut outbox = Outbox::default();
    put(log, &mut outbox, events);
    publish(log, &outbox)
}

/// Writes bytes to the log as if they were a record of the topic.
pub(crate) fn feed_bytes(
    log: &EventLog,
    (topic, number): (Topic, i32),
    (key, value): (&[u8], &[u8]),
) -> Position {
    let mut outbox = Outbox::default();
    let partition = Partition::new(topic, number);
    outbox.push(Outgoing { partition, timestamp: minute(0), key: Some(key), value }).unwrap();
    publish(log, &outbox)[0]
}

pub(crate) fn publish(log: &EventLog, outbox: &Outbox) -> Vec<Position> {
    log.publisher("feed").unwrap().publish(outbox).unwrap()
}
