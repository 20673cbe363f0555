//! Pauses between attempts: they grow while it fails and start again once it worked.
//!
//! The schedule is pure. Chance comes in as a number, so that a test can say which.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::time::Duration;

/// Values that make a schedule; they cannot be wrong once made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BackoffPolicy {
    min: Duration,
    max: Duration,
    factor: u32,
    jitter_percent: u32,
}

/// Why values make no schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BackoffError {
    /// A pause of nothing is a busy loop.
    #[error("the shortest pause must be longer than nothing")]
    ZeroMin,
    /// The pauses could not grow.
    #[error("the longest pause {max:?} is shorter than the shortest {min:?}")]
    MaxBelowMin {
        /// The shortest.
        min: Duration,
        /// The longest.
        max: Duration,
    },
    /// The pauses would shrink to nothing.
    #[error("the factor must be at least 1")]
    ZeroFactor,
    /// A pause could come out below nothing.
    #[error("the jitter of {0} % is over 100 %")]
    JitterOverWhole(u32),
}

impl BackoffPolicy {
    /// From the shortest to the longest pause, each `factor` times the one before, shortened by
    /// chance by up to `jitter_percent`.
    ///
    /// # Errors
    /// Where the values make no schedule.
    pub const fn try_new(
        min: Duration,
        max: Duration,
        factor: u32,
        jitter_percent: u32,
    ) -> Result<Self, BackoffError> {
        if min.is_zero() {
            return Err(BackoffError::ZeroMin);
        }
        if max.as_nanos() < min.as_nanos() {
            return Err(BackoffError::MaxBelowMin { min, max });
        }
        if factor == 0 {
            return Err(BackoffError::ZeroFactor);
        }
        if jitter_percent > 100 {
            return Err(BackoffError::JitterOverWhole(jitter_percent));
        }
        Ok(Self { min, max, factor, jitter_percent })
    }

    /// For what is on the network: 100 ms, then twice as long each time up to 10 s, less up to a
    /// fifth.
    pub const NETWORK: Self = Self {
        min: Duration::from_millis(100),
        max: Duration::from_secs(10),
        factor: 2,
        jitter_percent: 20,
    };

    /// The pause after so many failures in a row, counted from 0.
    ///
    /// `chance` is any number; over the whole range of `u64` it spreads the pause evenly.
    #[must_use]
    pub fn pause(&self, failures: u32, chance: u64) -> Duration {
        let grown = self
            .factor
            .checked_pow(failures)
            .and_then(|factor| self.min.checked_mul(factor))
            .map_or(self.max, |pause| pause.min(self.max));
        let spread_nanos = grown.as_nanos() * u128::from(self.jitter_percent) / 100;
        let less_nanos = (spread_nanos * u128::from(chance >> 32)) >> 32;
        grown - Duration::from_nanos(u64::try_from(less_nanos).unwrap_or(u64::MAX)).min(grown)
    }
}

/// Where one thing that is tried again and again stands in its schedule.
#[derive(Clone, Debug)]
pub struct Backoff {
    policy: BackoffPolicy,
    failures: u32,
}

impl Backoff {
    /// Before the first attempt.
    #[must_use]
    pub const fn new(policy: BackoffPolicy) -> Self {
        Self { policy, failures: 0 }
    }

    /// It failed: how long to wait.
    pub fn failed(&mut self, chance: u64) -> Duration {
        let pause = self.policy.pause(self.failures, chance);
        self.failures = self.failures.saturating_add(1);
        pause
    }

    /// It worked: the next failure waits the shortest pause again.
    pub const fn succeeded(&mut self) {
        self.failures = 0;
    }

    /// Failures in a row.
    #[must_use]
    pub const fn failures(&self) -> u32 {
        self.failures
    }
}

/// A number that differs from call to call and from process to process; not for secrets.
#[must_use]
pub fn chance() -> u64 {
    RandomState::new().build_hasher().finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn pauses_grow_to_the_longest_and_start_again_after_success() {
        let mut backoff = Backoff::new(BackoffPolicy::try_new(ms(10), ms(65), 2, 0).unwrap());
        let pauses: Vec<Duration> = (0..5).map(|_| backoff.failed(u64::MAX)).collect();
        assert_eq!(pauses, [10, 20, 40, 65, 65].map(ms));
        assert_eq!(backoff.failures(), 5);
        backoff.succeeded();
        assert_eq!(backoff.failed(u64::MAX), ms(10));
    }

    #[test]
    fn chance_shortens_by_at_most_the_jitter() {
        let policy = BackoffPolicy::try_new(ms(100), ms(100), 1, 20).unwrap();
        assert_eq!(policy.pause(0, 0), ms(100));
        assert_eq!(policy.pause(0, u64::MAX / 2 + 1), ms(90));
        let shortest = policy.pause(0, u64::MAX);
        assert!(shortest >= ms(80) && shortest < ms(81), "{shortest:?}");
    }

    #[test]
    fn no_number_of_failures_overflows() {
        let policy = BackoffPolicy::try_new(ms(1), Duration::MAX, u32::MAX, 100).unwrap();
        assert_eq!(policy.pause(u32::MAX, 0), Duration::MAX);
        assert!(policy.pause(u32::MAX, u64::MAX) < Duration::MAX);
        assert_eq!(BackoffPolicy::NETWORK.pause(1_000, 0), Duration::from_secs(10));
    }

    #[test]
    fn values_that_make_no_schedule_are_refused() {
        for (min, max, factor, jitter, expected) in [
            (0, 10, 2, 0, BackoffError::ZeroMin),
            (10, 9, 2, 0, BackoffError::MaxBelowMin { min: ms(10), max: ms(9) }),
            (10, 10, 0, 0, BackoffError::ZeroFactor),
            (10, 10, 1, 101, BackoffError::JitterOverWhole(101)),
        ] {
            assert_eq!(BackoffPolicy::try_new(ms(min), ms(max), factor, jitter), Err(expected));
        }
        let checked = BackoffPolicy::try_new(ms(100), ms(10_000), 2, 20);
        assert_eq!(checked, Ok(BackoffPolicy::NETWORK));
    }

    #[test]
    fn chance_differs_from_call_to_call() {
        assert_ne!(chance(), chance());
    }
}
