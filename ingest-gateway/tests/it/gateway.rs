//! A gateway in a process of its own making, and what lies in its log.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use kleos_contracts::raw::RawWebhook;
use kleos_contracts::topic::Topic;
use kleos_event_log::{Batch, EmbeddedConfig, EmbeddedLog, EventLog, Position, Progress, Start};
use kleos_ingest_gateway::Settings;
use kleos_service_kit::bootstrap::Process;
use kleos_service_kit::clock::SystemClock;
use kleos_service_kit::config::tenants::SecretUse;
use kleos_service_kit::config::{self, Environment, instances, tenants};
use kleos_service_kit::lifecycle::{LifecycleError, StopReason};
use serde_json::Value;
use tempfile::TempDir;
use tokio::runtime::Handle;
use tokio::task::{JoinHandle, spawn_blocking};

use crate::wire::{PATIENCE, Reply, Wire, post};

pub(crate) const MOODLE: &str = "/api/public/hook/moodle/event";
pub(crate) const CUSTOM: &str = "/api/public/hook/custom/event";
/// Of the instance `campus-a`, a Moodle.
pub(crate) const TOKEN: &str = "token-of-campus-a-1";
/// Of the instance `portal`, whose source is `custom`.
pub(crate) const PORTAL_TOKEN: &str = "token-of-the-portal";

/// An event in the canonical form.
pub(crate) const LESSON: &str = r#"{"event":"lesson.completed","event_id":"1","user":{"id":"7"}}"#;

const SENDERS: &str = r#"
    tenants.acme = {}
    [instances.campus-a]
    tenant = "acme"
    source = "moodle"
    credentials = [
        { id = "first", secret = "token-of-campus-a-1" },
        { id = "second", secret = "token-of-campus-a-2" },
    ]
    [instances.portal]
    tenant = "acme"
    source = "custom"
    credentials = [{ id = "only", secret = "token-of-the-portal" }]
    [instances.signer]
    tenant = "acme"
    source = "custom"
    [[instances.signer.credentials]]
    id = "hmac"
    strategy = "atomic-guide"
    secret = "secret-of-the-signer"
    [gateway]
"#;

/// A gateway and its process.
pub(crate) struct Gateway {
    pub(crate) address: SocketAddr,
    pub(crate) process: Process,
    pub(crate) log: EventLog,
    supervision: JoinHandle<Result<(), LifecycleError>>,
    /// The embedded log's.
    _directory: Option<TempDir>,
}

/// With these lines in `[gateway]`. Where they set none, there are no rate limits, and the same
/// can be sent again and again.
pub(crate) fn settings_with(lines: &str) -> Settings {
    let unless = |key: &str, line| if lines.contains(key) { "" } else { line };
    let unlimited = unless("rate_limits", "rate_limits.profile = \"none\"\n");
    let forgetful = unless("duplicates", "duplicates.deliveries = 0\n");
    settings_of(&format!("{SENDERS}{unlimited}{forgetful}{lines}"))
}

/// With these tenants, instances and `[gateway]`.
fn settings_of(text: &str) -> Settings {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("kleos.toml");
    std::fs::write(&path, text).unwrap();
    let loaded = config::read(&path, &Environment::given([]), |root| {
        let tenants = tenants::read(root, SecretUse::Needed);
        let sources = ["moodle", "custom"];
        let instances = instances::read(root, &tenants, &sources, SecretUse::Needed);
        Settings::read(&root.section("gateway"), &sources, &tenants, &instances)
    });
    loaded.unwrap_or_else(|problems| panic!("{problems}")).value
}

impl Gateway {
    /// In front of an embedded log, ready, with these lines in `[gateway]`.
    pub(crate) async fn start(lines: &str) -> Self {
        Self::start_to_stop_within(PATIENCE, lines).await
    }

    pub(crate) async fn start_to_stop_within(stop_within: Duration, lines: &str) -> Self {
        let settings = settings_with(&format!("listen = \"127.0.0.1:0\"\n{lines}"));
        Self::start_embedded(stop_within, settings).await
    }

    /// The same with a configuration of its own, whose last table is one of the gateway's.
    pub(crate) async fn configured(text: &str) -> Self {
        let listen = "[gateway]\nlisten = \"127.0.0.1:0\"\n";
        Self::start_embedded(PATIENCE, settings_of(&text.replace("[gateway]\n", listen))).await
    }

