//! Percentages and shares, exactly to four decimals.

use kleos_contracts::decimal::Percent;
use serde_json::Value;

use super::number;
use super::text;

/// Decimals that a percentage keeps.
const PERCENT_PLACES: i32 = 4;

/// Decimals that a score is read to before it is divided.
const SCORE_PLACES: i32 = 6;

/// A share of one, in ten-thousandths of a percent.
const WHOLE: i128 = 1_000_000;

/// A number of percent as it was sent, cut after four decimals; none if it is no number, or has
/// over five digits before the point.
pub(crate) fn percent(value: &Value) -> Option<Percent> {
    let units = text::scalar(value).and_then(number::decimal)?.scaled(PERCENT_PLACES)?;
    Percent::from_units(i64::try_from(units).ok()?)
}

/// Where `raw` lies between `min` and `max`, 0 to 100; none where there is no such place.
pub(crate) fn share(raw: &Value, min: &Value, max: &Value) -> Option<Percent> {
    let [raw, min, max] = [raw, min, max]
        .map(|value| text::scalar(value).and_then(number::decimal)?.scaled(SCORE_PLACES));
    let (raw, min, max) = (raw?, min?, max?);
    let range = max.checked_sub(min).filter(|range| *range > 0)?;
    let units = raw.checked_sub(min)?.checked_mul(WHOLE)? / range;
    Percent::from_units(i64::try_from(units.clamp(0, WHOLE)).ok()?)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(raw: &str, min: &str, max: &str, expected: Option<&str>) {
        let [raw, min, max] = [raw, min, max].map(Value::from);
        let share = share(&raw, &min, &max).map(|share| share.to_string());
        assert_eq!(share.as_deref(), expected);
    }

    #[test]
    fn a_share_is_the_place_between_the_ends() {
        check("50", "0", "100", Some("50"));
        check("1", "0", "3", Some("33.3333"));
        check("0.5", "-1", "1", Some("75"));
        check("101", "0", "100", Some("100"));
        check("-1", "0", "100", Some("0"));
        check("5", "10", "10", None);
        check("5", "10", "0", None);
        check("", "0", "100", None);
        check("B+", "0", "100", None);
    }

    proptest! {
        #[test]
        fn a_share_does_not_change_with_the_scale_of_the_marks(
            raw in 0_i32..1_000, max in 1_i32..1_000, shift in -1_000_i32..1_000
        ) {
            let [low, high] = [raw, max].map(|mark| Value::from(mark + shift));
            prop_assert_eq!(
                share(&raw.into(), &0.into(), &max.into()),
                share(&low, &shift.into(), &high)
            );
        }
    }
}
