//! Exact numbers: what rules compare with, without binary floats.

use std::fmt;
use std::str::FromStr;

use kleos_contracts::decimal::Percent;

/// Digits after the decimal point.
const SCALE: i64 = 9;
const ONE: i128 = 1_000_000_000;
/// Digits before the decimal point: as many as an `i64` has.
const WHOLE_DIGITS: usize = 19;

/// A number of up to 19 digits before and 9 digits after the point, exact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Decimal(i128);

/// Why a text is not such a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a number of at most 19 digits before and 9 digits after the point")]
pub(crate) struct DecimalError;

impl Decimal {
    /// The number, if it is whole and an `i64`.
    pub(crate) fn to_whole(self) -> Option<i64> {
        (self.0 % ONE == 0).then(|| i64::try_from(self.0 / ONE).ok()).flatten()
    }
}

impl From<i64> for Decimal {
    fn from(number: i64) -> Self {
        Self(i128::from(number) * ONE)
    }
}

impl From<Percent> for Decimal {
    fn from(percent: Percent) -> Self {
        const UNITS: i128 = ONE / 10_i128.pow(kleos_contracts::decimal::SCALE);
        Self(i128::from(percent.units()) * UNITS)
    }
}

impl FromStr for Decimal {
    type Err = DecimalError;

    /// Reads JSON's number form. Nothing is rounded: a number of more digits is refused.
    fn from_str(text: &str) -> Result<Self, DecimalError> {
        let (negative, rest) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (mantissa, exponent) = rest.split_once(['e', 'E']).unwrap_or((rest, "0"));
        let exponent: i64 = exponent.parse().map_err(|_| DecimalError)?;
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let mut digits = format!("{whole}{fraction}");
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(DecimalError);
        }
        let fraction_digits = i64::try_from(fraction.len()).map_err(|_| DecimalError)?;
        let mut shift = exponent.saturating_sub(fraction_digits).saturating_add(SCALE);
        while shift < 0 && digits.len() > 1 && digits.ends_with('0') {
            digits.pop();
            shift += 1;
        }
        let digits = digits.trim_start_matches('0');
        if digits.is_empty() {
            return Ok(Self(0));
        }
        let zeros = usize::try_from(shift).map_err(|_| DecimalError)?;
        if digits.len().saturating_add(zeros) > WHOLE_DIGITS + 9 {
            return Err(DecimalError);
        }
        let magnitude = digits.bytes().fold(0_i128, |sum, byte| sum * 10 + i128::from(byte - b'0'));
        let magnitude = (0..zeros).fold(magnitude, |number, _| number * 10);
        Ok(Self(if negative { -magnitude } else { magnitude }))
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let magnitude = self.0.unsigned_abs();
        let (whole, fraction) = (magnitude / ONE.unsigned_abs(), magnitude % ONE.unsigned_abs());
        write!(formatter, "{sign}{whole}")?;
        if fraction > 0 {
            let digits = format!("{fraction:09}");
            write!(formatter, ".{}", digits.trim_end_matches('0'))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_exact_or_refused() {
        for (text, expected) in [
            ("80", "80"),
            ("80.0", "80"),
            ("79.9999", "79.9999"),
            ("-0", "0"),
            ("-2.50", "-2.5"),
            ("1e2", "100"),
            ("25E-1", "2.5"),
            ("1000000000000000000000e-9", "1000000000000"),
            ("0.000000001", "0.000000001"),
            ("9223372036854775807", "9223372036854775807"),
            ("0e99999999999", "0"),
        ] {
            assert_eq!(text.parse::<Decimal>().unwrap().to_string(), expected, "{text}");
        }
        for text in ["", "-", ".", "1e", "0.0000000001", "1e20", "1e-10", "1e99999999999999999999"]
        {
            assert_eq!(text.parse::<Decimal>(), Err(DecimalError), "{text}");
        }
    }

    #[test]
    fn percentages_and_whole_numbers_compare_with_numbers_as_written() {
        let percent: Percent = "79.9999".parse().unwrap();
        assert!(Decimal::from(percent) < "80".parse().unwrap());
        assert!(Decimal::from(percent) < "79.99991".parse().unwrap());
        assert_eq!(Decimal::from(Percent::whole(80)), "8e1".parse().unwrap());
        assert!(Decimal::from(i64::MAX) > Decimal::from(i64::MIN));
        assert_eq!(Decimal::from(7).to_whole(), Some(7));
        assert_eq!("7.5".parse::<Decimal>().unwrap().to_whole(), None);
    }
}
