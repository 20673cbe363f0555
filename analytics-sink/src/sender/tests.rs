use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use kleos_service_kit::clock::{Clock, SystemClock};
use kleos_service_kit::lifecycle::ShutdownTrigger;
use kleos_service_kit::metrics::Registry;
use kleos_service_kit::readiness::Readiness;
use kleos_test_kit::clock::ManualClock;

use super::*;
use crate::delivery::Fate;
use crate::row::Row;

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Shorter than any pause.
const IMPATIENT: Duration = Duration::from_millis(10);

/// Answers as planned, then with success; each answer takes some of the clock's time.
#[derive(Clone, Debug)]
struct Planned {
    answers: Arc<Mutex<VecDeque<Answer>>>,
    requests: Arc<Mutex<usize>>,
    clock: Arc<ManualClock>,
    slowness: Duration,
}

impl Transport for Planned {
    fn post(&mut self, _: Vec<u8>) -> Result<Answer, String> {
        *self.requests.lock().unwrap() += 1;
        self.clock.advance(self.slowness);
        let planned = self.answers.lock().unwrap().pop_front();
        let body = b"{\"num_records_imported\":2}".to_vec();
        Ok(planned.unwrap_or(Answer { status: 200, body, ..Answer::default() }))
    }
}

struct Bench {
    sender: Sender,
    transport: Planned,
    clock: Arc<ManualClock>,
    readiness: Readiness,
    trigger: ShutdownTrigger,
}

/// Requests are of two rows.
fn bench(slowness: Duration, patience: Duration) -> Bench {
    let clock = Arc::new(ManualClock::at("2026-11-22T10:15:30Z".parse().unwrap()));
    let shared: SharedClock = Arc::clone(&clock) as SharedClock;
    let readiness = Readiness::new(Arc::clone(&shared));
    let trigger = ShutdownTrigger::new(Arc::clone(&shared));
    let condition = readiness.condition("mixpanel");
    condition.ready();
    let transport = Planned {
        answers: Arc::default(),
        requests: Arc::default(),
        clock: Arc::clone(&clock),
        slowness,
    };
    let rhythm = Rhythm {
        limits: Limits::new(2, 1 << 20),
        pace: Pace { patience, ..Pace::VENDOR },
        interval: Duration::ZERO,
    };
    let around = Surroundings {
        clock: shared,
        shutdown: trigger.shutdown(),
        condition,
        metrics: SinkMetrics::register(&Registry::new().unwrap()).unwrap(),
    };
    let sender = Sender::new(Box::new(transport.clone()), rhythm, around);
    Bench { sender, transport, clock, readiness, trigger }
}

impl Bench {
    fn plan(&self, status: u16, retry_after: Option<&str>) {
        let retry_after = retry_after.map(str::to_owned);
        let answer = Answer { status, retry_after, ..Answer::default() };
        self.transport.answers.lock().unwrap().push_back(answer);
    }

    /// Delivers so many rows; how many were imported, and the trouble.
    fn deliver(&mut self, rows: usize) -> (usize, Option<TroubleKind>) {
        let mut sheet = Sheet::default();
        for index in 0..rows {
            let row = Row {
                event: "e".into(),
                time_millis: 0,
                distinct_id: "d",
                insert_id: index.to_string(),
                properties: Vec::new(),
            };
            sheet.push(row).unwrap();
        }
        let mut delivery = Delivery::new(rows, false);
        let outcome = self.sender.deliver(&sheet, &mut delivery);
        let imported = delivery.into_fates().iter().filter(|f| **f == Some(Fate::Imported)).count();
        (imported, outcome.err().map(|trouble| trouble.kind))
    }

    fn requests(&self) -> usize {
        *self.transport.requests.lock().unwrap()
    }

    fn is_ready(&self) -> bool {
        self.readiness.report().ready
    }

    fn waiting(&self) -> i64 {
        self.sender.around.metrics.waiting.get()
    }
}

#[test]
fn a_slow_vendor_gets_as_much_of_a_batch_as_the_patience_allows() {
    let mut bench = bench(seconds(25), seconds(60));
    assert_eq!(bench.deliver(20), (6, Some(TroubleKind::Unavailable)));
    assert!(bench.is_ready(), "being slow is no trouble");
    assert_eq!(bench.deliver(6), (6, None));
}

