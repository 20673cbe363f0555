//! How long a connection may keep others waiting.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::task::Context;
use std::time::Duration;

use tokio::time::{Instant, Sleep};

use crate::config::Limits;

/// What one connection is at, and until when. Its socket, its requests and whoever drives it share
/// this.
#[derive(Debug)]
pub(super) struct Patience {
    origin: Instant,
    idle_timeout: Duration,
    header_timeout: Duration,
    /// Requests that are served: their own limits hold.
    in_hand: AtomicUsize,
    /// Since when it waits, or the head that it waits for has begun: microseconds after the origin.
    since: AtomicU64,
    has_begun: AtomicBool,
    is_closing: AtomicBool,
    leaves_unread: AtomicBool,
}

/// A request that is served, until this is dropped.
#[derive(Debug)]
pub(super) struct Served(Arc<Patience>);

impl Patience {
    /// A connection that waits for its first request.
    pub(super) fn new(limits: &Limits) -> Arc<Self> {
        Arc::new(Self {
            origin: Instant::now(),
            idle_timeout: limits.idle_timeout,
            header_timeout: limits.header_timeout,
            in_hand: AtomicUsize::new(0),
            since: AtomicU64::new(0),
            has_begun: AtomicBool::new(false),
            is_closing: AtomicBool::new(false),
            leaves_unread: AtomicBool::new(false),
        })
    }

    /// Nothing is asked: the connection idles.
    pub(super) fn waits(&self) {
        self.has_begun.store(false, Ordering::Relaxed);
        self.begins();
    }

    /// Bytes came. The first of a head begin its time; those after them do not prolong it.
    pub(super) fn receives(&self) {
        if self.is_waiting() && !self.has_begun.swap(true, Ordering::Relaxed) {
            self.begins();
        }
    }

    /// A head is complete.
    pub(super) fn serves(self: &Arc<Self>) -> Served {
        self.in_hand.fetch_add(1, Ordering::Relaxed);
        Served(Arc::clone(self))
    }

    /// There will be no more requests: what is left to be said has the time of a head.
    pub(super) fn closes(&self) {
        self.is_closing.store(true, Ordering::Relaxed);
        self.begins();
    }

    /// The sender may still be sending what nobody will read.
    pub(super) fn leaves_unread(&self) {
        self.leaves_unread.store(true, Ordering::Relaxed);
    }

    /// Whether the sender may still be sending.
    pub(super) fn has_left_unread(&self) -> bool {
        self.leaves_unread.load(Ordering::Relaxed)
    }

    /// When to give up on the connection, or to ask again.
    pub(super) fn deadline(&self) -> Instant {
        if !self.is_waiting() {
            return Instant::now() + self.header_timeout;
        }
        let is_short =
            self.has_begun.load(Ordering::Relaxed) || self.is_closing.load(Ordering::Relaxed);
        let time = if is_short { self.header_timeout } else { self.idle_timeout };
        self.origin + Duration::from_micros(self.since.load(Ordering::Relaxed)) + time
    }

    /// Whether it has ended. The timer is set anew when it goes off and when the deadline has come
    /// nearer, not with every request.
    ///
    /// The timer only wakes. It does not decide: where a sender keeps the connection busy all the
    /// time, its task has always had its share of work before it comes to look at a timer, and such
    /// a timer does not go off.
    pub(super) fn is_over(&self, mut timer: Pin<&mut Sleep>, context: &mut Context<'_>) -> bool {
        if self.is_waiting() {
            let deadline = self.deadline();
            if deadline <= Instant::now() {
                return true;
            }
            if deadline < timer.deadline() {
                timer.as_mut().reset(deadline);
            }
        }
        while timer.as_mut().poll(context).is_ready() {
            let deadline = self.deadline();
            if deadline <= Instant::now() {
                return true;
            }
            timer.as_mut().reset(deadline);
        }
        false
    }

    fn is_waiting(&self) -> bool {
        self.in_hand.load(Ordering::Relaxed) == 0
    }

    fn begins(&self) {
        let micros = u64::try_from(self.origin.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.since.store(micros, Ordering::Relaxed);
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // In this order: with its last request a connection has all of its time.
        self.0.waits();
        self.0.in_hand.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::pin::pin;
    use std::task::Poll;

    use tokio::task::coop::{consume_budget, has_budget_remaining};
    use tokio::time::{advance, sleep_until};

    use super::*;

    const IDLE: Duration = Duration::from_secs(75);
    const HEAD: Duration = Duration::from_secs(10);
    const SECOND: Duration = Duration::from_secs(1);

    fn patience() -> Arc<Patience> {
        let limits = Limits { idle_timeout: IDLE, header_timeout: HEAD, ..Limits::default() };
        Patience::new(&limits)
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_idles_for_long_and_a_head_is_waited_for_shortly() {
        let patience = patience();
        let left = || patience.deadline() - Instant::now();
        assert_eq!((left(), patience.is_waiting()), (IDLE, true));
        advance(SECOND).await;
        assert_eq!(left(), IDLE - SECOND);
        patience.receives();
        assert_eq!(left(), HEAD);
        advance(SECOND).await;
        patience.receives();
        assert_eq!(left(), HEAD - SECOND);
        let served = patience.serves();
        patience.receives();
        assert_eq!((left(), patience.is_waiting()), (HEAD, false));
        drop(served);
        assert_eq!(left(), IDLE);
        patience.receives();
        assert_eq!(left(), HEAD);
        patience.waits();
        assert_eq!(left(), IDLE);
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_is_kept_busy_ends_all_the_same() {
        let patience = patience();
        let mut timer = pin!(sleep_until(patience.deadline()));
        for (passed, expected) in [(IDLE - SECOND, false), (SECOND, true)] {
            advance(passed).await;
            let is_over = poll_fn(|context| {
                // As much work as a task has its turn for.
                while has_budget_remaining() {
                    let _more = pin!(consume_budget()).poll(context);
                }
                Poll::Ready(patience.is_over(timer.as_mut(), context))
            });
            assert_eq!(is_over.await, expected);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_with_several_requests_waits_when_the_last_is_answered() {
        let patience = patience();
        let (first, second) = (patience.serves(), patience.serves());
        advance(2 * IDLE).await;
        drop(first);
        assert!(!patience.is_waiting());
        advance(2 * IDLE).await;
        drop(second);
        assert!(patience.is_waiting());
        assert_eq!(patience.deadline() - Instant::now(), IDLE);
        patience.closes();
        assert_eq!(patience.deadline() - Instant::now(), HEAD);
        drop(patience.serves());
        assert_eq!(patience.deadline() - Instant::now(), HEAD);
    }
}
