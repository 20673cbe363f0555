//! Events to awards.
//!
//! The path of one event:
//!
//! 1. `intake` reads it from a batch of `kleos.events.v1`; what cannot be read is set aside.
//! 2. `stage::gather` reads the learners of the batch and what is remembered of its event keys.
//! 3. `decide` lets it pass or sets it aside as too late, tells whether it came before, and has the
//!    rule engine decide by the rule set that holds at the event's place in its partition.
//! 4. What follows changes the learner in memory, and becomes ledger lines and a decision.
//! 5. `stage::seal` adds one changelog record for each learner that changed and one for the keys.
//! 6. All that and the offsets are committed together; then `store` gets the same changes with the
//!    offsets from which the changelogs go on.
//!
//! Nothing is decided by the machine's clock: the same log gives the same awards on any machine, at
//! any replay.

mod cache;
mod codecs;
mod config;
mod decide;
mod error;
mod intake;
mod memory;
mod metrics;
mod ownership;
mod publish;
mod query;
mod rules;
mod stage;
mod store;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use kleos_contracts::class::Class;
use kleos_contracts::state::{LearnerState, ProcessorState};
use kleos_contracts::topic::Topic;
use kleos_event_log::{BatchLimits, Codec, EventLog, WorkerMetrics, WorkerSpec, spawn_worker};
use kleos_rules_engine::DEFAULT_RULES;
use kleos_service_kit::bootstrap::Process;
use kleos_service_kit::failure::Failure;
use kleos_service_kit::lifecycle::{Phase, Shutdown};
use kleos_service_kit::listen::listen;
use tokio::net::TcpListener;
use tokio::sync::OnceCell;

pub use crate::config::{Settings, TenantSettings};
use crate::error::OpenError;
pub use crate::error::PublishError;
pub use crate::metrics::ProcessorMetrics;
use crate::ownership::Ownership;
pub use crate::publish::Published;
use crate::publish::Request;
use crate::query::{Context, Opened};
use crate::rules::RuleTable;
use crate::stage::Shared;
use crate::store::Store;

/// The service's name: of its group, its components and its metrics.
pub const SERVICE: &str = "rules-processor";

const PAUSE_MIN: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// Starts the workers and the query port. The caller holds the data directory.
///
/// # Errors
/// If the address, the local state, metrics or threads cannot be had.
pub async fn start(
    process: &Process,
    log: &EventLog,
    instance: &str,
    mut settings: Settings,
) -> Result<(), Failure> {
    let process = process.of_service(SERVICE);
    let listener = listen("the query port", settings.listen).await?;
    let store = Store::open(&settings.directory, settings.memory_bytes).map_err(Failure::new)?;
    let worker_metrics = WorkerMetrics::register(&process.metrics)?;
    let metrics = ProcessorMetrics::register(&process.metrics)?;
    // Port 0 is any free one: the others must be told which it became.
    settings.listen = listener.local_addr().unwrap_or(settings.listen);
    let settings = Arc::new(settings);
    let ownership = Arc::new(Ownership::new(instance, settings.url()));
    let context = Context {
        settings: Arc::clone(&settings),
        store: Arc::new(store),
        ownership,
        clock: process.clock.clone(),
        log: log.clone(),
        opened: Arc::new(OnceCell::new()),
        client: reqwest::Client::new(),
    };
    serve(&process, listener, query::router(context.clone()));
    follow_owners(&process, &context)?;
    let parts = Parts { process, context, instance: instance.to_owned(), worker_metrics, metrics };
    open_and_start(parts)
}

fn serve(process: &Process, listener: TcpListener, router: Router) {
    process.lifecycle.spawn_task(Phase::Support, "query port", |shutdown| async move {
        axum::serve(listener, router)
            .with_graceful_shutdown(async move { shutdown.requested().await })
            .await
    });
}

fn follow_owners(process: &Process, context: &Context) -> Result<(), Failure> {
    let Context { ownership, log, clock, .. } = context.clone();
    let (follower, followed) = (Arc::clone(&ownership), log.clone());
    process
        .lifecycle
        .spawn_thread(Phase::Support, "owners", move |shutdown| {
            follower.follow(&followed, &shutdown)
        })
        .map_err(Failure::new)?;
    process
        .lifecycle
        .spawn_thread(Phase::Support, "ownership", move |shutdown| {
            ownership.tell(&log, &clock, &shutdown)
        })
        .map_err(Failure::new)
}

