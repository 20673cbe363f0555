//! A processor that is killed.

use std::collections::BTreeMap;
use std::path::Path;

use kleos_contracts::state::ProcessorState;
use kleos_contracts::topic::Topic;
use kleos_event_log::{EventLog, Position};
use kleos_rules_processor::{SERVICE, read_state, state_directory};
use kleos_test_kit::log::{PARTITIONS, TestLog, hold_in_transaction, log_of_child, spawn_child};
use kleos_test_kit::wait::wait_until;
use tempfile::tempdir;

use crate::bench::{COURSE_POINTS, course, feed, settings};
use crate::books::Books;
use crate::service::{Service, metric};

/// The environment variable that makes this test binary a processor, with its data directory.
const CHILD: &str = "KLEOS_RULES_CHILD";

const LEARNERS: u32 = 40;
const COURSES: u32 = 60;
const KILLS: usize = 4;

/// On a cluster each kill meets an open transaction: its records are written, but not committed.
pub(crate) fn kills_lose_and_double_nothing_and_leave_a_state_that_is_the_ledgers(
    bench: &mut dyn TestLog,
) {
    let data = tempdir().unwrap();
    let mut events: Vec<_> = (0..COURSES).flat_map(|number| course(0..LEARNERS, number)).collect();
    // Some are sent again, in the same and in other transactions.
    events.extend(events.iter().step_by(17).cloned().collect::<Vec<_>>());
    let ends = ends_of(&feed(&bench.log(), &events));
    bench.close();
    let watch = bench.watch();
    for _ in 0..KILLS {
        let before = committed(&watch);
        let child = spawn_child(bench, "suite::kills::child", (CHILD, data.path()));
        wait_until("something was committed", || committed(&watch) > before);
        hold_in_transaction(&watch, &child, (SERVICE, Topic::Awards));
        drop(child);
    }
    drop(watch);
    bench.reopen();
    let log = bench.log();
    let service = Service::start(&log, settings(data.path(), ""));
    wait_until("all committed", || {
        let standings = log.progress(SERVICE, Topic::Events).unwrap();
        standings.iter().zip(&ends).all(|(standing, end)| standing.committed >= Some(*end))
    });
    let rest = metric(&service.stop(), "kleos_rules_events_total", "decided");
    assert!(rest > 0, "the last kill met a child that had work to do");

    let books = Books::read(&log);
    books.assert_agree();
    assert_eq!(books.decisions.len(), events.len());
    assert_eq!(books.awards.len(), (LEARNERS * COURSES) as usize);
    let paid = COURSE_POINTS * i64::from(COURSES);
    let expected: BTreeMap<String, i64> =
        (0..LEARNERS).map(|number| (format!("campus-a/{number}"), paid)).collect();
    let balances = books.balances().into_iter().map(|(key, balance)| (key.to_owned(), balance));
    assert_eq!(balances.collect::<BTreeMap<_, _>>(), expected);
    assert_eq!(kept(&log, data.path()), expected);
}

/// The offset after the last of these records, by partition.
fn ends_of(positions: &[Position]) -> Vec<i64> {
    let end_of = |partition| {
        let of_partition = positions.iter().filter(|at| at.partition.number == partition);
        of_partition.map(|at| at.offset + 1).max().unwrap()
    };
    (0..PARTITIONS).map(end_of).collect()
}

/// Balances as the local copy has them.
fn kept(log: &EventLog, data: &Path) -> BTreeMap<String, i64> {
    let codec = log.codec::<ProcessorState>(Topic::State).unwrap();
    let mut kept = BTreeMap::new();
    read_state(&state_directory(data), &codec, |learner| {
        kept.insert(learner.user_key, learner.balance);
        Ok(())
    })
    .unwrap();
    kept
}

/// How many offsets of the input are committed.
fn committed(log: &EventLog) -> i64 {
    let standings = log.progress(SERVICE, Topic::Events).unwrap();
    standings.iter().map(|standing| standing.committed.unwrap_or_default()).sum()
}

/// Not a test of its own: what the parent kills. Its transactions are small, so that there are many,
/// of two workers with one copy, which comes to the disk now and then.
#[test]
fn child() {
    if let Some(data) = std::env::var_os(CHILD) {
        let more = "batch_records = 10\nworkers = 2\nflush_interval = \"1s\"";
        let service = Service::start(&log_of_child(), settings(Path::new(&data), more));
        panic!("{:?}", service.join());
    }
}
