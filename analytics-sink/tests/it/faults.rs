//! What the vendor and the network can do, on the embedded log.

use std::time::Duration;

use kleos_analytics_sink::{DistinctId, Settings, Started};
use kleos_contracts::award::Award;
use kleos_contracts::dead_letter::CLASS_POISON;
use kleos_contracts::time::{DAY, Timestamp};
use kleos_contracts::topic::Topic;
use kleos_event_log::EventLog;
use kleos_test_kit::builders::{award, learning_event};
use kleos_test_kit::log::{Embedded, TestLog};
use kleos_test_kit::mixpanel::fault::{Fault, IdField};
use kleos_test_kit::mixpanel::project::Project;
use serde_json::json;

use crate::bench::{
    Service, assert_conserved, assert_shows, dead_letters, feed_awards, feed_bytes, feed_events,
    metric, outcome, settings, vendor,
};

fn awards(count: u32) -> Vec<Award> {
    (0..count).map(award).collect()
}

/// An award that the sink has no reason to refuse, but the vendor: of the day after tomorrow.
fn of_the_future(number: u32) -> Award {
    let later = |time: Timestamp| time.plus_micros(2 * DAY);
    let award = award(number);
    Award { occurred_at: later(award.occurred_at), decided_at: later(award.decided_at), ..award }
}

/// How many requests were answered like this.
fn requests(service: &Service, answer: &str) -> u64 {
    let label = format!("answer=\"{answer}\"");
    metric(&service.hosted.process, "kleos_sink_requests_total", &[&label])
}

/// Feeds 250 awards to a vendor with a fault; all must be shown once in the end.
#[track_caller]
fn check_overcome(times: usize, fault: &Fault) {
    let bench = Embedded::start();
    let (vendor, _) = vendor();
    let awards = awards(250);
    feed_awards(&bench.log(), &awards);
    vendor.mixpanel.misbehave(times, fault);
    let service = Service::start(&bench.log(), settings(&vendor.url()));
    vendor.mixpanel.wait_until("all arrived", |summary| summary.deduplicated == 250);
    service.wait_until("all committed", |process| outcome(process, "imported") == 250);
    service.wait_until("ready again", |process| process.readiness.report().ready);
    assert_conserved(&service.stop(), 250);
    assert_shows(&vendor.mixpanel, &awards);
    assert_eq!(dead_letters(&bench.log()), []);
}

#[test]
fn a_connection_that_breaks_is_overcome() {
    check_overcome(1, &Fault::DropBefore);
    check_overcome(1, &Fault::DropAfter);
    check_overcome(20, &Fault::DropAfter);
}

#[test]
fn an_answer_that_breaks_off_is_overcome() {
    check_overcome(3, &Fault::CutAnswer);
}

#[test]
fn an_answer_that_counts_wrongly_is_overcome() {
    check_overcome(3, &Fault::Miscount(-1));
    check_overcome(3, &Fault::Miscount(1));
}

#[test]
fn answers_that_say_nothing_of_the_events_are_overcome() {
    for status in [301, 403, 404, 408, 500, 502, 503, 504] {
        check_overcome(2, &Fault::status(status));
    }
    let body = json!("<html>sign in to the network</html>");
    check_overcome(2, &Fault::Answer { status: 200, retry_after: None, body });
}

#[test]
fn a_vendor_that_asks_for_a_pause_gets_it() {
    for header in ["0", "1", "soon", "Thu, 21 Aug 2025 10:15:30 GMT"] {
        let body = json!({ "code": 429 });
        let retry_after = Some(header.to_owned());
        check_overcome(1, &Fault::Answer { status: 429, retry_after, body });
    }
}

