//! Caps and cooldowns: how often a rule pays one learner.
//!
//! Both look at awards that were granted. What was denied counts nowhere and delays nothing.

use kleos_contracts::state::RuleState;
use kleos_contracts::time::Timestamp;

use crate::scope::Scope;
use crate::window::{Period, Window};

/// At most so many awards in a window and scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Limit {
    pub(crate) max: i64,
    pub(crate) period: Period,
    pub(crate) scope: Option<Scope>,
}

impl Limit {
    /// Whether the rule pays once for each scope, for ever: such an award is named by its scope.
    pub(crate) fn is_once(&self) -> bool {
        self.max == 1 && self.period == Period::Lifetime && self.scope.is_some()
    }

    /// Whether the other counts the same awards.
    pub(crate) fn counts_like(&self, other: &Self) -> bool {
        self.period == other.period
            && match (&self.scope, &other.scope) {
                (None, None) => true,
                (Some(left), Some(right)) => left.has_fields_of(right),
                _ => false,
            }
    }
}

/// What one rule remembers of a learner, if anything.
pub(crate) fn rule_state<'s>(rules: &'s [RuleState], rule_id: &str) -> Option<&'s RuleState> {
    let place = rules.binary_search_by(|rule| rule.rule_id.as_str().cmp(rule_id)).ok()?;
    rules.get(place)
}

/// Awards counted in a window and scope.
pub(crate) fn count(state: Option<&RuleState>, window: Window, scope: &str) -> i64 {
    let count = state.map(|state| state.counters.count(window.period, window.number, scope));
    i64::try_from(count.unwrap_or_default()).unwrap_or(i64::MAX)
}

/// The first instant from `at` on that keeps the distance from every award; none if `at` does.
///
/// The distance is kept in both directions, so that a late event cannot squeeze in before an award
/// that was given already. Exactly the distance is enough.
pub(crate) fn next_free(award_times: &[i64], distance: i64, at: Timestamp) -> Option<Timestamp> {
    let first = award_times.partition_point(|time| time.saturating_add(distance) <= at.micros());
    let mut free = at.micros();
    for time in &award_times[first..] {
        if time.saturating_sub(free) >= distance {
            break;
        }
        free = free.max(time.saturating_add(distance));
    }
    (free != at.micros()).then_some(Timestamp::from_micros(free))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cooldown_keeps_its_distance_in_both_directions() {
        let times = [100, 200, 215];
        for (at, expected) in [
            (0, None),
            (89, None),
            (90, None),
            (91, Some(110)),
            (100, Some(110)),
            (109, Some(110)),
            (110, None),
            (190, None),
            (191, Some(225)),
            (205, Some(225)),
            (224, Some(225)),
            (225, None),
        ] {
            let free = next_free(&times, 10, Timestamp::from_micros(at)).map(Timestamp::micros);
            assert_eq!(free, expected, "at {at}");
        }
    }

    #[test]
    fn only_once_a_lifetime_with_a_scope_is_once() {
        let course = Scope::of(&[crate::field::Field::CourseId]);
        let limit = |max, period, scope| Limit { max, period, scope };
        assert!(limit(1, Period::Lifetime, course.clone()).is_once());
        assert!(!limit(2, Period::Lifetime, course.clone()).is_once());
        assert!(!limit(1, Period::Day, course).is_once());
        assert!(!limit(1, Period::Lifetime, None).is_once());
    }
}
