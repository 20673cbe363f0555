//! From facts, state and event to a decision.

use std::ops::Range;

use kleos_contracts::decision::{outcome, verdict};
use kleos_contracts::event::LearningEvent;
use kleos_contracts::state::LearnerState;
use kleos_contracts::time::Timestamp;

use crate::decide::case::Case;
use crate::effect::{Effect, Grant};
use crate::field::Field;
use crate::limits::Limit;
use crate::predicate::Condition;
use crate::rule::Rule;
use crate::rule_set::RuleSet;
use crate::window::{Window, Zone};

mod case;

/// Accepted events of one learner and civil day; further ones are counted and nothing else.
pub const EVENTS_PER_DAY_MAX: i32 = 1000;

/// What duplicate detection found out about an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// No event of its key was accepted before.
    New,
    /// The same event was.
    Duplicate,
    /// Another event of the same key was.
    Conflict,
}

/// What is known besides the learner's state and the event.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'r> {
    /// The rules that hold at the event's place in the log.
    pub rules: &'r RuleSet,
    /// Their version.
    pub rule_set_version: i64,
    /// The tenant's zone.
    pub zone: &'r Zone,
    /// What duplicate detection found out.
    pub seen: Seen,
}

/// What becomes of an event.
#[must_use]
#[derive(Clone, Debug, PartialEq)]
pub struct Decided<'r> {
    /// One of [`outcome`].
    pub outcome: &'static str,
    /// One for each rule that was considered, in the order of the rules; two for a streak that is
    /// paid for two weeks at once.
    pub verdicts: Vec<Verdict<'r>>,
    /// What changes, in order.
    pub effects: Vec<Effect<'r>>,
    is_named: bool,
    checks: Vec<Check<'r>>,
}

/// What one rule said.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict<'r> {
    /// Before this instant of event time the rule gives nothing more here, where that is known.
    pub next_eligible_at: Option<Timestamp>,
    pub(crate) rule: &'r Rule,
    pub(crate) ruling: Ruling<'r>,
    checks: Range<usize>,
}

/// A verdict with its cause.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Ruling<'r> {
    /// By the effect of that place.
    Awarded(usize),
    NotEffective,
    False(&'r Condition),
    Unknown(&'r Condition),
    /// The event that `within` measures from was not seen.
    NeverBegun,
    /// It lies so many microseconds back.
    TooLong(i64),
    ScopeMissing(Field),
    AlreadyGranted,
    CapReached,
    Cooldown,
    StreakOpen,
}

/// A limit that was looked at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Check<'r> {
    pub(crate) limit: &'r Limit,
    pub(crate) window: Window,
    /// Awards before the event.
    pub(crate) before: i64,
}

/// Decides what becomes of an event. The state stays as it is: [`crate::evolve()`] changes it by
/// the effects.
///
/// The event must have passed [`crate::admit()`]: of older ones the state no longer knows what was
/// counted. Events of the system itself change nothing.
pub fn decide<'r>(facts: &Facts<'r>, state: &LearnerState, event: &LearningEvent) -> Decided<'r> {
    let concerned = facts.rules.index().concerned(&event.event);
    let mut decided = Decided {
        outcome: outcome::DECIDED,
        verdicts: Vec::new(),
        effects: Vec::new(),
        is_named: concerned.is_named(),
        checks: Vec::new(),
    };
    match facts.seen {
        Seen::Duplicate => decided.outcome = outcome::DUPLICATE,
        Seen::Conflict => decided.outcome = outcome::CONFLICT,
        Seen::New if event.is_system() => {}
        Seen::New => {
            let day = facts.zone.day_of(event.occurred_at);
            decided.effects.push(Effect::EventCounted { day });
            decided.outcome = outcome_of(state, event, day);
            if decided.outcome == outcome::DECIDED {
                return Case::new(facts, state, event, decided).decide(day, concerned);
            }
        }
    }
    decided
}

fn outcome_of(state: &LearnerState, event: &LearningEvent, day: i32) -> &'static str {
    let counted = state
        .days
        .binary_search_by_key(&day, |counted| counted.day)
        .map_or(0, |place| state.days[place].count);
    if counted >= EVENTS_PER_DAY_MAX {
        outcome::DAILY_LIMIT
    } else if event.flags.is_test {
        outcome::TEST
    } else if event.flags.is_privileged {
        outcome::PRIVILEGED
    } else {
        outcome::DECIDED
    }
}

impl<'r> Decided<'r> {
    /// Whether the event concerned a rule by more than a wildcard, or was paid by one: what the
    /// decision level `candidates` records.
    #[must_use]
    pub fn is_candidate(&self) -> bool {
        self.is_named || self.is_awarded()
    }

    /// Whether anything was given.
    #[must_use]
    pub fn is_awarded(&self) -> bool {
        self.grants().next().is_some()
    }

    /// What was given, in order.
    pub fn grants(&self) -> impl Iterator<Item = &Grant<'r>> {
        self.effects.iter().filter_map(|effect| match effect {
            Effect::AwardGranted(grant) => Some(grant.as_ref()),
            Effect::EventCounted { .. } | Effect::MarkSet { .. } | Effect::WeekActive { .. } => {
                None
            }
        })
    }

    /// The grant of a verdict.
    pub(crate) fn grant_of(&self, verdict: &Verdict<'r>) -> Option<&Grant<'r>> {
        let Ruling::Awarded(place) = verdict.ruling else { return None };
        match self.effects.get(place) {
            Some(Effect::AwardGranted(grant)) => Some(grant),
            _ => None,
        }
    }

    /// The limits that were looked at for a verdict.
    pub(crate) fn checks_of(&self, verdict: &Verdict<'r>) -> &[Check<'r>] {
        self.checks.get(verdict.checks.clone()).unwrap_or_default()
    }
}

impl Verdict<'_> {
    /// The rule.
    #[must_use]
    pub fn rule_id(&self) -> &str {
        &self.rule.id
    }

    /// One of [`verdict`].
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self.ruling {
            Ruling::Awarded(_) => verdict::AWARDED,
            Ruling::NotEffective => verdict::NOT_EFFECTIVE,
            Ruling::False(_) | Ruling::TooLong(_) => verdict::CONDITION_FALSE,
            Ruling::Unknown(_) | Ruling::NeverBegun => verdict::CONDITION_UNKNOWN,
            Ruling::ScopeMissing(_) => verdict::SCOPE_MISSING,
            Ruling::AlreadyGranted => verdict::ALREADY_GRANTED,
            Ruling::CapReached => verdict::CAP_REACHED,
            Ruling::Cooldown => verdict::COOLDOWN,
            Ruling::StreakOpen => verdict::STREAK_OPEN,
        }
    }
}
