//! A set of checked rules, ready to decide with.

use kleos_contracts::identity;

use crate::ENGINE_VERSION;
use crate::diagnostic::Diagnostic;
use crate::index::Index;
use crate::rule::Rule;

/// The rules of a tenant, in the order of their evaluation.
#[derive(Clone, Debug)]
pub struct RuleSet {
    rules: Vec<Rule>,
    index: Index,
    digest: String,
}

impl RuleSet {
    pub(crate) fn of(rules: Vec<Rule>) -> Self {
        let index = Index::of(&rules);
        let mut parts = vec![ENGINE_VERSION.as_bytes()];
        parts.extend(rules.iter().map(|rule| rule.canonical.as_bytes()));
        let digest = identity::to_hex(&identity::digest(&parts));
        Self { rules, index, digest }
    }

    /// Makes a set of the texts that [`Self::definitions`] gave, in their order.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with them; lines and columns are those of each text for itself.
    pub fn from_definitions<'t>(
        definitions: impl IntoIterator<Item = &'t str>,
    ) -> Result<Self, Vec<Diagnostic>> {
        crate::compile::definitions(definitions)
    }

    /// SHA-256 over the engine's version and the rules, hexadecimal. Sets of one digest decide
    /// alike to the last byte.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// The rules' ids in the order of evaluation.
    pub fn rule_ids(&self) -> impl Iterator<Item = &str> {
        self.rules.iter().map(|rule| rule.id.as_str())
    }

    /// Id and canonical JSON of each rule, in the order of evaluation: what is published.
    pub fn definitions(&self) -> impl Iterator<Item = (&str, &str)> {
        self.rules.iter().map(|rule| (rule.id.as_str(), rule.canonical.as_str()))
    }

    /// How many rules there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rules.len()
    }

    /// Whether there is no rule.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    pub(crate) fn rules(&self) -> &[Rule] {
        &self.rules
    }

    pub(crate) fn index(&self) -> &Index {
        &self.index
    }
}
