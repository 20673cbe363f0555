//! Learners that were seen lately, decoded.

use kleos_contracts::state::LearnerState;
use quick_cache::Weighter;
use quick_cache::unsync::Cache;

/// Learners of one worker, bounded by an estimate of their bytes. A learner is taken out while a
/// transaction works on it and put back when that is committed, so what is here is committed.
pub(crate) struct LearnerCache(Cache<String, LearnerState, Bytes>);

#[derive(Clone, Copy, Debug)]
struct Bytes;

/// What a state takes besides its lists.
const STATE_BYTES: usize = 512;
const RECENT_BYTES: usize = 320;
const OTHER_BYTES: usize = 128;
/// A guess, only to size the table of the cache.
const LEARNER_BYTES: usize = 2_000;

impl Weighter<String, LearnerState> for Bytes {
    fn weight(&self, key: &String, state: &LearnerState) -> u64 {
        let counters: usize = state.rules.iter().map(|rule| rule.counters.as_bytes().len()).sum();
        let others = state.marks.len() + state.badges.len() + state.rules.len();
        let bytes = STATE_BYTES
            + key.len()
            + counters
            + state.recent.len() * RECENT_BYTES
            + others * OTHER_BYTES;
        bytes as u64
    }
}

impl LearnerCache {
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self(Cache::with_weighter(bytes_max / LEARNER_BYTES, bytes_max as u64, Bytes))
    }

    pub(crate) fn take(&mut self, key: &str) -> Option<LearnerState> {
        self.0.remove(key).map(|(_, state)| state)
    }

    pub(crate) fn put(&mut self, key: String, state: LearnerState) {
        self.0.insert(key, state);
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_learner_is_taken_out_and_put_back() {
        let mut cache = LearnerCache::new(1 << 20);
        let state = LearnerState { balance: 7, ..LearnerState::default() };
        cache.put("acme|a".into(), state.clone());
        assert_eq!(cache.take("acme|a"), Some(state));
        assert_eq!(cache.take("acme|a"), None);
    }

    #[test]
    fn memory_is_bounded() {
        let mut cache = LearnerCache::new(64 << 10);
        for number in 0..10_000 {
            cache.put(format!("acme|{number}"), LearnerState::default());
        }
        let kept = (0..10_000).filter(|number| cache.take(&format!("acme|{number}")).is_some());
        assert!((1..=128).contains(&kept.count()));
    }
}
