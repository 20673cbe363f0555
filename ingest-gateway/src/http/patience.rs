//! How long a connection may keep others waiting.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use crate::config::Limits;

/// While a request is served: its own limits hold.
const SERVING: u64 = u64::MAX;

/// What one connection is at, and until when. Its socket, its requests and whoever drives it share
/// this; all three run in one task, so that nothing here is ever contended.
#[derive(Debug)]
pub(super) struct Patience {
    origin: Instant,
    idle_timeout: Duration,
    header_timeout: Duration,
    /// Microseconds after the origin.
    deadline: AtomicU64,
    has_begun: AtomicBool,
    leaves_unread: AtomicBool,
}

impl Patience {
    /// A connection that waits for its first request.
    pub(super) fn new(limits: &Limits) -> Self {
        let patience = Self {
            origin: Instant::now(),
            idle_timeout: limits.idle_timeout,
            header_timeout: limits.header_timeout,
            deadline: AtomicU64::new(SERVING),
            has_begun: AtomicBool::new(false),
            leaves_unread: AtomicBool::new(false),
        };
        patience.waits();
        patience
    }

    /// Nothing is asked: the connection idles.
    pub(super) fn waits(&self) {
        self.has_begun.store(false, Ordering::Relaxed);
        self.end_after(self.idle_timeout);
    }

    /// Bytes came. The first of a head begin its time; those after them do not prolong it.
    pub(super) fn receives(&self) {
        let waits = self.deadline.load(Ordering::Relaxed) != SERVING;
        if waits && !self.has_begun.swap(true, Ordering::Relaxed) {
            self.end_after(self.header_timeout);
        }
    }

    /// A head is complete.
    pub(super) fn serves(&self) {
        self.deadline.store(SERVING, Ordering::Relaxed);
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
        match self.deadline.load(Ordering::Relaxed) {
            SERVING => Instant::now() + self.header_timeout,
            micros => self.origin + Duration::from_micros(micros),
        }
    }

    /// Whether there is a deadline to keep at present.
    pub(super) fn is_waiting(&self) -> bool {
        self.deadline.load(Ordering::Relaxed) != SERVING
    }

    fn end_after(&self, time: Duration) {
        let micros = (self.origin.elapsed() + time).as_micros();
        self.deadline.store(u64::try_from(micros).unwrap_or(SERVING), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_connection_idles_for_long_and_a_head_is_waited_for_shortly() {
        let (idle, head) = (Duration::from_secs(75), Duration::from_secs(10));
        let limits = Limits { idle_timeout: idle, header_timeout: head, ..Limits::default() };
        let patience = Patience::new(&limits);
        let left = || patience.deadline() - Instant::now();
        assert_eq!((left(), patience.is_waiting()), (idle, true));
        let second = Duration::from_secs(1);
        advance(second).await;
        assert_eq!(left(), idle - second);
        patience.receives();
        assert_eq!(left(), head);
        advance(second).await;
        patience.receives();
        assert_eq!(left(), head - second);
        patience.serves();
        patience.receives();
        assert_eq!((left(), patience.is_waiting()), (head, false));
        patience.waits();
        assert_eq!(left(), idle);
        patience.receives();
        assert_eq!(left(), head);
    }
}
