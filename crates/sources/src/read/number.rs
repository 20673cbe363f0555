//! Decimal numbers by their text, exactly.

/// The largest power of ten of 128 bits.
const MAX_DIGITS: i32 = 38;

/// A decimal number: `digits * 10^exponent`, with a sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Decimal {
    negative: bool,
    digits: u128,
    exponent: i32,
    /// Digits other than zero were cut off the end.
    is_cut: bool,
}

/// Reads JSON's number form, also with a plus sign or without a digit before or after the point.
///
/// Fraction digits beyond what 38 digits hold are cut off; none for whole parts beyond that.
pub(crate) fn decimal(text: &str) -> Option<Decimal> {
    let (negative, rest) = match text.as_bytes() {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    };
    let exponent_at = rest.iter().position(|byte| matches!(byte, b'e' | b'E'));
    let (mantissa, mut exponent) = match exponent_at {
        Some(at) => (rest.get(..at)?, exponent(rest.get(at + 1..)?)?),
        None => (rest, 0),
    };
    let mut number = Decimal { negative, digits: 0, exponent: 0, is_cut: false };
    let (mut seen_digit, mut seen_point, mut is_full) = (false, false, false);
    for byte in mantissa {
        match byte {
            b'.' if !seen_point => seen_point = true,
            b'0'..=b'9' => {
                seen_digit = true;
                match number.pushed(byte - b'0').filter(|_| !is_full) {
                    Some(digits) => {
                        number.digits = digits;
                        exponent -= i32::from(seen_point);
                    }
                    None if seen_point => {
                        is_full = true;
                        number.is_cut |= *byte != b'0';
                    }
                    None => return None,
                }
            }
            _ => return None,
        }
    }
    number.exponent = exponent;
    seen_digit.then_some(number)
}

/// The digits after `e`; beyond any number of use, the nearest number that is beyond it too.
fn exponent(text: &[u8]) -> Option<i32> {
    let (sign, digits) = match text {
        [b'-', digits @ ..] => (-1, digits),
        [b'+', digits @ ..] | digits => (1, digits),
    };
    if digits.is_empty() {
        return None;
    }
    digits
        .iter()
        .try_fold(0_i32, |value, byte| match byte {
            b'0'..=b'9' => Some((value * 10 + i32::from(byte - b'0')).min(9_999)),
            _ => None,
        })
        .map(|value| sign * value)
}

impl Decimal {
    fn pushed(self, digit: u8) -> Option<u128> {
        self.digits.checked_mul(10)?.checked_add(u128::from(digit))
    }

    /// The number times `10^places`, without its fraction; none if that has over 38 digits.
    pub(crate) fn scaled(self, places: i32) -> Option<i128> {
        let shift = self.exponent.saturating_add(places);
        let magnitude = if self.digits == 0 || shift < -MAX_DIGITS {
            0
        } else if shift < 0 {
            self.digits / 10_u128.checked_pow(shift.unsigned_abs())?
        } else {
            self.digits.checked_mul(10_u128.checked_pow(shift.unsigned_abs())?)?
        };
        let magnitude = i128::try_from(magnitude).ok()?;
        Some(if self.negative { -magnitude } else { magnitude })
    }

    /// Whether it is from 0 to 100, both included, to the last digit.
    pub(crate) fn is_from_0_to_100(self) -> bool {
        let is_zero = self.digits == 0 && !self.is_cut;
        let is_under_100 = self.scaled(0).is_some_and(|whole| whole.unsigned_abs() < 100);
        is_zero || (!self.negative && (is_under_100 || self.whole() == Some(100)))
    }

    /// The number, if it is a whole one.
    pub(crate) fn whole(self) -> Option<i128> {
        let has_fraction = match 10_u128.checked_pow(self.exponent.min(0).unsigned_abs()) {
            Some(unit) => !self.digits.is_multiple_of(unit),
            None => self.digits != 0,
        };
        if self.is_cut || has_fraction { None } else { self.scaled(0) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str, places: i32, expected: Option<i128>) {
        assert_eq!(decimal(text).and_then(|number| number.scaled(places)), expected, "{text}");
    }

    #[test]
    fn numbers_are_scaled_exactly_and_cut_towards_zero() {
        check("1637232384.736462", 6, Some(1_637_232_384_736_462));
        check("1.637232384736462e9", 6, Some(1_637_232_384_736_462));
        check("1755771330", 6, Some(1_755_771_330_000_000));
        check("-0.9999999", 6, Some(-999_999));
        check("+5", 0, Some(5));
        check(".5", 1, Some(5));
        check("5.", 0, Some(5));
        check("0e99999999999", 0, Some(0));
        check("1e-99999999999", 6, Some(0));
        check("1e99999999999", 0, None);
        check("0.33333333333333333333333333333333333333333333333333", 4, Some(3_333));
        check("340282366920938463463374607431768211456", 0, None);
    }

    #[test]
    fn other_texts_are_no_numbers() {
        for text in ["", "-", ".", "e5", "1e", "1e+", "1.2.3", "0x10", "1,5", "NaN", "INF", " 1"] {
            assert_eq!(decimal(text), None, "{text}");
        }
    }

    #[test]
    fn only_whole_numbers_are_whole() {
        for (text, expected) in [
            ("8774.0", Some(8774)),
            ("8.774e3", Some(8774)),
            ("87740e-1", Some(8774)),
            ("8774.5", None),
            ("1e-3", None),
            ("-0", Some(0)),
            ("0.00000000000000000000000000000000000000000000000000001", None),
        ] {
            assert_eq!(decimal(text).and_then(Decimal::whole), expected, "{text}");
        }
    }

    #[test]
    fn the_ends_of_the_scale_are_sharp() {
        for inside in ["0", "-0", "0.0001", "99.99999999", "100", "100.000", "1e2", "1e-99"] {
            assert!(decimal(inside).unwrap().is_from_0_to_100(), "{inside}");
        }
        for outside in ["100.00000000000001", "-1e-99", "101", "-1", "1e99"] {
            assert!(!decimal(outside).unwrap().is_from_0_to_100(), "{outside}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,60}") {
            if let Some(number) = decimal(&text) {
                let _scaled = (number.scaled(6), number.scaled(-6), number.whole());
            }
        }

        #[test]
        fn a_number_is_read_as_it_is_written(whole in any::<i64>(), fraction in 0_u32..1_000_000) {
            let number = decimal(&format!("{whole}.{fraction:06}")).unwrap();
            let magnitude = i128::from(whole.unsigned_abs()) * 1_000_000 + i128::from(fraction);
            prop_assert_eq!(number.scaled(6), Some(if whole < 0 { -magnitude } else { magnitude }));
        }

        #[test]
        fn moving_the_point_into_the_exponent_changes_nothing(
            digits in 0_u64.., shift in 0_i32..12, places in 0_i32..7
        ) {
            let plain = decimal(&format!("{digits}")).unwrap();
            let moved = decimal(&format!("{digits}{}e-{shift}", "0".repeat(shift as usize)));
            prop_assert_eq!(plain.scaled(places), moved.unwrap().scaled(places));
        }
    }
}
