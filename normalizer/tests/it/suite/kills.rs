//! A normalizer that is killed, and several that share the work.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Command};

use kleos_contracts::raw::RawWebhook;
use kleos_contracts::topic::Topic;
use kleos_event_log::{EventLog, Kind};
use kleos_normalizer::SERVICE;

use crate::bench::{Service, committed, feed, metric, numbered, settings, wait_until, webhook};
use crate::output::Output;
use crate::suite::Bench;

/// The environment variable that makes this test binary a normalizer.
pub(crate) const CHILD: &str = "KLEOS_NORMALIZER_CHILD";

const WEBHOOKS: usize = 3_000;
const KILLS: usize = 4;

/// Feeds many webhooks, some of a type that nobody maps and some that cannot be understood. Tells
/// where each partition ends.
fn feed_many(log: &EventLog) -> Vec<i64> {
    let of = |number: usize| match number % 25 {
        7 => RawWebhook { body: b"{}".to_vec(), ..numbered(number) },
        8 => {
            let body = r#"{"eventname":"\\core\\event\\user_loggedout","userid":"1"}"#;
            let delivery_id = format!("delivery-{number}");
            RawWebhook { delivery_id, ..webhook("campus-a", body) }
        }
        _ => numbered(number),
    };
    let end_of = |partition: usize| {
        let mine: Vec<_> = (partition..WEBHOOKS).step_by(4).map(of).collect();
        let positions = feed(log, i32::try_from(partition).unwrap(), &mine);
        positions.last().unwrap().offset + 1
    };
    (0..4).map(end_of).collect()
}

/// Every webhook came to one record, and to no second one.
#[track_caller]
fn assert_each_once(log: &EventLog) {
    let output = Output::read(log);
    output.assert_placed();
    let codec = log.codec::<RawWebhook>(Topic::Raw).unwrap();
    let events = output.events.iter().map(|found| found.value.trace.delivery_id.clone().unwrap());
    let unmapped = output.unmapped.iter().map(|found| found.value.delivery_id.clone());
    let letters = output.letters.iter().map(|found| {
        let webhook = codec.decode(&found.value.value).unwrap();
        webhook.delivery_id
    });
    let mut times: BTreeMap<String, usize> = BTreeMap::new();
    for delivery in events.chain(unmapped).chain(letters) {
        *times.entry(delivery).or_default() += 1;
    }
    assert_eq!(times.len(), WEBHOOKS);
    assert_eq!(times.into_iter().find(|(_, times)| *times != 1), None);
    assert_eq!((output.unmapped.len(), output.letters.len()), (120, 120));
}

/// On a cluster each kill meets an open transaction: its records are written, its offsets not yet
/// committed.
pub(crate) fn kills_between_processing_and_commit_lose_and_double_nothing(bench: &mut dyn Bench) {
    let ends = feed_many(&bench.log());
    bench.close();
    let watch = bench.watch();
    for _ in 0..KILLS {
        let before = committed(&watch);
        let mut child = Victim::start(bench);
        child.wait_until("something was committed", |_| committed(&watch) > before);
        child.stop_in_a_transaction(&watch);
        child.kill();
    }
    drop(watch);
    bench.reopen();
    let log = bench.log();
    let service = Service::start(&log, &settings(""));
    wait_until("all committed", || {
        let standings = log.progress(SERVICE, Topic::Raw).unwrap();
        standings.iter().zip(&ends).all(|(standing, end)| standing.committed == Some(*end))
    });
    let rest = metric(&service.stop(), "kleos_worker_records_total", "");
    assert!(rest > 0, "the last kill met a child that had work to do");
    assert_each_once(&log);
}

/// A child that is killed when it is dropped, and what it has said.
struct Victim {
    child: Child,
    said: PathBuf,
}

impl Victim {
    /// Starts this test binary again, as a normalizer.
    fn start(bench: &dyn Bench) -> Self {
        let (test, environment) = bench.child();
        let said = bench.directory().join("child.log");
        let output = File::create(&said).unwrap();
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", test, "--nocapture"])
            .env(CHILD, "1")
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
            let standings = watch.progress(SERVICE, Topic::Events).unwrap();
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

pub(crate) fn several_workers_lose_and_double_nothing(bench: &mut dyn Bench) {
    let log = bench.log();
    feed_many(&log);
    let service = Service::start(&log, &settings("workers = 3\nbatch_records = 50"));
    service.wait_for(WEBHOOKS);
    wait_until("all three ready", || service.process.readiness.report().ready);
    let process = service.stop();
    Output::read(&log).assert_counted(&process, WEBHOOKS);
    assert_each_once(&log);
}

/// What the child does until it is killed: small transactions, so that there are many.
pub(crate) fn run_child(log: &EventLog) {
    let service = Service::start(log, &settings("batch_records = 10"));
    panic!("{:?}", service.join());
}
