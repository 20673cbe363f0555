//! Awards from an embedded log into a simulated Mixpanel: events per second, and this process's
//! CPU-seconds per million.
//!
//! ```text
//! cargo run --release -p kleos-test-kit --bin simulated-mixpanel -- 127.0.0.1:9470 &
//! KLEOS_BENCH_MIXPANEL=http://127.0.0.1:9470 cargo bench -p kleos-analytics-sink
//! ```
//!
//! Without an address the simulation runs in this process, and its work is counted too.
//! `KLEOS_BENCH_AWARDS` and `KLEOS_BENCH_WORKERS` say how many.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a measurement fails by panicking, reads the environment and tells on stdout"
)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use kleos_analytics_sink::{Credentials, Destination, DistinctId, Pace, Settings};
use kleos_contracts::key::{learner_key, partition_of};
use kleos_contracts::topic::Topic;
use kleos_event_log::{Address, EmbeddedConfig, EmbeddedLog, EventLog, Outbox, Partition};
use kleos_service_kit::bootstrap::Process;
use kleos_service_kit::clock::SystemClock;
use kleos_service_kit::config::Secret;
use kleos_service_kit::lifecycle::StopReason;
use kleos_test_kit::builders::award;
use kleos_test_kit::mixpanel::project::{Limits, Project};
use kleos_test_kit::mixpanel::server::Running;
use tokio::runtime::Builder;

const PARTITIONS: i32 = 4;

fn main() {
    // Anybody else who runs all targets does not want to wait for it.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let awards: u32 = number("KLEOS_BENCH_AWARDS", 300_000);
    let workers = usize::try_from(number("KLEOS_BENCH_WORKERS", 2)).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let config = EmbeddedConfig { partitions: PARTITIONS, ..EmbeddedConfig::default() };
    let path = directory.path().join("log");
    let log = EmbeddedLog::open(&path, config, SystemClock::shared()).unwrap();
    let log = Arc::new(log).into_log();
    feed(&log, awards);

    let limits =
        Limits { minute_events: usize::MAX, minute_bytes: usize::MAX, ..Limits::default() };
    let project = Project { limits, ..Project::default() };
    let inside = Running::start(project, SystemClock::shared()).unwrap();
    let url = std::env::var("KLEOS_BENCH_MIXPANEL").unwrap_or_else(|_| inside.url());
    let (wall, cpu) = measure(&log, settings(&url, workers), u64::from(awards));
    println!(
        "{{\"awards\":{awards},\"workers\":{workers},\"seconds\":{:.3},\"events_per_second\":{:.0},\
         \"cpu_seconds_per_million\":{:.2}}}",
        wall,
        f64::from(awards) / wall,
        cpu * 1_000_000.0 / f64::from(awards),
    );
}

fn number(name: &str, default: u32) -> u32 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}

fn feed(log: &EventLog, awards: u32) {
    let codec = log.codec(Topic::Awards).unwrap();
    let mut publisher = log.publisher("feed").unwrap();
    let mut outbox = Outbox::default();
    for number in 0..awards {
        let award = award(number);
        let key = learner_key(&award.tenant, &award.user_key);
        let partition = Partition::new(Topic::Awards, partition_of(key.as_bytes(), PARTITIONS));
        let timestamp = award.decided_at;
        let address = Address { partition, timestamp, key: Some(key.as_bytes()) };
        outbox.send(&codec, address, &award).unwrap();
        if outbox.len() == 10_000 || number + 1 == awards {
            publisher.publish(&outbox).unwrap();
            outbox.clear();
        }
    }
}

fn settings(url: &str, workers: usize) -> Settings {
    let (username, secret) = Project::default().account;
    let destination = Destination {
        url: url.parse().unwrap(),
        project_id: Some(Project::default().id),
        credentials: Credentials::ServiceAccount { username, secret: Secret::new(secret) },
    };
    Settings {
        destination: Some(destination),
        events: false,
        distinct_id: DistinctId::UserKey,
        batch_records: 2_000,
        batch_bytes: 1_536 << 10,
        request_interval: Duration::ZERO,
        workers,
        pace: Pace::VENDOR,
    }
}

/// Seconds until all is committed, and CPU-seconds of this process meanwhile.
fn measure(log: &EventLog, settings: Settings, awards: u64) -> (f64, f64) {
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let (process, supervisor) =
        Process::new(runtime.handle().clone(), SystemClock::shared(), Duration::from_secs(25))
            .unwrap();
    let supervision = runtime.spawn(supervisor.run());
    let (started, cpu_before) = (Instant::now(), cpu_seconds());
    let start = kleos_analytics_sink::start(&process, log.clone(), "bench", settings);
    runtime.block_on(start).unwrap();
    while committed(&process) < awards {
        std::thread::sleep(Duration::from_millis(20));
    }
    let measured = (started.elapsed().as_secs_f64(), cpu_seconds() - cpu_before);
    process.lifecycle.stop(StopReason::Requested("measured".to_owned()));
    runtime.block_on(supervision).unwrap().unwrap();
    measured
}

fn committed(process: &Process) -> u64 {
    let text = process.metrics.text().unwrap();
    let lines = text.lines().filter(|line| line.starts_with("kleos_sink_records_total{"));
    lines.map(|line| line.rsplit_once(' ').unwrap().1.parse::<u64>().unwrap()).sum()
}

/// User and system time, from fields 14 and 15 of Linux's own account, in hundredths.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let (_, fields) = stat.rsplit_once(") ").unwrap();
    let ticks = fields.split(' ').skip(11).take(2).map(|field| field.parse::<f64>().unwrap());
    ticks.sum::<f64>() / 100.0
}
