//! Whether the log takes records, as far as its last answers tell.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kleos_contracts::class::Class;
use kleos_event_log::LogError;
use kleos_service_kit::readiness::Condition;

/// So many failures in a row, and the log is taken to be away.
const FAILURES_MAX: u32 = 3;

/// Counts failures in a row and keeps the readiness condition.
#[derive(Debug)]
pub(super) struct Health {
    condition: Condition,
    /// Changed only under the lock of `lost`, so that count and condition agree.
    failures: AtomicU32,
    /// The error after which the writer is of no use any more.
    lost: Mutex<Option<LogError>>,
}

impl Health {
    pub(super) const fn new(condition: Condition) -> Self {
        Self { condition, failures: AtomicU32::new(0), lost: Mutex::new(None) }
    }

    /// A record is durable.
    pub(super) fn worked(&self) {
        if self.failures.load(Ordering::Relaxed) == 0 {
            return;
        }
        let lost = self.lock();
        // What a lost writer had still in hand says nothing of the next record.
        if lost.is_none() {
            self.failures.store(0, Ordering::Relaxed);
            self.condition.ready();
        }
    }

    /// The log did not take a record.
    pub(super) fn failed(&self, error: &LogError) {
        let mut lost = self.lock();
        self.count(&error.to_string());
        if error.class() == Class::Fatal {
            self.failures.store(FAILURES_MAX, Ordering::Relaxed);
            self.condition.not_ready(&error.to_string());
            lost.get_or_insert_with(|| error.clone());
        }
    }

    /// The log did not answer.
    pub(super) fn timed_out(&self, after: Duration) {
        let lost = self.lock();
        self.count(&format!("no answer to a record after {after:?}"));
        drop(lost);
    }

    fn count(&self, because: &str) {
        let failures = self.failures.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        if failures >= FAILURES_MAX {
            self.condition.not_ready(because);
        }
    }

    /// There is a new writer.
    pub(super) fn opened(&self) {
        let mut lost = self.lock();
        *lost = None;
        self.failures.store(0, Ordering::Relaxed);
        self.condition.ready();
    }

    /// There is no writer.
    pub(super) fn closed(&self, because: &str) {
        let lost = self.lock();
        self.condition.not_ready(because);
        drop(lost);
    }

    /// The log answers, but has not taken a record since: the next that it refuses is one too many.
    pub(super) fn answers(&self) {
        let lost = self.lock();
        if lost.is_none() {
            self.failures.store(FAILURES_MAX - 1, Ordering::Relaxed);
            self.condition.ready();
        }
    }

    /// How it stands.
    pub(super) fn standing(&self) -> Standing {
        if let Some(error) = self.lock().clone() {
            return Standing::Lost(error);
        }
        match self.failures.load(Ordering::Relaxed) {
            0 => Standing::Well,
            failures if failures < FAILURES_MAX => Standing::Doubtful,
            _ => Standing::Away,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<LogError>> {
        self.lost.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How the log stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It took the last record.
    Well,
    /// It refused the last record, or the last few.
    Doubtful,
    /// It takes no records, for now.
    Away,
    /// It will not take another from this writer.
    Lost(LogError),
}
