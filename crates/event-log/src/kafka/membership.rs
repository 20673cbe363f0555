//! Whether a worker's name in its group is still its own.
//!
//! The group tells a member that another one has its name. That can be another process. It can
//! also be the worker itself: where a broker did not answer for longer than a session, the client
//! asks to join once more, and a broker that finds both questions takes the second for another
//! process. Nobody goes on as the member that comes of it, so it is gone after a session's time;
//! another process stays.

use std::time::Duration;

use kleos_service_kit::clock::{SharedClock, SystemClock};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use super::cluster::Cluster;
use super::context::Member;
use super::failure;
use crate::error::LogError;
use crate::worker::WorkerSpec;

/// How much longer than a session a member of the name may be there.
const MARGIN: Duration = Duration::from_secs(2);

#[derive(Debug)]
pub(super) struct Name {
    spec: WorkerSpec,
    clock: SharedClock,
    taken_since: Option<Duration>,
}

impl Name {
    pub(super) fn new(spec: &WorkerSpec) -> Self {
        Self { spec: spec.clone(), clock: SystemClock::shared(), taken_since: None }
    }

    pub(super) const fn is_taken(&self) -> bool {
        self.taken_since.is_some()
    }

    /// The group told so.
    pub(super) fn taken(&mut self) {
        self.taken_since.get_or_insert_with(|| self.clock.monotonic());
    }

    /// The worker has joined again.
    pub(super) const fn regained(&mut self) {
        self.taken_since = None;
    }

    /// Whether the worker may join again: nobody has the name, or nobody can tell.
    ///
    /// # Errors
    /// [`LogError::InstanceTaken`] if somebody has it for good, else that it is too early.
    pub(super) fn is_free(&self, cluster: &Cluster) -> Result<bool, LogError> {
        let since = self.taken_since.unwrap_or_default();
        let is_over = self.clock.monotonic() - since > cluster.config.session_timeout + MARGIN;
        match cluster.has_member(&self.spec) {
            Ok(false) => Ok(true),
            Err(_) if is_over => Ok(true),
            Err(error) => Err(error),
            Ok(true) if is_over => Err(LogError::InstanceTaken {
                instance: self.spec.instance.clone(),
                cause: format!("the group has another {}", self.spec.member()),
            }),
            Ok(true) => {
                let cause = "it still has a member of this name, perhaps from before a pause";
                Err(LogError::unavailable("joining the group", cause))
            }
        }
    }
}

/// A consumer that joins the group under the worker's name.
pub(super) fn join(cluster: &Cluster, spec: &WorkerSpec) -> Result<BaseConsumer<Member>, LogError> {
    let consumer: BaseConsumer<Member> = cluster
        .config
        .member(spec)
        .create_with_context(Member::new(cluster.names.clone()))
        .map_err(|error| failure::of_call("starting a consumer", &error))?;
    let topics: Vec<&str> = spec.inputs.iter().map(|topic| cluster.names.of(*topic)).collect();
    consumer.subscribe(&topics).map_err(|error| failure::of_call("joining the group", &error))?;
    Ok(consumer)
}

/// Whether the group told that another member has the name.
pub(super) fn is_fenced(error: &KafkaError) -> bool {
    error.rdkafka_error_code() == Some(RDKafkaErrorCode::FencedInstanceId)
}
