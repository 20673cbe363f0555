//! Percentages without binary floats.

use std::fmt;
use std::str::FromStr;

use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::ser::{Serialize, Serializer};

/// Digits after the decimal point.
pub const SCALE: u32 = 4;

const UNIT: i64 = 10_000;

/// The Avro type's precision is nine digits, four of them after the point.
const MAX_UNITS: i64 = 999_999_999;

/// A percentage as `decimal(9,4)`: 87.5 is `Percent` of 875000 units.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Percent(i64);

/// Why a text is not a percentage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PercentError {
    /// Not of the form `-12.5`.
    #[error("expected a decimal number")]
    NotANumber,
    /// Over nine digits.
    #[error("expected at most five digits before the point")]
    TooLarge,
}

impl Percent {
    /// From ten-thousandths of a percent.
    #[must_use]
    pub const fn from_units(units: i64) -> Option<Self> {
        if units > MAX_UNITS || units < -MAX_UNITS { None } else { Some(Self(units)) }
    }

    /// From a whole number of percent.
    #[must_use]
    pub const fn whole(percent: i32) -> Self {
        Self(percent as i64 * UNIT)
    }

    /// Ten-thousandths of a percent.
    #[must_use]
    pub const fn units(self) -> i64 {
        self.0
    }

    /// Between 0 and 100, or the nearer end.
    #[must_use]
    pub fn clamped(self) -> Self {
        Self(self.0.clamp(0, 100 * UNIT))
    }
}

impl FromStr for Percent {
    type Err = PercentError;

    /// Reads JSON's number form, exponent included. Digits beyond the fourth after the point are
    /// cut off, towards zero.
    fn from_str(text: &str) -> Result<Self, PercentError> {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (mantissa, exponent) = match digits.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (
                mantissa,
                exponent.parse::<i32>().map_err(|_| PercentError::NotANumber)?.clamp(-40, 40),
            ),
            None => (digits, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        if whole.is_empty() && fraction.is_empty() {
            return Err(PercentError::NotANumber);
        }
        let fraction_digits = i32::try_from(fraction.len()).map_err(|_| PercentError::TooLarge)?;
        let mut units: i128 = 0;
        for digit in whole.bytes().chain(fraction.bytes()) {
            if !digit.is_ascii_digit() {
                return Err(PercentError::NotANumber);
            }
            units = units.checked_mul(10).ok_or(PercentError::TooLarge)? + i128::from(digit - b'0');
        }
        let shift = 4 + exponent - fraction_digits;
        let units = scale(units, shift).ok_or(PercentError::TooLarge)?;
        let signed = if negative { -units } else { units };
        Self::from_units(signed).ok_or(PercentError::TooLarge)
    }
}

/// `value * 10^shift`, towards zero.
fn scale(value: i128, shift: i32) -> Option<i64> {
    let mut value = value;
    for _ in 0..shift.unsigned_abs() {
        if value == 0 {
            break;
        }
        value = if shift > 0 { value.checked_mul(10)? } else { value / 10 };
    }
    i64::try_from(value).ok()
}

impl fmt::Display for Percent {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let magnitude = self.0.unsigned_abs();
        let sign = if self.0 < 0 { "-" } else { "" };
        let (whole, fraction) = (magnitude / UNIT.unsigned_abs(), magnitude % UNIT.unsigned_abs());
        if fraction == 0 {
            return write!(formatter, "{sign}{whole}");
        }
        let fraction = format!("{fraction:04}");
        write!(formatter, "{sign}{whole}.{}", fraction.trim_end_matches('0'))
    }
}

impl Serialize for Percent {
    /// Avro: the units as two's complement, big endian. Always four bytes, which hold nine digits:
    /// apache-avro refuses to resolve a decimal in fewer bytes than its precision can need.
    /// JSON: a number.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            let number: serde_json::Number =
                self.to_string().parse().map_err(serde::ser::Error::custom)?;
            return number.serialize(serializer);
        }
        let eight = self.0.to_be_bytes();
        serializer.serialize_bytes(&eight[4..])
    }
}

impl<'de> Deserialize<'de> for Percent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            let number = serde_json::Number::deserialize(deserializer)?;
            return number.to_string().parse().map_err(de::Error::custom);
        }
        deserializer.deserialize_bytes(UnitsVisitor)
    }
}

struct UnitsVisitor;

impl Visitor<'_> for UnitsVisitor {
    type Value = Percent;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a decimal(9,4) of one to eight bytes")
    }

    fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Percent, E> {
        if bytes.is_empty() || bytes.len() > 8 {
            return Err(E::invalid_length(bytes.len(), &self));
        }
        let sign = if bytes[0] & 0x80 == 0 { 0 } else { 0xff };
        let mut whole = [sign; 8];
        whole[8 - bytes.len()..].copy_from_slice(bytes);
        Percent::from_units(i64::from_be_bytes(whole))
            .ok_or_else(|| E::custom("decimal has over nine digits"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Result<i64, PercentError>) {
        assert_eq!(text.parse::<Percent>().map(Percent::units), expected, "{text}");
    }

    #[test]
    fn numbers_are_read_to_four_places_and_cut_beyond() {
        check("0", Ok(0));
        check("100", Ok(1_000_000));
        check("87.5", Ok(875_000));
        check("-0.0001", Ok(-1));
        check("33.33339999999999999999", Ok(333_333));
        check("1e2", Ok(1_000_000));
        check("2.5E-1", Ok(2_500));
        check("0e999999", Ok(0));
        check("99999.9999", Ok(999_999_999));
        check("100000", Err(PercentError::TooLarge));
        check("1e40", Err(PercentError::TooLarge));
        check("", Err(PercentError::NotANumber));
        check(".", Err(PercentError::NotANumber));
        check("12a", Err(PercentError::NotANumber));
        check("NaN", Err(PercentError::NotANumber));
    }

    #[test]
    fn text_and_json_are_written_without_superfluous_zeros() {
        for (units, expected) in [(875_000, "87.5"), (1_000_000, "100"), (-1, "-0.0001"), (0, "0")]
        {
            let percent = Percent::from_units(units).unwrap();
            assert_eq!(percent.to_string(), expected);
            assert_eq!(serde_json::to_string(&percent).unwrap(), expected);
            assert_eq!(serde_json::from_str::<Percent>(expected).unwrap(), percent);
        }
    }
}
