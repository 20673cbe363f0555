//! What a request has spent, and what its sender is told of it.

use std::fmt::Write;
use std::time::Duration;

use hyper::HeaderMap;
use hyper::header::{HeaderName, HeaderValue};
use kleos_contracts::time::{SECOND, Timestamp};
use kleos_service_kit::config::rates::RateLimit;

use crate::error::Refusal;

const LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");
const POLICY_FIELD: HeaderName = HeaderName::from_static("ratelimit-policy");
const LIMIT_FIELD: HeaderName = HeaderName::from_static("ratelimit");

/// Whose budget it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whose {
    /// Of the address that requests come from.
    Address,
    /// Of a source instance on one of the routes that have a limit.
    Route,
    /// Of a source instance.
    Instance,
    /// Of all instances of a source.
    Source,
    /// Of everybody.
    Total,
}

impl Whose {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Address => "address",
            Self::Route => "route",
            Self::Instance => "instance",
            Self::Source => "source",
            Self::Total => "total",
        }
    }
}

/// The budgets that a request was counted in, as it left them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Account {
    entries: Vec<Entry>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Entry {
    budget: Whose,
    limit: RateLimit,
    remaining: u32,
}

impl Entry {
    /// In how many seconds the whole budget is there again.
    fn resets_in(self) -> u64 {
        seconds_of(self.limit, self.limit.burst.get().saturating_sub(self.remaining))
    }
}

/// How long it takes for so many requests to be allowed.
fn seconds_of(limit: RateLimit, requests: u32) -> u64 {
    (u64::from(requests) * 60).div_ceil(u64::from(limit.per_minute.get()))
}

impl Account {
    /// A budget has so many requests left after this one, or none for this one for a while.
    pub(super) fn enter(
        &mut self,
        budget: Whose,
        limit: RateLimit,
        left: Result<u32, Duration>,
    ) -> Result<(), Refusal> {
        let remaining = left.unwrap_or(0);
        self.entries.push(Entry { budget, limit, remaining });
        let Err(wait) = left else { return Ok(()) };
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        Err(Refusal::RateLimited { budget, limit, seconds: seconds.max(1) })
    }

    /// Tells the sender: of the budget with the least left as most programs read it, and of each as
    /// the IETF's draft has it, which names a quota by what it comes to in a window of its length.
    pub(crate) fn tell(&self, headers: &mut HeaderMap, now: Timestamp) {
        let Some(tightest) = self.entries.iter().min_by_key(|entry| entry.remaining) else {
            return;
        };
        let limit = tightest.limit.per_minute.get();
        let now = u64::try_from(now.micros() / SECOND).unwrap_or_default();
        headers.insert(LIMIT, limit.into());
        headers.insert(REMAINING, tightest.remaining.min(limit).into());
        headers.insert(RESET, (now + tightest.resets_in()).into());
        let (mut policies, mut limits) = (String::new(), String::new());
        for entry in &self.entries {
            let Entry { budget, limit, remaining } = *entry;
            let separator = if policies.is_empty() { "" } else { ", " };
            let (name, quota) = (budget.name(), limit.burst);
            let (window, reset) = (seconds_of(limit, quota.get()), entry.resets_in());
            // A text takes all that is written.
            write!(policies, "{separator}\"{name}\";q={quota};w={window}").ok();
            write!(limits, "{separator}\"{name}\";r={remaining};t={reset}").ok();
        }
        for (name, text) in [(POLICY_FIELD, policies), (LIMIT_FIELD, limits)] {
            if let Ok(value) = HeaderValue::try_from(text) {
                headers.insert(name, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Row = (Whose, (u32, u32), Result<u32, Duration>);

    fn told(entries: &[Row]) -> Vec<String> {
        let mut account = Account::default();
        for (budget, (per_minute, burst), left) in entries {
            let limit = RateLimit::new(*per_minute, *burst).unwrap();
            account.enter(*budget, limit, *left).ok();
        }
        let mut headers = HeaderMap::new();
        account.tell(&mut headers, "2023-08-21T20:00:00.9Z".parse().unwrap());
        let mut lines: Vec<String> = headers
            .iter()
            .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
            .collect();
        lines.sort();
        lines
    }

    #[test]
    fn a_sender_is_told_of_every_budget_and_first_of_the_tightest() {
        assert!(told(&[]).is_empty());
        let source = (Whose::Source, (500, 1_000), Ok(700));
        assert_eq!(
            told(&[(Whose::Address, (100, 200), Ok(199)), source, (Whose::Total, (7, 7), Ok(0))]),
            [
                "ratelimit-policy: \"address\";q=200;w=120, \"source\";q=1000;w=120, \
                 \"total\";q=7;w=60",
                "ratelimit: \"address\";r=199;t=1, \"source\";r=700;t=36, \"total\";r=0;t=60",
                "x-ratelimit-limit: 7",
                "x-ratelimit-remaining: 0",
                "x-ratelimit-reset: 1692648060",
            ]
        );
        // A burst is on top of what the limit says.
        assert_eq!(
            told(&[source])[2..],
            [
                "x-ratelimit-limit: 500",
                "x-ratelimit-remaining: 500",
                "x-ratelimit-reset: 1692648036"
            ]
        );
    }

    #[test]
    fn a_budget_that_is_spent_says_when_to_come_back() {
        let limit = RateLimit::new(100, 200).unwrap();
        for (wait, seconds) in [(1, 1), (999, 1), (1_000, 1), (1_001, 2), (0, 1)] {
            let mut account = Account::default();
            let left = Err(Duration::from_millis(wait));
            let refused = account.enter(Whose::Address, limit, left);
            let expected = Refusal::RateLimited { budget: Whose::Address, limit, seconds };
            assert_eq!(refused, Err(expected), "{wait} ms");
            assert_eq!(account.entries[0].remaining, 0);
        }
    }
}
