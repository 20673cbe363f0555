//! What the processor counts.

use std::collections::BTreeMap;

use kleos_contracts::award::Award;
use kleos_rules_engine::Decided;
use kleos_service_kit::metrics::{Counter, CounterBy, Label};

const OUTCOME: Label = Label::fixed(
    "outcome",
    &[
        "decided",
        "duplicate",
        "conflict",
        "daily_limit",
        "test",
        "privileged",
        "system",
        "dead_letter",
    ],
);
const VERDICT: Label = Label::at_most("verdict", 40);
const REASON: Label = Label::at_most("reason", 100);
const RULE: Label = Label::at_most("rule", 200);

kleos_service_kit::metrics! {
    /// Metrics of the rules-processor.
    pub struct ProcessorMetrics {
        /// Events, by what became of them; each in exactly one outcome.
        events: CounterBy<1> = "kleos_rules_events_total" [OUTCOME],
        /// Events that were set aside, by the reason.
        refused: CounterBy<1> = "kleos_rules_dead_letters_total" [REASON],
        /// What rules said.
        verdicts: CounterBy<1> = "kleos_rules_verdicts_total" [VERDICT],
        /// Ledger lines, by the rule.
        awards: CounterBy<1> = "kleos_rules_awards_total" [RULE],
        /// Points given, by the rule.
        points: CounterBy<1> = "kleos_rules_points_total" [RULE],
        /// Learners that were read from the local state because they were not in memory.
        learners_read: Counter = "kleos_rules_learners_read_total",
    }
}

/// What one transaction will have counted.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    outcomes: BTreeMap<&'static str, u64>,
    refused: BTreeMap<&'static str, u64>,
    verdicts: BTreeMap<&'static str, u64>,
    /// Lines and points, by the rule.
    awards: BTreeMap<String, (u64, u64)>,
    learners_read: u64,
}

impl Counts {
    pub(crate) fn decided(&mut self, decided: &Decided<'_>) {
        *self.outcomes.entry(decided.outcome).or_default() += 1;
        for verdict in &decided.verdicts {
            *self.verdicts.entry(verdict.code()).or_default() += 1;
        }
    }

    pub(crate) fn award(&mut self, award: &Award) {
        let points = u64::try_from(award.points).unwrap_or_default();
        match self.awards.get_mut(&award.rule_id) {
            Some((lines, sum)) => {
                *lines += 1;
                *sum += points;
            }
            None => {
                self.awards.insert(award.rule_id.clone(), (1, points));
            }
        }
    }

    pub(crate) fn system(&mut self) {
        *self.outcomes.entry("system").or_default() += 1;
    }

    pub(crate) fn refused(&mut self, reason: &'static str) {
        *self.outcomes.entry("dead_letter").or_default() += 1;
        *self.refused.entry(reason).or_default() += 1;
    }

    pub(crate) fn learners_read(&mut self, count: usize) {
        self.learners_read += count as u64;
    }

    pub(crate) fn publish(self, metrics: &ProcessorMetrics) {
        for (outcome, count) in self.outcomes {
            metrics.events.with([outcome]).inc_by(count);
        }
        for (reason, count) in self.refused {
            metrics.refused.with([reason]).inc_by(count);
        }
        for (verdict, count) in self.verdicts {
            metrics.verdicts.with([verdict]).inc_by(count);
        }
        for (rule, (lines, points)) in self.awards {
            metrics.awards.with([&rule]).inc_by(lines);
            metrics.points.with([&rule]).inc_by(points);
        }
        metrics.learners_read.inc_by(self.learners_read);
    }
}
