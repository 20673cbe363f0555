//! `[tenants.<id>]`: the organisations whose learners earn points.

use std::collections::BTreeMap;
use std::str::FromStr;

use jiff::tz::TimeZoneDatabase;
use kleos_contracts::ids::TenantId;
use kleos_contracts::learner::Identity;

use crate::config::{Secret, Section};

/// No tenant may have this name: events of the system itself carry it.
pub const RESERVED: &str = "kleos";
/// The shortest token, in characters.
pub const TOKEN_LENGTH_MIN: usize = 16;

/// Whether the process needs the secrets. Where it does not, they are not looked at, so that it can
/// run without being given them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretUse {
    /// They are read and checked.
    Needed,
    /// They are left alone.
    NotNeeded,
}

/// One organisation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tenant {
    /// Its name.
    pub id: TenantId,
    /// The time zone of its days and weeks, as the bundled tz database spells it.
    pub zone: String,
    /// Whoever shows one of these may ask for its learners.
    pub query_tokens: Vec<Secret>,
    /// For which events decisions are written.
    pub decisions: DecisionLevel,
    /// What makes two users one learner.
    pub identity: Identity,
}

/// For which events decisions are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum DecisionLevel {
    /// For every event.
    All,
    /// For events that matched the trigger of some rule.
    #[default]
    Candidates,
    /// For events that were paid.
    Awarded,
}

/// Why a text is no zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("use a name of the IANA time zone database")]
struct ZoneError;

/// A zone that the bundled database knows.
struct Zone(String);

impl FromStr for Zone {
    type Err = ZoneError;

    fn from_str(text: &str) -> Result<Self, ZoneError> {
        match TimeZoneDatabase::bundled().get(text) {
            Ok(_) => Ok(Self(text.to_owned())),
            Err(_) => Err(ZoneError),
        }
    }
}

/// Every tenant whose name is one, also those with other mistakes, so that whoever refers to one
/// finds it.
#[must_use]
pub fn read(root: &Section<'_>, secrets: SecretUse) -> BTreeMap<TenantId, Tenant> {
    let tenants: Vec<(Tenant, Section<'_>)> = root
        .named("tenants")
        .into_iter()
        .filter_map(|section| Some((read_one(&section, secrets)?, section)))
        .collect();
    refuse_shared_tokens(&tenants);
    tenants.into_iter().map(|(tenant, _)| (tenant.id.clone(), tenant)).collect()
}

fn read_one(section: &Section<'_>, secrets: SecretUse) -> Option<Tenant> {
    let id = read_id(section);
    let zone = section.parsed::<Zone>("zone", "a time zone, as \"Europe/Lisbon\"");
    let zone = zone.optional().map_or_else(|| "UTC".to_owned(), |zone| zone.0);
    let query_tokens = match secrets {
        SecretUse::Needed => section.secrets("query_tokens", TOKEN_LENGTH_MIN).or(Vec::new()),
        SecretUse::NotNeeded => {
            section.skip(&["query_tokens"]);
            Vec::new()
        }
    };
    let decisions = section.one_of(
        "decisions",
        &[
            ("all", DecisionLevel::All),
            ("candidates", DecisionLevel::Candidates),
            ("awarded", DecisionLevel::Awarded),
        ],
    );
    let decisions = decisions.or(DecisionLevel::default());
    let identity = section.parsed("identity", "what makes two users one learner, as \"user_id\"");
    let identity = identity.or(Identity::default());
    Some(Tenant { id: id?, zone, query_tokens, decisions, identity })
}

fn read_id(section: &Section<'_>) -> Option<TenantId> {
    let found = format!("{:?}", section.name());
    let expected = "a tenant's name of 1 to 40 of a-z, 0-9 and -";
    match section.name().parse() {
        Ok(_) if section.name() == RESERVED => {
            let advice = "choose another name: this one is for events of Kleos itself";
            section.problem_here(found, "a name that is not reserved", advice);
            None
        }
        Ok(id) => Some(id),
        Err(_) => {
            section.problem_here(found, expected, "choose such a name");
            None
        }
    }
}

/// A token must say whose learners it shows.
fn refuse_shared_tokens(tenants: &[(Tenant, Section<'_>)]) {
    for (index, (tenant, section)) in tenants.iter().enumerate() {
        let earlier = tenants.iter().take(index).find(|(other, _)| {
            other.query_tokens.iter().any(|token| tenant.query_tokens.contains(token))
        });
        if let Some((other, _)) = earlier {
            section.problem(
                "query_tokens",
                format!("a token that tenant {} has too", other.id),
                "tokens of its own",
                "make a new one, as with: openssl rand -hex 32",
            );
        }
    }
}
