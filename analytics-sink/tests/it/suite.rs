//! The main path, run with both logs.

use kleos_contracts::award::{Award, kind};
use kleos_contracts::event::LearningEvent;
use kleos_contracts::event_name::RULES_ACTIVATED;
use kleos_test_kit::builders::{award, learning_event};
use kleos_test_kit::log::{TestLog, log_of_child, spawn_child};
use kleos_test_kit::mixpanel::event::Location;
use kleos_test_kit::mixpanel::fault::Fault;

use crate::bench::{
    Service, assert_conserved, assert_shows, dead_letters, feed_awards, feed_events, outcome,
    settings, vendor,
};

/// Gives every test of the main path to a log, as tests of its own.
macro_rules! suite {
    ($($name:ident),+ $(,)?) => {
        macro_rules! suite_tests {
            ($bench:expr) => {
                $(#[test] fn $name() { $crate::suite::$name(&mut $bench); })+
            };
        }
        pub(crate) use suite_tests;
    };
}

suite!(
    awards_and_events_arrive_and_every_record_has_one_outcome,
    what_is_committed_is_not_sent_again,
    a_kill_between_import_and_commit_loses_and_doubles_nothing,
    several_workers_lose_and_double_nothing,
);

pub(crate) fn awards_and_events_arrive_and_every_record_has_one_outcome(bench: &mut dyn TestLog) {
    let log = bench.log();
    let (vendor, _) = vendor();
    let mut awards: Vec<Award> = (0..250).map(award).collect();
    awards[7].kind = kind::REVERSED.into();
    awards[7].points = -50;
    let mut events: Vec<LearningEvent> = (0..150).map(learning_event).collect();
    events[3].event = RULES_ACTIVATED.into();
    feed_awards(&log, &awards);
    feed_events(&log, &events);
    let service = Service::start(&log, settings(&vendor.url()));
    vendor.mixpanel.wait_until("all arrived", |summary| summary.stored == 399);
    let process = service.stop();

    let summary = vendor.mixpanel.summary();
    assert_eq!((summary.deduplicated, summary.by_event["course.completed"]), (399, 149));
    assert_eq!((summary.by_event["award.granted"], summary.by_event["award.reversed"]), (249, 1));
    let stored = vendor.mixpanel.stored();
    assert!(stored.iter().all(|event| event.located_by == Location::Nobody));
    assert!(stored.iter().all(|event| event.properties.contains_key("event_id")));
    assert_conserved(&process, 400);
    assert_eq!((outcome(&process, "imported"), outcome(&process, "skipped")), (399, 1));
    assert_eq!(dead_letters(&log), []);
}

pub(crate) fn what_is_committed_is_not_sent_again(bench: &mut dyn TestLog) {
    let log = bench.log();
    let (vendor, _) = vendor();
    let mut awards: Vec<Award> = (0..50).map(award).collect();
    feed_awards(&log, &awards);
    let service = Service::start(&log, settings(&vendor.url()));
    vendor.mixpanel.wait_until("all arrived", |summary| summary.stored == 50);
    service.stop();

    awards.extend((50..100).map(award));
    feed_awards(&log, &awards[50..]);
    let service = Service::start(&log, settings(&vendor.url()));
    vendor.mixpanel.wait_until("the rest arrived", |summary| summary.deduplicated == 100);
    assert_conserved(&service.stop(), 50);
    assert_eq!(vendor.mixpanel.summary().stored, 100);
    assert_shows(&vendor.mixpanel, &awards);
}

/// The vendor has stored the events and holds its answer while the sink is killed.
pub(crate) fn a_kill_between_import_and_commit_loses_and_doubles_nothing(bench: &mut dyn TestLog) {
    let (vendor, _) = vendor();
    let awards: Vec<Award> = (0..250).map(award).collect();
    feed_awards(&bench.log(), &awards);
    bench.close();
    vendor.mixpanel.misbehave(1, &Fault::HoldAfter);
    let url = vendor.url();
    let mut child = spawn_child(bench, "suite::child", (CHILD, url.as_ref()));
    vendor.mixpanel.wait_until("some arrived", |summary| summary.stored > 0);
    child.kill().unwrap();
    child.wait().unwrap();
    vendor.mixpanel.release();
    let before = vendor.mixpanel.summary().stored;

    bench.reopen();
    let log = bench.log();
    let service = Service::start(&log, settings(&vendor.url()));
    vendor.mixpanel.wait_until("all arrived", |summary| summary.deduplicated == 250);
    // What was imported before the kill was not committed, so it came a second time.
    vendor.mixpanel.wait_until("all came again", |summary| summary.stored == 250 + before);
    assert_conserved(&service.stop(), 250);
    assert_shows(&vendor.mixpanel, &awards);
}

pub(crate) fn several_workers_lose_and_double_nothing(bench: &mut dyn TestLog) {
    let log = bench.log();
    let (vendor, _) = vendor();
    let awards: Vec<Award> = (0..1_000).map(award).collect();
    feed_awards(&log, &awards);
    let mut settings = settings(&vendor.url());
    settings.workers = 2;
    let service = Service::start(&log, settings);
    vendor.mixpanel.wait_until("all arrived", |summary| summary.deduplicated == 1_000);
    service.wait_until("both ready", |process| process.readiness.report().ready);
    service.stop();
    assert_shows(&vendor.mixpanel, &awards);
}

/// The environment variable that makes this test binary a sink, with the vendor's address.
const CHILD: &str = "KLEOS_SINK_CHILD";

/// Not a test of its own: what the parent kills.
#[test]
fn child() {
    if let Ok(url) = std::env::var(CHILD) {
        let service = Service::start(&log_of_child(), settings(&url));
        service.wait_until("killed", |_| false);
    }
}
