//! Calendar windows of event time in the tenant's zone.
//!
//! A window is named by the civil date of the event, never by a number of hours: a day of 23 or 25
//! hours is one day. Windows are numbered so that the number orders them and fits a counter: days
//! since 1970-01-01, ISO weeks since the week of that day (Monday 1969-12-29 opens week 0), months
//! since 1970-01.

use std::fmt;
use std::str::FromStr;

use jiff::SignedDuration;
use jiff::civil::Date;
use jiff::tz::{TimeZone, TimeZoneDatabase};
pub use kleos_contracts::period::Period;
use kleos_contracts::time::{DAY, SECOND, Timestamp};

/// A tenant's time zone, read from the zone data that is built into the program.
#[derive(Clone, Debug)]
pub struct Zone {
    name: String,
    /// None: UTC, whose days need no zone data.
    rules: Option<TimeZone>,
}

/// Why a text is not a zone.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a time zone: expected an IANA name, as Europe/Berlin or UTC")]
pub struct ZoneError(String);

impl Zone {
    /// Coordinated universal time, the zone of tenants that name none.
    #[must_use]
    pub fn utc() -> Self {
        Self { name: "UTC".to_owned(), rules: None }
    }

    /// The IANA name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The civil day of an instant, counted from 1970-01-01.
    pub(crate) fn day_of(&self, at: Timestamp) -> i32 {
        let offset = self.rules.as_ref().map_or(0, |rules| rules.to_offset(instant(at)).seconds());
        at.plus_micros(i64::from(offset) * SECOND).utc_day()
    }

    /// The first instant of a civil day.
    fn start_of(&self, date: Date) -> Option<Timestamp> {
        let rules = self.rules.clone().unwrap_or(TimeZone::UTC);
        let start = date.to_zoned(rules).ok()?;
        Some(Timestamp::from_micros(start.timestamp().as_microsecond()))
    }
}

impl Default for Zone {
    fn default() -> Self {
        Self::utc()
    }
}

impl FromStr for Zone {
    type Err = ZoneError;

    fn from_str(text: &str) -> Result<Self, ZoneError> {
        let refused = || ZoneError(text.to_owned());
        let rules = TimeZoneDatabase::bundled().get(text).map_err(|_| refused())?;
        let name = rules.iana_name().ok_or_else(refused)?.to_owned();
        if rules.is_unknown() {
            return Err(refused());
        }
        Ok(if rules == TimeZone::UTC { Self::utc() } else { Self { name, rules: Some(rules) } })
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.name)
    }
}

/// One day, week or month; or the lifetime, which has one window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Window {
    /// What kind.
    pub period: Period,
    /// Which one, counted from 1970; 0 for a lifetime.
    pub number: i32,
}

impl Window {
    /// The window of a kind that holds a civil day.
    pub(crate) fn of_day(period: Period, day: i32) -> Self {
        let number = match period {
            Period::Day => day,
            Period::Week => week_of_day(day),
            Period::Month => month_of_day(day),
            Period::Lifetime => 0,
        };
        Self { period, number }
    }

    /// As 2026-11-22, 2026-W47 or 2026-11; none for a lifetime.
    #[must_use]
    pub fn label(self) -> Option<String> {
        let first = self.first_date()?;
        Some(match self.period {
            Period::Day | Period::Lifetime => first.to_string(),
            Period::Week => {
                let week = first.iso_week_date();
                format!("{:04}-W{:02}", week.year(), week.week())
            }
            Period::Month => format!("{:04}-{:02}", first.year(), first.month()),
        })
    }

    /// The first instant behind the window; none for a lifetime.
    pub(crate) fn next_start(self, zone: &Zone) -> Option<Timestamp> {
        let next = Self { number: self.number.saturating_add(1), ..self };
        zone.start_of(next.first_date()?)
    }

    fn first_date(self) -> Option<Date> {
        match self.period {
            Period::Day => Some(date_of_day(self.number)),
            Period::Week => Some(date_of_day(self.number.saturating_mul(7).saturating_sub(3))),
            Period::Month => Some(first_of_month(self.number)),
            Period::Lifetime => None,
        }
    }
}

/// The ISO week of a day: 1970-01-01 was a Thursday.
pub(crate) fn week_of_day(day: i32) -> i32 {
    day.saturating_add(3).div_euclid(7)
}

fn month_of_day(day: i32) -> i32 {
    let date = date_of_day(day);
    (i32::from(date.year()) - 1970) * 12 + i32::from(date.month()) - 1
}

/// The earliest windows that an admissible event can still fall into, whatever the zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Horizon {
    day: i32,
    /// Of the earliest admissible instant.
    pub(crate) instant: Timestamp,
}

impl Horizon {
    /// Civil dates differ by up to a day and a bit from the UTC date.
    const ZONE_MARGIN_DAYS: i32 = 2;

    /// Of a log time.
    pub(crate) fn at(log_time: Timestamp) -> Self {
        let instant = log_time.plus_micros(-crate::admit::MAX_AGE_DAYS * DAY);
        Self { day: instant.utc_day().saturating_sub(Self::ZONE_MARGIN_DAYS), instant }
    }

