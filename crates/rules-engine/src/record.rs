//! From a decision to the records that others read.

use kleos_contracts::award::{Award, kind, status};
use kleos_contracts::decision::{CounterChange, Decision, RuleVerdict};
use kleos_contracts::event::LearningEvent;
use kleos_contracts::identity;

use crate::ENGINE_VERSION;
use crate::decide::{Check, Decided, Facts, Ruling, Verdict};
use crate::effect::Grant;
use crate::field::Field;

/// Where an event lies in `kleos.events.v1`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// Partition.
    pub partition: i32,
    /// Offset.
    pub offset: i64,
}

/// The ledger lines of a decision, in order.
#[must_use]
pub fn awards(facts: &Facts<'_>, event: &LearningEvent, decided: &Decided<'_>) -> Vec<Award> {
    decided.grants().map(|grant| award(facts, event, grant)).collect()
}

fn award(facts: &Facts<'_>, event: &LearningEvent, grant: &Grant<'_>) -> Award {
    Award {
        entry_id: identity::entry_id(&grant.award_id, 1),
        award_id: grant.award_id.clone(),
        kind: kind::GRANTED.into(),
        reason: "".into(),
        status: status::FINAL.into(),
        tenant: event.tenant.clone(),
        user_key: event.user.key.clone(),
        user_id: event.user.id.clone(),
        source: event.source.clone(),
        instance: event.instance.clone(),
        rule_id: grant.rule_id.to_owned(),
        rule_set_version: facts.rule_set_version,
        points: grant.points,
        badge: grant.badge.map(str::to_owned),
        event: event.event.clone(),
        event_id: event.event_id.clone(),
        occurred_at: event.occurred_at,
        decided_at: event.accepted_at,
        scope: grant.scope_name(),
        window: grant.window_label(),
        available_at: None,
        expires_at: None,
        restatement_id: None,
        balance_after: grant.balance_after,
    }
}

/// The record of what became of an event, and why.
#[must_use]
pub fn decision(
    facts: &Facts<'_>,
    event: &LearningEvent,
    decided: &Decided<'_>,
    position: Position,
) -> Decision {
    Decision {
        tenant: event.tenant.clone(),
        user_key: event.user.key.clone(),
        event_id: event.event_id.clone(),
        event: event.event.clone(),
        source: event.source.clone(),
        instance: event.instance.clone(),
        occurred_at: event.occurred_at,
        decided_at: event.accepted_at,
        partition: position.partition,
        offset: position.offset,
        outcome: decided.outcome.into(),
        rule_set_version: facts.rule_set_version,
        rule_set_digest: facts.rules.digest().to_owned(),
        engine: ENGINE_VERSION.into(),
        verdicts: decided.verdicts.iter().map(|said| verdict(event, decided, said)).collect(),
    }
}

fn verdict(event: &LearningEvent, decided: &Decided<'_>, said: &Verdict<'_>) -> RuleVerdict {
    let grant = decided.grant_of(said);
    let (leaf, observed) = cause(event, said);
    let step = i64::from(grant.is_some());
    RuleVerdict {
        rule_id: said.rule_id().to_owned(),
        verdict: said.code().into(),
        leaf,
        observed,
        points: grant.map_or(0, |grant| grant.points),
        award_id: grant.map(|grant| grant.award_id.clone()),
        counters: decided.checks_of(said).iter().map(|check| counter(event, check, step)).collect(),
        next_eligible_at: said.next_eligible_at,
    }
}

/// The first condition that did not hold, and what the event had there.
fn cause(event: &LearningEvent, said: &Verdict<'_>) -> (Option<String>, Option<String>) {
    let observed = |field: Field| field.read(event).map(|observed| observed.to_string());
    let effective = said.rule.effective;
    match said.ruling {
        Ruling::False(condition) | Ruling::Unknown(condition) => {
            let observed = condition.observed(event).map(|observed| observed.to_string());
            (Some(condition.to_string()), observed)
        }
        Ruling::NeverBegun => (said.rule.within.as_ref().map(ToString::to_string), None),
        Ruling::TooLong(elapsed) => {
            let leaf = said.rule.within.as_ref().map(ToString::to_string);
            (leaf, Some(crate::rule::seconds(elapsed)))
        }
        Ruling::ScopeMissing(field) => {
            (Some(format!("{} exists true", field.path())), observed(field))
        }
        Ruling::NotEffective => (Some(effective.to_string()), observed(Field::OccurredAt)),
        Ruling::Awarded(_)
        | Ruling::AlreadyGranted
        | Ruling::CapReached
        | Ruling::Cooldown
        | Ruling::StreakOpen => (None, None),
    }
}

fn counter(event: &LearningEvent, check: &Check<'_>, step: i64) -> CounterChange {
    CounterChange {
        per: check.limit.period.name().into(),
        window: check.window.label().unwrap_or_default(),
        scope: check.limit.scope.as_ref().and_then(|scope| scope.text(event).ok()),
        before: check.before,
        after: check.before.saturating_add(step),
        max: check.limit.max,
    }
}
