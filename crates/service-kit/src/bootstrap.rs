//! What `main` does: run, and say how it ended.
//!
//! ```no_run
//! use std::path::Path;
//! use std::process::ExitCode;
//!
//! use kleos_service_kit::bootstrap::{self, Process, ProcessSettings};
//! use kleos_service_kit::config::{self, Environment};
//! use kleos_service_kit::failure::Failure;
//!
//! fn main() -> ExitCode {
//!     bootstrap::main(|| {
//!         let loaded = config::read(Path::new("kleos.toml"), &Environment::of_process(), |root| {
//!             Some(ProcessSettings::read(&root.section("process")))
//!         })?;
//!         bootstrap::serve(&loaded.value, &loaded.warnings, start)
//!     })
//! }
//!
//! async fn start(process: Process) -> Result<(), Failure> {
//!     bootstrap::serve_admin(&process, "127.0.0.1:9464".parse().map_err(Failure::new)?).await
//! }
//! ```

use std::fmt::Display;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::{Builder, Handle};
use tracing::{info, warn};

use crate::clock::{SharedClock, SystemClock};
use crate::config::Section;
use crate::failure::{Exit, Failure};
use crate::lifecycle::{Lifecycle, Phase, StopReason, Supervisor};
use crate::listen::listen;
use crate::metrics::{MetricsError, Registry};
use crate::readiness::Readiness;
use crate::telemetry::LogSettings;
use crate::{admin, signals, telemetry};

/// `[process]`: what all processes have.
#[derive(Clone, Debug, PartialEq)]
pub struct ProcessSettings {
    /// The log.
    pub log: LogSettings,
    /// How long a stop may take. The default leaves Kubernetes' 30 s a reserve.
    pub stop_within: Duration,
}

impl Default for ProcessSettings {
    fn default() -> Self {
        Self { log: LogSettings::default(), stop_within: Duration::from_secs(25) }
    }
}

impl ProcessSettings {
    /// Takes `log_format`, `log_level` and `stop_within`.
    #[must_use]
    pub fn read(section: &Section<'_>) -> Self {
        let range = Duration::from_secs(1)..=Duration::from_secs(3_600);
        let log = LogSettings::read(section);
        let stop_within = section.duration("stop_within", range).or(Self::default().stop_within);
        Self { log, stop_within }
    }
}

/// What a service is given to run with. Clones are the same process.
#[derive(Clone, Debug)]
pub struct Process {
    /// The time.
    pub clock: SharedClock,
    /// Starts components.
    pub lifecycle: Lifecycle,
    /// Takes conditions.
    pub readiness: Readiness,
    /// Takes metrics.
    pub metrics: Registry,
}

impl Process {
    /// A process, and who supervises it. Tasks run on `runtime`; a stop may take `stop_within`.
    ///
    /// # Errors
    /// Where the process's own metrics cannot be registered.
    pub fn new(
        runtime: Handle,
        clock: SharedClock,
        stop_within: Duration,
    ) -> Result<(Self, Supervisor), MetricsError> {
        let readiness = Readiness::new(Arc::clone(&clock));
        let (lifecycle, supervisor) =
            Lifecycle::new(runtime, &clock, stop_within, readiness.clone());
        let metrics = Registry::new()?;
        Ok((Self { clock, lifecycle, readiness, metrics }, supervisor))
    }

    /// The same process for one of its services: names of components and conditions begin with the
    /// service's, metrics carry it as a label.
    #[must_use]
    pub fn of_service(&self, name: &str) -> Self {
        Self {
            clock: Arc::clone(&self.clock),
            lifecycle: self.lifecycle.scoped(name),
            readiness: self.readiness.scoped(name),
            metrics: self.metrics.of_service(name),
        }
    }
}

/// Runs the body of `main`; a failure is told on stderr.
pub fn main(body: impl FnOnce() -> Result<(), Failure>) -> ExitCode {
    let exit = match run(body) {
        Ok(()) => Exit::Fine,
        Err(failure) => {
            // Where stderr is gone there is nobody left to tell.
            writeln!(io::stderr(), "{failure}").ok();
            failure.exit()
        }
    };
    exit.into()
}

fn run(body: impl FnOnce() -> Result<(), Failure>) -> Result<(), Failure> {
    // The panic itself is on stderr already, by the hook.
    catch_unwind(AssertUnwindSafe(body))
        .unwrap_or_else(|_| Err(Failure::new("a fault in the program: it panicked")))
}

/// Runs a process until it is over: log, runtime, signals, supervision.
///
/// `start` binds and starts components; while it runs, a signal ends it. Then the process goes on
/// until a signal, a component's failure, or until nothing but support runs.
///
/// # Errors
/// Where `start` fails, or the process does not run and stop as it should.
pub fn serve<F>(
    settings: &ProcessSettings,
    warnings: &[impl Display],
    start: impl FnOnce(Process) -> F,
) -> Result<(), Failure>
where
    F: Future<Output = Result<(), Failure>>,
{
    let clock = SystemClock::shared();
    telemetry::install(&settings.log, Arc::clone(&clock)).map_err(Failure::new)?;
    for warning in warnings {
        warn!("{warning}");
    }
    let runtime = Builder::new_multi_thread()
        .enable_all()
        .thread_name("async")
        .build()
        .map_err(|error| Failure::new("cannot start the async runtime").because(&error))?;
    let result = runtime.block_on(supervise(settings, clock, start));
    // Whoever did not stop in time is left behind: waiting for them is over.
    runtime.shutdown_background();
    result
}

async fn supervise<F>(
    settings: &ProcessSettings,
    clock: SharedClock,
    start: impl FnOnce(Process) -> F,
) -> Result<(), Failure>
where
    F: Future<Output = Result<(), Failure>>,
{
    let (process, supervisor) = Process::new(Handle::current(), clock, settings.stop_within)?;
    let lifecycle = process.lifecycle.clone();
    signals::listen(&lifecycle)
        .map_err(|error| Failure::new("cannot listen to signals").because(&error))?;

    let supervision = Handle::current().spawn(supervisor.run());
    let stopping = lifecycle.shutdown(Phase::Intake);
    let started = tokio::select! {
        biased;
        started = start(process) => started,
        () = stopping.requested() => Ok(()),
    };
    match &started {
        Ok(()) => lifecycle.all_started(),
        Err(_) => lifecycle.stop(StopReason::Requested("the start failed".to_owned())),
    }
    let ended = supervision.await.map_err(Failure::new)?;
    started?;
    ended?;
    info!("stopped");
    Ok(())
}

/// Serves the admin port as a component.
///
/// # Errors
/// Where the address cannot be had.
pub async fn serve_admin(process: &Process, address: SocketAddr) -> Result<(), Failure> {
    let listener = listen("the admin port", address).await?;
    let local = listener.local_addr().unwrap_or(address);
    let router = admin::router(process.readiness.clone(), process.metrics.clone());
    info!(address = %local, "the admin port is open");
    process
        .lifecycle
        .spawn_task(Phase::Support, "admin", |shutdown| admin::serve(listener, router, shutdown));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_a_failure_like_any_other() {
        assert_eq!(run(|| Ok(())), Ok(()));
        assert_eq!(run(|| Err(Failure::usage("no"))), Err(Failure::usage("no")));
        let failure = run(|| panic!("a fault")).unwrap_err();
        assert_eq!(failure.exit(), Exit::Failed);
    }
}
