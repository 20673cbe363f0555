//! The contract. Every test is run with every backend.

use std::sync::Arc;
use std::time::Duration;

use kleos_contracts::time::Timestamp;
use kleos_contracts::topic::Topic;
use kleos_event_log::{Batch, LogError, Outbox, Outgoing, Partition, Progress, Start, WorkerError};

use crate::bench::{Bench, Running, assert_counted, feed, keys, read_all, spec, wait_for_records};
use crate::counting::{Counting, Disk, Gate, Plan};

/// Gives every test of the contract to a backend, as tests of its own.
macro_rules! contract {
    ($($name:ident),+ $(,)?) => {
        macro_rules! contract_tests {
            ($bench:expr) => {
                $(#[test] fn $name() { $crate::suite::$name(&mut $bench); })+
            };
        }
        pub(crate) use contract_tests;
    };
}

contract!(
    records_of_a_key_are_processed_once_and_in_their_order,
    a_failed_batch_leaves_nothing_and_comes_again,
    a_poisonous_record_is_set_aside_and_its_partition_goes_on,
    a_second_worker_takes_its_share_and_gives_it_back,
    a_rebalance_during_a_transaction_loses_and_doubles_nothing,
    a_worker_that_does_not_poll_cannot_commit,
    a_new_worker_restores_the_state_before_it_processes,
    a_kept_state_is_only_caught_up,
    a_state_that_the_changelog_does_not_reach_is_restored_from_the_beginning,
    a_worker_of_the_same_name_takes_over_at_once,
    reading_does_not_skip_what_was_deleted,
    who_has_done_every_record_is_not_behind,
    an_appended_record_can_be_read_where_the_answer_says,
    a_reader_comes_to_the_end_and_then_follows,
    only_the_last_publisher_of_a_name_can_publish,
    kills_lose_and_double_nothing,
);

pub(crate) fn records_of_a_key_are_processed_once_and_in_their_order(bench: &mut dyn Bench) {
    let log = bench.log();
    let fed = keys(20, 25);
    feed(&log, &fed);
    let worker = Running::start(log.clone(), spec("copier", "a"), Plan::default());
    wait_for_records(&log, Topic::Events, fed.len());
    worker.stop();
    assert_counted(&log, &fed);
}

pub(crate) fn a_failed_batch_leaves_nothing_and_comes_again(bench: &mut dyn Bench) {
    let log = bench.log();
    let fed = keys(5, 10);
    feed(&log, &fed);
    let plan = Plan { failures: 2, ..Plan::default() };
    let worker = Running::start(log.clone(), spec("copier", "a"), plan);
    wait_for_records(&log, Topic::Events, fed.len());
    let host = Arc::clone(&worker.host);
    worker.stop();
    assert_eq!(host.heard().iter().filter(|event| *event == "RolledBack").count(), 2);
    assert_counted(&log, &fed);
}

pub(crate) fn a_poisonous_record_is_set_aside_and_its_partition_goes_on(bench: &mut dyn Bench) {
    let log = bench.log();
    let fed = vec!["key".to_owned(); 5];
    feed(&log, &fed);
    let plan = Plan { poison: Some("2".to_owned()), ..Plan::default() };
    let worker = Running::start(log.clone(), spec("copier", "a"), plan);
    wait_for_records(&log, Topic::Events, 4);
    worker.stop();
    assert_counted(&log, &fed[..4]);
    let letters: Vec<String> =
        read_all(&log, Topic::DeadLetters).into_iter().map(|(_, _, value)| value).collect();
    assert_eq!(letters, ["2"]);
}

pub(crate) fn a_second_worker_takes_its_share_and_gives_it_back(bench: &mut dyn Bench) {
    let log = bench.log();
    let mut fed = keys(20, 5);
    feed(&log, &fed);
    let first = Running::start(log.clone(), spec("copier", "a"), Plan::default());
    first.host.wait_for("Partitions { running: 4, restoring: 0 }");
    let second = Running::start(log.clone(), spec("copier", "b"), Plan::default());
    second.host.wait_for("Partitions { running: 2, restoring: 0 }");
    feed(&log, &fed.clone());
    fed.extend(keys(20, 5));
    wait_for_records(&log, Topic::Events, fed.len());
    assert!(!second.stop().disk.counts.is_empty(), "the second worker had work");
    feed(&log, &keys(20, 5));
    fed.extend(keys(20, 5));
    wait_for_records(&log, Topic::Events, fed.len());
    first.stop();
    assert_counted(&log, &fed);
}

pub(crate) fn a_rebalance_during_a_transaction_loses_and_doubles_nothing(bench: &mut dyn Bench) {
    let log = bench.log();
    let fed = keys(20, 20);
    feed(&log, &fed);
    let gate = Arc::new(Gate::default());
    let plan = Plan { gate: Some(Arc::clone(&gate)), ..Plan::default() };
    let first = Running::start(log.clone(), spec("copier", "a"), plan);
    gate.wait_until_reached();
    let second = Running::start(log.clone(), spec("copier", "b"), Plan::default());
    std::thread::sleep(Duration::from_millis(500));
    gate.open();
    second.host.wait_for("Partitions { running: 2, restoring: 0 }");
    wait_for_records(&log, Topic::Events, fed.len());
    first.stop();
    second.stop();
    assert_counted(&log, &fed);
}

pub(crate) fn a_worker_that_does_not_poll_cannot_commit(bench: &mut dyn Bench) {
    let log = bench.log();
    let fed = keys(20, 5);
    feed(&log, &fed);
    let gate = Arc::new(Gate::default());
    let plan = Plan { gate: Some(Arc::clone(&gate)), ..Plan::default() };
    let zombie = Running::start(log.clone(), spec("copier", "a"), plan);
    gate.wait_until_reached();
    std::thread::sleep(bench.poll_interval_max() + Duration::from_secs(1));
    let successor = Running::start(log.clone(), spec("copier", "b"), Plan::default());
    wait_for_records(&log, Topic::Events, fed.len());
    gate.open();
    zombie.host.wait_for("RolledBack");
    zombie.stop();
    successor.stop();
    assert_counted(&log, &fed);
}

pub(crate) fn a_new_worker_restores_the_state_before_it_processes(bench: &mut dyn Bench) {
    let log = bench.log();
    let mut fed = keys(20, 10);
    feed(&log, &fed);
    let first = Running::start(log.clone(), spec("copier", "a"), Plan::default());
    wait_for_records(&log, Topic::Events, fed.len());
    let disk = first.stop().disk;
    feed(&log, &keys(20, 10));
    fed.extend(keys(20, 10));
    let second = Running::start(log.clone(), spec("copier", "a"), Plan::default());
    wait_for_records(&log, Topic::Events, fed.len());
    let stage = second.stop();
    assert!(stage.restored >= disk.counts.len());
    assert_counted(&log, &fed);
}

pub(crate) fn a_kept_state_is_only_caught_up(bench: &mut dyn Bench) {
    let log = bench.log();
    let fed = keys(20, 10);
    feed(&log, &fed);
    let first = Running::start(log.clone(), spec("copier", "a"), Plan::default());
    wait_for_records(&log, Topic::Events, fed.len());
    let disk = first.stop().disk;
    let kept = Counting::over(disk.clone(), Plan::default());
    let second = Running::start_with(log.clone(), spec("copier", "a"), kept);
    second.host.wait_for("Partitions { running: 4, restoring: 0 }");
    let stage = second.stop();
    assert_eq!((stage.restored, stage.disk), (0, disk));
}

pub(crate) fn a_state_that_the_changelog_does_not_reach_is_restored_from_the_beginning(
    bench: &mut dyn Bench,
) {
    let log = bench.log();
    let fed = keys(20, 10);
    feed(&log, &fed);
    let first = Running::start(log.clone(), spec("copier", "a"), Plan::default());
    wait_for_records(&log, Topic::Events, fed.len());
    let disk = first.stop().disk;
    let mut foreign = Disk::default();
    foreign.positions.insert(2, 1_000_000);
    foreign.counts.insert((2, "foreign".to_owned()), 9);
    let stage = Counting::over(foreign, Plan::default());
    let second = Running::start_with(log.clone(), spec("copier", "a"), stage);
    second.host.wait_for("Partitions { running: 4, restoring: 0 }");
    let stage = second.stop();
    assert_eq!(stage.forgotten, [Partition::new(Topic::Raw, 2)]);
    assert_eq!(stage.disk.counts, disk.counts);
}

pub(crate) fn a_worker_of_the_same_name_takes_over_at_once(bench: &mut dyn Bench) {
    let log = bench.log();
    let mut fed = keys(20, 5);
    feed(&log, &fed);
    let first = Running::start(log.clone(), spec("copier", "a"), Plan::default());
    wait_for_records(&log, Topic::Events, fed.len());
    let second = Running::start(log.clone(), spec("copier", "a"), Plan::default());
    second.host.wait_for("Partitions { running: 4, restoring: 0 }");
    let (_, ended) = first.join();
    assert!(
        matches!(ended, Err(WorkerError::Log(LogError::InstanceTaken { .. }))),
        "ended with {ended:?}"
    );
    feed(&log, &keys(20, 5));
    fed.extend(keys(20, 5));
    wait_for_records(&log, Topic::Events, fed.len());
    second.stop();
    assert_counted(&log, &fed);
}

pub(crate) fn reading_does_not_skip_what_was_deleted(bench: &mut dyn Bench) {
    let log = bench.log();
    let fed = vec!["key".to_owned(); 20];
    let places = feed(&log, &fed);
    let worker = Running::start(log.clone(), spec("copier", "a"), Plan::default());
    wait_for_records(&log, Topic::Events, fed.len());
    worker.stop();
    feed(&log, &fed);
    let partition = places[0].partition;
    bench.truncate(partition, 30);
    let worker = Running::start(log, spec("copier", "a"), Plan::default());
    let (_, ended) = worker.join();
    let Err(WorkerError::Log(LogError::OutOfRange { partition: at, offset, low, .. })) = ended
    else {
        panic!("ended with {ended:?}");
    };
    // A transaction's marker may lie behind the last record that was read.
    assert_eq!((at, low, offset == 20 || offset == 21), (partition, 30, true));
}

pub(crate) fn who_has_done_every_record_is_not_behind(bench: &mut dyn Bench) {
    let log = bench.log();
    let fed = keys(20, 5);
    feed(&log, &fed);
    let behind = || -> Vec<i64> {
        let standings = log.progress("copier", Topic::Raw).unwrap();
        standings.iter().map(|standing| standing.behind).collect()
    };
    let before: i64 = behind().into_iter().sum();
    assert!(
        before >= 100,
        "every record, and marks of transactions where there are some: {before}"
    );
    let worker = Running::start(log.clone(), spec("copier", "a"), Plan::default());
    wait_for_records(&log, Topic::Events, fed.len());
    worker.stop();
    assert_eq!(behind(), [0; 4]);
}

pub(crate) fn an_appended_record_can_be_read_where_the_answer_says(bench: &mut dyn Bench) {
    let log = bench.log();
    let appender = log.appender(Topic::Raw).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let places = runtime.block_on(async {
        let answers: Vec<_> = (0..300)
            .map(|number: i32| {
                let now = Timestamp::from_millis(1_700_000_000_000);
                appender.append(now, number.to_string().into_bytes())
            })
            .collect();
        let mut places = Vec::new();
        for answer in answers {
            places.push(answer.await.unwrap());
        }
        places
    });
    let mut expected: Vec<_> = places
        .into_iter()
        .enumerate()
        .map(|(number, place)| (place, String::new(), number.to_string()))
        .collect();
    let mut found = read_all(&log, Topic::Raw);
    expected.sort();
    found.sort();
    assert_eq!(found, expected);
}

pub(crate) fn a_reader_comes_to_the_end_and_then_follows(bench: &mut dyn Bench) {
    let log = bench.log();
    feed(&log, &keys(3, 4));
    let mut all = log.reader(Topic::Raw, Start::Earliest).unwrap();
    let mut new = log.reader(Topic::Raw, Start::End).unwrap();
    let mut batch = Batch::default();
    let mut read = |reader: &mut dyn kleos_event_log::Reader, enough: usize| {
        batch.clear();
        let deadline = std::time::Instant::now() + Duration::from_secs(30);
        let mut progress = Progress::Behind;
        while batch.len() < enough || progress == Progress::Behind {
            assert!(std::time::Instant::now() < deadline, "{} of {enough}", batch.len());
            progress = reader.read(&mut batch, Duration::from_millis(100)).unwrap();
        }
        batch.len()
    };
    assert_eq!(read(all.as_mut(), 12), 12);
    assert_eq!(read(new.as_mut(), 0), 0);
    feed(&log, &keys(3, 2));
    assert_eq!(read(all.as_mut(), 6), 6);
    assert_eq!(read(new.as_mut(), 6), 6);
}

pub(crate) fn only_the_last_publisher_of_a_name_can_publish(bench: &mut dyn Bench) {
    let log = bench.log();
    let mut outbox = Outbox::default();
    outbox
        .push(Outgoing {
            partition: Partition::new(Topic::Rules, 0),
            timestamp: Timestamp::from_millis(1_700_000_000_000),
            key: Some(b"k"),
            value: b"v",
        })
        .unwrap();
    let mut first = log.publisher("rules").unwrap();
    first.publish(&outbox).unwrap();
    let mut second = log.publisher("rules").unwrap();
    assert!(first.publish(&outbox).is_err());
    let places = second.publish(&outbox).unwrap();
    let found: Vec<_> =
        read_all(&log, Topic::Rules).into_iter().map(|(position, _, _)| position).collect();
    assert_eq!(found.len(), 2);
    assert_eq!(found.last(), places.last());
}

/// A child process runs the worker and is killed, again and again.
pub(crate) fn kills_lose_and_double_nothing(bench: &mut dyn Bench) {
    let fed = keys(40, 250);
    feed(&bench.log(), &fed);
    bench.close();
    let mut pauses = [40_u64, 90, 10, 150, 60, 25, 200, 120].into_iter();
    let mut killed = 0;
    for pause in pauses.by_ref() {
        let mut child = spawn_child(bench);
        std::thread::sleep(Duration::from_millis(300 + pause));
        if child.try_wait().unwrap().is_none() {
            killed += 1;
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }
    assert!(killed >= 4, "only {killed} kills met a running child");
    let mut child = spawn_child(bench);
    assert!(child.wait().unwrap().success());
    bench.reopen();
    assert_counted(&bench.log(), &fed);
}

/// The environment variable that makes this test binary a worker.
pub(crate) const CHILD: &str = "KLEOS_CONTRACT_CHILD";

fn spawn_child(bench: &dyn Bench) -> std::process::Child {
    let test = if bench.child_environment().iter().any(|(name, _)| *name == "KLEOS_DIRECTORY") {
        "embedded::child"
    } else {
        "kafka::child"
    };
    std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(CHILD, "1")
        .envs(bench.child_environment())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap()
}

/// What the child does: process slowly until all is done, with its state on no disk at all.
pub(crate) fn run_child(log: &kleos_event_log::EventLog) {
    let plan = Plan { slowness: Duration::from_millis(15), ..Plan::default() };
    let worker = Running::start(log.clone(), spec("copier", "a"), plan);
    wait_for_records(log, Topic::Events, 40 * 250);
    worker.stop();
}
