//! What a metric is, checked while compiling.

/// One metric.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Declaration {
    /// Its name, ending in what is counted or in the unit.
    pub name: &'static str,
    /// What it tells.
    pub help: &'static str,
    /// What can be done with it.
    pub kind: Kind,
    /// By what it is split.
    pub labels: &'static [Label],
    /// The upper bounds of a histogram's buckets.
    pub buckets: &'static [f64],
    labels_expected: usize,
}

/// What can be done with a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It only grows.
    Counter,
    /// It goes up and down.
    Gauge,
    /// It counts observations by size.
    Histogram,
}

impl Kind {
    /// As Prometheus calls it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// By what a metric is split. Every label is bounded: what is over shows as `other`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Label {
    /// Its name.
    pub name: &'static str,
    pub(crate) values: Values,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Values {
    Fixed(&'static [&'static str]),
    AtMost(usize),
}

impl Label {
    /// A label with these values.
    #[must_use]
    pub const fn fixed(name: &'static str, values: &'static [&'static str]) -> Self {
        assert!(is_label_name(name), "a label's name is of a-z and _");
        Self { name, values: Values::Fixed(values) }
    }

    /// A label whose values only the running process knows; the first so many are shown.
    #[must_use]
    pub const fn at_most(name: &'static str, count: usize) -> Self {
        assert!(is_label_name(name), "a label's name is of a-z and _");
        Self { name, values: Values::AtMost(count) }
    }
}

/// A histogram's name says what it measures; these are Prometheus' base units, and things.
const UNITS: [&str; 5] = ["_seconds", "_bytes", "_records", "_events", "_requests"];

impl Declaration {
    /// The beginning of a declaration. Panics while compiling where the name is not fit.
    #[must_use]
    pub const fn checked(
        name: &'static str,
        help: &'static str,
        kind: Kind,
        labels_expected: usize,
    ) -> Self {
        assert!(
            is_metric_name(name),
            "a metric's name is of a-z, 0-9 and _ and begins with kleos_"
        );
        let is_total = ends_with(name, "_total");
        match kind {
            Kind::Counter => assert!(is_total, "a counter's name ends in _total"),
            Kind::Gauge => assert!(!is_total, "only a counter's name ends in _total"),
            Kind::Histogram => assert!(has_unit(name), "a histogram's name ends in its unit"),
        }
        let help = help.trim_ascii();
        assert!(!help.is_empty(), "a metric says what it tells");
        Self { name, help, kind, labels: &[], buckets: &[], labels_expected }
    }

    /// With labels.
    #[must_use]
    pub const fn with_labels(self, labels: &'static [Label]) -> Self {
        Self { labels, ..self }
    }

    /// With the upper bounds of buckets, growing.
    #[must_use]
    pub const fn with_buckets(self, buckets: &'static [f64]) -> Self {
        let mut index = 1;
        while index < buckets.len() {
            assert!(buckets[index - 1] < buckets[index], "buckets grow");
            index += 1;
        }
        Self { buckets, ..self }
    }

    /// The end of a declaration. Panics while compiling where its parts do not fit together.
    #[must_use]
    pub const fn complete(self) -> Self {
        assert!(self.labels.len() == self.labels_expected, "as many labels as the type says");
        let is_histogram = matches!(self.kind, Kind::Histogram);
        assert!(
            is_histogram != self.buckets.is_empty(),
            "a histogram has buckets, others have not"
        );
        self
    }
}

const fn is_metric_name(name: &str) -> bool {
    let (name, prefix) = (name.as_bytes(), b"kleos_");
    let mut index = 0;
    while index < name.len() {
        let is_fit =
            name[index].is_ascii_lowercase() || name[index].is_ascii_digit() || name[index] == b'_';
        if !is_fit || (index < prefix.len() && name[index] != prefix[index]) {
            return false;
        }
        index += 1;
    }
    name.len() > prefix.len()
}

const fn is_label_name(name: &str) -> bool {
    let name = name.as_bytes();
    let mut index = 0;
    while index < name.len() {
        if !name[index].is_ascii_lowercase() && name[index] != b'_' {
            return false;
        }
        index += 1;
    }
    !name.is_empty()
}

const fn has_unit(name: &str) -> bool {
    let mut index = 0;
    while index < UNITS.len() {
        if ends_with(name, UNITS[index]) {
            return true;
        }
        index += 1;
    }
    false
}

const fn ends_with(text: &str, end: &str) -> bool {
    let (text, end) = (text.as_bytes(), end.as_bytes());
    if text.len() < end.len() {
        return false;
    }
    let mut index = 0;
    while index < end.len() {
        if text[text.len() - end.len() + index] != end[index] {
            return false;
        }
        index += 1;
    }
    true
}

#[cfg(test)]
mod tests {
    use std::panic::catch_unwind;

    use super::*;

    #[track_caller]
    fn check_refused(
        expected: &str,
        declare: impl FnOnce() -> Declaration + std::panic::UnwindSafe,
    ) {
        let panic = catch_unwind(declare).unwrap_err();
        assert_eq!(panic.downcast_ref::<&str>(), Some(&expected));
    }

    #[test]
    fn names_say_what_they_count_and_in_which_unit() {
        let declare = |name, kind| move || Declaration::checked(name, "Help.", kind, 0);
        let name = "a metric's name is of a-z, 0-9 and _ and begins with kleos_";
        check_refused(name, declare("gateway_total", Kind::Counter));
        check_refused(name, declare("kleos_", Kind::Counter));
        check_refused(name, declare("kleos_Gateway_total", Kind::Counter));
        check_refused("a counter's name ends in _total", declare("kleos_a", Kind::Counter));
        check_refused(
            "only a counter's name ends in _total",
            declare("kleos_a_total", Kind::Gauge),
        );
        check_refused("a histogram's name ends in its unit", declare("kleos_a", Kind::Histogram));
        check_refused("a metric says what it tells", || {
            Declaration::checked("kleos_a", " ", Kind::Gauge, 0)
        });
        for (name, kind) in [
            ("kleos_a_total", Kind::Counter),
            ("kleos_lag_records", Kind::Gauge),
            ("kleos_commit_seconds", Kind::Histogram),
        ] {
            assert_eq!(declare(name, kind)().name, name);
        }
    }

    #[test]
    fn the_parts_of_a_declaration_fit_together() {
        const COUNTER: Declaration = Declaration::checked("kleos_a_total", "H.", Kind::Counter, 1);
        const HISTOGRAM: Declaration =
            Declaration::checked("kleos_a_seconds", "H.", Kind::Histogram, 0);
        check_refused("as many labels as the type says", || COUNTER.complete());
        let buckets = "a histogram has buckets, others have not";
        check_refused(buckets, || HISTOGRAM.complete());
        check_refused(buckets, || {
            Declaration { labels_expected: 0, ..COUNTER }.with_buckets(&[1.0]).complete()
        });
        check_refused("buckets grow", || HISTOGRAM.with_buckets(&[1.0, 1.0]));
        check_refused("a label's name is of a-z and _", || {
            COUNTER.with_labels(Box::leak(Box::new([Label::fixed("Tenant", &[])])))
        });
    }
}
