//! Which events a rule looks at.

use kleos_contracts::event_name;

use crate::compile::{condition, read};
use crate::diagnostic::Report;
use crate::document::Node;
use crate::predicate::Condition;
use crate::rule::{Pattern, Trigger};

/// Comparisons of one rule.
const LEAVES_MAX: usize = 64;

const EXPECTED: &str = "an event's name as course.completed, a domain as course.*, or *";

/// One trigger, or all of `any`.
pub(super) fn triggers(node: &Node<'_>, report: &mut Report) -> Option<Vec<Trigger>> {
    let object = read::object(node, &["event", "conditions", "any"], report)?;
    let triggers = match object.get("any") {
        None => vec![trigger(object, report)?],
        Some(any) => {
            for member in ["event", "conditions"].iter().filter_map(|name| object.member(name)) {
                let name = &member.name;
                report.at(
                    member.name_start,
                    format!("{name} does not go with any: write it into each trigger of any"),
                );
            }
            alternatives(any, report)?
        }
    };
    let leaves: usize = triggers.iter().map(|trigger| leaves(&trigger.condition)).sum();
    if leaves > LEAVES_MAX {
        report.at(
            node.start,
            format!("the rule has {leaves} comparisons: expected at most {LEAVES_MAX}"),
        );
    }
    Some(triggers)
}

fn alternatives(node: &Node<'_>, report: &mut Report) -> Option<Vec<Trigger>> {
    let items = read::list(node, "a list of triggers", report)?;
    if items.is_empty() {
        report.at(node.start, "no trigger: name at least one");
    }
    let triggers: Vec<_> = items
        .iter()
        .map(|item| {
            let object = read::object(item, &["event", "conditions"], report)?;
            trigger(object, report)
        })
        .collect();
    triggers.into_iter().collect()
}

fn trigger(object: read::Object<'_, '_>, report: &mut Report) -> Option<Trigger> {
    let event = object.required("event", EXPECTED, report);
    let patterns = event.and_then(|event| patterns(event, report));
    let condition = match object.get("conditions") {
        Some(node) => condition::condition(node, report),
        None => Some(Condition::ALWAYS),
    };
    Some(Trigger { patterns: patterns?, condition: condition? })
}

fn patterns(node: &Node<'_>, report: &mut Report) -> Option<Vec<Pattern>> {
    let items = read::one_or_more(node);
    if items.is_empty() {
        report.at(node.start, format!("no event: expected {EXPECTED}"));
    }
    let found: Vec<_> = items.iter().map(|item| pattern(item, report)).collect();
    let mut patterns: Vec<_> = found.into_iter().collect::<Option<_>>()?;
    patterns.sort();
    patterns.dedup();
    Some(patterns)
}

fn pattern(node: &Node<'_>, report: &mut Report) -> Option<Pattern> {
    let text = read::text(node, EXPECTED, report)?;
    let pattern = match text.strip_suffix(".*") {
        _ if text == "*" => return Some(Pattern::Any),
        Some(domain) if event_name::is_well_formed(&format!("{domain}.x")) => {
            Pattern::Domain(format!("{domain}."))
        }
        None if event_name::is_well_formed(text) => {
            Pattern::Named(event_name::canonical(text).to_owned())
        }
        _ => {
            report.at(node.start, format!("{text:?} is not an event: expected {EXPECTED}"));
            return None;
        }
    };
    if text.starts_with(event_name::SYSTEM_PREFIX) {
        report.at(node.start, format!("{text:?} is an event of the system itself: not for rules"));
    }
    Some(pattern)
}

fn leaves(condition: &Condition) -> usize {
    match condition {
        Condition::Leaf(_) => 1,
        Condition::Not(part) => leaves(part),
        Condition::All(parts) | Condition::Any(parts) => parts.iter().map(leaves).sum(),
    }
}
