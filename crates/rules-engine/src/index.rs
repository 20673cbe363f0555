//! Which rules look at an event: found by its name, without asking the others.

use std::collections::BTreeMap;

use crate::rule::{Pattern, Rule};
use crate::scope::Scope;

/// From an event's name to what concerns it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Index {
    names: BTreeMap<String, Named>,
    /// By prefix up to and with the dot; each list holds those of its shorter prefixes as well.
    domains: BTreeMap<String, Vec<Candidate>>,
    any: Vec<Candidate>,
}

/// A trigger that looks at an event, by its place; in the order of the rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Candidate {
    pub(crate) rule: usize,
    pub(crate) trigger: usize,
}

/// What concerns the events of one name.
#[derive(Clone, Debug, Default)]
struct Named {
    candidates: Vec<Candidate>,
    marks: Vec<Option<Scope>>,
}

/// What concerns one event.
#[derive(Clone, Debug)]
pub(crate) struct Concerned<'r> {
    named: &'r [Candidate],
    wild: &'r [Candidate],
    /// The event's name and the scopes that rules measure from it in, if any do.
    pub(crate) marks: Option<(&'r str, &'r [Option<Scope>])>,
}

impl Index {
    pub(crate) fn of(rules: &[Rule]) -> Self {
        let mut index = Self::default();
        for (rule_place, rule) in rules.iter().enumerate() {
            for (trigger, patterns) in rule.triggers.iter().map(|t| &t.patterns).enumerate() {
                for pattern in patterns {
                    index.list_of(pattern).push(Candidate { rule: rule_place, trigger });
                }
            }
            if let Some(within) = &rule.within {
                let marks = &mut index.names.entry(within.since.clone()).or_default().marks;
                if !marks.contains(&within.scope) {
                    marks.push(within.scope.clone());
                }
            }
        }
        index.finish();
        index
    }

    fn list_of(&mut self, pattern: &Pattern) -> &mut Vec<Candidate> {
        match pattern {
            Pattern::Named(name) => &mut self.names.entry(name.clone()).or_default().candidates,
            Pattern::Domain(prefix) => self.domains.entry(prefix.clone()).or_default(),
            Pattern::Any => &mut self.any,
        }
    }

    /// Gives every prefix the lists of its shorter prefixes, which come before it in byte order.
    fn finish(&mut self) {
        let prefixes: Vec<String> = self.domains.keys().cloned().collect();
        for prefix in prefixes {
            let shorter = self.wild(prefix.strip_suffix('.').unwrap_or_default()).to_vec();
            if let Some(list) = self.domains.get_mut(&prefix) {
                list.extend(shorter);
                list.sort_unstable();
                list.dedup();
            }
        }
    }

    /// The candidates of the longest prefix of a name that any rule has.
    fn wild(&self, name: &str) -> &[Candidate] {
        let mut rest = name;
        while let Some((prefix, _)) = rest.rsplit_once('.') {
            let with_dot = name.get(..=prefix.len()).unwrap_or_default();
            if let Some(list) = self.domains.get(with_dot) {
                return list;
            }
            rest = prefix;
        }
        &self.any
    }

    /// What concerns the events of a name.
    pub(crate) fn concerned(&self, name: &str) -> Concerned<'_> {
        let named = self.names.get_key_value(name);
        Concerned {
            named: named.map_or(&[], |(_, named)| &named.candidates),
            wild: self.wild(name),
            marks: named.map(|(name, named)| (name.as_str(), named.marks.as_slice())),
        }
    }
}

impl Concerned<'_> {
    /// Whether a rule names the event, not only a wildcard.
    pub(crate) fn is_named(&self) -> bool {
        !self.named.is_empty()
    }
}

impl Iterator for Concerned<'_> {
    type Item = Candidate;

    /// The next candidate in the order of the rules, each once.
    fn next(&mut self) -> Option<Candidate> {
        let next = match (self.named.first(), self.wild.first()) {
            (Some(named), Some(wild)) => *named.min(wild),
            (Some(only), None) | (None, Some(only)) => *only,
            (None, None) => return None,
        };
        for list in [&mut self.named, &mut self.wild] {
            if list.first() == Some(&next) {
                *list = list.get(1..).unwrap_or_default();
            }
        }
        Some(next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::predicate::Condition;
    use crate::rule::{Effective, Mode, Payout, Trigger};

    fn rule(triggers: &[&[&str]]) -> Rule {
        let pattern = |text: &&str| match *text {
            "*" => Pattern::Any,
            text => match text.strip_suffix('*') {
                Some(prefix) => Pattern::Domain(prefix.to_owned()),
                None => Pattern::Named(text.to_owned()),
            },
        };
        Rule {
            id: "r".to_owned(),
            canonical: String::new(),
            triggers: triggers
                .iter()
                .map(|patterns| Trigger {
                    patterns: patterns.iter().map(pattern).collect(),
                    condition: Condition::ALWAYS,
                })
                .collect(),
            effective: Effective::default(),
            within: None,
            payout: Payout { points: 1, badge: None },
            mode: Mode::WeeklyStreak,
        }
    }

    #[test]
    fn rules_are_found_by_name_by_domain_and_by_wildcard_in_their_order() {
        let index = Index::of(&[
            rule(&[&["*"]]),
            rule(&[&["grade.*"], &["grade.quiz.completed"]]),
            rule(&[&["lesson.completed", "lesson.*"]]),
            rule(&[&["grade.quiz.*"]]),
            rule(&[&["lesson.completed"]]),
        ]);
        for (name, is_named, expected) in [
            ("user.logged_in", false, vec![(0, 0)]),
            ("lesson.completed", true, vec![(0, 0), (2, 0), (4, 0)]),
            ("lesson.viewed", false, vec![(0, 0), (2, 0)]),
            ("grade.quiz.completed", true, vec![(0, 0), (1, 0), (1, 1), (3, 0)]),
            ("grade.quiz.started", false, vec![(0, 0), (1, 0), (3, 0)]),
            ("grade.other", false, vec![(0, 0), (1, 0)]),
            ("grades.quiz", false, vec![(0, 0)]),
        ] {
            let concerned = index.concerned(name);
            assert_eq!(concerned.is_named(), is_named, "{name}");
            let found: Vec<_> = concerned.map(|found| (found.rule, found.trigger)).collect();
            assert_eq!(found, expected, "{name}");
        }
    }
}
