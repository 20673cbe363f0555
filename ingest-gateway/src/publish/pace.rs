//! How many records may be on their way into the log.
//!
//! A log that takes less than comes makes all wait, and a sender that waits too long sends again, so
//! that still more comes. While even the quickest append takes longer than it should, no more are
//! let in than the log gets done in that time: it works on as fast as before, and the rest is told
//! at once to come back.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How often is looked at what was done.
const WINDOW: Duration = Duration::from_millis(200);
/// So many are always let in, so that it is seen how fast the log is now.
const LEAST: u32 = 64;

/// Keeps the time that records wait near a target.
#[derive(Debug)]
pub(super) struct Pace {
    target: Duration,
    under_way: AtomicU32,
    /// `u32::MAX`: as many as come.
    allowed: AtomicU32,
    window: Mutex<Window>,
}

#[derive(Debug, Default)]
struct Window {
    began: Duration,
    done: u32,
    quickest: Option<Duration>,
    /// When an append last ended, or the first began after none was under way.
    moved: Duration,
}

impl Pace {
    pub(super) fn new(target: Duration) -> Self {
        Self {
            target,
            under_way: AtomicU32::new(0),
            allowed: AtomicU32::new(u32::MAX),
            window: Mutex::default(),
        }
    }

    /// Whether there is room for one more; for a request that has not proven whose it is, in three
    /// quarters of it.
    pub(super) fn has_room(&self, now: Duration, is_proven: bool) -> bool {
        self.look(now);
        let allowed = self.allowed.load(Ordering::Relaxed);
        let allowed = if is_proven { allowed } else { allowed / 4 * 3 };
        self.under_way.load(Ordering::Relaxed) < allowed
    }

    /// An append begins.
    pub(super) fn begins(&self, now: Duration) {
        if self.under_way.fetch_add(1, Ordering::Relaxed) == 0 {
            self.lock().moved = now;
        }
    }

    /// An append has ended; it took so long, if it did what it should.
    pub(super) fn ends(&self, now: Duration, took: Option<Duration>) {
        self.under_way.fetch_sub(1, Ordering::Relaxed);
        let mut window = self.lock();
        window.moved = now;
        if let Some(took) = took {
            window.done += 1;
            window.quickest = Some(window.quickest.map_or(took, |quickest| quickest.min(took)));
        }
        drop(window);
        self.look(now);
    }

    /// Sees what was done once a window is over.
    fn look(&self, now: Duration) {
        let mut window = self.lock();
        let length = now.saturating_sub(window.began);
        if length < WINDOW {
            return;
        }
        let Window { done, quickest, moved, .. } = *window;
        *window = Window { began: now, moved, ..Window::default() };
        drop(window);
        let under_way = self.under_way.load(Ordering::Relaxed);
        let allowed = self.allowed.load(Ordering::Relaxed);
        let is_slow = match quickest {
            Some(quickest) => quickest > self.target,
            None => under_way > 0 && now.saturating_sub(moved) > self.target,
        };
        let is_pressed = allowed < u32::MAX && under_way >= allowed / 2;
        let next = if is_slow || is_pressed {
            in_time(done, length, self.target).max(LEAST)
        } else {
            u32::MAX
        };
        self.allowed.store(next, Ordering::Relaxed);
    }

