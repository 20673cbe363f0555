//! How often a rule pays, and how long after another event.

use kleos_contracts::event_name;
use kleos_contracts::time::SECOND;

use crate::compile::{condition, duration, read};
use crate::diagnostic::Report;
use crate::document::Node;
use crate::field::Field;
use crate::limits::Limit;
use crate::rule::{COOLDOWN_MAX, Mode, Within};
use crate::scope::Scope;
use crate::window::Period;

/// Awards of one limit.
const MAX_MAX: i64 = 1_000_000;

/// Short forms of limits, in the order of their checks.
const SHORT_FORMS: [(&str, Period, Option<Field>); 9] = [
    ("max_per_day", Period::Day, None),
    ("max_per_week", Period::Week, None),
    ("max_per_month", Period::Month, None),
    ("max_lifetime", Period::Lifetime, None),
    ("max_per_course", Period::Lifetime, Some(Field::CourseId)),
    ("max_per_section", Period::Lifetime, Some(Field::SectionId)),
    ("max_per_lesson", Period::Lifetime, Some(Field::LessonId)),
    ("max_per_programme", Period::Lifetime, Some(Field::ProgrammeId)),
    ("max_per_thread", Period::Lifetime, Some(Field::ThreadId)),
];

const COOLDOWN: &str = "cooldown_minutes";

/// The short forms in their order, then the limits in theirs.
pub(super) fn per_event(
    constraints: Option<&Node<'_>>,
    limits: Option<&Node<'_>>,
    report: &mut Report,
) -> Option<Mode> {
    let mut found = Vec::new();
    let mut cooldown = None;
    if let Some(node) = constraints {
        cooldown = short_forms(node, &mut found, report)?;
    }
    if let Some(node) = limits {
        for item in read::list(node, "a list of limits", report)? {
            if let Some(limit) = limit(item, report) {
                add(limit, item, &mut found, report);
            }
        }
    }
    Some(Mode::PerEvent { limits: found, cooldown })
}

fn short_forms(
    node: &Node<'_>,
    found: &mut Vec<Limit>,
    report: &mut Report,
) -> Option<Option<i64>> {
    const MINUTE: i64 = 60 * SECOND;
    let mut known: Vec<&str> = SHORT_FORMS.iter().map(|(name, ..)| *name).collect();
    known.push(COOLDOWN);
    let object = read::object(node, &known, report)?;
    for (name, period, field) in SHORT_FORMS {
        let Some(node) = object.get(name) else { continue };
        if let Some(max) = read::whole(node, 1..=MAX_MAX, report) {
            let scope = field.and_then(|field| Scope::of(&[field]));
            add(Limit { max, period, scope }, node, found, report);
        }
    }
    let minutes = object.get(COOLDOWN);
    let minutes = minutes.and_then(|node| read::whole(node, 1..=COOLDOWN_MAX / MINUTE, report));
    Some(minutes.map(|minutes| minutes * MINUTE))
}

fn limit(node: &Node<'_>, report: &mut Report) -> Option<Limit> {
    let object = read::object(node, &["max", "per", "scope"], report)?;
    let max = object.required("max", "how many awards", report);
    let max = max.and_then(|node| read::whole(node, 1..=MAX_MAX, report));
    let period = object.required("per", "day, week, month or lifetime", report);
    let period = period.and_then(|node| period_of(node, report));
    let scope = match object.get("scope") {
        Some(node) => Some(scope(node, report)?),
        None => None,
    };
    Some(Limit { max: max?, period: period?, scope })
}

fn period_of(node: &Node<'_>, report: &mut Report) -> Option<Period> {
    const EXPECTED: &str = "day, week, month or lifetime";
    let word = read::text(node, EXPECTED, report)?;
    let period = Period::ALL.into_iter().find(|period| period.name() == word);
    if period.is_none() {
        report.at(node.start, format!("{word:?} is not a period: expected {EXPECTED}"));
    }
    period
}

/// A path, or several that count together.
fn scope(node: &Node<'_>, report: &mut Report) -> Option<Scope> {
    let expected = || Scope::paths().collect::<Vec<_>>().join(", ");
    let mut fields = Vec::new();
    let items = read::one_or_more(node);
    if items.is_empty() {
        report.at(node.start, format!("no field: expected some of {}", expected()));
        return None;
    }
    for item in items {
        let path = read::text(item, "a field path, as context.course.id", report)?;
        let field = condition::field(path, item.start, report)?;
        if Scope::of(&[field]).is_none() {
            let message = format!("{path} is nothing to count by: use one of {}", expected());
            report.at(item.start, message);
        }
        if fields.contains(&field) {
            report.at(item.start, format!("{path} is named twice: leave one out"));
        }
        fields.push(field);
    }
    Scope::of(&fields)
}

fn add(limit: Limit, node: &Node<'_>, found: &mut Vec<Limit>, report: &mut Report) {
    if found.iter().any(|other| other.counts_like(&limit)) {
        report.at(
            node.start,
            "another limit counts the same period and scope: keep the smaller of the two",
        );
    }
    found.push(limit);
}

/// `within`: the other event, its scope and the time.
pub(super) fn within(node: &Node<'_>, report: &mut Report) -> Option<Within> {
    const SINCE: &str = "an event's name, as enrollment.created";
    let object = read::object(node, &["since", "scope", "lte"], report)?;
    let since = object.required("since", SINCE, report);
    let since = since.and_then(|node| {
        let name = read::text(node, SINCE, report)?;
        let is_name =
            event_name::is_well_formed(name) && !name.starts_with(event_name::SYSTEM_PREFIX);
        if !is_name {
            report.at(node.start, format!("{name:?} is not an event: expected {SINCE}"));
        }
        is_name.then(|| event_name::canonical(name).to_owned())
    });
    let at_most = object.required("lte", duration::EXPECTED, report);
    let at_most = at_most.and_then(|node| duration::duration(node, report));
    let scope = match object.get("scope") {
        Some(node) => Some(scope(node, report)?),
        None => None,
    };
    Some(Within { since: since?, scope, at_most: at_most? })
}
