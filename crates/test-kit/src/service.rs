//! A service as a process of its own, inside of a test.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::time::Duration;

use kleos_service_kit::bootstrap::Process;
use kleos_service_kit::clock::{SharedClock, SystemClock};
use kleos_service_kit::lifecycle::{LifecycleError, StopReason};
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;

use crate::wait::DEADLINE;

/// A process, its runtime and its supervisor.
#[derive(Debug)]
pub struct Hosted {
    /// What the service sees of it.
    pub process: Process,
    /// For asking the service something.
    pub runtime: Runtime,
    supervision: JoinHandle<Result<(), LifecycleError>>,
}

impl Hosted {
    /// Starts whatever the closure starts in the process.
    ///
    /// # Panics
    /// If there can be no such process.
    pub fn start<T>(start: impl AsyncFnOnce(&Process) -> T) -> (Self, T) {
        Self::start_at(SystemClock::shared(), start)
    }

    /// The same with a clock of the test's own.
    ///
    /// # Panics
    /// If there can be no such process.
    pub fn start_at<T>(clock: SharedClock, start: impl AsyncFnOnce(&Process) -> T) -> (Self, T) {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let stop_within = Duration::from_secs(25);
        let (process, supervisor) =
            Process::new(runtime.handle().clone(), clock, stop_within).unwrap();
        let supervision = runtime.spawn(supervisor.run());
        let started = runtime.block_on(start(&process));
        process.lifecycle.all_started();
        (Self { process, runtime, supervision }, started)
    }

    /// Stops it as an operator would; the batch in hand is finished.
    ///
    /// # Panics
    /// If it does not end well.
    #[must_use]
    pub fn stop(self) -> Process {
        let (process, ended) = self.try_stop();
        ended.unwrap();
        process
    }

    /// Waits for it to end by itself; tells how.
    ///
    /// # Panics
    /// If it goes on for a minute, or the supervisor panics.
    #[track_caller]
    pub fn join(self) -> Result<(), LifecycleError> {
        let ended = async { tokio::time::timeout(DEADLINE, self.supervision).await };
        let Ok(ended) = self.runtime.block_on(ended) else {
            panic!("it goes on: {:?}", self.process.readiness.report());
        };
        ended.unwrap()
    }

    /// Stops it, however it ends.
    ///
    /// # Panics
    /// If the supervisor does.
    pub fn try_stop(self) -> (Process, Result<(), LifecycleError>) {
        self.process.lifecycle.stop(StopReason::Requested("the test is over".to_owned()));
        let ended = self.runtime.block_on(self.supervision).unwrap();
        (self.process, ended)
    }
}
