//! Carries out what the roster decides.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep_until};
use tracing::{error, info};

use crate::lifecycle::roster::{Effect, Event, Outcome, Roster};
use crate::lifecycle::{ComponentId, LifecycleError, Phase, Shared};
use crate::readiness::Readiness;

/// What components and the holders of a lifecycle tell the supervisor.
#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) event: Event,
    /// With the start of a task: how to end it.
    pub(crate) abort: Option<AbortHandle>,
}

/// Watches over the components of a lifecycle.
#[derive(Debug)]
pub struct Supervisor {
    shared: Arc<Shared>,
    messages: mpsc::UnboundedReceiver<Message>,
    readiness: Readiness,
    roster: Roster,
    tasks: BTreeMap<ComponentId, AbortHandle>,
    deadline: Option<Instant>,
}

impl Supervisor {
    pub(crate) fn new(
        shared: Arc<Shared>,
        messages: mpsc::UnboundedReceiver<Message>,
        readiness: Readiness,
    ) -> Self {
        Self {
            shared,
            messages,
            readiness,
            roster: Roster::default(),
            tasks: BTreeMap::new(),
            deadline: None,
        }
    }

    /// Watches until all is over.
    ///
    /// # Errors
    /// Where a component failed or panicked, or did not stop in time.
    pub async fn run(mut self) -> Result<(), LifecycleError> {
        loop {
            let event = self.next_event().await;
            for effect in self.roster.on(event) {
                if let Some(result) = self.carry_out(effect) {
                    self.release_all();
                    return result;
                }
            }
        }
    }

    async fn next_event(&mut self) -> Event {
        let deadline = self.deadline;
        let passed = async move {
            match deadline {
                Some(deadline) => sleep_until(deadline).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            message = self.messages.recv() => match message {
                Some(Message { event, abort }) => {
                    self.keep_handle(&event, abort);
                    event
                }
                // `self.shared` holds a sender, so the channel does not end.
                None => Event::StopNow,
            },
            () = passed => Event::DeadlinePassed,
        }
    }

    fn keep_handle(&mut self, event: &Event, abort: Option<AbortHandle>) {
        match (event, abort) {
            (Event::Started { id, .. }, Some(abort)) => {
                self.tasks.insert(*id, abort);
            }
            (Event::Ended { id, .. }, _) => {
                self.tasks.remove(id);
            }
            _ => {}
        }
    }

    fn carry_out(&mut self, effect: Effect) -> Option<Result<(), LifecycleError>> {
        match effect {
            Effect::Report { name, outcome: Outcome::Done } => info!(component = name, "ended"),
            Effect::Report { name, outcome } => {
                error!(component = name, reason = %outcome, "failed")
            }
            Effect::BeginStop(reason) => {
                info!(%reason, within = ?self.shared.stop_within, "stopping");
                self.readiness.stop();
                self.deadline = Some(Instant::now() + self.shared.stop_within);
            }
            Effect::StopPhase(phase) => self.request(phase),
            Effect::Finish(result) => return Some(result),
        }
        None
    }

    fn request(&self, phase: Phase) {
        let left = self.deadline.map(|deadline| deadline.duration_since(Instant::now()));
        self.shared.trigger(phase).request(left.unwrap_or_default());
    }

    /// Whoever still runs is to notice that it is over.
    fn release_all(&self) {
        self.readiness.stop();
        for phase in [Phase::Intake, Phase::Work, Phase::Support] {
            self.request(phase);
        }
        for task in self.tasks.values() {
            task.abort();
        }
    }
}

#[cfg(test)]
mod tests;