/// Feeds 200 awards of which the vendor refuses some; they must become dead letters, and no other.
#[track_caller]
fn check_refused(id_field: IdField, faults: &[Fault]) {
    let bench = Embedded::start();
    let (vendor, _) = vendor();
    let refused = [0, 7, 100, 101, 199];
    let mut all = awards(200);
    for number in refused {
        all[number as usize] = of_the_future(number);
    }
    feed_awards(&bench.log(), &all);
    vendor.mixpanel.name_failed_by(id_field);
    for fault in faults {
        vendor.mixpanel.misbehave(1, fault);
    }
    let service = Service::start(&bench.log(), settings(&vendor.url()));
    service.wait_until("all committed", |process| {
        metric(process, "kleos_sink_records_total", &[]) == 200
    });
    assert_conserved(&service.stop(), 200);

    let mut letters = dead_letters(&bench.log());
    letters.sort_by_key(|letter| letter.key.clone());
    let log = bench.log();
    let codec = log.codec::<Award>(Topic::Awards).unwrap();
    let mut expected: Vec<_> = refused.map(of_the_future).into();
    expected.sort_by_key(|award| award.user_key.clone());
    assert_eq!(letters.len(), expected.len());
    for (letter, award) in letters.iter().zip(&expected) {
        assert_eq!(codec.decode(&letter.value).as_ref(), Ok(award));
        assert_eq!(
            (letter.class.as_ref(), letter.reason.as_ref()),
            (CLASS_POISON, "rejected_by_sink")
        );
        assert_eq!((letter.stage.as_ref(), letter.tenant.as_str()), ("analytics-sink", "acme"));
        assert_eq!(
            (letter.topic.as_ref(), letter.first_seen),
            ("kleos.awards.v1", award.decided_at)
        );
        if faults.is_empty() {
            let words = "the vendor refused properties.time: 'properties.time' is invalid: must \
                         not be more than an hour ahead";
            assert_eq!(letter.message, words);
        }
    }
    all.retain(|award| !expected.contains(award));
    assert_shows(&vendor.mixpanel, &all);
}

#[test]
fn refused_events_become_dead_letters_whichever_way_they_are_named() {
    check_refused(IdField::Dollar, &[]);
    check_refused(IdField::Plain, &[]);
}

#[test]
fn refused_events_are_found_where_the_answer_does_not_add_up() {
    check_refused(IdField::Dollar, &[Fault::NameNobody, Fault::NameNobody]);
    check_refused(IdField::Plain, &[Fault::NameOthers, Fault::Miscount(1), Fault::NameNobody]);
    let all: Vec<Fault> = std::iter::repeat_n(Fault::NameNobody, 500).collect();
    check_refused(IdField::Plain, &all);
}

#[test]
fn a_single_event_that_is_refused_without_a_name_waits_for_another_that_is_taken() {
    let bench = Embedded::start();
    let (vendor, _) = vendor();
    feed_awards(&bench.log(), &[of_the_future(1)]);
    vendor.mixpanel.misbehave(10_000, &Fault::NameNobody);
    let service = Service::start(&bench.log(), settings(&vendor.url()));
    service.wait_until("not ready", |process| {
        let report = format!("{:?}", process.readiness.report());
        report.contains("refuses every event and names none")
    });
    assert_eq!(dead_letters(&bench.log()), []);
    feed_awards(&bench.log(), &[award(2)]);
    service.wait_until("both done", |process| {
        (outcome(process, "imported"), outcome(process, "dead_letter")) == (1, 1)
    });
    assert_conserved(&service.stop(), 2);
    let letters = dead_letters(&bench.log());
    assert!(letters[0].message.starts_with("the vendor refused the event alone"), "{letters:?}");
}

#[test]
fn a_smaller_limit_of_the_vendor_is_learned_once() {
    let bench = Embedded::start();
    let (vendor, _) = vendor();
    vendor.mixpanel.change(|project| project.limits.request_bytes = 20_000);
    let awards = awards(1_000);
    feed_awards(&bench.log(), &awards[..500]);
    let service = Service::start(&bench.log(), settings(&vendor.url()));
    service.wait_until("half committed", |process| outcome(process, "imported") == 500);
    let learned = requests(&service, "too_large");
    assert!((1..=6).contains(&learned), "{learned}");
    let limit = metric(&service.hosted.process, "kleos_sink_request_max_bytes", &[]);
    assert!((5_000..=20_000).contains(&limit), "{limit}");
    feed_awards(&bench.log(), &awards[500..]);
    service.wait_until("all committed", |process| outcome(process, "imported") == 1_000);
    assert_eq!(requests(&service, "too_large"), learned);
    service.stop();
    assert_shows(&vendor.mixpanel, &awards);
    assert_eq!(vendor.mixpanel.summary().stored, 1_000);
}

