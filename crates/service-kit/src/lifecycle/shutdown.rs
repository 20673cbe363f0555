//! The request to stop, as a component sees it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use crate::clock::SharedClock;

/// Whether a component is to stop. Tasks await it, threads ask or wait.
#[derive(Clone, Debug)]
pub struct Shutdown {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    requested: AtomicBool,
    /// By the clock's monotonic reading; set before the request is seen.
    deadline: OnceLock<Duration>,
    clock: SharedClock,
    gate: Mutex<()>,
    changed: Condvar,
    tasks: watch::Sender<bool>,
}

/// The other end of a [`Shutdown`].
#[derive(Debug)]
pub struct ShutdownTrigger {
    shared: Arc<Shared>,
}

impl ShutdownTrigger {
    /// Not requested yet.
    #[must_use]
    pub fn new(clock: SharedClock) -> Self {
        Self {
            shared: Arc::new(Shared {
                requested: AtomicBool::new(false),
                deadline: OnceLock::new(),
                clock,
                gate: Mutex::new(()),
                changed: Condvar::new(),
                tasks: watch::Sender::new(false),
            }),
        }
    }

    /// What a component is given.
    #[must_use]
    pub fn shutdown(&self) -> Shutdown {
        Shutdown { shared: Arc::clone(&self.shared) }
    }

    /// Asks to stop within some time. Only the first request counts.
    pub fn request(&self, within: Duration) {
        let shared = &self.shared;
        shared.deadline.get_or_init(|| shared.clock.monotonic().saturating_add(within));
        let held = shared.gate.lock().unwrap_or_else(PoisonError::into_inner);
        shared.requested.store(true, Ordering::Release);
        drop(held);
        shared.changed.notify_all();
        shared.tasks.send_replace(true);
    }
}

impl Shutdown {
    /// Whether to stop: costs one load, so it can be asked in every turn of a loop.
    #[must_use]
    pub fn is_requested(&self) -> bool {
        self.shared.requested.load(Ordering::Acquire)
    }

    /// Waits, in a task.
    pub async fn requested(&self) {
        let mut tasks = self.shared.tasks.subscribe();
        // The sender lives in `self`, so the channel cannot end before the request.
        tasks.wait_for(|is_requested| *is_requested).await.ok();
    }

    /// Waits, in a thread, at most so long; whether to stop.
    #[must_use]
    pub fn wait(&self, at_most: Duration) -> bool {
        let held = self.shared.gate.lock().unwrap_or_else(PoisonError::into_inner);
        let (held, _) = self
            .shared
            .changed
            .wait_timeout_while(held, at_most, |()| !self.is_requested())
            .unwrap_or_else(PoisonError::into_inner);
        drop(held);
        self.is_requested()
    }

    /// How much of the time to stop is left; nothing to say before the request.
    #[must_use]
    pub fn time_left(&self) -> Option<Duration> {
        let deadline = self.shared.deadline.get()?;
        Some(deadline.saturating_sub(self.shared.clock.monotonic()))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;

    use super::*;
    use crate::clock::SystemClock;
    use crate::clock::tests::ManualClock;

    const LONG: Duration = Duration::from_secs(600);

    #[tokio::test]
    async fn tasks_and_threads_learn_of_the_request() {
        let trigger = ShutdownTrigger::new(SystemClock::shared());
        let shutdown = trigger.shutdown();
        assert!(!shutdown.is_requested());
        assert!(!shutdown.wait(Duration::ZERO));

        let (sender, waiting) = mpsc::channel();
        let threads: Vec<_> = [shutdown.clone(), shutdown.clone()]
            .map(|shutdown| {
                let sender = sender.clone();
                thread::Builder::new()
                    .spawn(move || {
                        sender.send(()).unwrap();
                        shutdown.wait(LONG)
                    })
                    .unwrap()
            })
            .into();
        waiting.recv().unwrap();
        waiting.recv().unwrap();
        trigger.request(LONG);
        shutdown.requested().await;
        assert!(shutdown.is_requested());
        assert!(threads.into_iter().all(|thread| thread.join().unwrap()));
    }

    #[test]
    fn the_time_left_runs_from_the_first_request_to_nothing() {
        let clock = Arc::new(ManualClock::default());
        let trigger = ShutdownTrigger::new(Arc::clone(&clock) as SharedClock);
        let shutdown = trigger.shutdown();
        clock.advance(Duration::from_secs(100));
        assert_eq!(shutdown.time_left(), None);
        trigger.request(Duration::from_secs(10));
        clock.advance(Duration::from_secs(4));
        trigger.request(Duration::from_secs(99));
        assert_eq!(shutdown.time_left(), Some(Duration::from_secs(6)));
        clock.advance(Duration::from_secs(7));
        assert_eq!(shutdown.time_left(), Some(Duration::ZERO));
    }
}
