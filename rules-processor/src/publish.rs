//! Publishing a rule set: definitions, manifest and the activation of every partition, all in one
//! transaction.

use kleos_contracts::event::{LearningEvent, RuleSetRef, id_origin};
use kleos_contracts::event_name::RULES_ACTIVATED;
use kleos_contracts::identity::{digest, to_hex};
use kleos_contracts::key::partition_of;
use kleos_contracts::rule::{RuleDefinition, kind};
use kleos_contracts::time::Timestamp;
use kleos_contracts::topic::Topic;
use kleos_event_log::{Address, Codec, EventLog, LogError, Outbox, Partition};
use kleos_rules_engine::{ENGINE_VERSION, RuleSet, compile};
use serde::Serialize;

use crate::error::PublishError;
use crate::rules::RuleTable;

/// One publisher at a time: a later one fences an earlier one, so versions cannot be given twice.
const PUBLISHER: &str = "rules";

/// A set that holds from now on, or held already.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Published {
    /// Whose set it is.
    pub tenant: String,
    /// Its version.
    pub version: i64,
    /// Its digest.
    pub digest: String,
    /// Its rules, in their order.
    pub rules: Vec<String>,
    /// False if the tenant's newest set was the same.
    pub is_new: bool,
}

/// What is to be published.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request<'a> {
    pub(crate) tenant: &'a str,
    /// The rules, as written.
    pub(crate) text: &'a str,
    pub(crate) by: &'a str,
    pub(crate) at: Timestamp,
    /// Do nothing if the tenant has any set.
    pub(crate) only_first: bool,
}

/// Publishes a set, unless the tenant's newest is the same.
pub(crate) fn publish(
    log: &EventLog,
    table: &RuleTable,
    request: Request<'_>,
) -> Result<Published, PublishError> {
    let rules = compile(request.text).map_err(PublishError::Refused)?;
    // From here on no other publisher can get in between.
    let mut publisher = log.publisher(PUBLISHER)?;
    table.catch_up()?;
    let newest = table.newest(request.tenant);
    if let Some(newest) = &newest
        && (request.only_first || newest.digest == rules.digest())
    {
        return Ok(Published {
            tenant: request.tenant.to_owned(),
            version: newest.version,
            digest: newest.digest.clone(),
            rules: newest.rule_ids.clone(),
            is_new: false,
        });
    }
    let version = newest.map_or(0, |newest| newest.version) + 1;
    let mut outbox = Outbox::default();
    write_definitions(log, &mut outbox, request, (version, &rules))?;
    write_activations(log, &mut outbox, request, (version, &rules))?;
    publisher.publish(&outbox)?;
    table.catch_up()?;
    Ok(Published {
        tenant: request.tenant.to_owned(),
        version,
        digest: rules.digest().to_owned(),
        rules: rules.rule_ids().map(str::to_owned).collect(),
        is_new: true,
    })
}

fn write_definitions(
    log: &EventLog,
    outbox: &mut Outbox,
    request: Request<'_>,
    (version, rules): (i64, &RuleSet),
) -> Result<(), PublishError> {
    let codec: Codec<RuleDefinition> = log.codec(Topic::Rules)?;
    let record = |kind, rule_id: &str, definition: &str, digest: String| RuleDefinition {
        kind,
        tenant: request.tenant.to_owned(),
        version,
        rule_id: rule_id.to_owned(),
        definition: definition.to_owned(),
        digest,
        rule_ids: Vec::new(),
        published_at: request.at,
        published_by: request.by.to_owned(),
        engine: ENGINE_VERSION.into(),
    };
    let mut records: Vec<RuleDefinition> = rules
        .definitions()
        .map(|(rule_id, text)| {
            record(kind::RULE.into(), rule_id, text, to_hex(&digest(&[text.as_bytes()])))
        })
        .collect();
    let mut manifest = record(kind::MANIFEST.into(), "", "", rules.digest().to_owned());
    manifest.rule_ids = rules.rule_ids().map(str::to_owned).collect();
    records.push(manifest);
    for record in &records {
        let key = record.record_key();
        let address = Address {
            partition: Partition::new(Topic::Rules, 0),
            timestamp: request.at,
            key: Some(key.as_bytes()),
        };
        let sent = outbox.send(&codec, address, record);
        sent.map_err(|error| PublishError::TooLarge(error.to_string()))?;
    }
    Ok(())
}

fn write_activations(
    log: &EventLog,
    outbox: &mut Outbox,
    request: Request<'_>,
    (version, rules): (i64, &RuleSet),
) -> Result<(), PublishError> {
    let codec: Codec<LearningEvent> = log.codec(Topic::Events)?;
    let partitions = log.partitions(Topic::Events)?;
    for number in 0..partitions {
        let event = LearningEvent {
            event: RULES_ACTIVATED.into(),
            source: "kleos".to_owned(),
            tenant: request.tenant.to_owned(),
            event_id: format!("rules-{version}-{number}"),
            id_origin: id_origin::NATIVE.into(),
            occurred_at: request.at,
            accepted_at: request.at,
            rule_set: Some(RuleSetRef { version, digest: rules.digest().to_owned() }),
            ..LearningEvent::default()
        };
        let key = activation_key(request.tenant, number, partitions);
        let address = Address {
            partition: Partition::new(Topic::Events, number),
            timestamp: request.at,
            key: Some(key.as_bytes()),
        };
        let sent = outbox.send(&codec, address, &event);
        sent.map_err(|error| LogError::Misconfigured {
            what: "activating a rule set".to_owned(),
            cause: error.to_string(),
        })?;
    }
    Ok(())
}

/// A key that lies in the partition like any other key would. No learner has it: a learner's key
/// does not begin with `@`.
fn activation_key(tenant: &str, number: i32, partitions: i32) -> String {
    let key = |attempt: u32| format!("{tenant}|@rules/{attempt}");
    let lies_there = |attempt: &u32| partition_of(key(*attempt).as_bytes(), partitions) == number;
    (0..u32::MAX).find(lies_there).map(key).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_activation_lies_where_its_key_says() {
        for number in 0..8 {
            let key = activation_key("acme", number, 8);
            assert_eq!(partition_of(key.as_bytes(), 8), number);
            assert!(key.starts_with("acme|@rules/"));
        }
    }
}
