//! A clock that is turned by hand.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use kleos_contracts::time::Timestamp;
use kleos_service_kit::clock::Clock;

/// Stands still until it is told to go on. Clones of an `Arc` of it are the same clock.
#[derive(Debug)]
pub struct ManualClock {
    started_micros: i64,
    micros: AtomicI64,
}

impl ManualClock {
    /// A clock that shows `start`; its monotonic reading begins at nothing.
    #[must_use]
    pub const fn at(start: Timestamp) -> Self {
        Self { started_micros: start.micros(), micros: AtomicI64::new(start.micros()) }
    }

    /// Goes on by so much.
    pub fn advance(&self, by: Duration) {
        let by_micros = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
        self.micros.fetch_add(by_micros, Ordering::Relaxed);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.micros.load(Ordering::Relaxed))
    }

    fn monotonic(&self) -> Duration {
        let passed = self.micros.load(Ordering::Relaxed) - self.started_micros;
        Duration::from_micros(u64::try_from(passed).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_goes_on_only_when_told_to() {
        let clock = ManualClock::at(Timestamp::from_millis(1_000));
        assert_eq!((clock.now().millis(), clock.monotonic()), (1_000, Duration::ZERO));
        clock.advance(Duration::from_millis(5));
        assert_eq!((clock.now().millis(), clock.monotonic()), (1_005, Duration::from_millis(5)));
    }
}
