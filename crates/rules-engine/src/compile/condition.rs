//! Conditions: fields with operators, and their connectives.

use kleos_contracts::event_name;
use kleos_contracts::time::Timestamp;

use crate::compile::read;
use crate::decimal::Decimal;
use crate::diagnostic::{Report, nearest};
use crate::document::{Member, Node, Value, in_byte_order};
use crate::field::{Field, Kind};
use crate::operator::{Operator, Shape};
use crate::predicate::{Condition, Leaf, Operand};

/// Levels of `all`, `any` and `not`, with the outermost.
const DEPTH_MAX: usize = 8;
/// Values of one list.
const LIST_MAX: usize = 1000;

const EXPECTED: &str = "an object of fields, all, any and not";

/// The conditions of a trigger. Everything in one object must hold.
pub(crate) fn condition(node: &Node<'_>, report: &mut Report) -> Option<Condition> {
    nested(node, 1, report)
}

fn nested(node: &Node<'_>, depth: usize, report: &mut Report) -> Option<Condition> {
    if depth > DEPTH_MAX {
        report
            .at(node.start, format!("conditions are nested deeper than {DEPTH_MAX}: flatten them"));
        return None;
    }
    let Value::Object(members) = &node.value else {
        report.expected(EXPECTED, node);
        return None;
    };
    let mut parts = Vec::new();
    let mut is_whole = true;
    for member in in_byte_order(members) {
        let part = match member.name.as_ref() {
            "all" => several(&member.node, depth, report).map(|parts| vec![Condition::All(parts)]),
            "any" => several(&member.node, depth, report).map(|parts| vec![Condition::Any(parts)]),
            "not" => nested(&member.node, depth + 1, report)
                .map(|part| vec![Condition::Not(Box::new(part))]),
            _ => comparisons(member, report),
        };
        is_whole &= part.is_some();
        parts.extend(part.into_iter().flatten());
    }
    is_whole.then(|| if parts.len() == 1 { parts.remove(0) } else { Condition::All(parts) })
}

fn several(node: &Node<'_>, depth: usize, report: &mut Report) -> Option<Vec<Condition>> {
    let items = read::list(node, "a list of conditions", report)?;
    if items.is_empty() {
        report.at(node.start, "no condition: name at least one");
    }
    let parts: Vec<_> = items.iter().map(|item| nested(item, depth + 1, report)).collect();
    parts.into_iter().collect()
}

/// The field of a name; one that is not known goes to the report.
pub(super) fn field(name: &str, offset: usize, report: &mut Report) -> Option<Field> {
    let field = Field::named(name);
    if field.is_none() {
        let near = nearest(name, Field::names()).unwrap_or_default();
        report.at(offset, format!("unknown field {name:?}: the nearest known is {near:?}"));
    }
    field
}

fn comparisons(member: &Member<'_>, report: &mut Report) -> Option<Vec<Condition>> {
    let field = field(&member.name, member.name_start, report)?;
    match &member.node.value {
        Value::Object(operators) => {
            if operators.is_empty() {
                let words = Operator::words_for(field.kind());
                report.at(member.node.start, format!("no operator: expected one of {words}"));
            }
            let operators = in_byte_order(operators);
            let leaves: Vec<_> =
                operators.iter().map(|member| leaf(field, member, report)).collect();
            leaves.into_iter().collect()
        }
        Value::List(_) => {
            report.at(
                member.node.start,
                "a list is not compared as a whole: write {\"in\": […]} for one of several values",
            );
            None
        }
        Value::Null => {
            report.at(member.node.start, "nothing equals null: write {\"exists\": false}");
            None
        }
        Value::Flag(_) | Value::Number(_) | Value::Text(_) => {
            let operands = vec![operand(field, &member.node, report)?];
            Some(vec![Condition::Leaf(Leaf { field, operator: Operator::Eq, operands })])
        }
    }
}

fn leaf(field: Field, member: &Member<'_>, report: &mut Report) -> Option<Condition> {
    let Some(operator) = Operator::of_word(&member.name) else {
        let words = Operator::words_for(field.kind());
        report.at(
            member.name_start,
            format!("unknown operator {:?}: for {} there are {words}", member.name, field.path()),
        );
        return None;
    };
    if !operator.kinds().contains(&field.kind()) {
        let words = Operator::words_for(field.kind());
        report.at(
            member.name_start,
            format!(
                "{} does not compare {}, which is {}: use one of {words}",
                operator.word(),
                field.path(),
                field.kind().described()
            ),
        );
        return None;
    }
    let operands = operands(field, operator, &member.node, report)?;
    Some(Condition::Leaf(Leaf { field, operator, operands }))
}

fn operands(
    field: Field,
    operator: Operator,
    node: &Node<'_>,
    report: &mut Report,
) -> Option<Vec<Operand>> {
    let expected = format!("a list of values, each {}", field.kind().described());
    match operator.shape() {
        Shape::One => operand(field, node, report).map(|operand| vec![operand]),
        Shape::Presence => {
            if let Value::Flag(flag) = node.value {
                return Some(vec![Operand::Flag(flag)]);
            }
            report.expected("true or false", node);
            None
        }
        Shape::Pair => {
            let operands = each(field, read::list(node, &expected, report)?, report)?;
            let is_range = matches!(operands.as_slice(), [from, to] if from <= to);
            if !is_range {
                report.at(node.start, "expected two values, the lesser first");
            }
            Some(operands)
        }
        Shape::Many => {
            let items = read::list(node, &expected, report)?;
            if !(1..=LIST_MAX).contains(&items.len()) {
                let count = items.len();
                report.at(node.start, format!("{count} values: expected 1 to {LIST_MAX}"));
            }
            let mut operands = each(field, items, report)?;
            operands.sort();
            operands.dedup();
            Some(operands)
        }
    }
}

fn each(field: Field, items: &[Node<'_>], report: &mut Report) -> Option<Vec<Operand>> {
    let operands: Vec<_> = items.iter().map(|item| operand(field, item, report)).collect();
    operands.into_iter().collect()
}

/// A value of the field's kind. Nothing is converted: the text "80" is no number.
fn operand(field: Field, node: &Node<'_>, report: &mut Report) -> Option<Operand> {
    let wrong = match (field.kind(), &node.value) {
        (Kind::Text, Value::Text(text)) if field == Field::Event => {
            return Some(Operand::Text(event_name::canonical(text).to_owned()));
        }
        (Kind::Text, Value::Text(text)) => return Some(Operand::Text(text.clone().into_owned())),
        (Kind::Flag, Value::Flag(flag)) => return Some(Operand::Flag(*flag)),
        (Kind::Number, Value::Number(written)) => match written.parse::<Decimal>() {
            Ok(number) => return Some(Operand::Number(number)),
            Err(error) => format!("{error}, found {written}"),
        },
        (Kind::Time, Value::Text(text)) => match text.parse::<Timestamp>() {
            Ok(time) => return Some(Operand::Time(time)),
            Err(error) => error.to_string(),
        },
        (kind, value) => format!(
            "{} is compared with {}, found {}",
            field.path(),
            kind.described(),
            value.kind()
        ),
    };
    report.at(node.start, wrong);
    None
}
