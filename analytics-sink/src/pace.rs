//! How long to wait after an attempt that failed. Pure.

use std::time::Duration;

use jiff::fmt::rfc2822::DateTimeParser;
use kleos_contracts::time::Timestamp;

/// A header that asks for more is not taken at its word.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(3_600);

/// The schedule of pauses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// The first pause; each further one is twice as long.
    pub first: Duration,
    /// The longest.
    pub longest: Duration,
    /// Added to each by chance: at least.
    pub jitter_min: Duration,
    /// Added to each by chance: at most.
    pub jitter_max: Duration,
    /// So long a batch is held at most before the log is looked at again.
    pub patience: Duration,
}

impl Pace {
    /// As the vendor asks for. The patience is far below the time after which a worker that has
    /// not looked at the log loses its partitions.
    pub const VENDOR: Self = Self {
        first: Duration::from_secs(2),
        longest: Duration::from_secs(60),
        jitter_min: Duration::from_secs(1),
        jitter_max: Duration::from_secs(5),
        patience: Duration::from_secs(60),
    };

    /// The pause after so many failures in a row, counted from 0. `chance` is any number.
    pub(crate) fn pause(
        &self,
        failures: u32,
        chance: u64,
        retry_after: Option<Duration>,
    ) -> Duration {
        let grown = 2_u32
            .checked_pow(failures)
            .and_then(|factor| self.first.checked_mul(factor))
            .map_or(self.longest, |pause| pause.min(self.longest));
        let spread_nanos = self.jitter_max.saturating_sub(self.jitter_min).as_nanos();
        let jitter_nanos = (spread_nanos * u128::from(chance >> 32)) >> 32;
        let jitter = Duration::from_nanos(u64::try_from(jitter_nanos).unwrap_or(u64::MAX));
        let asked = retry_after.unwrap_or_default().min(RETRY_AFTER_MAX);
        grown.saturating_add(self.jitter_min).saturating_add(jitter).max(asked)
    }
}

/// What the header `Retry-After` asks for: seconds, or a date.
pub(crate) fn retry_after(header: &str, now: Timestamp) -> Option<Duration> {
    let header = header.trim();
    if !header.is_empty() && header.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(header.parse().map_or(Duration::MAX, Duration::from_secs));
    }
    let date = DateTimeParser::new().parse_timestamp(header).ok()?;
    let micros = Timestamp::from_micros(date.as_microsecond()).since(now);
    Some(Duration::from_micros(u64::try_from(micros).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn pauses_double_from_two_seconds_to_a_minute_and_one_to_five_are_added() {
        let shortest: Vec<u64> =
            (0..7).map(|failures| Pace::VENDOR.pause(failures, 0, None).as_secs()).collect();
        assert_eq!(shortest, [3, 5, 9, 17, 33, 61, 61]);
        assert_eq!(Pace::VENDOR.pause(0, u64::MAX / 2 + 1, None), seconds(5));
        let longest = Pace::VENDOR.pause(u32::MAX, u64::MAX, None);
        assert!(longest > seconds(64) && longest <= seconds(65), "{longest:?}");
    }

    #[test]
    fn what_the_vendor_asks_for_is_waited_out_up_to_an_hour() {
        for (asked, expected) in [(0, 3), (2, 3), (30, 30), (3_600, 3_600), (86_400, 3_600)] {
            let pause = Pace::VENDOR.pause(0, 0, Some(seconds(asked)));
            assert_eq!(pause, seconds(expected), "{asked}");
        }
    }

    #[test]
    fn the_header_is_seconds_or_a_date() {
        let now = "2026-11-22T10:15:30Z".parse().unwrap();
        for (header, expected) in [
            ("0", Some(seconds(0))),
            (" 120 ", Some(seconds(120))),
            ("99999999999999999999999", Some(Duration::MAX)),
            ("Sun, 22 Nov 2026 10:16:00 GMT", Some(seconds(30))),
            ("Sun, 22 Nov 2026 10:15:00 GMT", Some(seconds(0))),
            ("soon", None),
            ("-1", None),
            ("", None),
        ] {
            assert_eq!(retry_after(header, now), expected, "{header:?}");
        }
    }
}
