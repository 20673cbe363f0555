//! The figures of several runs, and their medians.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};

/// The median of each figure over the runs that have it; four digits that count.
///
/// # Errors
/// If a run is not a table of figures.
pub fn medians<T: Serialize>(runs: &[T]) -> anyhow::Result<Map<String, Value>> {
    let mut found: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for run in runs {
        if let Value::Object(figures) = serde_json::to_value(run)? {
            for (name, value) in figures {
                found.entry(name).or_default().extend(value.as_f64());
            }
        }
    }
    let medians = found.into_iter().filter(|(_, values)| !values.is_empty());
    Ok(medians.map(|(name, values)| (name, rounded(median(values)).into())).collect())
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let half = values.len() / 2;
    if values.len().is_multiple_of(2) {
        f64::midpoint(values[half - 1], values[half])
    } else {
        values[half]
    }
}

/// To four digits, since the machine gives no more.
#[must_use]
pub fn rounded(value: f64) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return value;
    }
    let digits = 3.0 - value.abs().log10().floor();
    let scale = 10_f64.powf(digits.clamp(0.0, 6.0));
    (value * scale).round() / scale
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_median_is_the_middle_value_or_between_the_two() {
        assert_eq!(median(vec![5.0, 1.0, 3.0]), 3.0);
        assert_eq!(median(vec![4.0, 1.0, 2.0, 9.0]), 3.0);
    }

    #[test]
    fn figures_have_four_digits_at_least() {
        for (value, expected) in [(0.123_456, 0.1235), (12.345_6, 12.35), (123_456.7, 123_457.0)] {
            assert_eq!(rounded(value), expected);
        }
    }
}
