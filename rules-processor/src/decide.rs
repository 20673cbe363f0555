//! One event: from what is known to what follows. Pure.

use kleos_contracts::decision::Decision;
use kleos_contracts::event::LearningEvent;
use kleos_contracts::reason;
use kleos_contracts::state::{HeldBadge, LearnerState, Mark};
use kleos_contracts::time::Timestamp;
use kleos_rules_engine::{Decided, Facts, Seen, admit, decide, evolve};
use kleos_service_kit::config::tenants::DecisionLevel;

use crate::intake::Refused;
use crate::store::keys::Remembered;
use crate::store::still_counts;

/// Bytes of the scopes, marks and badges that are remembered of one learner. A learner with more is
/// no learner: without a bound its record would outgrow what the log takes, and stop all others.
const REMEMBERED_BYTES_MAX: usize = 4 << 20;
/// What an entry takes besides its texts.
const ENTRY_BYTES: usize = 32;

/// Whether an event came before, by what is remembered of its key.
pub(crate) fn seen(known: Option<Remembered>, digest: i64, log_time: Timestamp) -> Seen {
    match known.filter(|known| still_counts(known.day, log_time)) {
        None => Seen::New,
        Some(known) if known.digest == digest => Seen::Duplicate,
        Some(_) => Seen::Conflict,
    }
}

/// Lets an event pass, or says why it is set aside.
pub(crate) fn pass(
    event: &LearningEvent,
    state: &LearnerState,
    log_time: Timestamp,
) -> Result<(), Refused> {
    let tenant = || event.tenant.clone();
    if let Err(refusal) = admit(event, log_time) {
        let (reason, message) = (refusal.reason, refusal.message);
        return Err(Refused { reason, message, tenant: tenant() });
    }
    let bytes = remembered_bytes(state);
    if bytes >= REMEMBERED_BYTES_MAX {
        let message = format!(
            "{bytes} bytes of scopes, marks and badges are remembered of the learner, expected \
             fewer than {REMEMBERED_BYTES_MAX}: find out what makes so many"
        );
        return Err(Refused { reason: reason::TOO_LARGE, message, tenant: tenant() });
    }
    Ok(())
}

/// What grows with the places that a learner comes to; all else of a state is bounded.
fn remembered_bytes(state: &LearnerState) -> usize {
    let counters: usize = state.rules.iter().map(|rule| rule.counters.as_bytes().len()).sum();
    let mark_bytes = |mark: &Mark| ENTRY_BYTES + mark.event.len() + mark.scope.len();
    let marks: usize = state.marks.iter().map(mark_bytes).sum();
    let badge_bytes = |held: &HeldBadge| ENTRY_BYTES + held.badge.len() + held.rule_id.len();
    counters + marks + state.badges.iter().map(badge_bytes).sum::<usize>()
}

/// Decides, and changes the state by what follows.
pub(crate) fn carry_out<'r>(
    facts: &Facts<'r>,
    state: &mut LearnerState,
    event: &LearningEvent,
    log_time: Timestamp,
) -> Decided<'r> {
    let decided = decide(facts, state, event);
    evolve(state, event, &decided.effects, log_time);
    decided
}

/// Whether the tenant wants the decision written.
pub(crate) fn is_wanted(level: DecisionLevel, decided: &Decided<'_>) -> bool {
    match level {
        DecisionLevel::All => true,
        DecisionLevel::Candidates => decided.is_candidate(),
        DecisionLevel::Awarded => decided.is_awarded(),
    }
}

/// Leaves what each rule said and takes out why: many rules with long conditions can say more than
/// a record holds.
pub(crate) fn leave_details_out(decision: &mut Decision) {
    for said in &mut decision.verdicts {
        said.leaf = None;
        said.observed = None;
        said.counters = Vec::new();
    }
}

#[cfg(test)]
mod tests {
    use kleos_contracts::counters::Counter;
    use kleos_contracts::state::RuleState;
    use kleos_contracts::time::DAY;

    use super::*;

    const NOW: Timestamp = Timestamp::from_micros(20_000 * DAY);

    #[test]
    fn a_key_counts_for_35_days_of_log_time() {
        let known = |day| Some(Remembered { digest: 7, day });
        for (known, digest, expected) in [
            (None, 7, Seen::New),
            (known(20_000), 7, Seen::Duplicate),
            (known(20_000), 8, Seen::Conflict),
            (known(20_000 - 35), 7, Seen::Duplicate),
            (known(20_000 - 36), 7, Seen::New),
        ] {
            assert_eq!(seen(known, digest, NOW), expected, "{known:?}");
        }
    }

    #[test]
    fn an_event_that_is_too_late_or_of_no_learner_is_set_aside() {
        let at = |occurred_at| LearningEvent {
            event: "lesson.completed".into(),
            tenant: "acme".into(),
            occurred_at,
            ..LearningEvent::default()
        };
        let state = LearnerState::default();
        assert_eq!(pass(&at(NOW.plus_micros(-35 * DAY)), &state, NOW), Ok(()));
        let late = pass(&at(NOW.plus_micros(-35 * DAY - 1)), &state, NOW).unwrap_err();
        assert_eq!((late.reason, late.tenant.as_str()), (reason::TOO_LATE, "acme"));
    }

    #[test]
    fn a_learner_of_whom_too_much_is_remembered_is_set_aside_whatever_it_consists_of() {
        let event = LearningEvent { occurred_at: NOW, ..LearningEvent::default() };
        let long = "x".repeat(100_000);
        let with = |entries: usize| {
            let counters = (0..entries / 2).map(|number| {
                let scope = format!("{number:02}{long}");
                Counter { scope, count: 1, ..Counter::default() }
            });
            let mark = Mark { scope: long.clone(), ..Mark::default() };
            LearnerState {
                marks: vec![mark; entries / 2],
                rules: vec![RuleState { counters: counters.collect(), ..RuleState::default() }],
                ..LearnerState::default()
            }
        };
        assert_eq!(pass(&event, &with(40), NOW), Ok(()));
        let full = pass(&event, &with(44), NOW).unwrap_err();
        assert_eq!(full.reason, reason::TOO_LARGE);
        let many = LearnerState { marks: vec![Mark::default(); 140_000], ..with(0) };
        assert_eq!(pass(&event, &many, NOW).unwrap_err().reason, reason::TOO_LARGE);
    }
}
