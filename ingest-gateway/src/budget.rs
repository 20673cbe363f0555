//! How many bytes of requests may be under way at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use kleos_service_kit::metrics::Gauge;

/// What a request takes besides its body: head, record and the bookkeeping of both.
pub(crate) const REQUEST_BYTES: u64 = 4_096;

/// A number of bytes to share.
#[derive(Debug)]
pub(crate) struct Budget {
    limit: u64,
    held: AtomicU64,
    gauge: Gauge,
}

/// A part of the budget; it goes back when this is dropped.
#[derive(Debug)]
pub(crate) struct Hold {
    budget: Arc<Budget>,
    bytes: u64,
}

impl Budget {
    pub(crate) fn new(limit: u64, gauge: Gauge) -> Arc<Self> {
        Arc::new(Self { limit, held: AtomicU64::new(0), gauge })
    }

    /// Room for a request with a body of so many bytes; none where too much is under way.
    pub(crate) fn hold(self: &Arc<Self>, body: u64) -> Option<Hold> {
        let bytes = body.saturating_add(REQUEST_BYTES);
        self.take(bytes).then(|| Hold { budget: Arc::clone(self), bytes })
    }

    fn take(&self, bytes: u64) -> bool {
        let room = |held: u64| held.checked_add(bytes).filter(|held| *held <= self.limit);
        let taken = self.held.fetch_update(Ordering::Relaxed, Ordering::Relaxed, room).is_ok();
        if taken {
            self.gauge.add(signed(bytes));
        }
        taken
    }
}

impl Hold {
    /// Whether there is room for a body that turned out to have so many bytes.
    #[must_use]
    pub(crate) fn covers(&mut self, body: u64) -> bool {
        let more = body.saturating_add(REQUEST_BYTES).saturating_sub(self.bytes);
        let is_covered = more == 0 || self.budget.take(more);
        if is_covered {
            self.bytes += more;
        }
        is_covered
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.budget.held.fetch_sub(self.bytes, Ordering::Relaxed);
        self.budget.gauge.sub(signed(self.bytes));
    }
}

fn signed(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn budget(limit: u64) -> Arc<Budget> {
        Budget::new(limit, Gauge::new("held", "Held.").unwrap())
    }

    #[test]
    fn no_more_is_held_than_there_is_and_all_of_it_comes_back() {
        let budget = budget(2 * REQUEST_BYTES + 100);
        let first = budget.hold(60).unwrap();
        assert!(budget.hold(41).is_none());
        let second = budget.hold(40).unwrap();
        assert_eq!(budget.gauge.get(), 2 * i64::try_from(REQUEST_BYTES).unwrap() + 100);
        drop(first);
        assert!(budget.hold(60).is_some());
        drop(second);
        assert_eq!(budget.gauge.get(), 0);
        assert!(budget.hold(u64::MAX).is_none());
    }

    #[test]
    fn a_hold_grows_while_there_is_room() {
        let budget = budget(REQUEST_BYTES + 100);
        let mut hold = budget.hold(0).unwrap();
        assert!(hold.covers(60) && hold.covers(30) && hold.covers(100));
        assert!(!hold.covers(101));
        assert!(hold.covers(100));
        drop(hold);
        assert_eq!(budget.gauge.get(), 0);
    }
}
