//! One learner's events through the engine, as a processor would take them.

use std::collections::BTreeMap;

use kleos_contracts::award::Award;
use kleos_contracts::decision::Decision;
use kleos_contracts::event::LearningEvent;
use kleos_contracts::identity;
use kleos_contracts::state::LearnerState;
use kleos_contracts::time::Timestamp;
use kleos_rules_engine::{
    DEFAULT_RULES, Facts, Position, RuleSet, Seen, Zone, admit, awards, compile, decide, decision,
    evolve,
};

/// A learner, the rules, and what was found out so far.
#[derive(Clone)]
pub(crate) struct Learner {
    pub(crate) rules: RuleSet,
    pub(crate) zone: Zone,
    pub(crate) state: LearnerState,
    pub(crate) log_time: Timestamp,
    pub(crate) awards: Vec<Award>,
    /// Whether state drops what has passed.
    pub(crate) forgets: bool,
    accepted: BTreeMap<String, i64>,
}

pub(crate) fn rules(text: &str) -> RuleSet {
    compile(text).unwrap_or_else(|wrong| {
        let lines: Vec<_> = wrong.iter().map(ToString::to_string).collect();
        panic!("{}", lines.join("\n"))
    })
}

impl Learner {
    pub(crate) fn new(rules: RuleSet, zone: &str) -> Self {
        Self {
            rules,
            zone: zone.parse().unwrap(),
            state: LearnerState::default(),
            log_time: Timestamp::from_micros(i64::MIN),
            awards: Vec::new(),
            forgets: true,
            accepted: BTreeMap::new(),
        }
    }

    pub(crate) fn with_default_rules() -> Self {
        Self::new(rules(DEFAULT_RULES), "UTC")
    }

    /// Takes one event: admission, dedup, decision, records, state. None: too late.
    pub(crate) fn take(&mut self, event: &LearningEvent) -> Option<(Decision, Vec<Award>)> {
        self.log_time = self.log_time.max(event.accepted_at);
        admit(event, self.log_time).ok()?;
        let digest = identity::content_digest(event);
        let seen = match self.accepted.insert(identity::event_slot(event), digest) {
            None => Seen::New,
            Some(first) => {
                self.accepted.insert(identity::event_slot(event), first);
                if first == digest { Seen::Duplicate } else { Seen::Conflict }
            }
        };
        let facts = Facts { rules: &self.rules, rule_set_version: 7, zone: &self.zone, seen };
        let decided = decide(&facts, &self.state, event);
        let awards = awards(&facts, event, &decided);
        let decision = decision(&facts, event, &decided, Position::default());
        let never = Timestamp::from_micros(i64::MIN);
        let log_time = if self.forgets { self.log_time } else { never };
        evolve(&mut self.state, event, &decided.effects, log_time);
        self.awards.extend(awards.iter().cloned());
        Some((decision, awards))
    }
}
