//! A process for workers, in a test.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use kleos_event_log::{Event, Host};

/// Stops when told to, and remembers what it heard.
#[derive(Debug)]
pub(crate) struct TestHost {
    stopping: AtomicBool,
    started: Instant,
    heard: Mutex<Vec<String>>,
    changed: Condvar,
}

impl TestHost {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            stopping: AtomicBool::new(false),
            started: Instant::now(),
            heard: Mutex::new(Vec::new()),
            changed: Condvar::new(),
        })
    }

    pub(crate) fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
        self.changed.notify_all();
    }

    /// Waits until something was heard that begins like this.
    #[track_caller]
    pub(crate) fn wait_for(&self, beginning: &str) {
        let missing =
            |heard: &mut Vec<String>| !heard.iter().any(|event| event.starts_with(beginning));
        let (heard, waited) = self
            .changed
            .wait_timeout_while(self.heard.lock().unwrap(), Duration::from_secs(60), missing)
            .unwrap();
        assert!(!waited.timed_out(), "never heard {beginning:?}, only {heard:?}");
    }

    pub(crate) fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap().clone()
    }
}

impl Host for TestHost {
    fn stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }

    fn pause(&self, duration: Duration) {
        let heard = self.heard.lock().unwrap();
        let going_on = |_: &mut Vec<String>| !self.stopping();
        drop(self.changed.wait_timeout_while(heard, duration, going_on).unwrap());
    }

    fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    fn observe(&self, event: Event<'_>) {
        self.heard.lock().unwrap().push(format!("{event:?}"));
        self.changed.notify_all();
    }
}
