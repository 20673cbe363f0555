//! Conditions on one event, in three-valued logic.
//!
//! A field that the event does not have makes a comparison unknown, never true and never false:
//! `ne`, `nin` and `not` of something unknown are unknown as well, and only `exists` sees absence.
//! A rule fires on true alone, so that nothing is paid for what is not known.

use std::fmt;

use kleos_contracts::event::LearningEvent;
use kleos_contracts::time::Timestamp;

use crate::decimal::Decimal;
use crate::field::{Field, Observed};
use crate::operator::{Operator, Shape};

/// A condition of a checked rule.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Condition {
    /// One comparison.
    Leaf(Leaf),
    /// All hold; true if there is none.
    All(Vec<Condition>),
    /// At least one holds.
    Any(Vec<Condition>),
    /// It does not hold.
    Not(Box<Condition>),
}

/// One comparison of a field.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Leaf {
    pub(crate) field: Field,
    pub(crate) operator: Operator,
    /// Of the field's kind; in ascending order for `in` and `nin`.
    pub(crate) operands: Vec<Operand>,
}

/// What a field is compared with.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Operand {
    Text(String),
    Number(Decimal),
    Time(Timestamp),
    Flag(bool),
}

/// What a condition says of an event, and because of which part of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Truth<'c> {
    True,
    False(&'c Condition),
    Unknown(&'c Condition),
}

impl<'c> Truth<'c> {
    /// This or the other.
    pub(crate) fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::True, _) | (_, Self::True) => Self::True,
            (Self::Unknown(_), _) => self,
            (Self::False(_), Self::Unknown(_)) => other,
            (Self::False(_), Self::False(_)) => self,
        }
    }

    /// This and the other.
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::False(_), _) => self,
            (_, Self::False(_)) => other,
            (Self::Unknown(_), _) => self,
            (Self::True, _) => other,
        }
    }
}

impl Condition {
    /// Holds always.
    pub(crate) const ALWAYS: Self = Self::All(Vec::new());

    /// What it says of an event. The part named is the first that decides.
    pub(crate) fn test(&self, event: &LearningEvent) -> Truth<'_> {
        match self {
            Self::Leaf(leaf) => match leaf.test(event) {
                Some(true) => Truth::True,
                Some(false) => Truth::False(self),
                None => Truth::Unknown(self),
            },
            Self::All(parts) => {
                let mut whole = Truth::True;
                for part in parts {
                    whole = whole.and(part.test(event));
                    if matches!(whole, Truth::False(_)) {
                        break;
                    }
                }
                whole
            }
            Self::Any(parts) => {
                let mut whole = Truth::False(self);
                for (index, part) in parts.iter().enumerate() {
                    let truth = part.test(event);
                    whole = if index == 0 { truth } else { whole.or(truth) };
                    if matches!(whole, Truth::True) {
                        break;
                    }
                }
                whole
            }
            Self::Not(part) => match part.test(event) {
                Truth::True => Truth::False(self),
                Truth::False(_) => Truth::True,
                Truth::Unknown(cause) => Truth::Unknown(cause),
            },
        }
    }

    /// What the event has in the field that the condition asks for first.
    pub(crate) fn observed<'e>(&self, event: &'e LearningEvent) -> Option<Observed<'e>> {
        match self {
            Self::Leaf(leaf) => leaf.field.read(event),
            Self::All(parts) | Self::Any(parts) => parts.first()?.observed(event),
            Self::Not(part) => part.observed(event),
        }
    }
}

impl Leaf {
    fn test(&self, event: &LearningEvent) -> Option<bool> {
        let observed = self.field.read(event);
        if self.operator == Operator::Exists {
            return Some(self.operands.contains(&Operand::Flag(observed.is_some())));
        }
        self.operator.holds(observed?, &self.operands)
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (parts, word) = match self {
            Self::Leaf(leaf) => return write!(formatter, "{leaf}"),
            Self::Not(part) => return write!(formatter, "not ({part})"),
            Self::All(parts) => (parts, " and "),
            Self::Any(parts) => (parts, " or "),
        };
        for (index, part) in parts.iter().enumerate() {
            if index > 0 {
                formatter.write_str(word)?;
            }
            match part {
                Self::Leaf(_) | Self::Not(_) => write!(formatter, "{part}")?,
                Self::All(_) | Self::Any(_) => write!(formatter, "({part})")?,
            }
        }
        Ok(())
    }
}

impl fmt::Display for Leaf {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {} ", self.field.path(), self.operator.word())?;
        let is_list = matches!(self.operator.shape(), Shape::Many | Shape::Pair);
        formatter.write_str(if is_list { "[" } else { "" })?;
        for (index, operand) in self.operands.iter().enumerate() {
            write!(formatter, "{}{operand}", if index == 0 { "" } else { ", " })?;
        }
        formatter.write_str(if is_list { "]" } else { "" })
    }
}