    async fn start_embedded(stop_within: Duration, settings: Settings) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        let clock = SystemClock::shared();
        let log = EmbeddedLog::open(&path, EmbeddedConfig::default(), clock).unwrap();
        let log = Arc::new(log).into_log();
        let mut gateway = Self::start_with(log, stop_within, settings).await;
        gateway._directory = Some(directory);
        gateway.until("ready", |gateway| gateway.because().is_none()).await;
        gateway
    }

    /// In front of a log that need not be there yet.
    pub(crate) async fn start_on(log: EventLog, stop_within: Duration, lines: &str) -> Self {
        let settings = settings_with(&format!("listen = \"127.0.0.1:0\"\n{lines}"));
        Self::start_with(log, stop_within, settings).await
    }

    async fn start_with(log: EventLog, stop_within: Duration, settings: Settings) -> Self {
        let clock = SystemClock::shared();
        let (process, supervisor) = Process::new(Handle::current(), clock, stop_within).unwrap();
        let supervision = Handle::current().spawn(supervisor.run());
        let address = kleos_ingest_gateway::start(&process, log.clone(), settings).await.unwrap();
        process.lifecycle.all_started();
        Self { address, process, log, supervision, _directory: None }
    }

    pub(crate) async fn connect(&self) -> Wire {
        Wire::connect(self.address).await
    }

    /// Sends one request on a connection of its own.
    pub(crate) async fn send(&self, request: impl AsRef<[u8]>) -> Reply {
        let mut wire = self.connect().await;
        wire.send(request).await;
        wire.reply().await
    }

    pub(crate) async fn post(&self, body: impl AsRef<[u8]>) -> Reply {
        self.send(post(MOODLE, TOKEN, body)).await
    }

    /// Why it is not ready.
    pub(crate) fn because(&self) -> Option<String> {
        let report = self.process.readiness.report();
        let waits = report.conditions.into_iter().find(|condition| !condition.ready);
        waits.map(|condition| format!("{}: {}", condition.name, condition.because.unwrap()))
    }

    pub(crate) async fn until(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !holds(self) {
            assert!(Instant::now() < deadline, "never: {what}; {:?}", self.because());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// The sum of a metric over all series whose labels hold a text.
    pub(crate) fn metric(&self, name: &str, label: &str) -> u64 {
        let text = self.process.metrics.text().unwrap();
        let series = text.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix('{'));
        let values = series.filter_map(|series| series.split_once("} "));
        let matching = values.filter(|(labels, _)| labels.contains(label));
        matching.map(|(_, value)| value.parse::<u64>().unwrap()).sum()
    }

    /// How many requests ended so.
    pub(crate) fn outcome(&self, outcome: &str) -> u64 {
        self.metric("kleos_gateway_requests_total", &format!("outcome=\"{outcome}\""))
    }

    /// Bytes that are held for requests.
    pub(crate) fn held(&self) -> u64 {
        self.metric("kleos_gateway_in_flight_bytes", "")
    }

    pub(crate) fn connections(&self) -> u64 {
        self.metric("kleos_gateway_connections", "")
    }

    pub(crate) fn ask_to_stop(&self) {
        self.process.lifecycle.stop(StopReason::Requested("the test is over".to_owned()));
    }

    pub(crate) async fn ended(self) -> Result<(), LifecycleError> {
        self.supervision.await.unwrap()
    }

    /// Everything in `kleos.raw.v1`.
    pub(crate) async fn records(&self) -> Records {
        let log = self.log.clone();
        spawn_blocking(move || read(&log)).await.unwrap()
    }

    /// The record that a receipt names.
    pub(crate) async fn record_of(&self, reply: &Reply) -> RawWebhook {
        let receipt = reply.json()["receipt"].clone();
        let mut records = self.records().await;
        records.remove(&coordinates(&receipt)).unwrap_or_else(|| panic!("{receipt} in {records:?}"))
    }
}

/// By partition and offset.
pub(crate) type Records = BTreeMap<(i32, i64), RawWebhook>;

fn read(log: &EventLog) -> Records {
    let codec = log.codec::<RawWebhook>(Topic::Raw).unwrap();
    let mut reader = log.reader(Topic::Raw, Start::Earliest).unwrap();
    let mut batch = Batch::default();
    let mut records = BTreeMap::new();
    loop {
        batch.clear();
        let progress = reader.read(&mut batch, Duration::from_millis(50)).unwrap();
        for record in batch.iter() {
            assert_eq!(record.key, None);
            let webhook = codec.decode(record.value.unwrap()).unwrap();
            assert_eq!(record.timestamp.millis(), webhook.received_at.millis());
            let Position { partition, offset } = record.position;
            assert_eq!(records.insert((partition.number, offset), webhook), None);
        }
        if progress == Progress::CaughtUp {
            return records;
        }
    }
}

/// Partition and offset of a receipt.
pub(crate) fn coordinates(receipt: &Value) -> (i32, i64) {
    assert_eq!(receipt["topic"], "kleos.raw.v1");
    let number = |name: &str| receipt[name].as_i64().unwrap();
    (number("partition").try_into().unwrap(), number("offset"))
}
