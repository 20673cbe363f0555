//! What becomes of requests, readiness and process when the log misbehaves.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use kleos_event_log::LogError;
use kleos_service_kit::bootstrap::Process;
use kleos_service_kit::clock::SystemClock;
use kleos_service_kit::lifecycle::{LifecycleError, StopReason};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use crate::admit::tests::instances;
use crate::admit::{Door, Proxies};
use crate::config::{Limits, Settings};
use crate::fake_log::{FakeLog, Mood, Seen, away};
use crate::start_on;
use crate::wire::{PATIENCE, Reply, Wire, post};

const PATH: &str = "/api/public/hook/moodle/event";
const TOKEN: &str = "token-of-campus-a-1";
const FIRST: u32 = 10;

/// A gateway in front of a fake log.
struct Gateway {
    log: Arc<FakeLog>,
    address: SocketAddr,
    process: Process,
    supervision: JoinHandle<Result<(), LifecycleError>>,
    sent: AtomicU32,
}

impl Gateway {
    async fn start(mood: Mood) -> Self {
        let log = FakeLog::new(mood);
        let clock = SystemClock::shared();
        let (process, supervisor) = Process::new(Handle::current(), clock, PATIENCE).unwrap();
        let supervision = Handle::current().spawn(supervisor.run());
        let limits = Limits { append_timeout: Duration::from_millis(300), ..Limits::default() };
        let door = Door::new(&["moodle"], &instances(), Proxies::default(), limits.max_body);
        let listen = ([127, 0, 0, 1], 0).into();
        let (rates, memory) = (crate::rate::Rates::default(), crate::duplicates::Memory::default());
        let settings = Settings {
            listen,
            limits,
            proxy_protocol: false,
            request_log: false,
            rates,
            memory,
            mapping: crate::mapping::Mapping::default(),
            tls: None,
            door,
        };
        let address = start_on(&process, log.clone(), settings).await.unwrap();
        process.lifecycle.all_started();
        Self { log, address, process, supervision, sent: AtomicU32::new(FIRST) }
    }

    async fn start_ready(mood: Mood) -> Self {
        let gateway = Self::start(Mood::Well).await;
        gateway.until("the log is open", || gateway.because().is_none()).await;
        gateway.log.becomes(mood);
        gateway
    }

    /// Sends what was not sent before.
    async fn send(&self) -> Reply {
        self.send_number(self.sent.fetch_add(1, Ordering::Relaxed)).await
    }

    /// Two bytes.
    async fn send_number(&self, number: u32) -> Reply {
        let mut wire = Wire::connect(self.address).await;
        wire.send(post(PATH, TOKEN, number.to_string())).await;
        wire.reply().await
    }

    /// Why it is not ready.
    fn because(&self) -> Option<String> {
        let report = self.process.readiness.report();
        let [log] = report.conditions.as_slice() else { panic!("{report:?}") };
        assert_eq!(log.name, "gateway/log");
        (!log.ready).then(|| log.because.clone().unwrap_or_default())
    }

    async fn until(&self, what: &str, holds: impl Fn() -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !holds() {
            assert!(Instant::now() < deadline, "never: {what}; {:?}", self.because());
            sleep(Duration::from_millis(5)).await;
        }
    }

    /// The value of a metric, by its name and labels as they are written.
    fn metric(&self, name: &str) -> u64 {
        let text = self.process.metrics.text().unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("{name} in {text}")).parse().unwrap()
    }

    fn late(&self, result: &str) -> u64 {
        let name = "kleos_gateway_late_appends_total";
        self.metric(&format!("{name}{{result=\"{result}\",service=\"gateway\"}}"))
    }

    async fn stop(self) -> (Result<(), LifecycleError>, Seen) {
        self.process.lifecycle.stop(StopReason::Requested("the test is over".to_owned()));
        (self.supervision.await.unwrap(), self.log.seen())
    }
}

#[track_caller]
fn check(reply: &Reply, status: u16, error: &str) {
    assert_eq!((reply.status, reply.json()["error"].as_str()), (status, Some(error)), "{reply:?}");
    let seconds: u64 = reply.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=6).contains(&seconds), "{seconds}");
    assert_eq!(reply.json()["retry_after"], seconds);
}

