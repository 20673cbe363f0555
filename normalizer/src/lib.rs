//! Raw webhooks to canonical events.
//!
//! The path of one webhook:
//!
//! 1. [`Stage`](kleos_event_log::Stage) `process` gets it with a batch of `kleos.raw.v1`.
//! 2. `kleos_sources::normalize` splits and maps it: none, one or many items, each an event, a type
//!    that nobody maps, one that is left out on purpose, or one that is refused with a reason.
//! 3. Each item becomes a record: of `kleos.events.v1` in the learner's partition, of
//!    `kleos.unmapped.v1` or of `kleos.dead-letters.v1`. What is left out becomes a count.
//! 4. The records and the webhook's offset are committed together.
//!
//! The mapping is pure: the same webhook gives the same records on any machine, at any replay.

mod config;
mod error;
mod metrics;
mod normalize;
mod stage;

use kleos_contracts::topic::Topic;
use kleos_event_log::{BatchLimits, EventLog, WorkerMetrics, WorkerSpec, spawn_worker};
use kleos_service_kit::bootstrap::Process;
use kleos_service_kit::failure::Failure;

pub use crate::config::{InstanceSettings, Settings};
pub use crate::metrics::NormalizerMetrics;
use crate::stage::Normalizer;

/// The service's name: of its group, its components and its metrics.
pub const SERVICE: &str = "normalizer";

/// Starts the workers.
///
/// # Errors
/// If metrics or threads cannot be had.
pub fn start(
    process: &Process,
    log: &EventLog,
    instance: &str,
    settings: &Settings,
) -> Result<(), Failure> {
    let process = process.of_service(SERVICE);
    let worker_metrics = WorkerMetrics::register(&process.metrics)?;
    let metrics = NormalizerMetrics::register(&process.metrics)?;
    for index in 0..settings.workers {
        let spec = WorkerSpec {
            service: SERVICE,
            instance: instance.to_owned(),
            index,
            inputs: vec![Topic::Raw],
            changelogs: Vec::new(),
            limits: BatchLimits { records: settings.batch_records, ..BatchLimits::default() },
        };
        let (for_stage, metrics, instances) =
            (log.clone(), metrics.clone(), settings.instances.clone());
        let make = move || Normalizer::new(&for_stage, metrics.clone(), instances.clone());
        spawn_worker(&process, log, spec, &worker_metrics, make).map_err(Failure::new)?;
    }
    Ok(())
}
