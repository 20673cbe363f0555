//! `[rules]`, and what the processor needs to know of tenants.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use kleos_contracts::ids::TenantId;
use kleos_rules_engine::Zone;
use kleos_service_kit::config::tenants::{DecisionLevel, TOKEN_LENGTH_MIN, Tenant};
use kleos_service_kit::config::{Secret, Section};

/// What the rules-processor is told.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Workers, each with a thread of its own.
    pub workers: usize,
    /// Events of one transaction at most.
    pub batch_records: usize,
    /// Where the local copy of the state lies; it can be deleted, and is then restored.
    pub directory: PathBuf,
    /// Memory of the local copy: what was read and what is not on the disk yet.
    pub memory_bytes: usize,
    /// Memory of each worker for learners that were seen lately.
    pub cache_bytes: usize,
    /// The local copy is brought to the disk at least this often.
    pub flush_interval: Duration,
    /// Where the query port listens.
    pub listen: SocketAddr,
    /// How other instances reach the query port; none: as `listen` says.
    pub advertised_url: Option<String>,
    /// Whoever shows this may publish rules, for every tenant; none: nobody can.
    pub publish_token: Option<Secret>,
    tenants: BTreeMap<String, TenantSettings>,
    other_tenant: TenantSettings,
}

/// What the processor knows of a tenant.
#[derive(Clone, Debug)]
pub struct TenantSettings {
    /// Zone of its days and weeks.
    pub zone: Zone,
    /// For which events decisions are written.
    pub decisions: DecisionLevel,
    /// Whoever shows one of these may ask for its learners.
    pub query_tokens: Vec<Secret>,
}

impl Default for TenantSettings {
    fn default() -> Self {
        Self { zone: Zone::utc(), decisions: DecisionLevel::default(), query_tokens: Vec::new() }
    }
}

const MIB: u64 = 1 << 20;

impl Settings {
    /// Takes the section's keys. `data` is the process's data directory.
    #[must_use]
    pub fn read(
        section: &Section<'_>,
        tenants: &BTreeMap<TenantId, Tenant>,
        data: &std::path::Path,
    ) -> Self {
        let port = SocketAddr::from((Ipv4Addr::LOCALHOST, 8081));
        let flush = Duration::from_secs(1)..=Duration::from_secs(3_600);
        let bytes = |key, range, default: u64| {
            usize::try_from(section.bytes(key, range).or(default)).unwrap_or(usize::MAX)
        };
        let url = section.url("advertised_url", &["http", "https"]).optional();
        Self {
            workers: section.integer("workers", 1..=64).or(1),
            batch_records: section.integer("batch_records", 1..=100_000).or(4_000),
            directory: crate::state_directory(data),
            memory_bytes: bytes("memory", 16 * MIB..=MIB << 20, 256 * MIB),
            cache_bytes: bytes("learner_cache", MIB..=MIB << 20, 128 * MIB),
            flush_interval: section.duration("flush_interval", flush).or(Duration::from_secs(30)),
            listen: section.address("listen").or(port),
            advertised_url: url.map(|url| url.to_string().trim_end_matches('/').to_owned()),
            publish_token: section.secret("publish_token", TOKEN_LENGTH_MIN).optional(),
            tenants: tenants.iter().map(|(id, tenant)| (id.to_string(), of(tenant))).collect(),
            other_tenant: TenantSettings::default(),
        }
    }

    /// The settings of a tenant. One that is not configured any more has the default ones, so that
    /// its events are still decided.
    #[must_use]
    pub fn tenant(&self, tenant: &str) -> &TenantSettings {
        self.tenants.get(tenant).unwrap_or(&self.other_tenant)
    }

    /// The tenants that are configured.
    pub fn tenants(&self) -> impl Iterator<Item = &str> {
        self.tenants.keys().map(String::as_str)
    }

    /// How other instances reach the query port.
    #[must_use]
    pub fn url(&self) -> String {
        self.advertised_url.clone().unwrap_or_else(|| format!("http://{}", self.listen))
    }
}

fn of(tenant: &Tenant) -> TenantSettings {
    TenantSettings {
        // The configuration takes only zones that the bundled database knows.
        zone: tenant.zone.parse().unwrap_or_default(),
        decisions: tenant.decisions,
        query_tokens: tenant.query_tokens.clone(),
    }
}
