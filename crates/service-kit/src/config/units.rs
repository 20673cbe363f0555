//! Durations and sizes as people write them.

use std::time::Duration;

/// Largest first, so that the first that divides is the one to write.
const DURATIONS: [(&str, u64); 5] =
    [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];
const SIZES: [(&str, u64); 5] =
    [("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];

/// Reads `250ms`, `5s`, `2m`, `1h`, `35d`.
pub(crate) fn parse_duration(text: &str) -> Option<Duration> {
    parse(text, &DURATIONS).map(Duration::from_millis)
}

/// Reads `512B`, `64KiB`, `8MiB`, `1GiB`, `2TiB`.
pub(crate) fn parse_bytes(text: &str) -> Option<u64> {
    parse(text, &SIZES)
}

/// As [`parse_duration`] reads it; below a millisecond is cut off.
pub(crate) fn duration_text(duration: Duration) -> String {
    write(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX), &DURATIONS)
}

/// As [`parse_bytes`] reads it.
pub(crate) fn bytes_text(bytes: u64) -> String {
    write(bytes, &SIZES)
}

fn parse(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits)?;
    let (_, factor) = units.iter().find(|(name, _)| *name == unit)?;
    number.parse::<u64>().ok()?.checked_mul(*factor)
}

fn write(value: u64, units: &[(&str, u64)]) -> String {
    units
        .iter()
        .find(|(_, factor)| value.is_multiple_of(*factor) && value > 0)
        .or(units.last())
        .map_or_else(String::new, |(name, factor)| format!("{}{name}", value / factor))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn durations_and_sizes_are_a_number_and_a_unit() {
        for (text, millis) in
            [("0ms", 0), ("250ms", 250), ("5s", 5_000), ("2m", 120_000), ("35d", 3_024_000_000)]
        {
            assert_eq!(parse_duration(text), Some(Duration::from_millis(millis)), "{text}");
        }
        for text in ["", "5", "s", "5 s", "-5s", "1.5s", "5S", "5s ", "1h30m", "99999999999999999d"]
        {
            assert_eq!(parse_duration(text), None, "{text}");
        }
        for (text, bytes) in [("512B", 512), ("64KiB", 65_536), ("8MiB", 8_388_608)] {
            assert_eq!(parse_bytes(text), Some(bytes), "{text}");
        }
        for text in ["", "8", "8MB", "8mib", "8M", "99999999999999TiB"] {
            assert_eq!(parse_bytes(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(millis: u64, bytes: u64) {
            let duration = Duration::from_millis(millis);
            prop_assert_eq!(parse_duration(&duration_text(duration)), Some(duration));
            prop_assert_eq!(parse_bytes(&bytes_text(bytes)), Some(bytes));
        }
    }
}
