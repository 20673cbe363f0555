//! A processor that is killed.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};

use kleos_contracts::state::ProcessorState;
use kleos_contracts::topic::Topic;
use kleos_event_log::{EventLog, Kind, Position};
use kleos_rules_processor::{SERVICE, read_state, state_directory};

use crate::bench::{COURSE_POINTS, PARTITIONS, course, feed, settings, wait_until};
use crate::books::Books;
use crate::service::{Service, metric};
use crate::suite::Bench;

/// The environment variable that makes this test binary a processor, with its data directory.
pub(crate) const CHILD: &str = "KLEOS_RULES_CHILD";

const LEARNERS: u32 = 40;
const COURSES: u32 = 60;
const KILLS: usize = 4;

/// On a cluster each kill meets an open transaction: its records are written, but not committed.
pub(crate) fn kills_lose_and_double_nothing_and_leave_a_state_that_is_the_ledgers(
    bench: &mut dyn Bench,
) {
    let data = bench.directory().join("data");
    let mut events: Vec<_> = (0..COURSES).flat_map(|number| course(0..LEARNERS, number)).collect();
    // Some are sent again, in the same and in other transactions.
    events.extend(events.iter().step_by(17).cloned().collect::<Vec<_>>());
    let ends = ends_of(&feed(&bench.log(), &events));
    bench.close();
    let watch = bench.watch();
    for _ in 0..KILLS {
        let before = committed(&watch);
        let mut child = Victim::start(bench, &data);
        child.wait_until("something was committed", |_| committed(&watch) > before);
        child.stop_in_a_transaction(&watch);
        child.kill();
    }
    drop(watch);
    bench.reopen();
    let log = bench.log();
    let service = Service::start(&log, settings(&data, ""));
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
    assert_eq!(kept(&log, &data), expected);
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

/// A child that is killed when it is dropped, and what it has said.
struct Victim {
    child: Child,
    said: PathBuf,
}

impl Victim {
    /// Starts this test binary again, as a processor.
    fn start(bench: &dyn Bench, data: &Path) -> Self {
        let (test, environment) = bench.child();
        let said = bench.directory().join("child.log");
        let output = File::create(&said).unwrap();
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", test, "--nocapture"])
            .env(CHILD, data)
            .envs(environment)
            .stdout(output.try_clone().unwrap())
            .stderr(output)
            .spawn()
            .unwrap();
        Self { child, said }
    }

    /// Waits until a condition holds, while the child lives.
    fn wait_until(&mut self, what: &str, is_so: impl Fn(&Child) -> bool) {
        let child = RefCell::new(&mut self.child);
        wait_until(what, || {
            let mut child = child.borrow_mut();
            let ended = child.try_wait().unwrap();
            assert!(ended.is_none(), "before {what}: {}", fs::read_to_string(&self.said).unwrap());
            is_so(&child)
        });
    }

    /// Holds the child still where it has written records that are not committed. The embedded log
    /// shows nothing of that, so there it is held anywhere.
    fn stop_in_a_transaction(&mut self, watch: &EventLog) {
        let is_open = || {
            let standings = watch.progress(SERVICE, Topic::Awards).unwrap();
            standings.iter().any(|standing| standing.end > standing.stable)
        };
        self.wait_until("in a transaction", |child| {
            signal(child, "STOP");
            let is_there = watch.kind() == Kind::Embedded || is_open();
            if !is_there {
                signal(child, "CONT");
            }
            is_there
        });
    }

    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        // A test that has failed leaves no process behind.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn signal(child: &Child, name: &str) {
    let line = format!("kill -{name} {}", child.id());
    assert!(Command::new("sh").args(["-c", &line]).status().unwrap().success());
}

/// What the child does until it is killed: small transactions, so that there are many, of two
/// workers with one copy, which comes to the disk now and then.
pub(crate) fn run_child(log: &EventLog, data: &Path) {
    let settings = settings(data, "batch_records = 10\nworkers = 2\nflush_interval = \"1s\"");
    let service = Service::start(log, settings);
    panic!("{:?}", service.join());
}
