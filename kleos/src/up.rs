//! `kleos up`: all services in one process on an embedded log.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use kleos_event_log::{EmbeddedLog, EventLog};
use kleos_service_kit::bootstrap::{self, Process};
use kleos_service_kit::data_dir::DataDir;
use kleos_service_kit::failure::Failure;
use kleos_service_kit::lifecycle::Phase;

use crate::cli::UpArgs;
use crate::config::{self, Config, Needs};
use crate::{first_start, open, output};

/// How often records are looked for that are older than their topics keep them.
const RETENTION_EVERY: Duration = Duration::from_secs(600);

pub(crate) fn run(path: Option<&Path>, args: &UpArgs) -> Result<(), Failure> {
    let path = match path {
        Some(path) => path.to_owned(),
        None => own_configuration(&args.data)?,
    };
    let loaded = config::read(Some(&path), Needs::ALL)?;
    let config = loaded.value;
    let data = DataDir::open(&config.data)?;
    let settings = config.process.clone();
    let served = bootstrap::serve(&settings, &loaded.warnings, async |process: Process| {
        start(&process, config, &data, &path).await
    });
    drop(data);
    served
}

/// The configuration in the data directory; the first start makes both.
fn own_configuration(data: &Path) -> Result<PathBuf, Failure> {
    let path = data.join("kleos.toml");
    if !path.exists() {
        let held = DataDir::open(data)?;
        first_start::write_configuration(&path)?;
        drop(held);
        output::line(&format!("Made {} with tokens of its own.", path.display()))?;
    }
    Ok(path)
}

async fn start(
    process: &Process,
    mut config: Config,
    data: &DataDir,
    path: &Path,
) -> Result<(), Failure> {
    bootstrap::serve_admin(process, config.admin).await?;
    let clock = process.clock.clone();
    let log = EmbeddedLog::open(&open::embedded_path(data.path()), config.embedded, clock);
    let log = Arc::new(log.map_err(Failure::new)?);
    keep_retention(process, Arc::clone(&log))?;
    let gateway = start_services(process, &log.into_log(), &mut config).await?;
    output::line(&first_start::hints(&config, gateway, path))
}

/// Starts with the last in the path of a record, so that each finds its reader there. Returns the
/// gateway's address.
async fn start_services(
    process: &Process,
    log: &EventLog,
    config: &mut Config,
) -> Result<Option<SocketAddr>, Failure> {
    let instance = config.instance.as_str();
    if let Some(settings) = config.sink.take() {
        kleos_analytics_sink::start(process, log.clone(), instance, settings).await?;
    }
    if let Some(settings) = config.rules.take() {
        kleos_rules_processor::start(process, log, instance, settings).await?;
    }
    if let Some(settings) = &config.normalizer {
        kleos_normalizer::start(process, log, instance, settings)?;
    }
    match config.gateway.take() {
        Some(settings) => {
            kleos_ingest_gateway::start(process, log.clone(), settings).await.map(Some)
        }
        None => Ok(None),
    }
}

fn keep_retention(process: &Process, log: Arc<EmbeddedLog>) -> Result<(), Failure> {
    let clock = process.clock.clone();
    process
        .lifecycle
        .spawn_thread(Phase::Support, "retention", move |shutdown| {
            loop {
                let expired = log.expire(clock.now())?;
                if expired > 0 {
                    tracing::info!(expired, "records were older than their topics keep them");
                }
                if shutdown.wait(RETENTION_EVERY) {
                    return Ok::<(), kleos_event_log::LogError>(());
                }
            }
        })
        .map_err(Failure::new)
}
