//! Instants, from all the forms that platforms send, by text.
//!
//! - numbers, also as text: seconds below 10^11, milliseconds below 10^14, microseconds from there
//!   on; a fraction is kept down to the microsecond and cut beyond it
//! - ISO 8601 with `T` or a space between date and time, nought to nine decimals, and the zone as
//!   `Z`, `UTC`, `+00:00`, `+0000`, `+00`. A time without a zone is UTC: no sender that leaves it out
//!   means anything else, and a guess by the reader's own zone would differ from replay to replay

use kleos_contracts::time::Timestamp;
use serde_json::Value;

use super::number::{self, Decimal};
use super::text;

/// Numbers from here on are milliseconds: in seconds, the year 5138.
const MILLIS_FROM: i128 = 100_000_000_000;
/// Numbers from here on are microseconds: in milliseconds, the year 5138.
const MICROS_FROM: i128 = 100_000_000_000_000;

/// No form of an instant is longer.
const MAX_BYTES: usize = 64;

/// The instant that a value names; none if it cannot be read.
pub(crate) fn instant(value: &Value) -> Option<Timestamp> {
    text::scalar(value).and_then(instant_of_text)
}

/// The instant that a text names; none if it cannot be read.
pub(crate) fn instant_of_text(text: &str) -> Option<Timestamp> {
    if text.len() > MAX_BYTES {
        return None;
    }
    match number::decimal(text) {
        Some(number) => instant_of_number(number),
        None => instant_of_iso(text),
    }
}

fn instant_of_number(number: Decimal) -> Option<Timestamp> {
    let size = number.scaled(0)?.abs();
    let places_to_micros = match size {
        MICROS_FROM.. => 0,
        MILLIS_FROM.. => 3,
        _ => 6,
    };
    i64::try_from(number.scaled(places_to_micros)?).ok().map(Timestamp::from_micros)
}

fn instant_of_iso(text: &str) -> Option<Timestamp> {
    if !has_date(text.as_bytes()) {
        return None;
    }
    let text = text.strip_suffix("UTC").unwrap_or(text).trim_end();
    let (date, time) = text.split_at_checked(11)?;
    let zoned = match time.find(['Z', 'z', '+', '-', '[']) {
        // Some languages write a space before the offset.
        Some(at) => {
            let (clock, zone) = time.split_at_checked(at)?;
            format!("{date}{}{zone}", clock.trim_end())
        }
        None => format!("{text}Z"),
    };
    zoned.parse().ok()
}

/// `2025-08-21T` or the same with a space.
fn has_date(text: &[u8]) -> bool {
    let Some((date, [b'T' | b't' | b' ', ..])) = text.split_at_checked(10) else {
        return false;
    };
    date.iter().enumerate().all(|(index, byte)| match index {
        4 | 7 => *byte == b'-',
        _ => byte.is_ascii_digit(),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(
            instant_of_text(text).map(|instant| instant.to_string()).as_deref(),
            Some(expected),
            "{text}"
        );
    }

    #[test]
    fn numbers_are_seconds_milliseconds_or_microseconds_by_size() {
        check("1755771330", "2025-08-21T10:15:30Z");
        check("1755771330.482913", "2025-08-21T10:15:30.482913Z");
        check("1755771330.4829139", "2025-08-21T10:15:30.482913Z");
        check("1.755771330482913e9", "2025-08-21T10:15:30.482913Z");
        check("1755771330482", "2025-08-21T10:15:30.482Z");
        check("1755771330482.913", "2025-08-21T10:15:30.482913Z");
        check("1755771330482913", "2025-08-21T10:15:30.482913Z");
        check("99999999999", "5138-11-16T09:46:39Z");
        check("100000000000", "1973-03-03T09:46:40Z");
        check("0", "1970-01-01T00:00:00Z");
        check("-1.5", "1969-12-31T23:59:58.5Z");
    }

    #[test]
    fn iso_times_come_with_and_without_a_zone() {
        for text in [
            "2025-08-21T10:15:30Z",
            "2025-08-21t10:15:30z",
            "2025-08-21 10:15:30",
            "2025-08-21T10:15:30",
            "2025-08-21T10:15:30+00:00",
            "2025-08-21T12:15:30+0200",
            "2025-08-21T12:15:30+02",
            "2025-08-21 05:15:30 -0500",
            "2025-08-21 10:15:30 UTC",
            "2025-08-21T10:15:30.000000000Z",
        ] {
            check(text, "2025-08-21T10:15:30Z");
        }
        check("2025-08-21T10:15Z", "2025-08-21T10:15:00Z");
        check("2025-08-21 10:15:30.1", "2025-08-21T10:15:30.1Z");
        check("2025-08-21T10:15:30.123456789+00:00", "2025-08-21T10:15:30.123456Z");
        check("2016-12-31T23:59:60Z", "2016-12-31T23:59:59Z");
    }

    #[test]
    fn other_texts_are_no_times() {
        for text in [
            "",
            "soon",
            "2025-08-21",
            "21.08.2025 10:15",
            "2025-13-01T00:00:00Z",
            "2025-02-30T00:00:00Z",
            "2025-08-21T25:00:00Z",
            "2025-08-21T10:15:30+99:00",
            "2025-08-21T10:15:30.1234567890Z",
            "99999999999999999999999",
            "1e30",
        ] {
            assert_eq!(instant_of_text(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,70}") {
            let _instant = instant_of_text(&text);
        }

        #[test]
        fn nearly_iso_texts_are_read_or_refused(
            text in "20[0-9]{2}-[01][0-9]-[0-3][0-9][T t][0-9:.Zz+\\-\\[\\]ü ]{0,20}"
        ) {
            let _instant = instant_of_text(&text);
        }

        #[test]
        fn every_form_of_an_instant_is_that_instant(micros in 1_104_537_600_000_000_i64..9_000_000_000_000_000) {
            let instant = Timestamp::from_micros(micros);
            let (seconds, rest) = (micros / 1_000_000, micros % 1_000_000);
            let iso = instant.to_string();
            let bare = iso.trim_end_matches('Z');
            for text in [
                iso.clone(),
                bare.to_owned(),
                bare.replace('T', " "),
                format!("{bare}+00:00"),
                format!("{bare}+0000"),
                format!("{seconds}.{rest:06}"),
                format!("{}.{:03}", micros / 1_000, micros % 1_000),
                micros.to_string(),
            ] {
                prop_assert_eq!(instant_of_text(&text), Some(instant), "{}", text);
            }
        }

        #[test]
        fn later_by_some_seconds_is_later_by_so_many(
            seconds in 1_104_537_600_i64..90_000_000_000, more in 0_i64..1_000_000, micros in 0_u32..1_000_000
        ) {
            let at = |seconds: i64| instant_of_text(&format!("{seconds}.{micros:06}")).unwrap();
            prop_assert_eq!(at(seconds + more).since(at(seconds)), more * 1_000_000);
        }

        #[test]
        fn the_offset_only_moves_the_clock(hours in -12_i64..=14, minutes in 0_i64..60) {
            let shift = hours * 60 + if hours < 0 { -minutes } else { minutes };
            let sign = if shift < 0 { '-' } else { '+' };
            let offset = format!("{sign}{:02}:{:02}", shift.abs() / 60, shift.abs() % 60);
            let there = instant_of_text(&format!("2025-08-21T10:15:30{offset}")).unwrap();
            let here = instant_of_text("2025-08-21T10:15:30Z").unwrap();
            prop_assert_eq!(here.since(there), shift * 60 * 1_000_000);
        }
    }
}
