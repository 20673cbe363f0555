//! One rule, part by part.

use kleos_contracts::time::Timestamp;

use crate::compile::{limit, read, trigger};
use crate::diagnostic::Report;
use crate::document::{self, Node, Value};
use crate::rule::{Effective, Mode, Payout, Rule};

const KEYS: [&str; 9] = [
    "rule_id",
    "description",
    "trigger",
    "actions",
    "constraints",
    "limits",
    "within",
    "streak",
    "effective",
];

/// Bytes of a rule as written.
const RULE_MAX: usize = 64 * 1024;
/// Bytes of one text in it.
const TEXT_MAX: usize = 1024;
/// Points of one award. A balance holds more such awards than a learner can earn.
const POINTS_MAX: i64 = 1_000_000_000;

/// Checks one rule; whatever is wrong goes to the report.
pub(super) fn rule(node: &Node<'_>, report: &mut Report) -> Option<Rule> {
    let length = node.end - node.start;
    if length > RULE_MAX {
        report.at(node.start, format!("the rule has {length} bytes: expected at most {RULE_MAX}"));
        return None;
    }
    check_texts(node, report);
    let object = read::object(node, &KEYS, report)?;
    let id = object.required("rule_id", "the rule's id", report);
    let id = id.and_then(|id| read::id(id, report));
    if let Some(description) = object.get("description") {
        read::text(description, "text for people", report);
    }
    let triggers = object.required("trigger", "an object with event and conditions", report);
    let triggers = triggers.and_then(|node| trigger::triggers(node, report));
    let payout = object.required("actions", "an object with award_points or issue_badge", report);
    let payout = payout.and_then(|node| payout_of(node, report));
    let mode = mode(object, report);
    let within = object.get("within").map(|node| limit::within(node, report));
    let effective = object.get("effective").map(|node| effective(node, report));
    Some(Rule {
        id: id?.to_owned(),
        canonical: document::canonical(node),
        triggers: triggers?,
        effective: effective.unwrap_or_else(|| Some(Effective::default()))?,
        within: within.map_or(Some(None), |within| within.map(Some))?,
        payout: payout?,
        mode: mode?,
    })
}

fn check_texts(node: &Node<'_>, report: &mut Report) {
    match &node.value {
        Value::Text(text) if text.len() > TEXT_MAX => {
            let length = text.len();
            report.at(
                node.start,
                format!("the text has {length} bytes: expected at most {TEXT_MAX}"),
            );
        }
        Value::List(items) => items.iter().for_each(|item| check_texts(item, report)),
        Value::Object(members) => {
            members.iter().for_each(|member| check_texts(&member.node, report));
        }
        Value::Null | Value::Flag(_) | Value::Number(_) | Value::Text(_) => {}
    }
}

fn payout_of(node: &Node<'_>, report: &mut Report) -> Option<Payout> {
    let object = read::object(node, &["award_points", "issue_badge"], report)?;
    let points = object.get("award_points").map(|node| read::whole(node, 0..=POINTS_MAX, report));
    let badge = object.get("issue_badge").map(|node| read::id(node, report));
    if badge.is_none() && matches!(points, None | Some(Some(0))) {
        report.at(node.start, "the rule gives nothing: name award_points, issue_badge or both");
    }
    let badge = match badge {
        Some(badge) => Some(badge?.to_owned()),
        None => None,
    };
    Some(Payout { points: points.unwrap_or(Some(0))?, badge })
}

fn mode(object: read::Object<'_, '_>, report: &mut Report) -> Option<Mode> {
    let (constraints, limits) = (object.get("constraints"), object.get("limits"));
    let Some(streak) = object.get("streak") else {
        return limit::per_event(constraints, limits, report);
    };
    for name in ["constraints", "limits", "within"] {
        if let Some(member) = object.member(name) {
            report.at(
                member.name_start,
                format!("{name} do not go with streak, which pays once a week: leave one out"),
            );
        }
    }
    let form = read::object(streak, &["min_length", "per"], report)?;
    let per = form.required("per", "\"week\"", report);
    let min_length = form.required("min_length", "2", report);
    if let Some(node) = per.filter(|node| node.value != Value::Text("week".into())) {
        report.at(node.start, "expected \"week\", the only period of streaks");
    }
    if let Some(node) = min_length {
        read::whole(node, 2..=2, report);
    }
    Some(Mode::WeeklyStreak)
}

fn effective(node: &Node<'_>, report: &mut Report) -> Option<Effective> {
    let object = read::object(node, &["from", "to"], report)?;
    let mut instant = |name: &str| {
        let node = object.get(name).filter(|node| node.value != Value::Null)?;
        let text = read::text(node, "a time or null", report)?;
        match text.parse::<Timestamp>() {
            Ok(time) => Some(time),
            Err(error) => {
                report.at(node.start, error.to_string());
                None
            }
        }
    };
    let effective = Effective { from: instant("from"), to: instant("to") };
    if let (Some(from), Some(to)) = (effective.from, effective.to)
        && from >= to
    {
        report.at(node.start, format!("never effective: from {from} is not before to {to}"));
    }
    Some(effective)
}
