//! Calls that can be given up.
//!
//! Some calls of librdkafka never come back where a broker was forgotten in the middle of them, as
//! an answer about the cluster did not list it; their own time limits do not help then. So they are
//! made by a thread that can be left behind.

use std::sync::mpsc::{self, Sender};
use std::thread::Builder;
use std::time::Duration;

use super::cluster::CALL_TIMEOUT;
use crate::error::LogError;

/// A thread that makes calls, one after the other. It ends when this is dropped and the last call
/// has come back.
#[derive(Debug)]
pub(super) struct Helper {
    calls: Sender<Box<dyn FnOnce() + Send>>,
}

impl Helper {
    pub(super) fn start(name: &str) -> Result<Self, LogError> {
        let (calls, received) = mpsc::channel::<Box<dyn FnOnce() + Send>>();
        let name = format!("kafka/{name}");
        let thread =
            Builder::new().name(name).spawn(move || received.iter().for_each(|call| call()));
        thread.map_err(|error| LogError::unavailable("starting a thread", error))?;
        Ok(Self { calls })
    }

    /// What a call answers; none if it has not come back in time. The helper is of no use then.
    pub(super) fn within<T: Send + 'static>(
        &self,
        limit: Duration,
        call: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        let (answer, answers) = mpsc::sync_channel(1);
        let call = move || drop(answer.send(call()));
        self.calls.send(Box::new(call)).ok()?;
        let answered = answers.recv_timeout(limit).ok();
        if answered.is_none() {
            tracing::warn!(
                ?limit,
                "a call of the Kafka client does not come back; it is left behind with its thread \
                 and connections until the process ends, and a new client goes on"
            );
        }
        answered
    }
}

/// Drops a client, which can take as long as a call can.
pub(super) fn retire(client: impl Send + 'static) {
    if let Ok(helper) = Helper::start("retiring") {
        helper.within(CALL_TIMEOUT, move || drop(client));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn a_call_that_does_not_come_back_is_given_up() {
        let helper = Helper::start("test").unwrap();
        assert_eq!(helper.within(Duration::from_secs(60), || 7), Some(7));
        let (release, held) = channel::<()>();
        let never = move || held.recv().is_ok();
        assert_eq!(helper.within(Duration::from_millis(20), never), None);
        drop(release);
    }

    #[test]
    fn a_call_that_panics_is_given_up() {
        let helper = Helper::start("test").unwrap();
        let panics = || assert!(std::env::args().count() > 1_000, "as it must");
        assert_eq!(helper.within(Duration::from_secs(60), panics), None);
        assert_eq!(helper.within(Duration::from_secs(60), || 7), None);
    }
}
