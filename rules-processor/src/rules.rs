//! The published rule sets, as a table that follows `kleos.rules.v1`.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kleos_contracts::rule::{RuleDefinition, kind};
use kleos_contracts::state::ActiveRuleSet;
use kleos_contracts::topic::Topic;
use kleos_event_log::{Batch, Codec, EventLog, LogError, Progress, Reader, StageError, Start};
use kleos_rules_engine::{DEFAULT_RULES, ENGINE_VERSION, RuleSet, compile};

/// A rule set and its version.
#[derive(Clone, Debug)]
pub(crate) struct Versioned {
    pub(crate) version: i64,
    pub(crate) rules: Arc<RuleSet>,
}

/// All published sets, shared by the process's workers and its query port.
#[derive(Debug)]
pub(crate) struct RuleTable {
    /// What holds before the first activation in a partition: version 0.
    default: Versioned,
    state: Mutex<TableState>,
}

struct TableState {
    reader: Box<dyn Reader>,
    codec: Codec<RuleDefinition>,
    batch: Batch,
    definitions: BTreeMap<(String, i64), BTreeMap<String, String>>,
    manifests: BTreeMap<(String, i64), RuleDefinition>,
    compiled: BTreeMap<(String, i64), Arc<RuleSet>>,
}

impl std::fmt::Debug for TableState {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("TableState")
            .field("manifests", &self.manifests)
            .finish_non_exhaustive()
    }
}

/// How long one look for new definitions waits.
const READ_WAIT: Duration = Duration::from_millis(50);
/// Looks before a set that an activation names is taken to be missing.
const READS_MAX: usize = 200;

impl RuleTable {
    /// Reads all that is published so far.
    pub(crate) fn open(log: &EventLog) -> Result<Self, LogError> {
        let default = compile(DEFAULT_RULES).map_err(|diagnostics| LogError::Misconfigured {
            what: "the rules that come with the program".to_owned(),
            cause: diagnostics.first().map(ToString::to_string).unwrap_or_default(),
        })?;
        let state = TableState {
            reader: log.reader(Topic::Rules, Start::Earliest)?,
            codec: log.codec(Topic::Rules)?,
            batch: Batch::default(),
            definitions: BTreeMap::new(),
            manifests: BTreeMap::new(),
            compiled: BTreeMap::new(),
        };
        let default = Versioned { version: 0, rules: Arc::new(default) };
        let table = Self { default, state: Mutex::new(state) };
        table.catch_up()?;
        Ok(table)
    }

    /// The newest published set of a tenant.
    pub(crate) fn newest(&self, tenant: &str) -> Option<RuleDefinition> {
        let state = self.lock();
        let of_tenant = state.manifests.iter().filter(|((owner, _), _)| owner == tenant);
        of_tenant.max_by_key(|((_, version), _)| *version).map(|(_, manifest)| manifest.clone())
    }

    /// The set that an activation names; the one that comes with the program if there was none.
    pub(crate) fn active(&self, active: Option<&ActiveRuleSet>) -> Result<Versioned, StageError> {
        let Some(active) = active else { return Ok(self.default.clone()) };
        let place = (active.tenant.clone(), active.version);
        if let Some(rules) = self.lock().compiled.get(&place) {
            return Ok(Versioned { version: active.version, rules: Arc::clone(rules) });
        }
        // Definitions and activation are of one transaction: who sees one can see the other.
        if !self.lock().manifests.contains_key(&place) {
            self.catch_up()?;
        }
        let rules = self.lock().compile(&place, &active.digest)?;
        Ok(Versioned { version: active.version, rules })
    }

    /// Reads what was published since.
    pub(crate) fn catch_up(&self) -> Result<(), LogError> {
        let mut state = self.lock();
        for _ in 0..READS_MAX {
            if state.read()? == Progress::CaughtUp {
                return Ok(());
            }
        }
        let what = "reading kleos.rules.v1";
        Err(LogError::Unavailable { what: what.to_owned(), cause: "it does not end".to_owned() })
    }

    fn lock(&self) -> MutexGuard<'_, TableState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl TableState {
    fn read(&mut self) -> Result<Progress, LogError> {
        self.batch.clear();
        let progress = self.reader.read(&mut self.batch, READ_WAIT)?;
        for record in self.batch.iter() {
            let decoded = self.codec.decode(record.value.unwrap_or_default());
            let Ok(definition) = decoded else {
                let at = record.position.offset;
                tracing::warn!(offset = at, "a record of kleos.rules.v1 cannot be read: left out");
                continue;
            };
            let place = (definition.tenant.clone(), definition.version);
            if definition.kind == kind::MANIFEST {
                self.manifests.insert(place, definition);
            } else {
                let RuleDefinition { rule_id, definition, .. } = definition;
                self.definitions.entry(place).or_default().insert(rule_id, definition);
            }
        }
        Ok(progress)
    }

    /// Makes a set of its definitions, once.
    fn compile(&mut self, place: &(String, i64), digest: &str) -> Result<Arc<RuleSet>, StageError> {
        let (tenant, version) = place;
        let name = format!("rule set {version} of tenant {tenant}");
        let manifest = self.manifests.get(place).ok_or_else(|| {
            StageError::retriable(format!("{name} is activated but not in kleos.rules.v1"))
        })?;
        let empty = BTreeMap::new();
        let known = self.definitions.get(place).unwrap_or(&empty);
        let texts: Option<Vec<&str>> =
            manifest.rule_ids.iter().map(|id| known.get(id).map(String::as_str)).collect();
        let texts = texts
            .ok_or_else(|| StageError::fatal(format!("{name} lacks rules of its manifest")))?;
        let rules = RuleSet::from_definitions(texts).map_err(|diagnostics| {
            let first = diagnostics.first().map(ToString::to_string).unwrap_or_default();
            StageError::fatal(format!("{name} cannot be read by this program: {first}"))
        })?;
        if manifest.engine == ENGINE_VERSION && rules.digest() != digest {
            let found = rules.digest();
            let message = format!("{name}: expected digest {digest}, found {found}");
            return Err(StageError::fatal(message));
        }
        let rules = Arc::new(rules);
        self.compiled.insert(place.clone(), Arc::clone(&rules));
        Ok(rules)
    }
}
