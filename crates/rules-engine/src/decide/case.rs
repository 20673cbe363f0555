//! One event before the rules: each says what it thinks of it, in their order.

use kleos_contracts::event::LearningEvent;
use kleos_contracts::identity;
use kleos_contracts::state::{LearnerState, RuleState};
use kleos_contracts::time::Timestamp;

use crate::decide::{Check, Decided, Facts, Ruling, Verdict};
use crate::effect::{Counted, Effect, Grant};
use crate::evolve::find_mark;
use crate::index::Concerned;
use crate::limits::{self, Limit};
use crate::predicate::Truth;
use crate::rule::{Mode, Rule, Within};
use crate::scope::{Scope, ScopeTexts};
use crate::streak;
use crate::window::{Period, Window, Zone, week_of_day};

/// The event, what is known, and the decision as far as it has come.
pub(super) struct Case<'r, 'c> {
    zone: &'r Zone,
    rules: &'r [Rule],
    state: &'c LearnerState,
    event: &'c LearningEvent,
    scopes: ScopeTexts<'r, 'c>,
    balance: i64,
    decided: Decided<'r>,
}

impl<'r, 'c> Case<'r, 'c> {
    pub(super) fn new(
        facts: &Facts<'r>,
        state: &'c LearnerState,
        event: &'c LearningEvent,
        decided: Decided<'r>,
    ) -> Self {
        Self {
            zone: facts.zone,
            rules: facts.rules.rules(),
            state,
            event,
            scopes: ScopeTexts::new(event),
            balance: state.balance,
            decided,
        }
    }

    pub(super) fn decide(mut self, day: i32, concerned: Concerned<'r>) -> Decided<'r> {
        if let Some((name, scopes)) = concerned.marks {
            for scope in scopes {
                self.mark(name, scope.as_ref());
            }
        }
        let mut candidates = concerned.peekable();
        while let Some(first) = candidates.next() {
            let Some(rule) = self.rules.get(first.rule) else { continue };
            let mut truth = rule.triggers[first.trigger].condition.test(self.event);
            while let Some(other) = candidates.next_if(|other| other.rule == first.rule) {
                truth = truth.or(rule.triggers[other.trigger].condition.test(self.event));
            }
            match (self.applies(rule, truth), &rule.mode) {
                (Err(ruling), _) => self.say(rule, ruling),
                (Ok(()), Mode::WeeklyStreak) => self.streak(rule, week_of_day(day)),
                (Ok(()), Mode::PerEvent { .. }) => self.per_event(rule, day),
            }
        }
        self.decided
    }

    /// Notes the event as the earliest of its name in a scope, if it is.
    fn mark(&mut self, name: &'r str, scope: Option<&'r Scope>) {
        let Ok(scope) = self.scopes.get(scope) else { return };
        let known = find_mark(&self.state.marks, name, scope);
        let known = known.ok().map(|place| self.state.marks[place].earliest_at);
        if known.is_none_or(|known| self.event.occurred_at < known) {
            let scope = scope.to_owned();
            self.decided.effects.push(Effect::MarkSet { event: name, scope });
        }
    }

    /// Whether the rule is for this event at all, limits apart.
    fn applies(&mut self, rule: &'r Rule, truth: Truth<'r>) -> Result<(), Ruling<'r>> {
        if !rule.effective.holds(self.event.occurred_at) {
            return Err(Ruling::NotEffective);
        }
        match truth {
            Truth::True => {}
            Truth::False(cause) => return Err(Ruling::False(cause)),
            Truth::Unknown(cause) => return Err(Ruling::Unknown(cause)),
        }
        match &rule.within {
            Some(within) => self.is_within(within),
            None => Ok(()),
        }
    }

