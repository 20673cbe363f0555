//! Lengths of time: a day is 86,400 seconds, whatever the zone does.

use jiff::Span;
use jiff::fmt::temporal::SpanParser;
use kleos_contracts::time::SECOND;

use crate::compile::read;
use crate::diagnostic::Report;
use crate::document::{Node, Value};

/// Ten years, leap days included.
pub(super) const SECONDS_MAX: i64 = 3_653 * 86_400;

pub(super) const EXPECTED: &str =
    "a duration of weeks, days, hours, minutes and seconds, as P30D or PT36H, or whole seconds";

/// Microseconds of a duration: a number of seconds, or text in ISO 8601 form.
pub(super) fn duration(node: &Node<'_>, report: &mut Report) -> Option<i64> {
    if let Value::Number(_) = node.value {
        return read::whole(node, 1..=SECONDS_MAX, report).map(|seconds| seconds * SECOND);
    }
    let text = read::text(node, EXPECTED, report)?;
    let micros = SpanParser::new().parse_span(text).ok().and_then(|span| fixed(&span));
    if micros.is_none() {
        report.at(
            node.start,
            format!("{text:?} is not a length of time up to ten years: expected {EXPECTED}"),
        );
    }
    micros
}

/// Microseconds of a span whose units have one length each.
fn fixed(span: &Span) -> Option<i64> {
    if span.get_years() != 0 || span.get_months() != 0 || span.get_nanoseconds() != 0 {
        return None;
    }
    let days = i64::from(span.get_weeks()) * 7 + i64::from(span.get_days());
    let mut micros = days.checked_mul(24)?.checked_add(i64::from(span.get_hours()))?;
    for (units, part) in [
        (60, span.get_minutes()),
        (60, span.get_seconds()),
        (1_000, span.get_milliseconds()),
        (1_000, span.get_microseconds()),
    ] {
        micros = micros.checked_mul(units)?.checked_add(part)?;
    }
    (1..=SECONDS_MAX * SECOND).contains(&micros).then_some(micros)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_units_of_one_length_make_a_length() {
        const HOUR: i64 = 3_600 * SECOND;
        for (text, expected) in [
            ("3600", Some(HOUR)),
            ("0", None),
            ("1.5", None),
            ("P30D", Some(30 * 24 * HOUR)),
            ("P2W", Some(14 * 24 * HOUR)),
            ("P1DT12H30M", Some(36 * HOUR + HOUR / 2)),
            ("PT0.5S", Some(SECOND / 2)),
            ("P1M", None),
            ("P1Y", None),
            ("PT0S", None),
            ("-P1D", None),
            ("P9999W", None),
            ("30 days", None),
            ("", None),
        ] {
            let is_number =
                text.starts_with(|first: char| first.is_ascii_digit()) && text != "30 days";
            let json = if is_number { text.to_owned() } else { format!("{text:?}") };
            let mut report = Report::default();
            let node = crate::document::parse(&json, &mut report).unwrap();
            assert_eq!(duration(&node, &mut report), expected, "{text}");
            assert_eq!(report.is_empty(), expected.is_some(), "{text}");
        }
    }
}
