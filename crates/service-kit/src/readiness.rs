//! Whether the process can do its work, and what it waits for.
//!
//! Each thing that is needed is a named condition with a handle; whoever looks after the thing sets
//! it. The log has one line for a change from ready to not ready or back, however often it is set.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kleos_contracts::time::Timestamp;
use serde::Serialize;
use tracing::{info, warn};

use crate::clock::SharedClock;

/// All conditions of a process. Clones are the same conditions.
#[derive(Clone, Debug)]
pub struct Readiness {
    shared: Arc<Shared>,
    /// Stands before the names of conditions.
    scope: String,
}

#[derive(Debug)]
struct Shared {
    clock: SharedClock,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    is_stopping: bool,
    conditions: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    report: ConditionReport,
    /// What the log said last; nothing yet while it is starting.
    logged: Option<bool>,
}

/// One thing that is needed.
#[derive(Clone, Debug)]
pub struct Condition {
    shared: Arc<Shared>,
    index: usize,
}

/// What `/ready` shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReadinessReport {
    /// Whether all is ready and the process is not about to stop.
    pub ready: bool,
    /// Whether the process stops.
    pub stopping: bool,
    /// Each thing that is needed.
    pub conditions: Vec<ConditionReport>,
}

/// One thing that is needed, as `/ready` shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ConditionReport {
    /// Its name.
    pub name: String,
    /// Whether it is there.
    pub ready: bool,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
    /// Since when it is so.
    pub since: Timestamp,
}

impl Readiness {
    /// Without conditions: ready.
    #[must_use]
    pub fn new(clock: SharedClock) -> Self {
        let shared = Shared { clock, state: Mutex::default() };
        Self { shared: Arc::new(shared), scope: String::new() }
    }

    /// The same conditions; the names of those that are added through it begin with `scope`.
    #[must_use]
    pub fn scoped(&self, scope: &str) -> Self {
        Self { shared: Arc::clone(&self.shared), scope: format!("{}{scope}/", self.scope) }
    }

    /// Adds a condition: not ready, because it is starting.
    #[must_use]
    pub fn condition(&self, name: &str) -> Condition {
        let since = self.shared.clock.now();
        let mut state = self.shared.state();
        let index = state.conditions.len();
        let report = ConditionReport {
            name: format!("{}{name}", self.scope),
            ready: false,
            because: Some("starting".to_owned()),
            since,
        };
        state.conditions.push(Entry { report, logged: None });
        Condition { shared: Arc::clone(&self.shared), index }
    }

    /// Not ready from now on: the process stops.
    pub fn stop(&self) {
        self.shared.state().is_stopping = true;
    }

    /// How it stands.
    #[must_use]
    pub fn report(&self) -> ReadinessReport {
        let state = self.shared.state();
        let conditions: Vec<ConditionReport> =
            state.conditions.iter().map(|entry| entry.report.clone()).collect();
        ReadinessReport {
            ready: !state.is_stopping && conditions.iter().all(|condition| condition.ready),
            stopping: state.is_stopping,
            conditions,
        }
    }
}

impl Condition {
    /// It is there.
    pub fn ready(&self) {
        if let Some(name) = self.set(None) {
            info!(condition = name, "ready");
        }
    }

    /// It is not there.
    pub fn not_ready(&self, because: &str) {
        if let Some(name) = self.set(Some(because)) {
            warn!(condition = name, because, "not ready");
        }
    }

    /// The name, where the log has not said yet how it is now.
    fn set(&self, because: Option<&str>) -> Option<String> {
        let is_ready = because.is_none();
        let mut state = self.shared.state();
        let Entry { report, logged } = state.conditions.get_mut(self.index)?;
        if report.ready != is_ready {
            report.ready = is_ready;
            report.since = self.shared.clock.now();
        }
        if report.because.as_deref() != because {
            report.because = because.map(str::to_owned);
        }
        let is_news = logged.replace(is_ready) != Some(is_ready);
        is_news.then(|| report.name.clone())
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::tests::ManualClock;
    use crate::telemetry::tests::logged;

    fn shown(readiness: &Readiness) -> String {
        serde_json::to_string(&readiness.report()).unwrap()
    }

    #[test]
    fn all_conditions_are_shown_and_all_must_hold() {
        let clock = Arc::new(ManualClock::default());
        let readiness = Readiness::new(Arc::clone(&clock) as SharedClock);
        assert_eq!(shown(&readiness), r#"{"ready":true,"stopping":false,"conditions":[]}"#);

        let log = readiness.scoped("gateway").condition("log");
        let registry = readiness.condition("registry");
        log.ready();
        clock.advance(std::time::Duration::from_secs(1));
        registry.not_ready("no answer from 127.0.0.1:8081");
        assert_eq!(
            shown(&readiness),
            r#"{"ready":false,"stopping":false,"conditions":["#.to_owned()
                + r#"{"name":"gateway/log","ready":true,"since":"1970-01-01T00:00:00Z"},"#
                + r#"{"name":"registry","ready":false,"because":"no answer from 127.0.0.1:8081","#
                + r#""since":"1970-01-01T00:00:00Z"}]}"#
        );
        registry.ready();
        let report = readiness.report();
        assert!(report.ready);
        assert_eq!(report.conditions[1].since.to_string(), "1970-01-01T00:00:01Z");

        readiness.stop();
        assert!(!readiness.report().ready);
        log.ready();
        assert!(readiness.report().stopping && !readiness.report().ready);
    }

    #[test]
    fn the_log_has_one_line_for_a_change() {
        let lines = logged(|clock| {
            let broker = Readiness::new(clock).condition("broker");
            broker.not_ready("no answer");
            broker.not_ready("still no answer");
            broker.ready();
            broker.ready();
            broker.not_ready("no answer");
            broker.not_ready("connection refused");
        });
        assert_eq!(
            lines,
            [
                r#"WARN kleos_service_kit::readiness: not ready condition="broker" because="no answer""#,
                r#"INFO kleos_service_kit::readiness: ready condition="broker""#,
                r#"WARN kleos_service_kit::readiness: not ready condition="broker" because="no answer""#,
            ]
        );
    }
}
