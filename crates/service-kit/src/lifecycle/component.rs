//! Starting tasks and threads so that their end is noticed, however it comes.

use std::any::Any;
use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::thread;

use tracing::{Instrument, info_span};

use crate::failure::error_text;
use crate::lifecycle::roster::{Event, Outcome};
use crate::lifecycle::supervisor::Message;
use crate::lifecycle::{ComponentId, Lifecycle, Phase, Shutdown, SpawnError};

impl Lifecycle {
    /// Runs a task under a name until it ends; `start` is given the phase's request to stop.
    ///
    /// A component that ends well before it was asked to is taken to be done: one that is needed
    /// as long as the process runs must end with an error instead.
    pub fn spawn_task<F, E>(&self, phase: Phase, name: &str, start: impl FnOnce(Shutdown) -> F)
    where
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: Into<Box<dyn Error + Send + Sync>> + Send + 'static,
    {
        let (id, name) = self.register(name);
        let span = info_span!(parent: None, "component", id = name);
        let task = self.shared.runtime.spawn(start(self.shutdown(phase)).instrument(span));
        self.tell(Message {
            event: Event::Started { id, name, phase },
            abort: Some(task.abort_handle()),
        });
        let lifecycle = self.clone();
        // A second task sees the end of the first also where that panics.
        drop(self.shared.runtime.spawn(async move {
            let outcome = match task.await {
                Ok(result) => outcome(result),
                Err(error) if error.is_panic() => panicked(error.into_panic().as_ref()),
                Err(_) => Outcome::Done,
            };
            lifecycle.send(Event::Ended { id, outcome });
        }));
    }

    /// Runs a thread under a name until it ends; `body` is given the phase's request to stop.
    ///
    /// A thread cannot be ended from outside: one that does not heed the request is left behind
    /// when the time to stop is over, and ends with the process.
    ///
    /// # Errors
    /// Where the system has no thread to give.
    pub fn spawn_thread<E>(
        &self,
        phase: Phase,
        name: &str,
        body: impl FnOnce(Shutdown) -> Result<(), E> + Send + 'static,
    ) -> Result<(), SpawnError>
    where
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        let (id, name) = self.register(name);
        let span = info_span!(parent: None, "component", id = name);
        let (lifecycle, shutdown) = (self.clone(), self.shutdown(phase));
        self.tell(Message { event: Event::Started { id, name: name.clone(), phase }, abort: None });
        let spawned = thread::Builder::new().name(name.clone()).spawn(move || {
            let entered = span.entered();
            // What the body leaves half done is not looked at again: the process stops.
            let outcome = match catch_unwind(AssertUnwindSafe(|| body(shutdown))) {
                Ok(result) => outcome(result),
                Err(panic) => panicked(panic.as_ref()),
            };
            drop(entered);
            lifecycle.send(Event::Ended { id, outcome });
        });
        match spawned {
            Ok(_) => Ok(()),
            Err(source) => {
                self.send(Event::Ended { id, outcome: Outcome::Done });
                Err(SpawnError { name, source })
            }
        }
    }

    fn register(&self, name: &str) -> (ComponentId, String) {
        let id = ComponentId(self.shared.ids.fetch_add(1, Ordering::Relaxed));
        (id, format!("{}{name}", self.scope))
    }

    fn tell(&self, message: Message) {
        self.shared.messages.send(message).ok();
    }
}

fn outcome<E: Into<Box<dyn Error + Send + Sync>>>(result: Result<(), E>) -> Outcome {
    match result {
        Ok(()) => Outcome::Done,
        Err(error) => Outcome::Failed(error_text(error.into().as_ref())),
    }
}

fn panicked(panic: &(dyn Any + Send)) -> Outcome {
    let message = panic
        .downcast_ref::<&str>()
        .map(|message| (*message).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned());
    Outcome::Panicked(message.unwrap_or_else(|| "it did not say why".to_owned()))
}
