//! What a webhook would come to: the mapping that the normalizer does, run beforehand.
//!
//! Whoever writes a sender of their own is told at once what is wrong. A platform is never: it takes
//! a refusal for final, so what it sends is stored whatever it looks like.

use std::collections::BTreeMap;

use kleos_contracts::raw::RawWebhook;
use kleos_service_kit::config::instances::Instance;
use kleos_service_kit::config::tenants::Tenant;
use kleos_sources::{InstanceProfile, Item, normalize};
use serde_json::{Value, json};

use crate::error::Refusal;

/// How each instance's webhooks are mapped, by its name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Mapping {
    profiles: BTreeMap<String, InstanceProfile>,
}

impl Mapping {
    pub(crate) fn of<'c>(
        configured: impl IntoIterator<Item = (&'c Instance, Option<&'c Tenant>)>,
    ) -> Self {
        let profile = |tenant: Option<&Tenant>| InstanceProfile {
            identity: tenant.map(|tenant| tenant.identity.clone()).unwrap_or_default(),
            ..InstanceProfile::default()
        };
        let configured = configured.into_iter();
        let profiles =
            configured.map(|(instance, tenant)| (instance.id.to_string(), profile(tenant)));
        Self { profiles: profiles.collect() }
    }

    /// Whether every item of a webhook is understood.
    pub(crate) fn check(&self, webhook: &RawWebhook) -> Result<Value, Refusal> {
        let default = InstanceProfile::default();
        let profile = self.profiles.get(&webhook.instance).unwrap_or(&default);
        let items = normalize(webhook, profile);
        let is_wrong = items.iter().any(|item| matches!(item, Item::Rejected { .. }));
        let report = Value::Array(items.iter().map(told).collect());
        if is_wrong { Err(Refusal::Invalid { items: report }) } else { Ok(report) }
    }
}

/// What a sender is told of an item.
fn told(item: &Item) -> Value {
    let index = item.index();
    match item {
        Item::Event(event) => json!({ "index": index, "verdict": "event", "event": event }),
        Item::Unmapped { r#type, .. } => {
            json!({ "index": index, "verdict": "unmapped", "type": r#type })
        }
        Item::Ignored { r#type, why, .. } => {
            json!({ "index": index, "verdict": "ignored", "type": r#type, "reason": why })
        }
        Item::Rejected { reason, message, .. } => {
            json!({ "index": index, "verdict": "rejected", "reason": reason, "message": message })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(body: &str) -> Result<Value, Refusal> {
        let webhook = RawWebhook {
            source: "custom".to_owned(),
            instance: "portal".to_owned(),
            body: body.as_bytes().to_vec(),
            received_at: "2025-08-21T10:15:30Z".parse().unwrap(),
            ..RawWebhook::default()
        };
        Mapping::default().check(&webhook)
    }

    #[test]
    fn what_is_understood_is_shown_as_the_events_that_it_comes_to() {
        let report = check(
            r#"{"event":"lesson.completed","event_id":"1","user":{"id":"7"},
                "occurred_at":"2025-08-21T10:15:00Z"}"#,
        )
        .unwrap();
        assert_eq!(report[0]["verdict"], "event", "{report}");
        assert_eq!(report[0]["event"]["event"], "lesson.completed");
        assert_eq!(report[0]["event"]["user"]["key"], "portal/7");
    }

    #[test]
    fn every_item_that_is_not_is_told_with_its_place() {
        let report = check(
            r#"[{"event":"lesson.completed","user":{"id":"7"}}, {"event":"lesson.completed"},
                {"event":"Never Heard","user":{"id":"7"}}, 7]"#,
        );
        let Err(Refusal::Invalid { items }) = report else { panic!("{report:?}") };
        let verdicts: Vec<&str> =
            (0..4).map(|index| items[index]["verdict"].as_str().unwrap()).collect();
        assert_eq!(verdicts, ["event", "rejected", "rejected", "rejected"], "{items}");
        assert_eq!(items[1]["index"], 1);
        assert_eq!(items[1]["reason"], "missing_learner");
        assert!(items[3]["message"].as_str().unwrap().contains("expected"), "{items}");
    }
}
