//! A log and the normalizer on it.

use std::sync::LazyLock;

use kleos_contracts::raw::RawWebhook;
use kleos_contracts::time::{DAY, SECOND, Timestamp};
use kleos_contracts::topic::Topic;
use kleos_event_log::{Address, EventLog, Outbox, Outgoing, Partition, Position};
use kleos_normalizer::{SERVICE, Settings};
use kleos_service_kit::bootstrap::Process;
use kleos_service_kit::clock::{Clock, SystemClock};
use kleos_service_kit::config::tenants::{self, SecretUse};
use kleos_service_kit::config::{self, Environment, instances};
use kleos_test_kit::service::Hosted;
use kleos_test_kit::wait::wait_until;

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

/// The normalizer as a process of its own, in this one.
pub(crate) struct Service {
    pub(crate) hosted: Hosted,
}

impl Service {
    pub(crate) fn start(log: &EventLog, settings: &Settings) -> Self {
        let (hosted, started) =
            Hosted::start(async |process| kleos_normalizer::start(process, log, "test", settings));
        started.unwrap();
        Self { hosted }
    }

    /// Waits until so many webhooks are done and the process is well.
    #[track_caller]
    pub(crate) fn wait_for(&self, webhooks: usize) {
        let process = &self.hosted.process;
        wait_until(&format!("{webhooks} webhooks"), || {
            let report = process.readiness.report();
            assert!(!report.stopping, "{report:?}");
            metric(process, "kleos_worker_records_total", "") >= webhooks as u64
        });
    }

    /// Stops the normalizer; the batch in hand is finished.
    pub(crate) fn stop(self) -> Process {
        self.hosted.stop()
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