    /// The first window of a kind that can still be touched.
    pub(crate) fn first(self, period: Period) -> i32 {
        match period {
            Period::Lifetime => i32::MIN,
            Period::Day | Period::Week | Period::Month => Window::of_day(period, self.day).number,
        }
    }
}

/// The nearest instant that calendars know.
fn instant(at: Timestamp) -> jiff::Timestamp {
    jiff::Timestamp::from_microsecond(at.micros()).unwrap_or(if at.micros() < 0 {
        jiff::Timestamp::MIN
    } else {
        jiff::Timestamp::MAX
    })
}

/// The nearest date that calendars know.
fn date_of_day(day: i32) -> Date {
    let since = SignedDuration::from_hours(i64::from(day) * 24);
    jiff::civil::date(1970, 1, 1).saturating_add(since)
}

fn first_of_month(month: i32) -> Date {
    let year = i16::try_from(month.div_euclid(12).saturating_add(1970)).unwrap_or(i16::MAX);
    let month_of_year = i8::try_from(month.rem_euclid(12) + 1).unwrap_or(1);
    Date::new(year, month_of_year, 1).unwrap_or(Date::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[track_caller]
    fn check(zone: &str, instant: &str, labels: [&str; 3]) {
        let zone: Zone = zone.parse().unwrap();
        let day = zone.day_of(at(instant));
        let found = [Period::Day, Period::Week, Period::Month]
            .map(|period| Window::of_day(period, day).label().unwrap());
        assert_eq!(found, labels, "{instant} in {zone}");
    }

    #[test]
    fn windows_are_those_of_the_civil_date() {
        check("UTC", "1970-01-01T00:00:00Z", ["1970-01-01", "1970-W01", "1970-01"]);
        check("UTC", "1969-12-28T23:59:59Z", ["1969-12-28", "1969-W52", "1969-12"]);
        check("UTC", "2026-11-22T23:59:59.999999Z", ["2026-11-22", "2026-W47", "2026-11"]);
        check("UTC", "2027-01-01T00:00:00Z", ["2027-01-01", "2026-W53", "2027-01"]);
        check("UTC", "2027-01-04T00:00:00Z", ["2027-01-04", "2027-W01", "2027-01"]);
        check("UTC", "2024-12-30T00:00:00Z", ["2024-12-30", "2025-W01", "2024-12"]);
        check("Pacific/Auckland", "2026-11-22T11:00:00Z", ["2026-11-23", "2026-W48", "2026-11"]);
        check("Europe/Berlin", "2026-03-29T22:00:00Z", ["2026-03-30", "2026-W14", "2026-03"]);
        check("Europe/Berlin", "2026-03-29T21:59:59Z", ["2026-03-29", "2026-W13", "2026-03"]);
        check("Pacific/Apia", "2011-12-30T10:00:00Z", ["2011-12-31", "2011-W52", "2011-12"]);
    }

    #[test]
    fn windows_are_numbered_from_1970() {
        let number = |period, day| Window::of_day(period, day).number;
        for (day, week, month) in [(-4, -1, -1), (-3, 0, -1), (0, 0, 0), (3, 0, 0), (4, 1, 0)] {
            assert_eq!(number(Period::Week, day), week, "week of day {day}");
            assert_eq!(number(Period::Month, day), month, "month of day {day}");
        }
        assert_eq!(number(Period::Lifetime, 20_000), 0);
    }

    #[test]
    fn the_next_window_begins_when_its_first_civil_day_does() {
        for (zone, instant, period, expected) in [
            ("UTC", "2026-11-22T10:00:00Z", Period::Day, "2026-11-23T00:00:00Z"),
            ("UTC", "2026-11-22T10:00:00Z", Period::Week, "2026-11-23T00:00:00Z"),
            ("UTC", "2026-12-22T10:00:00Z", Period::Month, "2027-01-01T00:00:00Z"),
            ("Europe/Berlin", "2026-10-25T10:00:00Z", Period::Day, "2026-10-25T23:00:00Z"),
            // This day has no midnight: clocks go from 23:59:59 to 01:00.
            ("Africa/Cairo", "2025-04-24T10:00:00Z", Period::Day, "2025-04-24T22:00:00Z"),
        ] {
            let zone: Zone = zone.parse().unwrap();
            let window = Window::of_day(period, zone.day_of(at(instant)));
            assert_eq!(window.next_start(&zone), Some(at(expected)), "{instant} in {zone}");
        }
    }

    #[test]
    fn a_zone_has_an_iana_name() {
        assert_eq!("europe/berlin".parse::<Zone>().unwrap().name(), "Europe/Berlin");
        assert!("UTC".parse::<Zone>().unwrap().rules.is_none());
        for bad in ["", "Mars/Olympus", "+02:00", "Etc/Unknown"] {
            assert!(bad.parse::<Zone>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn instants_that_calendars_do_not_know_have_windows_too() {
        let berlin: Zone = "Europe/Berlin".parse().unwrap();
        for micros in [i64::MIN, i64::MAX] {
            let day = berlin.day_of(Timestamp::from_micros(micros));
            for period in Period::ALL {
                let window = Window::of_day(period, day);
                assert_eq!(window.label().is_none(), period == Period::Lifetime);
                assert!(window.next_start(&berlin).is_none_or(|next| next.micros() != 0));
            }
        }
    }
}
