//! What `kleos.toml` means: which sections there are, and which a command needs.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use kleos_contracts::ids::{InstanceId, TenantId};
use kleos_contracts::key::is_partition_count;
use kleos_event_log::{EmbeddedConfig, KafkaConfig, TopicPlan};
use kleos_service_kit::bootstrap::ProcessSettings;
use kleos_service_kit::config::instances::{self, Instance};
use kleos_service_kit::config::tenants::{self, SecretUse, Tenant};
use kleos_service_kit::config::{self, Environment, Loaded, Section};
use kleos_service_kit::failure::Failure;

/// Where a command looks if it is not told.
const DEFAULT_FILE: &str = "kleos.toml";
const SECTIONS: [&str; 10] = [
    "process",
    "tenants",
    "instances",
    "embedded",
    "kafka",
    "topics",
    "gateway",
    "normalizer",
    "rules",
    "sink",
];

/// What a command needs to know of the configuration.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Needs {
    pub(crate) gateway: bool,
    pub(crate) normalizer: bool,
    pub(crate) rules: bool,
    pub(crate) sink: bool,
    /// Without a cluster there is nothing to do.
    pub(crate) kafka: bool,
}

impl Needs {
    pub(crate) const ALL: Self =
        Self { gateway: true, normalizer: true, rules: true, sink: true, kafka: false };
}

/// The configuration, as far as a command needs it.
#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) process: ProcessSettings,
    /// Where the process keeps what must survive it.
    pub(crate) data: PathBuf,
    pub(crate) instance: String,
    pub(crate) admin: SocketAddr,
    pub(crate) embedded: EmbeddedConfig,
    pub(crate) kafka: Option<KafkaConfig>,
    pub(crate) topics: TopicPlan,
    pub(crate) gateway: Option<kleos_ingest_gateway::Settings>,
    pub(crate) normalizer: Option<kleos_normalizer::Settings>,
    pub(crate) rules: Option<kleos_rules_processor::Settings>,
    pub(crate) sink: Option<kleos_analytics_sink::Settings>,
    pub(crate) tenants: BTreeMap<TenantId, Tenant>,
    pub(crate) instances: BTreeMap<InstanceId, Instance>,
}

/// Reads a configuration; every mistake is told at once.
pub(crate) fn read(path: Option<&Path>, needs: Needs) -> Result<Loaded<Config>, Failure> {
    let path = path.unwrap_or(Path::new(DEFAULT_FILE));
    Ok(config::read(path, &Environment::of_process(), |root| of(root, needs))?)
}

fn of(root: &Section<'_>, needs: Needs) -> Option<Config> {
    root.skip(&SECTIONS);
    let process = root.section("process");
    let data = process.path("data").or(PathBuf::from("kleos-data"));
    let secrets_if = |needed| if needed { SecretUse::Needed } else { SecretUse::NotNeeded };
    let tenants = tenants::read(root, secrets_if(needs.rules));
    let sources = kleos_sources::SOURCES;
    let instances = instances::read(root, &tenants, sources, secrets_if(needs.gateway));
    let gateway = needs.gateway.then(|| {
        kleos_ingest_gateway::Settings::read(
            &root.section("gateway"),
            sources,
            &tenants,
            &instances,
        )
    });
    let normalizer = needs.normalizer.then(|| {
        kleos_normalizer::Settings::read(&root.section("normalizer"), &tenants, &instances)
    });
    let rules = needs
        .rules
        .then(|| kleos_rules_processor::Settings::read(&root.section("rules"), &tenants, &data));
    let sink = needs.sink.then(|| kleos_analytics_sink::Settings::read(&root.section("sink")));
    Some(Config {
        instance: instance(&process),
        admin: process.address("admin").or(SocketAddr::from((Ipv4Addr::LOCALHOST, 9090))),
        process: ProcessSettings::read(&process),
        embedded: embedded(&root.section("embedded")),
        topics: topics(&root.section("topics")),
        kafka: kafka(root, needs.kafka),
        data,
        gateway: gateway.flatten(),
        normalizer,
        rules,
        sink: sink.flatten(),
        tenants,
        instances,
    })
}

fn instance(process: &Section<'_>) -> String {
    let host = || gethostname::gethostname().to_string_lossy().into_owned();
    let named = process.string("instance");
    let name = named.or(host());
    let is_name = |name: &str| {
        (1..=100).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
    };
    if !is_name(&name) {
        let expected = "1 to 100 letters, digits, -, . or _";
        process.problem("instance", format!("{name:?}"), expected, "choose such a name");
    }
    name
}

fn embedded(section: &Section<'_>) -> EmbeddedConfig {
    let default = EmbeddedConfig::default();
    EmbeddedConfig { partitions: partitions(section, default.partitions), ..default }
}

fn topics(section: &Section<'_>) -> TopicPlan {
    let partitions = partitions(section, 8);
    TopicPlan { partitions, replication: section.integer("replication", 1..=100).or(3) }
}

fn partitions(section: &Section<'_>, default: i32) -> i32 {
    let partitions = section.integer("partitions", 1..=4096).or(default);
    if !is_partition_count(partitions) {
        let remedy = "take the next one; it can only be changed with new topics";
        section.problem("partitions", partitions.to_string(), "a power of two", remedy);
    }
    partitions
}

fn kafka(root: &Section<'_>, is_needed: bool) -> Option<KafkaConfig> {
    let section = root.section("kafka");
    if !section.is_present() && !is_needed {
        return None;
    }
    let brokers = section.string("brokers").required();
    let registry = section.url("registry", &["http", "https"]).required();
    let prefix = section.string("prefix").or(String::new());
    let timeout = |key, default: Duration| {
        let range = Duration::from_secs(1)..=Duration::from_secs(900);
        section.duration(key, range).or(default)
    };
    let default = KafkaConfig::new("", "");
    let session_timeout = timeout("session_timeout", default.session_timeout);
    let transaction_timeout = timeout("transaction_timeout", default.transaction_timeout);
    let user = section.string("registry_user").optional();
    let password = section.secret("registry_password", 1).optional();
    let security = security(&section.section("security"));
    Some(KafkaConfig {
        prefix,
        session_timeout,
        transaction_timeout,
        security,
        registry_login: user.zip(password.map(|password| password.expose().to_owned())),
        ..KafkaConfig::new(&brokers?, registry?.as_str())
    })
}

/// librdkafka's settings for security, by names of our own.
fn security(section: &Section<'_>) -> BTreeMap<String, String> {
    let protocols = ["plaintext", "ssl", "sasl_plaintext", "sasl_ssl"].map(|name| (name, name));
    let mechanisms =
        ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"].map(|name| (name, name));
    let mut settings = BTreeMap::new();
    let mut set = |name: &str, value: Option<String>| {
        settings.extend(value.map(|value| (name.to_owned(), value)));
    };
    let owned = |value: Option<&str>| value.map(str::to_owned);
    let path = |key| section.path(key).optional().map(|path| path.display().to_string());
    let secret = |key| section.secret(key, 1).optional().map(|secret| secret.expose().to_owned());
    set("security.protocol", owned(section.one_of("protocol", &protocols).optional()));
    set("sasl.mechanism", owned(section.one_of("sasl_mechanism", &mechanisms).optional()));
    set("sasl.username", section.string("sasl_username").optional());
    set("sasl.password", secret("sasl_password"));
    set("ssl.ca.location", path("ssl_ca"));
    set("ssl.certificate.location", path("ssl_certificate"));
    set("ssl.key.location", path("ssl_key"));
    set("ssl.key.password", secret("ssl_key_password"));
    settings
}

#[cfg(test)]
mod tests;