#[tokio::test]
async fn a_log_that_is_away_at_the_start_is_opened_when_it_comes() {
    let gateway = Gateway::start(Mood::Away).await;
    check(&gateway.send().await, 503, "log_unavailable");
    gateway.until("it was asked again", || gateway.log.seen().probes > 2).await;
    assert_eq!(gateway.because().unwrap(), away().to_string());
    assert_eq!(gateway.log.seen().opened, 0);
    gateway.log.becomes(Mood::Well);
    gateway.until("ready", || gateway.because().is_none()).await;
    assert_eq!(gateway.send().await.status, 200);
    let (ended, seen) = gateway.stop().await;
    assert_eq!((ended, seen.opened, seen.dropped), (Ok(()), 1, 1));
}

#[tokio::test]
async fn a_log_that_never_comes_does_not_hold_up_the_stop() {
    let gateway = Gateway::start(Mood::Away).await;
    gateway.until("it was asked", || gateway.log.seen().probes > 0).await;
    assert_eq!(gateway.stop().await.0, Ok(()));
}

#[tokio::test]
async fn a_few_refused_records_in_a_row_are_a_log_that_is_away() {
    let gateway = Gateway::start_ready(Mood::Away).await;
    for _ in 0..2 {
        check(&gateway.send().await, 503, "append_failed");
        assert_eq!(gateway.because(), None);
    }
    gateway.log.becomes(Mood::Well);
    assert_eq!(gateway.send().await.status, 200);
    gateway.log.becomes(Mood::Away);
    for _ in 0..3 {
        assert_eq!(gateway.because(), None);
        check(&gateway.send().await, 503, "append_failed");
    }
    let questions = gateway.log.holds_questions().await;
    assert_eq!(gateway.because().unwrap(), away().to_string());
    gateway.log.becomes(Mood::Well);
    assert_eq!(gateway.send().await.status, 200);
    assert_eq!(gateway.because(), None, "a record says more than an answer");
    drop(questions);
    assert_eq!(gateway.log.seen().opened, 1, "the writer is kept");
    assert_eq!(gateway.log.len(), 2);
}

#[tokio::test]
async fn a_gateway_that_is_sent_nothing_learns_that_the_log_is_back() {
    let gateway = Gateway::start_ready(Mood::Away).await;
    for _ in 0..3 {
        check(&gateway.send().await, 503, "append_failed");
    }
    let probes = gateway.log.seen().probes;
    gateway.until("it was asked", || gateway.log.seen().probes > probes).await;
    assert!(gateway.because().is_some());
    // It answers but takes no record: the first that it refuses is one too many.
    gateway.log.becomes(Mood::Refuses(away()));
    gateway.until("ready", || gateway.because().is_none()).await;
    assert_eq!(gateway.log.seen().opened, 2, "a writer can have lost the log for good");
    let questions = gateway.log.holds_questions().await;
    check(&gateway.send().await, 503, "append_failed");
    assert!(gateway.because().is_some());
    drop(questions);
    gateway.log.becomes(Mood::Well);
    gateway.until("ready", || gateway.because().is_none()).await;
    assert_eq!(gateway.send().await.status, 200);
    let seen = gateway.stop().await.1;
    assert_eq!((seen.opened, seen.dropped), (3, 3));
}

#[tokio::test]
async fn a_record_without_an_answer_is_followed_to_its_end() {
    let gateway = Gateway::start_ready(Mood::Hangs).await;
    let questions = gateway.log.holds_questions().await;
    for _ in 0..3 {
        check(&gateway.send().await, 503, "append_timed_out");
    }
    assert!(gateway.because().unwrap().starts_with("no answer to a record after 300ms"));
    let held = "kleos_gateway_in_flight_bytes{service=\"gateway\"}";
    assert_eq!((gateway.metric(held), gateway.late("stored")), (3 * (4_096 + 2), 0));
    drop(questions);
    gateway.log.becomes(Mood::Well);
    gateway.until("all are counted", || gateway.late("stored") == 3).await;
    gateway.until("all is given back", || gateway.metric(held) == 0).await;
    assert_eq!((gateway.log.len(), gateway.late("failed")), (3, 0));
    // Nobody was told, and yet who sends it again is.
    let again = gateway.send_number(FIRST).await;
    assert_eq!((again.status, &again.json()["result"]), (200, &"duplicate".into()), "{again:?}");
    assert_eq!(gateway.log.len(), 3);
}

