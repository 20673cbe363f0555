//! Waiting for something that will be so.
#![allow(clippy::disallowed_methods, reason = "what a test waits for happens by the real clock")]

use std::time::{Duration, Instant};

/// How long a test waits for what should come at once.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

/// Waits until a condition holds.
///
/// # Panics
/// If it does not within a minute.
#[track_caller]
pub fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !is_so() {
        assert!(Instant::now() < deadline, "never {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
