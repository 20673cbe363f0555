//! From effects to the learner's next state: the only way that state changes.
//!
//! Every list of the state is sorted, so that equal histories leave equal bytes and look-ups need
//! no scan. What no admissible event can touch any more is dropped whenever a list grows; the
//! measure is log time, so that a replay drops the same.

use kleos_contracts::counters::Counters;
use kleos_contracts::event::LearningEvent;
use kleos_contracts::state::{DayCount, HeldBadge, LearnerState, Mark, RecentAward, RuleState};
use kleos_contracts::time::Timestamp;

use crate::effect::{Counted, Effect, Grant};
use crate::rule::COOLDOWN_MAX;
use crate::window::{Horizon, Period, Window};

/// Awards that a learner's state shows: every one of them is written again with each change.
const RECENT_MAX: usize = 5;

/// Carries out the effects of a decision on the state that it was made with.
pub fn evolve(
    state: &mut LearnerState,
    event: &LearningEvent,
    effects: &[Effect<'_>],
    log_time: Timestamp,
) {
    let horizon = Horizon::at(log_time);
    for effect in effects {
        match effect {
            Effect::EventCounted { day } => {
                name_learner(state, event);
                count_event(state, event, *day, horizon);
            }
            Effect::MarkSet { event: name, scope } => {
                set_mark(&mut state.marks, name, scope, event.occurred_at);
            }
            Effect::WeekActive { rule_id, week } => {
                let rule = rule_state_mut(&mut state.rules, rule_id);
                add_week(&mut rule.active_weeks, *week, horizon);
            }
            Effect::AwardGranted(grant) => grant_award(state, event, grant, horizon),
        }
    }
}

/// Where a mark lies, or belongs.
pub(crate) fn find_mark(marks: &[Mark], event: &str, scope: &str) -> Result<usize, usize> {
    marks.binary_search_by(|mark| (mark.event.as_str(), mark.scope.as_str()).cmp(&(event, scope)))
}

fn name_learner(state: &mut LearnerState, event: &LearningEvent) {
    if state.user_key.is_empty() {
        state.tenant.clone_from(&event.tenant);
        state.user_key.clone_from(&event.user.key);
        state.user_id.clone_from(&event.user.id);
    }
}

fn count_event(state: &mut LearnerState, event: &LearningEvent, day: i32, horizon: Horizon) {
    let is_first = state.events == 0;
    state.events = state.events.saturating_add(1);
    if is_first || state.last_event_at < event.occurred_at {
        state.last_event_at = event.occurred_at;
    }
    match state.days.binary_search_by_key(&day, |counted| counted.day) {
        Ok(place) => state.days[place].count = state.days[place].count.saturating_add(1),
        Err(place) => {
            state.days.insert(place, DayCount { day, count: 1 });
            let first = horizon.first(Period::Day);
            state.days.drain(..state.days.partition_point(|counted| counted.day < first));
        }
    }
}

fn set_mark(marks: &mut Vec<Mark>, event: &str, scope: &str, earliest_at: Timestamp) {
    match find_mark(marks, event, scope) {
        Ok(place) => marks[place].earliest_at = marks[place].earliest_at.min(earliest_at),
        Err(place) => {
            let mark = Mark { event: event.to_owned(), scope: scope.to_owned(), earliest_at };
            marks.insert(place, mark);
        }
    }
}

fn rule_state_mut<'s>(rules: &'s mut Vec<RuleState>, rule_id: &str) -> &'s mut RuleState {
    let place = match rules.binary_search_by(|rule| rule.rule_id.as_str().cmp(rule_id)) {
        Ok(place) => place,
        Err(place) => {
            let rule = RuleState { rule_id: rule_id.to_owned(), ..RuleState::default() };
            rules.insert(place, rule);
            place
        }
    };
    &mut rules[place]
}

fn grant_award(
    state: &mut LearnerState,
    event: &LearningEvent,
    grant: &Grant<'_>,
    horizon: Horizon,
) {
    state.balance = state.balance.saturating_add(grant.points);
    debug_assert_eq!(state.balance, grant.balance_after, "R-2: decided on another state");
    state.awards = state.awards.saturating_add(1);
    hold_badge(&mut state.badges, event, grant);
    show_award(&mut state.recent, event, grant);
    let rule = rule_state_mut(&mut state.rules, grant.rule_id);
    for counted in &grant.counted {
        count_award(&mut rule.counters, counted, horizon);
    }
    if grant.is_timed {
        add_award_time(&mut rule.award_times, event.occurred_at, horizon);
    }
    if let Some(week) = grant.paid_week {
        add_week(&mut rule.paid_weeks, week, horizon);
    }
}

fn hold_badge(badges: &mut Vec<HeldBadge>, event: &LearningEvent, grant: &Grant<'_>) {
    let Some(badge) = grant.badge else { return };
    if badges.iter().all(|held| held.badge != badge) {
        badges.push(HeldBadge {
            badge: badge.to_owned(),
            rule_id: grant.rule_id.to_owned(),
            granted_at: event.occurred_at,
        });
    }
}

fn show_award(recent: &mut Vec<RecentAward>, event: &LearningEvent, grant: &Grant<'_>) {
    if recent.len() >= RECENT_MAX {
        recent.drain(..=recent.len() - RECENT_MAX);
    }
    recent.push(RecentAward {
        rule_id: grant.rule_id.to_owned(),
        points: grant.points,
        badge: grant.badge.map(str::to_owned),
        event: event.event.clone(),
        event_id: event.event_id.clone(),
        occurred_at: event.occurred_at,
        scope: grant.scope_name(),
        window: grant.window_label(),
    });
}

/// A counter that is new can be the first of a window, and then others have passed.
fn count_award(counters: &mut Counters, counted: &Counted, horizon: Horizon) {
    let Window { period, number } = counted.window;
    if counters.add(period, number, &counted.scope, 1) == 1 {
        counters.forget_before(period, horizon.first(period));
    }
}

fn add_award_time(times: &mut Vec<i64>, at: Timestamp, horizon: Horizon) {
    let place = times.partition_point(|time| *time <= at.micros());
    times.insert(place, at.micros());
    let reach = horizon.instant.plus_micros(-COOLDOWN_MAX).micros();
    times.drain(..times.partition_point(|time| *time <= reach));
}

/// An admissible event can complete a pair with the week before its own.
fn add_week(weeks: &mut Vec<i32>, week: i32, horizon: Horizon) {
    if let Err(place) = weeks.binary_search(&week) {
        weeks.insert(place, week);
        let first = horizon.first(Period::Week).saturating_sub(1);
        weeks.drain(..weeks.partition_point(|week| *week < first));
    }
}
