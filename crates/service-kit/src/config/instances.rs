//! `[instances.<id>]`: the sites of learning platforms that send events.

use std::collections::BTreeMap;

use kleos_contracts::ids::{InstanceId, TenantId};

use crate::config::Section;
use crate::config::credentials::{self, Credential};
use crate::config::networks::{self, Networks};
use crate::config::rates::RateLimit;
use crate::config::tenants::{SecretUse, Tenant};

/// One site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instance {
    /// Its name.
    pub id: InstanceId,
    /// Whose learners use it.
    pub tenant: TenantId,
    /// Which platform it is.
    pub source: String,
    /// Whoever has the secret of one of these may send its events.
    pub credentials: Vec<Credential>,
    /// From where they may be sent; empty: from everywhere.
    pub allow_from: Networks,
    /// How many of them are taken.
    pub rate_limit: Option<RateLimit>,
    /// The status of the answer to an event that is stored, where it is not the source's.
    pub accepted_status: Option<u16>,
}

/// Every instance. `sources` are the platforms that there are.
#[must_use]
pub fn read(
    root: &Section<'_>,
    tenants: &BTreeMap<TenantId, Tenant>,
    sources: &[&str],
    secrets: SecretUse,
) -> BTreeMap<InstanceId, Instance> {
    let sources: Vec<(&str, String)> =
        sources.iter().map(|source| (*source, (*source).to_owned())).collect();
    let mut instances = BTreeMap::new();
    let mut seen = Vec::new();
    for section in root.named("instances") {
        let id = read_id(&section);
        let tenant = read_tenant(&section, tenants);
        let source = section.one_of("source", &sources).required();
        let credentials = match secrets {
            SecretUse::Needed => credentials::read(&section, &mut seen),
            SecretUse::NotNeeded => {
                section.skip(&["credentials"]);
                Vec::new()
            }
        };
        let allow_from = section.list::<Networks>("allow_from", networks::EXPECTED).or(Vec::new());
        let allow_from = allow_from.into_iter().collect();
        let rate_limit = RateLimit::read(&section.section("rate_limit"));
        // What comes after these promises a body that it does not have.
        let accepted_status = section.integer("accepted_status", 200..=203).optional();
        if let (Some(id), Some(tenant), Some(source)) = (id, tenant, source) {
            let instance = Instance {
                id,
                tenant,
                source,
                credentials,
                allow_from,
                rate_limit,
                accepted_status,
            };
            instances.insert(instance.id.clone(), instance);
        }
    }
    instances
}

fn read_id(section: &Section<'_>) -> Option<InstanceId> {
    let id = section.name().parse();
    if id.is_err() {
        section.problem_here(
            format!("{:?}", section.name()),
            "an instance's name of 1 to 40 of a-z, 0-9 and -",
            "choose such a name",
        );
    }
    id.ok()
}

fn read_tenant(section: &Section<'_>, tenants: &BTreeMap<TenantId, Tenant>) -> Option<TenantId> {
    let tenant: TenantId = section.parsed("tenant", "a tenant, as \"campus-a\"").required()?;
    if !tenants.contains_key(&tenant) && section.reading.is_complete() {
        section.problem(
            "tenant",
            format!("{:?}, which is not a tenant of this configuration", tenant.as_str()),
            "the name of a tenant",
            &format!("add a table [tenants.{tenant}], or name one that is there"),
        );
    }
    Some(tenant)
}