struct Parts {
    process: Process,
    context: Context,
    instance: String,
    worker_metrics: WorkerMetrics,
    metrics: ProcessorMetrics,
}

/// Waits for the log on a thread, publishes first rule sets, then starts the workers.
fn open_and_start(parts: Parts) -> Result<(), Failure> {
    let condition = parts.process.readiness.condition("rules");
    let lifecycle = parts.process.lifecycle.clone();
    lifecycle
        .spawn_thread(Phase::Work, "opening", move |shutdown| -> Result<(), OpenError> {
            let mut pause = PAUSE_MIN;
            loop {
                match parts.open() {
                    Ok(()) => break,
                    Err(error) if error.class() == Class::Retriable => {
                        condition.not_ready(&error.to_string());
                        if shutdown.wait(pause) {
                            return Ok(());
                        }
                        pause = (pause * 2).min(PAUSE_MAX);
                    }
                    Err(error) => return Err(error),
                }
            }
            condition.ready();
            parts.start_workers(&shutdown)
        })
        .map_err(Failure::new)
}

impl Parts {
    /// Gets what can only be had from the log, and publishes the default rules for tenants that
    /// have none.
    fn open(&self) -> Result<(), OpenError> {
        let Context { log, opened, settings, clock, store, .. } = &self.context;
        if opened.get().is_none() {
            store.bind(&log.identity()?)?;
            let found = Opened {
                table: Arc::new(RuleTable::open(log)?),
                codec: log.codec(Topic::State)?,
                partitions: log.partitions(Topic::Events)?,
            };
            // Nobody else sets it.
            opened.set(found).ok();
        }
        let Some(found) = opened.get() else { return Ok(()) };
        for tenant in settings.tenants() {
            if found.table.newest(tenant).is_some() {
                continue;
            }
            let (at, by) = (clock.now(), "the first start");
            let request = Request { tenant, text: DEFAULT_RULES, by, at, only_first: true };
            let published = publish::publish(log, &found.table, request)?;
            tracing::info!(tenant, version = published.version, "the default rules hold");
        }
        Ok(())
    }

    fn start_workers(&self, shutdown: &Shutdown) -> Result<(), OpenError> {
        let Context { store, ownership, settings, clock, log, opened, .. } = &self.context;
        let Some(found) = opened.get().filter(|_| !shutdown.is_requested()) else {
            return Ok(());
        };
        for index in 0..settings.workers {
            let spec = WorkerSpec {
                service: SERVICE,
                instance: self.instance.clone(),
                index,
                inputs: vec![Topic::Events],
                changelogs: vec![Topic::State, Topic::Dedup],
                limits: BatchLimits { records: settings.batch_records, ..BatchLimits::default() },
            };
            let shared = Shared {
                store: Arc::clone(store),
                table: Arc::clone(&found.table),
                ownership: Arc::clone(ownership),
                settings: Arc::clone(settings),
                metrics: self.metrics.clone(),
                clock: clock.clone(),
            };
            let of_stage = log.clone();
            let make = move || stage::open(&of_stage, shared.clone());
            let spawned = spawn_worker(&self.process, log, spec, &self.worker_metrics, make);
            spawned.map_err(|error| OpenError::Spawn(error.to_string()))?;
        }
        Ok(())
    }
}

/// Where the local copy lies in a process's data directory.
#[must_use]
pub fn state_directory(data: &std::path::Path) -> std::path::PathBuf {
    data.join(SERVICE)
}

/// Reads every learner of a local copy that no process uses, for those who compare it with
/// something.
///
/// # Errors
/// If the copy cannot be opened or read.
pub fn read_state(
    directory: &std::path::Path,
    codec: &Codec<ProcessorState>,
    mut each: impl FnMut(LearnerState) -> Result<(), Failure>,
) -> Result<(), Failure> {
    const MEMORY: usize = 64 << 20;
    let store = Store::open(directory, MEMORY).map_err(Failure::new)?;
    for bytes in store.all_learners().map_err(Failure::new)? {
        let state = codec.decode(&bytes.map_err(Failure::new)?).map_err(Failure::new)?;
        if let Some(learner) = state.learner {
            each(learner)?;
        }
    }
    Ok(())
}