#[test]
fn nothing_is_sent_before_the_time_the_vendor_asks_for() {
    let mut bench = bench(Duration::ZERO, IMPATIENT);
    bench.plan(429, Some("120"));
    assert_eq!(bench.deliver(2), (0, Some(TroubleKind::RateLimited)));
    assert_eq!((bench.requests(), bench.is_ready(), bench.waiting()), (1, false, 1));
    bench.clock.advance(seconds(119));
    assert_eq!(bench.deliver(2), (0, Some(TroubleKind::RateLimited)));
    assert_eq!(bench.requests(), 1);
    bench.clock.advance(seconds(2));
    assert_eq!(bench.deliver(2), (2, None));
    assert_eq!((bench.requests(), bench.is_ready(), bench.waiting()), (2, true, 0));
}

#[test]
fn pauses_grow_until_something_is_imported() {
    let mut bench = bench(Duration::ZERO, IMPATIENT);
    for least in [3, 5, 9, 17] {
        bench.plan(503, None);
        assert_eq!(bench.deliver(2), (0, Some(TroubleKind::Unavailable)));
        let requests = bench.requests();
        bench.clock.advance(seconds(least) - Duration::from_millis(100));
        assert_eq!(bench.deliver(2), (0, Some(TroubleKind::Unavailable)));
        assert_eq!(bench.requests(), requests, "before {least} s");
        bench.clock.advance(seconds(5));
    }
    assert_eq!(bench.deliver(2), (2, None));
    bench.plan(503, None);
    assert_eq!(bench.deliver(2), (0, Some(TroubleKind::Unavailable)));
    bench.clock.advance(seconds(8));
    assert_eq!(bench.deliver(2), (2, None));
}

#[test]
fn pauses_also_grow_while_no_answer_is_understood() {
    let mut bench = bench(Duration::ZERO, IMPATIENT);
    for pause in [8, 10, 14] {
        (0..3).for_each(|_| bench.plan(400, None));
        assert_eq!(bench.deliver(2), (0, Some(TroubleKind::Unexplained)));
        let until = bench.sender.trouble.as_ref().map(|(_, until)| *until).unwrap();
        let left = until - bench.clock.monotonic();
        assert!(left > seconds(pause - 6) && left <= seconds(pause), "{left:?}");
        bench.clock.advance(left);
    }
    assert_eq!(bench.deliver(2), (2, None));
}

#[test]
fn a_lowered_limit_is_forgotten_where_nothing_is_small_enough() {
    let mut bench = bench(Duration::ZERO, IMPATIENT);
    (0..2).for_each(|_| bench.plan(413, None));
    assert_eq!(bench.deliver(2), (0, Some(TroubleKind::Misdirected)));
    assert_eq!(bench.sender.rhythm.limits.bytes(), 1 << 20);
}

#[test]
fn a_stop_ends_every_pause() {
    let mut bench = bench(Duration::ZERO, seconds(600));
    bench.plan(429, Some("500"));
    bench.trigger.request(seconds(600));
    assert_eq!(bench.deliver(2), (0, Some(TroubleKind::RateLimited)));
}

#[test]
fn a_stop_lets_the_batch_go_on_as_long_as_there_is_time_for_a_request() {
    let mut bench = bench(seconds(2), seconds(600));
    bench.trigger.request(seconds(25));
    assert_eq!(bench.deliver(20), (6, Some(TroubleKind::Unavailable)));
}

#[test]
fn requests_that_are_not_full_keep_their_interval() {
    let mut bench = bench(Duration::ZERO, seconds(600));
    let clock = SystemClock::shared();
    bench.sender.around.clock = Arc::clone(&clock);
    bench.sender.rhythm.interval = seconds(3_600);
    bench.deliver(2);
    let started = clock.monotonic();
    assert_eq!(bench.deliver(6), (6, None));
    assert!(clock.monotonic() - started < seconds(60), "full ones do not wait");
    bench.sender.rhythm.interval = Duration::from_millis(200);
    bench.plan(200, None);
    bench.transport.answers.lock().unwrap()[0].body = b"{\"num_records_imported\":1}".to_vec();
    let started = clock.monotonic();
    assert_eq!(bench.deliver(1), (1, None));
    assert!(clock.monotonic() - started >= Duration::from_millis(150));
}
