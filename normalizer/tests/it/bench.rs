//! A log and the normalizer on it.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use kleos_contracts::raw::RawWebhook;
use kleos_contracts::time::{DAY, SECOND, Timestamp};
use kleos_contracts::topic::Topic;
use kleos_event_log::{Address, EventLog, Outbox, Outgoing, Partition, Position};
use kleos_normalizer::{SERVICE, Settings};
use kleos_service_kit::bootstrap::Process;
use kleos_service_kit::clock::{Clock, SystemClock};
use kleos_service_kit::config::tenants::{self, SecretUse};
use kleos_service_kit::config::{self, Environment, instances};
use kleos_service_kit::lifecycle::{LifecycleError, StopReason};
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;

pub(crate) const PARTITIONS: i32 = 4;
/// How long a test waits for what should come at once.
const PATIENCE: Duration = Duration::from_secs(60);

/// When every event occurs: at the last midnight but one. What is older than its topic keeps it, a
/// cluster deletes under a test's feet.
pub(crate) fn occurred_at() -> Timestamp {
    static YESTERDAY: LazyLock<i32> = LazyLock::new(|| SystemClock::new().now().utc_day() - 1);
    Timestamp::from_micros(i64::from(*YESTERDAY) * DAY)
}

/// When every webhook arrives: half a minute after its event.
pub(crate) fn received_at() -> Timestamp {
    occurred_at().plus_micros(30 * SECOND)
}

/// Two sites of one tenant, and one of a tenant that tells learners apart by their addresses.
const CONFIGURATION: &str = "
[tenants.acme]
[tenants.umbrella]
identity = \"email\"
[instances.campus-a]
tenant = \"acme\"
source = \"moodle\"
[instances.partner]
tenant = \"acme\"
source = \"custom\"
[instances.academy]
tenant = \"umbrella\"
source = \"custom\"
[normalizer]
";

/// What the normalizer is told; `more` are lines of `[normalizer]`.
pub(crate) fn settings(more: &str) -> Settings {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("kleos.toml");
    std::fs::write(&path, format!("{CONFIGURATION}{more}\n")).unwrap();
    let loaded = config::read(&path, &Environment::given([]), |root| {
        let tenants = tenants::read(root, SecretUse::NotNeeded);
        let sources = kleos_sources::SOURCES;
        let instances = instances::read(root, &tenants, sources, SecretUse::NotNeeded);
        Some(Settings::read(&root.section("normalizer"), &tenants, &instances))
    });
    loaded.unwrap().value
}

/// A webhook of one of the sites of the configuration.
pub(crate) fn webhook(instance: &str, body: impl Into<Vec<u8>>) -> RawWebhook {
    let (tenant, source) = match instance {
        "campus-a" => ("acme", "moodle"),
        "partner" => ("acme", "custom"),
        "academy" => ("umbrella", "custom"),
        _ => panic!("no instance {instance}"),
    };
    RawWebhook {
        delivery_id: "0198cbb0-5c10-7a3b-9d5e-1f2a3b4c5d6e".to_owned(),
        tenant: tenant.to_owned(),
        source: source.to_owned(),
        instance: instance.to_owned(),
        received_at: received_at(),
        method: "POST".to_owned(),
        body: body.into(),
        ..RawWebhook::default()
    }
}

/// Webhook `number` of many: a learner of 50 completes a lesson.
pub(crate) fn numbered(number: usize) -> RawWebhook {
    let learner = number % 50;
    let body = format!(
        r#"{{"event":"lesson.completed","event_id":"{number}","user":{{"id":"{learner}"}}}}"#
    );
    RawWebhook { delivery_id: format!("delivery-{number}"), ..webhook("partner", body) }
}

/// Writes webhooks to one partition of the log; tells where they lie.
pub(crate) fn feed(log: &EventLog, number: i32, webhooks: &[RawWebhook]) -> Vec<Position> {
    let (mut outbox, codec) = (Outbox::default(), log.codec(Topic::Raw).unwrap());
    let partition = Partition::new(Topic::Raw, number);
    for webhook in webhooks {
        let address = Address { partition, timestamp: webhook.received_at, key: None };
        outbox.send(&codec, address, webhook).unwrap();
    }
    log.publisher("feed").unwrap().publish(&outbox).unwrap()
}

/// Writes bytes to partition 0 of the log as if they were a webhook.
pub(crate) fn feed_bytes(log: &EventLog, value: &[u8]) -> Position {
    let mut outbox = Outbox::default();
    let partition = Partition::new(Topic::Raw, 0);
    outbox.push(Outgoing { partition, timestamp: received_at(), key: Some(b"k"), value }).unwrap();
    log.publisher("feed").unwrap().publish(&outbox).unwrap()[0]
}

/// How many offsets of the input are committed.
pub(crate) fn committed(log: &EventLog) -> i64 {
    let standings = log.progress(SERVICE, Topic::Raw).unwrap();
    standings.iter().map(|standing| standing.committed.unwrap_or_default()).sum()
}

/// Waits until a condition holds.
#[track_caller]
pub(crate) fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "never {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The normalizer as a process of its own, in this one.
pub(crate) struct Service {
    pub(crate) process: Process,
    runtime: Runtime,
    supervision: JoinHandle<Result<(), LifecycleError>>,
}

impl Service {
    pub(crate) fn start(log: &EventLog, settings: &Settings) -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let stop_within = Duration::from_secs(25);
        let (process, supervisor) =
            Process::new(runtime.handle().clone(), SystemClock::shared(), stop_within).unwrap();
        let supervision = runtime.spawn(supervisor.run());
        kleos_normalizer::start(&process, log, "test", settings).unwrap();
        process.lifecycle.all_started();
        Self { process, runtime, supervision }
    }

    /// Waits until so many webhooks are done and the process is well.
    #[track_caller]
    pub(crate) fn wait_for(&self, webhooks: usize) {
        let what = format!("{webhooks} webhooks");
        wait_until(&what, || {
            let report = self.process.readiness.report();
            assert!(!report.stopping, "{report:?}");
            metric(&self.process, "kleos_worker_records_total", "") >= webhooks as u64
        });
    }

    /// Waits for the normalizer to end by itself; tells why.
    pub(crate) fn join(self) -> LifecycleError {
        let ended = async { tokio::time::timeout(PATIENCE, self.supervision).await };
        self.runtime.block_on(ended).unwrap().unwrap().unwrap_err()
    }

    /// Stops the normalizer; the batch in hand is finished.
    pub(crate) fn stop(self) -> Process {
        self.process.lifecycle.stop(StopReason::Requested("the test is over".to_owned()));
        self.runtime.block_on(self.supervision).unwrap().unwrap();
        self.process
    }
}

/// The sum of a metric's series whose labels contain a text.
pub(crate) fn metric(process: &Process, name: &str, label: &str) -> u64 {
    let text = process.metrics.text().unwrap();
    let series = text.lines().filter(|line| {
        line.strip_prefix(name)
            .is_some_and(|rest| rest.starts_with(['{', ' ']) && rest.contains(label))
    });
    series.map(|line| line.rsplit_once(' ').unwrap().1.parse::<u64>().unwrap()).sum()
}
