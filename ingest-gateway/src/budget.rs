//! How many bytes of requests may be under way at once, and whose.
//!
//! Half of them are anybody's. Beyond that every source has the same share, so that one that sends
//! more than the log takes crowds out itself and not the others; a source that is alone leaves a
//! quarter for who may come. Requests that have not proven yet whose they are may take three
//! quarters of all, so that strangers are the first to be turned away.

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
    /// What each source holds.
    shares: Vec<AtomicU64>,
    gauge: Gauge,
}

/// For whom bytes are held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Holder {
    /// The place of its source among the sources.
    pub(crate) source: usize,
    /// Whether it is known whose the request is.
    pub(crate) is_proven: bool,
}

/// A part of the budget; it goes back when this is dropped.
#[derive(Debug)]
pub(crate) struct Hold {
    budget: Arc<Budget>,
    holder: Holder,
    bytes: u64,
}

impl Budget {
    /// For so many sources.
    pub(crate) fn new(limit: u64, sources: usize, gauge: Gauge) -> Arc<Self> {
        let shares = (0..sources).map(|_| AtomicU64::new(0)).collect();
        Arc::new(Self { limit, held: AtomicU64::new(0), shares, gauge })
    }

    /// Room for a request with a body of so many bytes; none where too much is under way.
    pub(crate) fn hold(self: &Arc<Self>, holder: Holder, body: u64) -> Option<Hold> {
        let bytes = body.saturating_add(REQUEST_BYTES);
        self.take(holder, 0, bytes).then(|| Hold { budget: Arc::clone(self), holder, bytes })
    }

    /// Takes so many bytes more, for a request that holds some.
    fn take(&self, holder: Holder, mine: u64, bytes: u64) -> bool {
        let room = |held: u64| {
            let limit = self.limit_for(holder, mine, held, bytes);
            held.checked_add(bytes).filter(|held| *held <= limit)
        };
        let taken = self.held.fetch_update(Ordering::Relaxed, Ordering::Relaxed, room).is_ok();
        if taken {
            if let Some(share) = self.shares.get(holder.source) {
                share.fetch_add(bytes, Ordering::Relaxed);
            }
            self.gauge.add(signed(bytes));
        }
        taken
    }

    /// Up to which all may hold together, where so much is held, if this request gets more.
    fn limit_for(&self, holder: Holder, mine: u64, held: u64, bytes: u64) -> u64 {
        let is_alone = held <= mine;
        if is_alone || held.saturating_add(bytes) <= self.limit / 2 {
            return self.limit;
        }
        let own = self.shares.get(holder.source).map_or(0, |own| own.load(Ordering::Relaxed));
        let is_first_of_source = own <= mine;
        if !is_first_of_source && own.saturating_add(bytes) > self.share_beside(holder.source) {
            return 0;
        }
        if holder.is_proven { self.limit } else { self.limit / 4 * 3 }
    }

    /// What a source may hold beside the others that hold something.
    fn share_beside(&self, source: usize) -> u64 {
        let holds = |share: &AtomicU64| share.load(Ordering::Relaxed) > 0;
        let others = self.shares.iter().enumerate();
        let others = others.filter(|(other, share)| *other != source && holds(share)).count();
        match u64::try_from(others).unwrap_or(u64::MAX) {
            0 => self.limit / 4 * 3,
            others => self.limit / others.saturating_add(1),
        }
    }

    fn give_back(&self, holder: Holder, bytes: u64) {
        self.held.fetch_sub(bytes, Ordering::Relaxed);
        if let Some(share) = self.shares.get(holder.source) {
            share.fetch_sub(bytes, Ordering::Relaxed);
        }
        self.gauge.sub(signed(bytes));
    }
}

