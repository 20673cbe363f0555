//! `[normalizer]`, and what it needs to know of tenants and instances.

use std::collections::BTreeMap;
use std::sync::Arc;

use kleos_contracts::ids::{InstanceId, TenantId};
use kleos_service_kit::config::Section;
use kleos_service_kit::config::instances::Instance;
use kleos_service_kit::config::tenants::Tenant;
use kleos_sources::InstanceProfile;

/// What the normalizer is told.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Workers, each with a thread of its own.
    pub workers: usize,
    /// Webhooks of one transaction at most.
    pub batch_records: usize,
    /// The instances whose webhooks it maps, by name.
    pub instances: Arc<BTreeMap<String, InstanceSettings>>,
}

/// How one instance's webhooks are mapped.
#[derive(Clone, Debug)]
pub struct InstanceSettings {
    /// Whose learners use it.
    pub tenant: String,
    /// Identity and limits.
    pub profile: InstanceProfile,
}

impl Settings {
    /// Takes `workers` and `batch_records`.
    #[must_use]
    pub fn read(
        section: &Section<'_>,
        tenants: &BTreeMap<TenantId, Tenant>,
        instances: &BTreeMap<InstanceId, Instance>,
    ) -> Self {
        let workers = section.integer("workers", 1..=64).or(1);
        let batch_records = section.integer("batch_records", 1..=100_000).or(2_000);
        let instances = instances
            .iter()
            .filter_map(|(id, instance)| {
                let tenant = tenants.get(&instance.tenant)?;
                Some((id.to_string(), settings_of(tenant)))
            })
            .collect();
        Self { workers, batch_records, instances: Arc::new(instances) }
    }
}

fn settings_of(tenant: &Tenant) -> InstanceSettings {
    InstanceSettings {
        tenant: tenant.id.to_string(),
        profile: InstanceProfile {
            identity: tenant.identity.clone(),
            ..InstanceProfile::default()
        },
    }
}
