//! Time, as an argument.
//!
//! Whoever needs the time is given a [`Clock`], so that a test can turn it by hand. [`SystemClock`]
//! is the only place in the workspace that asks the machine.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use kleos_contracts::time::Timestamp;

/// Tells the time.
pub trait Clock: Debug + Send + Sync {
    /// The wall clock: for what is written down. It may jump, also backwards.
    fn now(&self) -> Timestamp;

    /// Time since some fixed instant in this clock's past: for durations. It never runs backwards.
    fn monotonic(&self) -> Duration;
}

/// A clock that many hold.
pub type SharedClock = Arc<dyn Clock>;

/// The machine's clock.
#[derive(Clone, Debug)]
pub struct SystemClock {
    origin: Instant,
}

impl SystemClock {
    /// A clock whose monotonic reading starts at zero.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the clock that all others are given")]
    pub fn new() -> Self {
        Self { origin: Instant::now() }
    }

    /// The same, to be handed around.
    #[must_use]
    pub fn shared() -> SharedClock {
        Arc::new(Self::new())
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock that all others are given")]
    fn now(&self) -> Timestamp {
        let micros = match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => i64::try_from(since.as_micros()).unwrap_or(i64::MAX),
            Err(before) => {
                i64::try_from(before.duration().as_micros()).map_or(i64::MIN, |micros| -micros)
            }
        };
        Timestamp::from_micros(micros)
    }

    fn monotonic(&self) -> Duration {
        self.origin.elapsed()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    /// A clock that starts with 1970 and is turned by hand.
    #[derive(Debug, Default)]
    pub(crate) struct ManualClock {
        millis: AtomicU64,
    }

    impl ManualClock {
        pub(crate) fn advance(&self, by: Duration) {
            self.millis.fetch_add(u64::try_from(by.as_millis()).unwrap(), Ordering::Relaxed);
        }
    }

    impl Clock for ManualClock {
        fn now(&self) -> Timestamp {
            Timestamp::from_millis(self.millis.load(Ordering::Relaxed).try_into().unwrap())
        }

        fn monotonic(&self) -> Duration {
            Duration::from_millis(self.millis.load(Ordering::Relaxed))
        }
    }

    #[test]
    fn the_machine_tells_a_time_of_this_century_that_goes_on() {
        let clock = SystemClock::new();
        let (wall, monotonic) = (clock.now(), clock.monotonic());
        assert!(wall > "2024-01-01T00:00:00Z".parse().unwrap(), "{wall}");
        assert!(wall < "2100-01-01T00:00:00Z".parse().unwrap(), "{wall}");
        assert!(clock.monotonic() >= monotonic);
    }
}