    fn is_within(&mut self, within: &'r Within) -> Result<(), Ruling<'r>> {
        let at = self.event.occurred_at;
        let scope = self.scopes.get(within.scope.as_ref()).map_err(|_| Ruling::NeverBegun)?;
        let known = find_mark(&self.state.marks, &within.since, scope);
        let known = known.ok().map(|place| self.state.marks[place].earliest_at);
        let own = (self.event.event == within.since).then_some(at);
        let earliest = known.into_iter().chain(own).filter(|began| *began <= at).min();
        match earliest.map(|began| at.since(began)) {
            None => Err(Ruling::NeverBegun),
            Some(elapsed) if elapsed > within.at_most => Err(Ruling::TooLong(elapsed)),
            Some(_) => Ok(()),
        }
    }

    fn streak(&mut self, rule: &'r Rule, week: i32) {
        let remembered = limits::rule_state(&self.state.rules, &rule.id);
        let (active, paid) = remembered.map_or((&[][..], &[][..]), |remembered| {
            (remembered.active_weeks.as_slice(), remembered.paid_weeks.as_slice())
        });
        let progress = streak::progress(active, paid, week);
        if progress.is_new_week {
            self.decided.effects.push(Effect::WeekActive { rule_id: &rule.id, week });
        }
        let paid_weeks = [(progress.pays_week, week), (progress.pays_next, week.saturating_add(1))];
        for (_, paid_week) in paid_weeks.into_iter().filter(|(pays, _)| *pays) {
            self.pay_week(rule, paid_week);
        }
        if !progress.pays_week && !progress.pays_next {
            let ruling =
                if progress.was_paid { Ruling::AlreadyGranted } else { Ruling::StreakOpen };
            let next = Window { period: Period::Week, number: week }.next_start(self.zone);
            self.say(rule, ruling);
            self.wait_until(next);
        }
    }

    fn pay_week(&mut self, rule: &'r Rule, week: i32) {
        let window = Window { period: Period::Week, number: week };
        let scope = format!("week={}", window.label().unwrap_or_default());
        let mut grant = self.grant(rule, scope, "");
        grant.window = Some(window);
        grant.paid_week = Some(week);
        self.award(rule, grant);
    }

    fn per_event(&mut self, rule: &'r Rule, day: i32) {
        let remembered = limits::rule_state(&self.state.rules, &rule.id);
        let first_check = self.decided.checks.len();
        for limit in rule.limits() {
            let window = Window::of_day(limit.period, day);
            match self.scopes.get(limit.scope.as_ref()) {
                Err(field) => {
                    self.decided.checks.truncate(first_check);
                    return self.say(rule, Ruling::ScopeMissing(field));
                }
                Ok(scope) => {
                    let before = limits::count(remembered, window, scope);
                    self.decided.checks.push(Check { limit, window, before });
                }
            }
        }
        match self.denial(rule, remembered, first_check) {
            Some((ruling, next)) => {
                self.say(rule, ruling);
                self.wait_until(next);
            }
            None => {
                let grant = self.grant_per_event(rule, first_check);
                self.award(rule, grant);
            }
        }
        if let Some(verdict) = self.decided.verdicts.last_mut() {
            verdict.checks = first_check..self.decided.checks.len();
        }
    }

    /// Why limits or cooldown deny an award, and from when on they no longer do.
    fn denial(
        &self,
        rule: &Rule,
        remembered: Option<&RuleState>,
        first_check: usize,
    ) -> Option<(Ruling<'r>, Option<Timestamp>)> {
        let at = self.event.occurred_at;
        let times = remembered.map_or(&[][..], |remembered| remembered.award_times.as_slice());
        let free_from = |at: Timestamp| {
            rule.cooldown().and_then(|cooldown| limits::next_free(times, cooldown, at))
        };
        let checks = self.decided.checks.get(first_check..).unwrap_or_default();
        let used_up: Vec<&Check<'_>> =
            checks.iter().filter(|check| check.before >= check.limit.max).collect();
        if used_up.is_empty() {
            return free_from(at).map(|free| (Ruling::Cooldown, Some(free)));
        }
        let is_once = used_up.iter().any(|check| check.limit.is_once());
        let ruling = if is_once { Ruling::AlreadyGranted } else { Ruling::CapReached };
        let starts = used_up.iter().map(|check| check.window.next_start(self.zone));
        let next = starts.collect::<Option<Vec<_>>>().and_then(|starts| starts.into_iter().max());
        Some((ruling, next.map(|next| free_from(next).unwrap_or(next))))
    }

    fn grant_per_event(&mut self, rule: &'r Rule, first_check: usize) -> Grant<'r> {
        let limits = rule.limits();
        let once = limits.iter().find(|limit| limit.is_once());
        let named_by = once.or_else(|| limits.iter().find(|limit| limit.scope.is_some()));
        let scope = self.scope_text(named_by).to_owned();
        let slot = if once.is_some() { String::new() } else { identity::event_slot(self.event) };
        let mut grant = self.grant(rule, scope, &slot);
        grant.is_timed = rule.cooldown().is_some();
        for place in first_check..self.decided.checks.len() {
            let Check { limit, window, .. } = self.decided.checks[place];
            if grant.window.is_none() && window.period != Period::Lifetime {
                grant.window = Some(window);
            }
            let scope = self.scope_text(Some(limit)).to_owned();
            grant.counted.push(Counted { window, scope });
        }
        grant
    }

    fn scope_text(&mut self, limit: Option<&'r Limit>) -> &str {
        self.scopes.get(limit.and_then(|limit| limit.scope.as_ref())).unwrap_or_default()
    }

    fn grant(&mut self, rule: &'r Rule, scope: String, slot: &str) -> Grant<'r> {
        let event = self.event;
        self.balance = self.balance.saturating_add(rule.payout.points);
        Grant {
            rule_id: &rule.id,
            award_id: identity::award_id(&event.tenant, &event.user.key, &rule.id, &scope, slot),
            points: rule.payout.points,
            badge: rule.payout.badge.as_deref(),
            scope,
            window: None,
            counted: Vec::new(),
            is_timed: false,
            paid_week: None,
            balance_after: self.balance,
        }
    }

    fn award(&mut self, rule: &'r Rule, grant: Grant<'r>) {
        self.decided.effects.push(Effect::AwardGranted(Box::new(grant)));
        self.say(rule, Ruling::Awarded(self.decided.effects.len() - 1));
    }

    fn say(&mut self, rule: &'r Rule, ruling: Ruling<'r>) {
        let next_eligible_at =
            if ruling == Ruling::NotEffective { self.begins_later(rule) } else { None };
        self.decided.verdicts.push(Verdict { next_eligible_at, rule, ruling, checks: 0..0 });
    }

    fn begins_later(&self, rule: &Rule) -> Option<Timestamp> {
        rule.effective.from.filter(|from| self.event.occurred_at < *from)
    }

    fn wait_until(&mut self, next: Option<Timestamp>) {
        if let Some(verdict) = self.decided.verdicts.last_mut() {
            verdict.next_eligible_at = next;
        }
    }
}