#[test]
fn too_much_in_a_minute_waits_for_the_next() {
    let bench = Embedded::start();
    let (vendor, clock) = vendor();
    vendor.mixpanel.change(|project| project.limits.minute_events = 100);
    let awards = awards(150);
    feed_awards(&bench.log(), &awards);
    let service = Service::start(&bench.log(), settings(&vendor.url()));
    vendor.mixpanel.wait_until("refused", |summary| summary.answered(429) > 2);
    assert!(vendor.mixpanel.summary().stored <= 100);
    service.wait_until("not ready", |process| !process.readiness.report().ready);
    clock.advance(Duration::from_secs(60));
    service.wait_until("all committed", |process| outcome(process, "imported") == 150);
    assert_conserved(&service.stop(), 150);
    assert_shows(&vendor.mixpanel, &awards);
}

#[test]
fn refused_credentials_stop_everything_and_lose_nothing() {
    let bench = Embedded::start();
    let (vendor, _) = vendor();
    let awards = awards(150);
    feed_awards(&bench.log(), &awards);
    vendor.mixpanel.change(|project| project.account.1 = "rotated".to_owned());
    let service = Service::start(&bench.log(), settings(&vendor.url()));
    service.wait_until("told", |process| {
        let report = process.readiness.report();
        let because: Vec<_> =
            report.conditions.iter().filter_map(|it| it.because.clone()).collect();
        because.iter().any(|because| because.starts_with("Mixpanel refuses the credentials"))
    });
    vendor.mixpanel.wait_until("tried again", |summary| summary.answered(401) > 5);
    assert_eq!(metric(&service.hosted.process, "kleos_sink_waiting_workers", &[]), 1);
    assert_eq!(dead_letters(&bench.log()), []);
    assert_eq!(metric(&service.hosted.process, "kleos_sink_records_total", &[]), 0);
    vendor.mixpanel.change(|project| project.account = Project::default().account);
    service.wait_until("all committed", |process| outcome(process, "imported") == 150);
    service.wait_until("ready", |process| process.readiness.report().ready);
    assert_eq!(metric(&service.hosted.process, "kleos_sink_waiting_workers", &[]), 0);
    assert_conserved(&service.stop(), 150);
    assert_shows(&vendor.mixpanel, &awards);
}

#[test]
fn a_stop_does_not_wait_for_a_vendor_that_is_away() {
    let bench = Embedded::start();
    let (vendor, _) = vendor();
    let awards = awards(150);
    feed_awards(&bench.log(), &awards);
    vendor.mixpanel.misbehave(1, &Fault::DropAfter);
    vendor.mixpanel.misbehave(1_000_000, &Fault::status(503));
    let mut slow = settings(&vendor.url());
    slow.pace.first = Duration::from_secs(600);
    slow.pace.longest = Duration::from_secs(600);
    slow.pace.patience = Duration::from_secs(3_600);
    let service = Service::start(&bench.log(), slow);
    vendor.mixpanel.wait_until("some arrived", |summary| summary.stored == 100);
    service
        .wait_until("waiting", |process| metric(process, "kleos_sink_waiting_workers", &[]) == 1);
    assert_conserved(&service.stop(), 0);
    vendor.mixpanel.behave();
    let service = Service::start(&bench.log(), settings(&vendor.url()));
    vendor.mixpanel.wait_until("all arrived", |summary| summary.deduplicated == 150);
    assert_conserved(&service.stop(), 150);
    assert_shows(&vendor.mixpanel, &awards);
}