impl Hold {
    /// Whether there is room for a body that turned out to have so many bytes.
    #[must_use]
    pub(crate) fn covers(&mut self, body: u64) -> bool {
        let more = body.saturating_add(REQUEST_BYTES).saturating_sub(self.bytes);
        let is_covered = more == 0 || self.budget.take(self.holder, self.bytes, more);
        if is_covered {
            self.bytes += more;
        }
        is_covered
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.budget.give_back(self.holder, self.bytes);
    }
}

fn signed(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) const PROVEN: Holder = Holder { source: 0, is_proven: true };
    const STRANGER: Holder = Holder { source: 0, is_proven: false };
    const OTHER: Holder = Holder { source: 1, is_proven: true };

    pub(crate) fn budget(limit: u64) -> Arc<Budget> {
        Budget::new(limit, 3, Gauge::new("held", "Held.").unwrap())
    }

    /// How many requests of a body of so many bytes there is room for.
    fn filled(budget: &Arc<Budget>, holder: Holder, body: u64) -> Vec<Hold> {
        std::iter::from_fn(|| budget.hold(holder, body)).take(1_000).collect()
    }

    #[test]
    fn no_more_is_held_than_there_is_and_all_of_it_comes_back() {
        let budget = budget(2 * REQUEST_BYTES + 100);
        let first = budget.hold(PROVEN, 60).unwrap();
        assert!(budget.hold(OTHER, 41).is_none());
        let second = budget.hold(OTHER, 40).unwrap();
        assert_eq!(budget.gauge.get(), 2 * i64::try_from(REQUEST_BYTES).unwrap() + 100);
        drop(first);
        assert!(budget.hold(PROVEN, 60).is_some());
        drop(second);
        assert_eq!(budget.gauge.get(), 0);
        assert!(budget.hold(PROVEN, u64::MAX).is_none());
    }

    #[test]
    fn a_hold_grows_while_there_is_room() {
        for holder in [PROVEN, STRANGER] {
            let budget = budget(REQUEST_BYTES + 100);
            let mut hold = budget.hold(holder, 0).unwrap();
            assert!(hold.covers(60) && hold.covers(30) && hold.covers(100));
            assert!(!hold.covers(101));
            assert!(hold.covers(100));
            drop(hold);
            assert_eq!(budget.gauge.get(), 0);
        }
    }

    #[test]
    fn a_source_alone_leaves_room_for_who_may_come() {
        let budget = budget(100 * REQUEST_BYTES);
        let alone = filled(&budget, PROVEN, 0);
        assert_eq!(alone.len(), 75);
        let come = filled(&budget, OTHER, 0);
        assert_eq!(come.len(), 25);
        // What the first gives back is the second's until both have the same.
        drop(alone);
        let more = filled(&budget, OTHER, 0);
        assert_eq!(come.len() + more.len(), 75);
        let back = filled(&budget, PROVEN, 0);
        assert_eq!(back.len(), 25);
    }

    #[test]
    fn sources_that_all_want_more_have_the_same_in_the_end() {
        let budget = budget(120 * REQUEST_BYTES);
        let mut held: [Vec<Hold>; 3] = Default::default();
        // One sends ten times as much as the others, and the oldest request is done each time.
        for _ in 0..1_000 {
            for (source, wishes) in [(0, 20), (1, 2), (2, 2)] {
                let holder = Holder { source, is_proven: true };
                held[source].extend((0..wishes).filter_map(|_| budget.hold(holder, 0)));
            }
            for held in held.iter_mut().filter(|held| !held.is_empty()) {
                held.remove(0);
            }
        }
        let counts = held.each_ref().map(Vec::len);
        assert!(counts.iter().all(|count| (35..=42).contains(count)), "{counts:?}");
    }

    #[test]
    fn strangers_are_turned_away_first() {
        let budget = budget(100 * REQUEST_BYTES);
        let mut others = filled(&budget, OTHER, 0);
        others.truncate(40);
        let strangers = filled(&budget, STRANGER, 0);
        assert_eq!(strangers.len(), 35);
        let known = filled(&budget, PROVEN, 0);
        assert_eq!(known.len(), 15, "as many as the source has a share");
    }
}
