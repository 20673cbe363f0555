//! A normalizer that is killed, and several that share the work.

use std::collections::BTreeMap;
use std::path::Path;

use kleos_contracts::raw::RawWebhook;
use kleos_contracts::topic::Topic;
use kleos_event_log::EventLog;
use kleos_normalizer::SERVICE;
use kleos_test_kit::log::{TestLog, hold_in_transaction, log_of_child, spawn_child};
use kleos_test_kit::wait::wait_until;

use crate::bench::{Service, committed, feed, metric, numbered, settings, webhook};
use crate::output::Output;

/// The environment variable that makes this test binary a normalizer.
const CHILD: &str = "KLEOS_NORMALIZER_CHILD";

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
pub(crate) fn kills_between_processing_and_commit_lose_and_double_nothing(bench: &mut dyn TestLog) {
    let ends = feed_many(&bench.log());
    bench.close();
    let watch = bench.watch();
    for _ in 0..KILLS {
        let before = committed(&watch);
        let child = spawn_child(bench, "suite::kills::child", (CHILD, Path::new("")));
        wait_until("something was committed", || committed(&watch) > before);
        hold_in_transaction(&watch, &child, (SERVICE, Topic::Events));
        drop(child);
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

pub(crate) fn several_workers_lose_and_double_nothing(bench: &mut dyn TestLog) {
    let log = bench.log();
    feed_many(&log);
    let service = Service::start(&log, &settings("workers = 3\nbatch_records = 50"));
    service.wait_for(WEBHOOKS);
    wait_until("all three ready", || service.hosted.process.readiness.report().ready);
    let process = service.stop();
    Output::read(&log).assert_counted(&process, WEBHOOKS);
    assert_each_once(&log);
}

/// Not a test of its own: what the parent kills. Its transactions are small, so that there are many.
#[test]
fn child() {
    if std::env::var_os(CHILD).is_some() {
        let service = Service::start(&log_of_child(), &settings("batch_records = 10"));
        panic!("{:?}", service.hosted.join());
    }
}