    fn lock(&self) -> MutexGuard<'_, Window> {
        self.window.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How many are done in a time, at a rate of so many in another.
fn in_time(done: u32, length: Duration, time: Duration) -> u32 {
    let many = u128::from(done) * time.as_micros() / length.as_micros().max(1);
    u32::try_from(many).unwrap_or(u32::MAX - 1)
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;

    const TARGET: Duration = Duration::from_millis(500);
    const TICK: Duration = Duration::from_millis(1);
    /// So many milliseconds' requests come together.
    const BURST: u32 = 50;

    /// A log that takes so many records a millisecond, one after the other, and its senders.
    struct Scene {
        pace: Pace,
        now: Duration,
        queue: VecDeque<Duration>,
    }

    /// What became of the requests of some time.
    #[derive(Debug, Default)]
    struct Seen {
        done: u32,
        refused: u32,
        longest: Duration,
    }

    impl Scene {
        fn new() -> Self {
            Self { pace: Pace::new(TARGET), now: Duration::ZERO, queue: VecDeque::new() }
        }

        /// So many come for each millisecond, all of a burst at once, and so many are taken.
        fn runs(&mut self, seconds: u32, coming: u32, taken: u32) -> Seen {
            let mut seen = Seen::default();
            for tick in 0..seconds * 1_000 {
                self.now += TICK;
                let burst = if tick % BURST == 0 { coming * BURST } else { 0 };
                for _ in 0..burst {
                    if self.pace.has_room(self.now, true) {
                        self.pace.begins(self.now);
                        self.queue.push_back(self.now);
                    } else {
                        seen.refused += 1;
                    }
                }
                for _ in 0..taken {
                    let Some(began) = self.queue.pop_front() else { break };
                    // An append takes a while also where nothing waits before it.
                    let took = self.now - began + 3 * TICK;
                    self.pace.ends(self.now, Some(took));
                    seen.done += 1;
                    seen.longest = seen.longest.max(took);
                }
            }
            seen
        }
    }

    #[test]
    fn what_the_log_takes_is_never_refused() {
        let mut scene = Scene::new();
        let seen = scene.runs(10, 9, 10);
        assert_eq!((seen.refused, seen.done), (0, 90_000), "{seen:?}");
    }

    #[test]
    fn at_three_times_what_the_log_takes_it_works_on_as_fast_and_nobody_waits_for_long() {
        let mut scene = Scene::new();
        scene.runs(3, 30, 10);
        let seen = scene.runs(30, 30, 10);
        assert!(seen.done >= 30 * 10_000 / 10 * 9, "{seen:?}");
        assert!(seen.longest <= TARGET * 3 / 2, "{seen:?}");
        assert!(seen.refused > 0);
        // When it is over, nobody is refused for long.
        scene.runs(1, 8, 10);
        let after = scene.runs(10, 8, 10);
        assert_eq!(after.refused, 0, "{after:?}");
        assert!(after.longest < TARGET, "{after:?}");
    }

    #[test]
    fn a_log_that_stands_still_is_waited_for_shortly_and_then_only_asked() {
        let mut scene = Scene::new();
        scene.runs(2, 5, 10);
        // Shorter than the target: everybody waits.
        for _ in 0..400 {
            scene.now += TICK;
            assert!(scene.pace.has_room(scene.now, true));
            scene.pace.begins(scene.now);
            scene.queue.push_back(scene.now);
        }
        let still = scene.runs(2, 5, 0);
        assert!(still.refused > 5_000, "{still:?}");
        // It goes on, and after what has waited is done all is as before.
        scene.runs(2, 5, 10);
        let after = scene.runs(5, 5, 10);
        assert_eq!((after.refused, after.done), (0, 25_000), "{after:?}");
    }

    #[test]
    fn strangers_are_turned_away_before_known_senders() {
        let pace = Pace::new(TARGET);
        let mut now = Duration::from_secs(1);
        for _ in 0..LEAST / 4 * 3 {
            pace.begins(now);
        }
        now += TARGET + WINDOW;
        assert!(pace.has_room(now, true));
        assert!(!pace.has_room(now, false));
        for _ in 0..LEAST / 4 {
            pace.begins(now);
        }
        assert!(!pace.has_room(now, true));
    }

    #[test]
    fn failures_are_no_work_done() {
        let pace = Pace::new(TARGET);
        let mut now = Duration::from_secs(1);
        for _ in 0..1_000 {
            pace.begins(now);
        }
        now += TARGET + WINDOW;
        assert!(!pace.has_room(now, true));
        for _ in 0..1_000 {
            pace.ends(now, None);
        }
        assert!(pace.has_room(now, true));
        assert_eq!(pace.under_way.load(Ordering::Relaxed), 0);
    }
}
