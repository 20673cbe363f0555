//! Opens the log, looks after it, and closes it when nobody writes any more.

use std::time::Duration;

use kleos_contracts::class::Class;
use kleos_event_log::LogError;
use kleos_service_kit::backoff::{Backoff, BackoffPolicy, chance};
use kleos_service_kit::lifecycle::Shutdown;

use super::health::Standing;
use super::{Publisher, RawLog, Writer};

/// How soon a log that is lost or away is noticed here.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Keeps the log open until the process stops.
///
/// # Errors
/// What the process has to be stopped for: a setting that the log refuses, a disk that takes no
/// more.
pub(super) fn keep(
    log: &dyn RawLog,
    publisher: &Publisher,
    shutdown: &Shutdown,
) -> Result<(), LogError> {
    let mut backoff = Backoff::new(BackoffPolicy::NETWORK);
    loop {
        let Some(writer) = open(log, publisher, shutdown)? else { return Ok(()) };
        publisher.put(Some(writer));
        publisher.health.opened();
        let lost = watch(log, publisher, shutdown);
        publisher.put(None);
        let Some(error) = lost else { return Ok(()) };
        if is_final(&error) {
            return Err(error);
        }
        // A writer that is lost at once, time and again, is replaced more and more slowly.
        if shutdown.wait(backoff.failed(chance())) {
            return Ok(());
        }
    }
}

/// None if the process stops first.
fn open(
    log: &dyn RawLog,
    publisher: &Publisher,
    shutdown: &Shutdown,
) -> Result<Option<Writer>, LogError> {
    let mut backoff = Backoff::new(BackoffPolicy::NETWORK);
    while !shutdown.is_requested() {
        match log.probe().and_then(|()| log.open()) {
            Ok(writer) => return Ok(Some(writer)),
            Err(error) if error.class() == Class::Retriable => {
                publisher.health.closed(&error.to_string());
                let _is_stopping: bool = shutdown.wait(backoff.failed(chance()));
            }
            Err(error) => {
                publisher.health.closed(&error.to_string());
                return Err(error);
            }
        }
    }
    Ok(None)
}

/// Returns when the process stops, or with the error after which the writer is of no use.
///
/// A gateway that is not ready may be sent nothing, and without a record it would never learn that
/// the log is back. So it asks, and goes on with another writer: a log that answers while the writer
/// gets nothing through can mean that the writer has lost it for good.
fn watch(log: &dyn RawLog, publisher: &Publisher, shutdown: &Shutdown) -> Option<LogError> {
    let mut backoff = Backoff::new(BackoffPolicy::NETWORK);
    while !shutdown.wait(LOOK_EVERY) {
        match publisher.health.standing() {
            Standing::Well => backoff.succeeded(),
            Standing::Doubtful => {}
            Standing::Lost(error) => return Some(error),
            Standing::Away => {
                if shutdown.wait(backoff.failed(chance())) {
                    return None;
                }
                match log.probe().and_then(|()| log.open()) {
                    Ok(writer) => {
                        publisher.put(Some(writer));
                        publisher.health.answers();
                    }
                    Err(error) => publisher.health.closed(&error.to_string()),
                }
            }
        }
    }
    None
}

/// Whether another writer would fail as this one did.
const fn is_final(error: &LogError) -> bool {
    matches!(error, LogError::Storage { .. } | LogError::Closed)
}
