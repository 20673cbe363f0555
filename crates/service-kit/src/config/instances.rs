//! `[instances.<id>]`: the sites of learning platforms that send events.

use std::collections::BTreeMap;

use kleos_contracts::ids::{InstanceId, TenantId};

use crate::config::document::Value;
use crate::config::tenants::{SecretUse, TOKEN_LENGTH_MIN, Tenant};
use crate::config::{Secret, Section};

/// One site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instance {
    /// Its name.
    pub id: InstanceId,
    /// Whose learners use it.
    pub tenant: TenantId,
    /// Which platform it is.
    pub source: String,
    /// Whoever shows one of these may send its events.
    pub tokens: Vec<Token>,
}

/// A secret with a name, so that records can say which one was shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Its name, unique within the instance.
    pub id: String,
    /// What the sender shows.
    pub secret: Secret,
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
    let mut shown = Vec::new();
    for section in root.named("instances") {
        let id = read_id(&section);
        let tenant = read_tenant(&section, tenants);
        let source = section.one_of("source", &sources).required();
        let tokens = match secrets {
            SecretUse::Needed => read_tokens(&section, &mut shown),
            SecretUse::NotNeeded => {
                section.skip(&["tokens"]);
                Vec::new()
            }
        };
        if let (Some(id), Some(tenant), Some(source)) = (id, tenant, source) {
            instances.insert(id.clone(), Instance { id, tenant, source, tokens });
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

/// A token that was read, and whose it is.
struct Shown {
    instance: String,
    token: Token,
}

fn read_tokens(section: &Section<'_>, shown: &mut Vec<Shown>) -> Vec<Token> {
    let entries = section.list_of_tables("tokens");
    let expected = "a list, as [{ id = \"first\", token = … }]";
    match section.entry("tokens").map(|entry| &entry.node.value) {
        None => section.report_missing("tokens", expected),
        Some(Value::List(items)) if items.is_empty() => {
            let advice = "add a token: without one nobody can send events";
            section.problem("tokens", "an empty list".to_owned(), expected, advice);
        }
        Some(_) => {}
    }
    let mut tokens: Vec<Token> = Vec::new();
    for entry in entries {
        let id = entry.string("id").required();
        let secret = entry.secret("token", TOKEN_LENGTH_MIN).required();
        let (Some(id), Some(secret)) = (id, secret) else {
            continue;
        };
        let token = Token { id, secret };
        refuse_repeated(&entry, section.name(), &token, shown);
        shown.push(Shown { instance: section.name().to_owned(), token: token.clone() });
        tokens.push(token);
    }
    tokens
}

/// A token must say which instance sends, and its name which token it was.
fn refuse_repeated(entry: &Section<'_>, instance: &str, token: &Token, shown: &[Shown]) {
    if let Some(first) = shown.iter().find(|first| first.token.secret == token.secret) {
        entry.problem(
            "token",
            format!("the secret of token {:?} of instance {}", first.token.id, first.instance),
            "a secret of its own",
            "make a new one, as with: openssl rand -hex 32",
        );
    }
    if shown.iter().any(|first| first.instance == instance && first.token.id == token.id) {
        entry.problem(
            "id",
            format!("{:?} a second time", token.id),
            "a name that no other token of the instance has",
            "choose another name",
        );
    }
}
