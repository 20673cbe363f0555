//! Workers as components of a process.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use kleos_contracts::class::Class;
use kleos_service_kit::bootstrap::Process;
use kleos_service_kit::clock::SharedClock;
use kleos_service_kit::lifecycle::{Phase, Shutdown, SpawnError};
use kleos_service_kit::readiness::Condition;

use crate::error::LogError;
use crate::host::{Event, Host};
use crate::log::EventLog;
use crate::metrics::WorkerMetrics;
use crate::stage::Stage;
use crate::worker::{WorkerError, WorkerSpec};

const PAUSE_MIN: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// Starts a worker on a thread of its own. `make_stage` is called there, again after a pause while
/// the log does not answer; until partitions are processed the process says what it waits for.
///
/// # Errors
/// If there is no thread to be had.
pub fn spawn_worker<S, F>(
    process: &Process,
    log: &EventLog,
    spec: WorkerSpec,
    metrics: &WorkerMetrics,
    make_stage: F,
) -> Result<(), SpawnError>
where
    S: Stage + 'static,
    F: Fn() -> Result<S, LogError> + Send + 'static,
{
    let name = format!("worker-{}", spec.index);
    let condition = process.readiness.condition(&name);
    let (clock, log, metrics) = (process.clock.clone(), log.clone(), metrics.clone());
    process.lifecycle.spawn_thread(Phase::Work, &name, move |shutdown| {
        let held = Mutex::new(Held::default());
        let host = ProcessHost { shutdown, clock, condition, metrics, held };
        let Some(mut stage) = host.make(&make_stage)? else { return Ok(()) };
        log.run_worker(&spec, &mut stage, &host)
    })
}

struct ProcessHost {
    shutdown: Shutdown,
    clock: SharedClock,
    condition: Condition,
    metrics: WorkerMetrics,
    held: Mutex<Held>,
}

/// What this worker has added to the gauges that all workers share.
#[derive(Clone, Copy, Debug, Default)]
struct Held {
    running: usize,
    restoring: usize,
}

impl ProcessHost {
    /// None if the process is to stop first.
    fn make<S>(&self, make: &dyn Fn() -> Result<S, LogError>) -> Result<Option<S>, WorkerError> {
        let mut pause = PAUSE_MIN;
        loop {
            match make() {
                Ok(stage) => return Ok(Some(stage)),
                Err(error) if error.class() == Class::Retriable => {
                    self.observe(Event::Trouble(&error.to_string()));
                    if self.shutdown.wait(pause) {
                        return Ok(None);
                    }
                    pause = (pause * 2).min(PAUSE_MAX);
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn show(&self, now: Held) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let signed = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
        self.metrics.partitions.add(signed(now.running) - signed(held.running));
        self.metrics.restoring.add(signed(now.restoring) - signed(held.restoring));
        *held = now;
        drop(held);
        if now.restoring > 0 {
            self.condition.not_ready(&format!("restoring {} partitions", now.restoring));
        } else {
            self.condition.ready();
        }
    }
}

impl Host for ProcessHost {
    fn stopping(&self) -> bool {
        self.shutdown.is_requested()
    }

    fn pause(&self, duration: Duration) {
        let _is_stopping: bool = self.shutdown.wait(duration);
    }

    fn elapsed(&self) -> Duration {
        self.clock.monotonic()
    }

    fn observe(&self, event: Event<'_>) {
        let metrics = &self.metrics;
        match event {
            Event::Partitions { running, restoring } => self.show(Held { running, restoring }),
            Event::Restored { records } => metrics.restored.inc_by(records),
            Event::Committed { records, processing, commit } => {
                metrics.records.inc_by(records as u64);
                metrics.commits.inc();
                metrics.processing.observe(processing.as_secs_f64());
                metrics.commit.observe(commit.as_secs_f64());
                self.condition.ready();
            }
            Event::RolledBack => metrics.rollbacks.inc(),
            Event::UnknownOutcome => metrics.unknown_outcomes.inc(),
            Event::Trouble(cause) => {
                metrics.retries.inc();
                self.condition.not_ready(cause);
            }
        }
    }
}

impl Drop for ProcessHost {
    fn drop(&mut self) {
        let held = *self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let signed = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
        self.metrics.partitions.sub(signed(held.running));
        self.metrics.restoring.sub(signed(held.restoring));
    }
}
