//! What outlives the process, and what outlives the local copy.

use std::path::Path;

use kleos_contracts::event::LearningEvent;
use kleos_contracts::state::ProcessorState;
use kleos_contracts::topic::Topic;
use kleos_event_log::{Address, EventLog, Outbox, Partition};
use kleos_rules_processor::state_directory;
use kleos_test_kit::log::{PARTITIONS, TestLog};
use tempfile::tempdir;

use crate::bench::{COURSE_POINTS, course, feed, minute, publish, settings};
use crate::books::Books;
use crate::service::{Answer, Service, metric};

const LEARNERS: u32 = 20;

/// Each learner completes so many courses, beginning with course `first`.
fn courses(first: u32, count: u32) -> Vec<LearningEvent> {
    (first..first + count).flat_map(|number| course(0..LEARNERS, number)).collect()
}

/// Lets the first process of a deployment decide about events; what it answers then.
fn first_answers(log: &EventLog, data: &Path, events: &[LearningEvent]) -> Vec<Answer> {
    let service = Service::start(log, settings(data, ""));
    service.wait_for_rules();
    feed(log, events);
    service.wait_for(events.len());
    let answers: Vec<Answer> = (0..LEARNERS).map(|number| service.learner(number)).collect();
    assert!(answers.iter().all(|answer| answer.status == 200), "{answers:?}");
    service.stop();
    answers
}

#[track_caller]
fn assert_answers(service: &Service, expected: &[Answer]) {
    service.wait_until_it_has(4);
    for (number, expected) in (0..).zip(expected) {
        assert_eq!(service.learner(number), *expected);
    }
}

/// Every learner was paid for so many courses, each once.
#[track_caller]
fn assert_paid(log: &EventLog, courses: u32) {
    let books = Books::read(log);
    books.assert_agree();
    assert_eq!(books.balances().len(), LEARNERS as usize);
    let expected = COURSE_POINTS * i64::from(courses);
    assert!(
        books.balances().values().all(|balance| *balance == expected),
        "{:?}",
        books.balances()
    );
}

pub(crate) fn a_restart_keeps_everything(bench: &mut dyn TestLog) {
    let (log, data) = (bench.log(), tempdir().unwrap());
    let first = courses(0, 3);
    let before = first_answers(&log, data.path(), &first);

    let service = Service::start(&log, settings(data.path(), ""));
    assert_answers(&service, &before);
    let restored = metric(service.process(), "kleos_worker_restored_records_total", "");
    assert_eq!(restored, 0, "what is kept need not be restored");
    // What was accepted before the restart is known after it.
    let second: Vec<_> = courses(2, 3);
    feed(&log, &second);
    service.wait_for(second.len());
    let duplicates = metric(&service.stop(), "kleos_rules_events_total", "outcome=\"duplicate\"");
    assert_eq!(duplicates, u64::from(LEARNERS));
    assert_paid(&log, 5);
}

pub(crate) fn a_deleted_directory_is_restored_to_the_same_answers_and_nobody_is_paid_twice(
    bench: &mut dyn TestLog,
) {
    let (log, data) = (bench.log(), tempdir().unwrap());
    let all = courses(0, 4);
    let before = first_answers(&log, data.path(), &all);
    std::fs::remove_dir_all(state_directory(data.path())).unwrap();

    let service = Service::start(&log, settings(data.path(), ""));
    assert_answers(&service, &before);
    let restored = metric(service.process(), "kleos_worker_restored_records_total", "");
    assert!(restored >= u64::from(LEARNERS), "{restored}");
    feed(&log, &all);
    service.wait_for(all.len());
    let process = service.stop();
    let duplicates = metric(&process, "kleos_rules_events_total", "outcome=\"duplicate\"");
    assert_eq!(duplicates, all.len() as u64);
    assert_eq!(metric(&process, "kleos_rules_awards_total", ""), 0);
    assert_paid(&log, 4);
}

/// The copy says that it goes on behind the changelog's end, as after somebody else's restore of
/// the topic: then nothing of it can be believed.
pub(crate) fn a_copy_that_the_changelog_does_not_reach_is_restored_from_the_beginning(
    bench: &mut dyn TestLog,
) {
    let (log, data) = (bench.log(), tempdir().unwrap());
    let all = courses(0, 2);
    let before = first_answers(&log, data.path(), &all);
    write_positions(&state_directory(data.path()), 1_000_000);

    let service = Service::start(&log, settings(data.path(), ""));
    assert_answers(&service, &before);
    feed(&log, &all);
    service.wait_for(all.len());
    assert_eq!(metric(&service.stop(), "kleos_rules_awards_total", ""), 0);
    assert_paid(&log, 2);
}

/// Says in the copy from where the changelogs go on, as the copy's own keys are documented.
fn write_positions(directory: &Path, offset: i64) {
    let families = ["default", "learners", "dedup", "shards"];
    let db = rocksdb::DB::open_cf(&rocksdb::Options::default(), directory, families).unwrap();
    for topic in [Topic::State, Topic::Dedup] {
        for partition in 0..PARTITIONS {
            let mut key = vec![b'c', topic.number()];
            key.extend(partition.to_be_bytes());
            assert!(db.get(&key).unwrap().is_some(), "the keys are those of the program");
            db.put(&key, offset.to_be_bytes()).unwrap();
        }
    }
}

/// A learner of nobody's in the changelog of partition 0.
pub(crate) fn write_to_the_changelog(log: &EventLog, key: Option<&[u8]>) {
    let codec = log.codec::<ProcessorState>(Topic::State).unwrap();
    let address = Address { partition: Partition::new(Topic::State, 0), timestamp: minute(0), key };
    let mut outbox = Outbox::default();
    outbox.send(&codec, address, &ProcessorState::default()).unwrap();
    publish(log, &outbox);
}