impl fmt::Display for Operand {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(formatter, "{text:?}"),
            Self::Number(number) => write!(formatter, "{number}"),
            Self::Time(time) => write!(formatter, "{time}"),
            Self::Flag(flag) => write!(formatter, "{flag}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use kleos_contracts::event::{Context, Metrics, Place};

    use super::*;

    fn event() -> LearningEvent {
        LearningEvent {
            event: "quiz.completed".into(),
            occurred_at: "2026-11-22T10:00:00Z".parse().unwrap(),
            metrics: Metrics { score_pct: "79.5".parse().ok(), ..Metrics::default() },
            context: Context {
                course: Some(Place { id: "987".to_owned(), title: None }),
                ..Context::default()
            },
            ..LearningEvent::default()
        }
    }

    fn condition(json: &str) -> Condition {
        let mut report = crate::diagnostic::Report::default();
        let node = crate::document::parse(json, &mut report).unwrap();
        let condition = crate::compile::condition_of(&node, &mut report);
        assert!(report.is_empty(), "{json}: {report:?}");
        condition.unwrap()
    }

    #[track_caller]
    fn check(json: &str, expected: &str) {
        let condition = condition(json);
        let found = match condition.test(&event()) {
            Truth::True => "true".to_owned(),
            Truth::False(cause) => format!("false: {cause}"),
            Truth::Unknown(cause) => format!("unknown: {cause}"),
        };
        assert_eq!(found, expected, "{json}");
    }

    #[test]
    fn every_operator_holds_or_does_not() {
        check(r#"{"event": "quiz.completed"}"#, "true");
        check(r#"{"event": {"eq": "quiz.graded"}}"#, r#"false: event eq "quiz.graded""#);
        check(r#"{"course_id": {"ne": "987"}}"#, r#"false: context.course.id ne "987""#);
        check(r#"{"score_pct": {"gt": 79.5}}"#, "false: metrics.score_pct gt 79.5");
        check(r#"{"score_pct": {"gte": 79.5, "lt": 80, "lte": 79.50}}"#, "true");
        check(r#"{"score_pct": {"lt": 79.49999}}"#, "false: metrics.score_pct lt 79.49999");
        check(r#"{"score_pct": {"between": [79.5, 79.5]}}"#, "true");
        check(r#"{"score_pct": {"between": [0, 79]}}"#, "false: metrics.score_pct between [0, 79]");
        check(r#"{"course_id": {"in": ["1", "987", "0"]}}"#, "true");
        check(
            r#"{"course_id": {"nin": ["987", "1"]}}"#,
            r#"false: context.course.id nin ["1", "987"]"#,
        );
        check(
            r#"{"event": {"contains": "z.c", "starts_with": "quiz", "ends_with": "ed"}}"#,
            "true",
        );
        check(r#"{"event": {"starts_with": "Quiz"}}"#, r#"false: event starts_with "Quiz""#);
        check(
            r#"{"occurred_at": {"before": "2026-11-22T10:00:00Z"}}"#,
            "false: occurred_at before 2026-11-22T10:00:00Z",
        );
        check(r#"{"occurred_at": {"after": "2026-11-22T10:59:59+01:00"}}"#, "true");
        check(r#"{"flags.is_test": false, "flags.is_privileged": {"ne": true}}"#, "true");
    }

    #[test]
    fn what_is_not_there_is_unknown_and_only_exists_sees_it() {
        check(r#"{"progress_pct": {"gte": 80}}"#, "unknown: metrics.progress_pct gte 80");
        check(r#"{"progress_pct": {"ne": 80}}"#, "unknown: metrics.progress_pct ne 80");
        check(r#"{"section_id": {"nin": ["a"]}}"#, r#"unknown: context.section.id nin ["a"]"#);
        check(r#"{"progress_pct": {"exists": false}}"#, "true");
        check(r#"{"score_pct": {"exists": false}}"#, "false: metrics.score_pct exists false");
        check(r#"{"not": {"progress_pct": {"lt": 80}}}"#, "unknown: metrics.progress_pct lt 80");
    }

    #[test]
    fn connectives_are_kleenes() {
        let truth = [
            ("T", r#"{"event": "quiz.completed"}"#),
            ("F", r#"{"event": "no.no"}"#),
            ("U", r#"{"section_id": "s"}"#),
        ];
        for (name, expected) in [("all", "TFU FFF UFU"), ("any", "TTT TFU TUU")] {
            let mut found = Vec::new();
            for (_, left) in truth {
                let row = truth.map(|(_, right)| {
                    let condition = condition(&format!(r#"{{"{name}": [{left}, {right}]}}"#));
                    match condition.test(&event()) {
                        Truth::True => 'T',
                        Truth::False(_) => 'F',
                        Truth::Unknown(_) => 'U',
                    }
                });
                found.push(String::from_iter(row));
            }
            assert_eq!(found.join(" "), expected, "{name}");
        }
        check(r#"{"not": {"event": "no.no"}}"#, "true");
        check(r#"{"not": {"course_id": "987"}}"#, r#"false: not (context.course.id eq "987")"#);
    }

    #[test]
    fn the_part_named_is_the_first_that_decides() {
        check(
            r#"{"all": [{"section_id": "s"}, {"course_id": "1"}, {"event": "no.no"}]}"#,
            r#"false: context.course.id eq "1""#,
        );
        check(
            r#"{"any": [{"course_id": "1"}, {"section_id": "s"}, {"lesson_id": "l"}]}"#,
            r#"unknown: context.section.id eq "s""#,
        );
        check(
            r#"{"not": {"any": [{"course_id": "987"}, {"event": "a.b"}]}}"#,
            r#"false: not (context.course.id eq "987" or event eq "a.b")"#,
        );
    }
}
