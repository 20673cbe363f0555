//! How a process's parts run and stop.
//!
//! A part is a named task or a named thread, a *component*. One that fails or panics brings the
//! process down in the same orderly way as a signal does:
//!
//! ```text
//!   signal, failure, or all work done
//!        │  not ready any more; the time to stop runs
//!        ▼
//!   Intake  no new input: listeners close, requests in hand are answered
//!        ▼  when all of Intake have ended
//!   Work    the batch in hand is drained, flushed and committed
//!        ▼  when all of Work have ended
//!   Support what the others lean on closes: admin port, upkeep of the log
//!        ▼
//!   the end: fine, or the first failure, or who was late
//! ```
//!
//! Nothing here is static: a [`Lifecycle`] is handed to whoever starts components, and each
//! component is handed the [`Shutdown`] of its phase.

mod component;
mod roster;
mod shutdown;
mod supervisor;

use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use kleos_contracts::class::Class;
use tokio::runtime::Handle;
use tokio::sync::mpsc;

pub use shutdown::{Shutdown, ShutdownTrigger};
pub use supervisor::Supervisor;

use crate::clock::SharedClock;
use crate::lifecycle::roster::Event;
use crate::lifecycle::supervisor::Message;
use crate::readiness::Readiness;

/// When a component is asked to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// First: what lets new input in.
    Intake,
    /// Then: what works on it.
    Work,
    /// Last: what the others lean on. A process whose other components are done stops.
    Support,
}

impl Phase {
    const fn next(self) -> Option<Self> {
        match self {
            Self::Intake => Some(Self::Work),
            Self::Work => Some(Self::Support),
            Self::Support => None,
        }
    }
}

/// Why a process stops.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StopReason {
    /// A signal, by its name.
    Signal(&'static str),
    /// A component failed or panicked.
    Failed {
        /// Its name.
        component: String,
    },
    /// Nothing but support runs.
    Finished,
    /// Someone said so.
    Requested(String),
}

impl fmt::Display for StopReason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Signal(name) => formatter.write_str(name),
            Self::Failed { component } => write!(formatter, "{component} failed"),
            Self::Finished => formatter.write_str("all work is done"),
            Self::Requested(reason) => formatter.write_str(reason),
        }
    }
}

/// Why a process did not run and stop as it should.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LifecycleError {
    /// A component ended with an error.
    #[error("{component} failed: {reason}")]
    Failed {
        /// Which.
        component: String,
        /// The error with its causes.
        reason: String,
    },
    /// A component panicked: a fault in the program.
    #[error("{component} panicked: {message}")]
    Panicked {
        /// Which.
        component: String,
        /// What it said.
        message: String,
    },
    /// Components still ran when the time to stop was over.
    #[error("{} did not stop in time", running.join(", "))]
    DeadlinePassed {
        /// Which.
        running: Vec<String>,
    },
    /// It was told to stop without waiting for anybody.
    #[error("interrupted while {} still ran", running.join(", "))]
    Interrupted {
        /// Who still ran.
        running: Vec<String>,
    },
}

impl LifecycleError {
    /// The process is over.
    #[must_use]
    pub const fn class(&self) -> Class {
        Class::Fatal
    }
}

/// A thread could not be had.
#[derive(Debug, thiserror::Error)]
#[error("cannot start the thread {name}")]
pub struct SpawnError {
    /// Its name.
    pub name: String,
    /// What the system said.
    #[source]
    pub source: io::Error,
}

/// Tells components apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ComponentId(u64);

/// Starts components and asks for the stop. Clones are the same lifecycle.
#[derive(Clone, Debug)]
pub struct Lifecycle {
    shared: Arc<Shared>,
    /// Stands before the names of components.
    scope: String,
}

#[derive(Debug)]
pub(crate) struct Shared {
    runtime: Handle,
    stop_within: Duration,
    phases: [ShutdownTrigger; 3],
    messages: mpsc::UnboundedSender<Message>,
    ids: AtomicU64,
}

impl Shared {
    const fn trigger(&self, phase: Phase) -> &ShutdownTrigger {
        let [intake, work, support] = &self.phases;
        match phase {
            Phase::Intake => intake,
            Phase::Work => work,
            Phase::Support => support,
        }
    }
}

impl Lifecycle {
    /// A lifecycle, and who supervises it. Tasks run on `runtime`; once the stop is asked for, all
    /// must be over within `stop_within`.
    #[must_use]
    pub fn new(
        runtime: Handle,
        clock: &SharedClock,
        stop_within: Duration,
        readiness: Readiness,
    ) -> (Self, Supervisor) {
        let (sender, receiver) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared {
            runtime,
            stop_within,
            phases: std::array::from_fn(|_| ShutdownTrigger::new(Arc::clone(clock))),
            messages: sender,
            ids: AtomicU64::new(0),
        });
        let supervisor = Supervisor::new(Arc::clone(&shared), receiver, readiness);
        (Self { shared, scope: String::new() }, supervisor)
    }

    /// The same lifecycle; the names of components that start through it begin with `scope`.
    #[must_use]
    pub fn scoped(&self, scope: &str) -> Self {
        Self { shared: Arc::clone(&self.shared), scope: format!("{}{scope}/", self.scope) }
    }

    /// The request to stop of a phase.
    #[must_use]
    pub fn shutdown(&self, phase: Phase) -> Shutdown {
        self.shared.trigger(phase).shutdown()
    }

    /// Asks the process to stop.
    pub fn stop(&self, reason: StopReason) {
        self.send(Event::StopRequested(reason));
    }

    /// Ends the process without waiting for anybody.
    pub fn stop_now(&self) {
        self.send(Event::StopNow);
    }

    /// All that start with the process have started: from now on it stops when nothing but support
    /// runs.
    pub fn all_started(&self) {
        self.send(Event::AllStarted);
    }

    /// Runs a task that nobody waits for and whose end changes nothing.
    pub(crate) fn spawn_unwatched(&self, task: impl Future<Output = ()> + Send + 'static) {
        drop(self.shared.runtime.spawn(task));
    }

    fn send(&self, event: Event) {
        // Without a supervisor the process is over, and nobody is left to care.
        self.shared.messages.send(Message { event, abort: None }).ok();
    }
}