#[test]
fn what_was_imported_of_a_batch_is_not_sent_again_when_the_batch_comes_again() {
    let bench = Embedded::start();
    let (vendor, _) = vendor();
    let awards = awards(200);
    feed_awards(&bench.log(), &awards);
    vendor.mixpanel.misbehave(1, &Fault::Slow(Duration::ZERO));
    vendor.mixpanel.misbehave(1_000_000, &Fault::status(503));
    let mut impatient = settings(&vendor.url());
    impatient.pace.patience = Duration::from_millis(50);
    let service = Service::start(&bench.log(), impatient);
    service.wait_until("rolled back", |process| {
        metric(process, "kleos_worker_rollbacks_total", &[]) >= 2
    });
    vendor.mixpanel.behave();
    service.wait_until("all committed", |process| outcome(process, "imported") == 200);
    assert_conserved(&service.stop(), 200);
    assert_eq!(vendor.mixpanel.summary().stored, 200);
    assert_shows(&vendor.mixpanel, &awards);
}

#[test]
fn events_stay_where_they_are_unless_asked_for() {
    let bench = Embedded::start();
    let (vendor, _) = vendor();
    let awards = awards(10);
    feed_events(&bench.log(), &[learning_event(1)]);
    feed_awards(&bench.log(), &awards);
    let settings = Settings { events: false, ..settings(&vendor.url()) };
    let service = Service::start(&bench.log(), settings);
    service.wait_until("all committed", |process| outcome(process, "imported") == 10);
    assert_conserved(&service.stop(), 10);
    assert_shows(&vendor.mixpanel, &awards);
}

#[test]
fn records_that_cannot_be_sent_are_set_aside_each_with_its_reason() {
    let bench = Embedded::start();
    let log = bench.log();
    let (vendor, _) = vendor();
    let mut all = awards(20);
    all[3].user_id = "0".to_owned();
    all[4].user_id = "anonymous".to_owned();
    all[5].occurred_at = Timestamp::from_millis(1);
    all[6].entry_id = "short".to_owned();
    all[7] = of_the_future(7);
    feed_awards(&log, &all);
    for value in [b"".as_slice(), b"{}", b"\0\0\0\0\x01"] {
        feed_bytes(&log, value);
    }
    let settings = Settings { distinct_id: DistinctId::UserId, ..settings(&vendor.url()) };
    let service = Service::start(&log, settings);
    service.wait_until("all committed", |process| {
        metric(process, "kleos_sink_records_total", &[]) == 23
    });
    let process = service.stop();
    assert_conserved(&process, 23);
    let mut reasons: Vec<_> =
        dead_letters(&log).into_iter().map(|letter| letter.reason.into_owned()).collect();
    reasons.sort();
    let expected = [
        "forbidden_distinct_id",
        // The award of number 0 has user id 0 as well.
        "forbidden_distinct_id",
        "forbidden_distinct_id",
        "invalid_field",
        "rejected_by_sink",
        "time_too_old",
        "undecodable",
        "undecodable",
        "undecodable",
    ];
    assert_eq!(reasons, expected);
    assert_eq!(outcome(&process, "imported"), 14);
    assert_eq!(vendor.mixpanel.summary().stored, 14);
}

#[test]
fn without_credentials_nothing_is_read() {
    let bench = Embedded::start();
    let log: EventLog = bench.log();
    feed_awards(&log, &awards(10));
    let off = Settings { destination: None, ..settings("http://127.0.0.1:9") };
    let (service, started) = Service::try_start(&log, off);
    assert_eq!(started, Started::Off);
    assert_eq!(service.hosted.process.readiness.report().conditions, []);
    service.stop();
    // Once it is on, it begins with the oldest award.
    let (vendor, _) = vendor();
    let service = Service::start(&log, settings(&vendor.url()));
    vendor.mixpanel.wait_until("all arrived", |summary| summary.stored == 10);
    service.stop();
}
