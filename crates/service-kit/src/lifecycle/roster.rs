//! Who runs, and what follows from that: decided here, carried out by the supervisor.

use std::collections::BTreeMap;
use std::fmt;

use crate::lifecycle::{ComponentId, LifecycleError, Phase, StopReason};

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// A component runs.
    Started { id: ComponentId, name: String, phase: Phase },
    /// A component is over.
    Ended { id: ComponentId, outcome: Outcome },
    /// All that start with the process have started.
    AllStarted,
    /// Someone wants the process to stop.
    StopRequested(StopReason),
    /// Someone wants it to stop without waiting for anybody.
    StopNow,
    /// The time to stop is over.
    DeadlinePassed,
}

/// How a component ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Done,
    Failed(String),
    Panicked(String),
}

impl fmt::Display for Outcome {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done => formatter.write_str("done"),
            Self::Failed(reason) => formatter.write_str(reason),
            Self::Panicked(message) => write!(formatter, "panicked: {message}"),
        }
    }
}

/// What to do about it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// A component is over: say so.
    Report { name: String, outcome: Outcome },
    /// Not ready any more, and the time to stop begins.
    BeginStop(StopReason),
    /// Ask the components of a phase to stop.
    StopPhase(Phase),
    /// It is over.
    Finish(Result<(), LifecycleError>),
}

/// Who runs, and how far the stop has come.
#[derive(Debug, Default)]
pub(crate) struct Roster {
    running: BTreeMap<ComponentId, (String, Phase)>,
    all_started: bool,
    stopping: Option<Phase>,
    failure: Option<LifecycleError>,
}

impl Roster {
    /// Takes note of an event; what follows from it, in this order.
    pub(crate) fn on(&mut self, event: Event) -> Vec<Effect> {
        let mut effects = Vec::new();
        match event {
            Event::Started { id, name, phase } => {
                self.running.insert(id, (name, phase));
            }
            Event::Ended { id, outcome } => self.ended(id, outcome, &mut effects),
            Event::AllStarted => self.all_started = true,
            Event::StopRequested(reason) => self.begin_stop(reason, &mut effects),
            Event::StopNow => {
                let running = self.names();
                effects.push(Effect::Finish(Err(LifecycleError::Interrupted { running })));
                return effects;
            }
            Event::DeadlinePassed => {
                let late = LifecycleError::DeadlinePassed { running: self.late() };
                effects.push(Effect::Finish(Err(self.failure.take().unwrap_or(late))));
                return effects;
            }
        }
        if self.all_started && !self.is_working() {
            self.begin_stop(StopReason::Finished, &mut effects);
        }
        self.advance(&mut effects);
        effects
    }

    fn names(&self) -> Vec<String> {
        self.running.values().map(|(name, _)| name.clone()).collect()
    }

    /// Who was asked to stop and did not: those that wait for them are not to blame.
    fn late(&self) -> Vec<String> {
        let is_late = |phase| self.stopping.is_some_and(|stopping| phase <= stopping);
        let late = self.running.values().filter(|(_, phase)| is_late(*phase));
        late.map(|(name, _)| name.clone()).collect()
    }

    fn ended(&mut self, id: ComponentId, outcome: Outcome, effects: &mut Vec<Effect>) {
        let Some((component, _)) = self.running.remove(&id) else { return };
        effects.push(Effect::Report { name: component.clone(), outcome: outcome.clone() });
        let failure = match outcome {
            Outcome::Done => return,
            Outcome::Failed(reason) => {
                LifecycleError::Failed { component: component.clone(), reason }
            }
            Outcome::Panicked(message) => {
                LifecycleError::Panicked { component: component.clone(), message }
            }
        };
        // What fails later is often a consequence of what failed first.
        self.failure.get_or_insert(failure);
        self.begin_stop(StopReason::Failed { component }, effects);
    }

    fn begin_stop(&mut self, reason: StopReason, effects: &mut Vec<Effect>) {
        if self.stopping.is_none() {
            let first = Phase::Intake;
            self.stopping = Some(first);
            effects.extend([Effect::BeginStop(reason), Effect::StopPhase(first)]);
        }
    }

    /// Each phase stops when the one before it has ended.
    fn advance(&mut self, effects: &mut Vec<Effect>) {
        while let Some(phase) = self.stopping {
            if self.running.values().any(|(_, of)| *of <= phase) {
                return;
            }
            let Some(next) = phase.next() else {
                let result = self.failure.take().map_or(Ok(()), Err);
                effects.push(Effect::Finish(result));
                return;
            };
            self.stopping = Some(next);
            effects.push(Effect::StopPhase(next));
        }
    }

    fn is_working(&self) -> bool {
        self.running.values().any(|(_, phase)| *phase < Phase::Support)
    }
}

#[cfg(test)]
mod tests;
