//! Awards, and events if so configured, into Mixpanel.
//!
//! The path of one award:
//!
//! 1. [`Stage`](kleos_event_log::Stage) `process` gets it with a batch of `kleos.awards.v1`.
//! 2. It becomes a row in the vendor's form, or is refused because the vendor would refuse it.
//! 3. Rows go into requests, closed by count and by bytes. Each answer is judged: imported, refused
//!    by name, unclear (the part is sent again in halves), too large (the same, and the limit is
//!    remembered), or trouble that is no row's fault (wait, then send again).
//! 4. When every record has a verdict, refused ones become dead letters in the transaction that
//!    commits the batch's offsets.
//!
//! What must stay true:
//!
//! - An offset is committed only when the vendor has the record, or it is a dead letter, or it is
//!   one of the system's own events.
//! - A crash between import and commit sends rows again. That is safe: name, learner, time and
//!   `$insert_id` of a row come from the record alone, and the vendor shows equal ones once.
//! - No record is given up for trouble with the network, the credentials or the vendor.
//! - `row`, `batch`, `request`, `verdict`, `delivery` and `pace` decide and are pure; `stage`,
//!   `sender` and `transport` carry out.

mod batch;
mod config;
mod delivery;
mod error;
mod metrics;
mod pace;
mod request;
mod row;
mod sender;
mod stage;
mod transport;
mod verdict;

use kleos_contracts::topic::Topic;
use kleos_event_log::{BatchLimits, EventLog, WorkerMetrics, WorkerSpec, spawn_worker};
use kleos_service_kit::bootstrap::Process;
use kleos_service_kit::failure::Failure;
use kleos_service_kit::lifecycle::Phase;
use tracing::{info, warn};

use crate::batch::Limits;
use crate::sender::{Rhythm, Sender, Surroundings};
use crate::stage::Sink;
use crate::transport::HttpTransport;

pub use crate::config::{Credentials, Destination, DistinctId, Settings};
pub use crate::metrics::SinkMetrics;
pub use crate::pace::Pace;

/// The service's name: of its group, its components and its metrics.
pub const SERVICE: &str = "analytics-sink";

/// Requests that a full poll of the log makes: more of them make fewer commits.
const REQUESTS_IN_BATCH: usize = 2;

/// What became of a start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Started {
    /// Workers run.
    Running,
    /// There are no credentials, or the sink is not enabled: nothing is read.
    Off,
}

/// Starts the workers, unless the sink is off.
///
/// # Errors
/// If metrics or threads cannot be had.
#[expect(clippy::unused_async, reason = "services are started by awaiting them")]
pub async fn start(
    process: &Process,
    log: EventLog,
    instance: &str,
    settings: Settings,
) -> Result<Started, Failure> {
    let Some(destination) = &settings.destination else {
        info!(
            "the sink is off: give [sink] username, secret and project_id of a Mixpanel service \
             account, or a project's token, and region"
        );
        return Ok(Started::Off);
    };
    announce(destination, settings.events);
    let process = process.of_service(SERVICE);
    let worker_metrics = WorkerMetrics::register(&process.metrics)?;
    let metrics = SinkMetrics::register(&process.metrics)?;
    metrics.request_bytes_max.set(i64::try_from(settings.batch_bytes).unwrap_or(i64::MAX));
    let rhythm = Rhythm {
        limits: Limits::new(settings.batch_records, settings.batch_bytes),
        pace: settings.pace,
        interval: settings.request_interval,
    };
    for index in 0..settings.workers {
        let around = Surroundings {
            clock: process.clock.clone(),
            shutdown: process.lifecycle.shutdown(Phase::Work),
            condition: process.readiness.condition(&format!("mixpanel-{index}")),
            metrics: metrics.clone(),
        };
        // The vendor is taken to be well until it says otherwise: there may be nothing to send.
        around.condition.ready();
        let parts = (log.clone(), destination.clone(), settings.distinct_id, rhythm.clone());
        let make = move || {
            let (log, destination, distinct_id, rhythm) = parts.clone();
            let transport = HttpTransport::new(destination, around.clock.clone())?;
            let sender = Sender::new(Box::new(transport), rhythm, around.clone());
            Sink::new(&log, distinct_id, sender, around.metrics.clone())
        };
        let spec = spec_of(instance, index, &settings);
        spawn_worker(&process, &log, spec, &worker_metrics, make)?;
    }
    Ok(Started::Running)
}

fn announce(destination: &Destination, events: bool) {
    let (url, project_id) = (destination.url.as_str(), destination.project_id.as_deref());
    info!(url, project_id, events, "importing into Mixpanel");
    let is_local = destination
        .url
        .host_str()
        .is_some_and(|host| host == "localhost" || host.starts_with("127.") || host == "[::1]");
    if destination.url.scheme() == "http" && !is_local {
        warn!(url, "credentials and events travel unencrypted: use https");
    }
}

fn spec_of(instance: &str, index: usize, settings: &Settings) -> WorkerSpec {
    let inputs =
        if settings.events { vec![Topic::Awards, Topic::Events] } else { vec![Topic::Awards] };
    let limits = BatchLimits {
        records: settings.batch_records * REQUESTS_IN_BATCH,
        ..BatchLimits::default()
    };
    WorkerSpec {
        service: SERVICE,
        instance: instance.to_owned(),
        index,
        inputs,
        changelogs: Vec::new(),
        limits,
    }
}