#[tokio::test]
async fn a_writer_that_is_lost_is_replaced() {
    let error = LogError::Misconfigured { what: "writing".to_owned(), cause: "fenced".to_owned() };
    let gateway = Gateway::start_ready(Mood::Refuses(error)).await;
    check(&gateway.send().await, 503, "append_failed");
    gateway.log.becomes(Mood::Well);
    gateway.until("another writer", || gateway.log.seen().opened == 2).await;
    gateway.until("ready", || gateway.because().is_none()).await;
    // What was not stored is no duplicate.
    let again = gateway.send_number(FIRST).await;
    assert_eq!((again.status, &again.json()["result"]), (200, &"accepted".into()), "{again:?}");
    assert_eq!(gateway.stop().await.1.dropped, 2);
}

#[tokio::test]
async fn a_disk_that_takes_no_more_stops_the_process_with_the_reason() {
    let error = LogError::Storage { what: "writing".to_owned(), cause: "disk full".to_owned() };
    let gateway = Gateway::start_ready(Mood::Refuses(error.clone())).await;
    check(&gateway.send().await, 503, "append_failed");
    let ended = gateway.supervision.await.unwrap();
    let component = "gateway/log".to_owned();
    assert_eq!(ended, Err(LifecycleError::Failed { component, reason: error.to_string() }));
    assert_eq!(gateway.log.seen().dropped, 1);
}

#[tokio::test]
async fn a_log_that_refuses_its_settings_stops_the_process_with_the_reason() {
    let error = LogError::Misconfigured { what: "connecting".to_owned(), cause: "sasl".to_owned() };
    let gateway = Gateway::start(Mood::Closed(error.clone())).await;
    let ended = gateway.supervision.await.unwrap();
    let component = "gateway/log".to_owned();
    assert_eq!(ended, Err(LifecycleError::Failed { component, reason: error.to_string() }));
}

#[tokio::test]
async fn a_fault_is_answered_and_the_connection_goes_on() {
    let gateway = Gateway::start_ready(Mood::Panics).await;
    let mut wire = Wire::connect(gateway.address).await;
    wire.send(post(PATH, TOKEN, "{}")).await;
    let reply = wire.reply().await;
    check(&reply, 503, "internal_error");
    assert!(!reply.body.contains("fault in the log"), "{reply:?}");
    gateway.log.becomes(Mood::Well);
    wire.send(post(PATH, TOKEN, "{}")).await;
    assert_eq!(wire.reply().await.status, 200);
    let held = "kleos_gateway_in_flight_bytes{service=\"gateway\"}";
    assert_eq!(gateway.metric(held), 0);
}

#[tokio::test]
async fn too_much_under_way_is_refused_before_it_is_read() {
    let gateway = Gateway::start_ready(Mood::Hangs).await;
    let body = vec![b'x'; 1 << 20];
    let mut waiting = Vec::new();
    // One source alone may hold 48 MiB, and each takes a little more than 1 MiB.
    for _ in 0..47 {
        let mut wire = Wire::connect(gateway.address).await;
        let head = post(PATH, TOKEN, &body);
        wire.send(&head[..200]).await;
        waiting.push(wire);
    }
    let held = "kleos_gateway_in_flight_bytes{service=\"gateway\"}";
    let expected = 47 * (4_096 + (1 << 20));
    gateway.until("all are let in", || gateway.metric(held) == expected).await;
    let mut wire = Wire::connect(gateway.address).await;
    wire.send(&post(PATH, TOKEN, &body)[..200]).await;
    let reply = wire.reply().await;
    check(&reply, 503, "overloaded");
    assert_eq!(reply.header("connection"), Some("close"));
    // A small one still has room.
    gateway.log.becomes(Mood::Well);
    assert_eq!(gateway.send().await.status, 200);
    drop(waiting);
    gateway.until("all is given back", || gateway.metric(held) == 0).await;
}
