//! Published rules.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// One rule of a published set, or the set's manifest; `schemas/rule-definition`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleDefinition {
    /// [`kind`].
    pub kind: Cow<'static, str>,
    /// Whose learners it holds for.
    pub tenant: String,
    /// Of the set, counted from 1 for each tenant.
    pub version: i64,
    /// Empty in a manifest.
    pub rule_id: String,
    /// The rule as JSON; empty in a manifest.
    pub definition: String,
    /// SHA-256, hexadecimal: of the definition, in a manifest of the whole set.
    pub digest: String,
    /// Only in a manifest: the set's rules in their order.
    pub rule_ids: Vec<String>,
    /// When it was published.
    pub published_at: Timestamp,
    /// By whom.
    pub published_by: String,
    /// Version of the engine's semantics that checked the set.
    pub engine: Cow<'static, str>,
}

/// Values of [`RuleDefinition::kind`].
pub mod kind {
    /// One rule.
    pub const RULE: &str = "rule";
    /// The list of the set.
    pub const MANIFEST: &str = "manifest";
}

impl RuleDefinition {
    /// `tenant|version|rule`; a manifest's third part is `@manifest`, which is no rule's id.
    #[must_use]
    pub fn record_key(&self) -> String {
        let name = if self.kind == kind::MANIFEST { "@manifest" } else { &self.rule_id };
        format!("{}|{}|{name}", self.tenant, self.version)
    }
}
