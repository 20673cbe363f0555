//! Where a learner stands with the limits of each rule, for people who ask.

use kleos_contracts::state::{LearnerState, RuleState};
use kleos_contracts::time::Timestamp;
use serde::Serialize;

use crate::limits::{self, Limit};
use crate::rule::{Mode, Rule};
use crate::rule_set::RuleSet;
use crate::window::{Period, Window, Zone, week_of_day};

/// [`LimitStanding::per`] of a cooldown.
pub const PER_COOLDOWN: &str = "cooldown";

/// How much of one limit is used at an instant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LimitStanding {
    /// The rule.
    pub rule_id: String,
    /// `day`, `week`, `month`, `lifetime`, or [`PER_COOLDOWN`].
    pub per: &'static str,
    /// The window that holds the instant, as `2026-11-22`; none for a lifetime and a cooldown.
    pub window: Option<String>,
    /// As `course=campus-a/987`; a limit with scopes has one standing for each that was used.
    pub scope: Option<String>,
    /// Awards; of a cooldown 1 while it lasts.
    pub used: i64,
    /// Awards at most.
    pub max: i64,
    /// Awards left.
    pub left: i64,
    /// When there will be some left again, if there are none and that is known.
    pub next_eligible_at: Option<Timestamp>,
}

/// Where a learner stands at an instant, rule by rule and limit by limit.
#[must_use]
pub fn standing(
    rules: &RuleSet,
    zone: &Zone,
    state: &LearnerState,
    at: Timestamp,
) -> Vec<LimitStanding> {
    let mut standings = Vec::new();
    for rule in rules.rules() {
        let asked = Asked { rule, zone, at, state: limits::rule_state(&state.rules, &rule.id) };
        match &rule.mode {
            Mode::WeeklyStreak => standings.push(asked.streak()),
            Mode::PerEvent { limits, cooldown } => {
                for limit in limits {
                    asked.limit(limit, &mut standings);
                }
                standings.extend(cooldown.map(|cooldown| asked.cooldown(cooldown)));
            }
        }
    }
    standings
}

struct Asked<'a> {
    rule: &'a Rule,
    zone: &'a Zone,
    at: Timestamp,
    state: Option<&'a RuleState>,
}

impl Asked<'_> {
    fn limit(&self, limit: &Limit, standings: &mut Vec<LimitStanding>) {
        let window = Window::of_day(limit.period, self.zone.day_of(self.at));
        let Some(scope) = &limit.scope else {
            let used = limits::count(self.state, window, "");
            return standings.push(self.used(window, None, used, limit.max));
        };
        let counters = self.state.into_iter().flat_map(|state| state.counters.iter());
        let of_limit = counters.filter(|counter| {
            (counter.per, counter.window) == (window.period, window.number)
                && scope.is_of(&counter.scope)
        });
        standings.extend(of_limit.map(|counter| {
            let used = i64::try_from(counter.count).unwrap_or(i64::MAX);
            self.used(window, Some(counter.scope), used, limit.max)
        }));
    }

    fn streak(&self) -> LimitStanding {
        let week = week_of_day(self.zone.day_of(self.at));
        let window = Window { period: Period::Week, number: week };
        let is_paid = self.state.is_some_and(|state| state.paid_weeks.binary_search(&week).is_ok());
        self.used(window, None, i64::from(is_paid), 1)
    }

    fn cooldown(&self, cooldown: i64) -> LimitStanding {
        let times = self.state.map_or(&[][..], |state| state.award_times.as_slice());
        let next_eligible_at = limits::next_free(times, cooldown, self.at);
        let used = i64::from(next_eligible_at.is_some());
        LimitStanding {
            rule_id: self.rule.id.clone(),
            per: PER_COOLDOWN,
            window: None,
            scope: None,
            used,
            max: 1,
            left: 1 - used,
            next_eligible_at,
        }
    }

    fn used(&self, window: Window, scope: Option<String>, used: i64, max: i64) -> LimitStanding {
        let left = max.saturating_sub(used).max(0);
        LimitStanding {
            rule_id: self.rule.id.clone(),
            per: window.period.name(),
            window: window.label(),
            scope,
            used,
            max,
            left,
            next_eligible_at: if left == 0 { window.next_start(self.zone) } else { None },
        }
    }
}
