//! From a rule file to a checked set of rules, or to everything that is wrong with it.

use std::collections::BTreeMap;

use crate::diagnostic::{Diagnostic, Report};
use crate::document::{self, Node, Value};
use crate::rule::Rule;
use crate::rule_set::RuleSet;

mod condition;
mod duration;
mod limit;
mod read;
mod rule;
mod trigger;

#[cfg(test)]
pub(crate) use condition::condition as condition_of;

/// Reads rules as people write them: a list of rules, an object with `rules`, or one rule.
///
/// A rule has `rule_id`, `trigger` and `actions`, and may have `description`, `constraints`,
/// `limits`, `within`, `streak` and `effective`. Other keys are refused, everywhere.
///
/// - `trigger`: `event`, and `conditions` if there are any; or `any`, a list of such. An event is a
///   name (`course.completed`), a domain (`course.*`), `*`, or a list of these.
/// - `conditions`: for each field a value, or operators with values. All of an object must hold;
///   `all` and `any` hold a list of conditions, `not` holds one. Operators are `eq ne in nin exists`
///   of any field (`in nin` not of flags), `contains starts_with ends_with` of texts, `gt gte lt
///   lte between` of numbers and times, `before after` of times. Numbers are exact and nothing is
///   converted.
/// - Fields are the paths of the canonical event, as `metrics.progress_pct`, or short names:
///   `progress_pct score_pct time_on_task_sec course_id section_id lesson_id programme_id thread_id
///   object_type object_id attempt user_id user_key email lms_event_id lms_eventname
///   time_was_guessed`.
/// - `actions`: `award_points`, `issue_badge` or both.
/// - `limits`: each with `max`, `per` (`day week month lifetime`, calendar periods of the tenant's
///   zone) and perhaps `scope`, the fields that are counted apart. A limit of one in a lifetime and
///   scope makes the rule pay once for each scope, for ever.
/// - `constraints`: `cooldown_minutes`, and short forms of limits: `max_per_day`, `max_per_week`,
///   `max_per_month`, `max_lifetime`, and `max_per_course`, `max_per_section`, `max_per_lesson`,
///   `max_per_programme`, `max_per_thread` for a lifetime.
/// - `within`: at most `lte` (`P30D`, or seconds) after the earliest event `since` in `scope`.
/// - `streak`: `{"per": "week", "min_length": 2}` pays each week that follows a week of such events.
/// - `effective`: `from` this instant on, up to and not at `to`, in event time.
///
/// # Errors
///
/// Everything that is wrong with the text, in its order. Of text that is not JSON only the first
/// fault can be told.
pub fn compile(text: &str) -> Result<RuleSet, Vec<Diagnostic>> {
    let mut report = Report::default();
    let root = document::parse(text, &mut report);
    let (nodes, prefix) =
        root.as_ref().map_or((Vec::new(), ""), |root| rules_of(root, &mut report));
    let rules = rules(&nodes, &mut report);
    if report.is_empty() {
        Ok(RuleSet::of(rules))
    } else {
        Err(report.diagnostics(text, root.as_ref(), prefix))
    }
}

/// Reads rules from one text each.
pub(crate) fn definitions<'t>(
    definitions: impl IntoIterator<Item = &'t str>,
) -> Result<RuleSet, Vec<Diagnostic>> {
    let mut rules = Vec::new();
    let mut diagnostics = Vec::new();
    let mut places = BTreeMap::new();
    for (place, text) in definitions.into_iter().enumerate() {
        let mut report = Report::default();
        let root = document::parse(text, &mut report);
        if let Some(root) = &root {
            note_id(root, place, &mut places, &mut report);
            rules.extend(rule::rule(root, &mut report));
        }
        diagnostics.extend(report.diagnostics(text, root.as_ref(), &format!("rules[{place}]")));
    }
    if diagnostics.is_empty() { Ok(RuleSet::of(rules)) } else { Err(diagnostics) }
}

/// The rules of a file, and what the paths of its values begin with.
fn rules_of<'n, 't>(root: &'n Node<'t>, report: &mut Report) -> (Vec<&'n Node<'t>>, &'static str) {
    match &root.value {
        Value::List(items) => (items.iter().collect(), "rules"),
        Value::Object(members) if members.iter().any(|member| member.name == "rules") => {
            let object = read::object(root, &["description", "rules"], report);
            let list = object.and_then(|object| object.get("rules"));
            let items = list.and_then(|list| read::list(list, "a list of rules", report));
            (items.unwrap_or_default().iter().collect(), "")
        }
        Value::Object(_) => (vec![root], ""),
        Value::Null | Value::Flag(_) | Value::Number(_) | Value::Text(_) => {
            report.expected("a list of rules, an object with rules, or one rule", root);
            (Vec::new(), "")
        }
    }
}

fn rules(nodes: &[&Node<'_>], report: &mut Report) -> Vec<Rule> {
    let mut places = BTreeMap::new();
    let mut rules = Vec::with_capacity(nodes.len());
    for (place, node) in nodes.iter().enumerate() {
        note_id(node, place, &mut places, report);
        rules.extend(rule::rule(node, report));
    }
    rules
}

/// Notes where an id is used; no two rules have the same.
fn note_id(
    rule: &Node<'_>,
    place: usize,
    places: &mut BTreeMap<String, usize>,
    report: &mut Report,
) {
    let Value::Object(members) = &rule.value else { return };
    let id = members.iter().find(|member| member.name == "rule_id").map(|member| &member.node);
    if let Some(Node { start, value: Value::Text(text), .. }) = id {
        match places.get(text.as_ref()) {
            Some(first) => report.at(
                *start,
                format!("{text:?} is the id of rules[{first}] already: choose another"),
            ),
            None => {
                places.insert(text.clone().into_owned(), place);
            }
        }
    }
}
