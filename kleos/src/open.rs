//! Opening the log that a command is about.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use kleos_event_log::{EmbeddedLog, EventLog, KafkaConfig, KafkaLog};
use kleos_service_kit::clock::SystemClock;
use kleos_service_kit::data_dir::DataDir;
use kleos_service_kit::failure::Failure;

use crate::cli::LogChoice;
use crate::config::Config;

/// Where the embedded log lies in the data directory.
pub(crate) fn embedded_path(data: &Path) -> PathBuf {
    data.join("log")
}

/// The cluster of the configuration.
pub(crate) fn kafka_config(config: &Config) -> Result<&KafkaConfig, Failure> {
    config.kafka.as_ref().ok_or_else(|| {
        Failure::new("the configuration has no cluster")
            .remedy("add [kafka] with brokers and registry, or run everything with `kleos up`")
    })
}

/// The cluster, for a service.
pub(crate) fn kafka(config: &Config) -> Result<EventLog, Failure> {
    let log = KafkaLog::connect(kafka_config(config)?.clone()).map_err(Failure::new)?;
    Ok(log.into_log())
}

/// A log for looking at, and what must live as long as it does.
pub(crate) struct View {
    pub(crate) log: EventLog,
    _scratch: Option<tempfile::TempDir>,
}

/// Opens the log that was chosen for reading; a process that writes it goes on.
pub(crate) fn view(config: &Config, choice: Option<LogChoice>) -> Result<View, Failure> {
    let is_kafka = choice.map_or(config.kafka.is_some(), |choice| choice == LogChoice::Kafka);
    if is_kafka {
        return Ok(View { log: kafka(config)?, _scratch: None });
    }
    let path = embedded_path(&config.data);
    if !path.is_dir() {
        return Err(Failure::new("there is no embedded log")
            .at(path.display())
            .remedy("start one with `kleos up`, or name its configuration with --config"));
    }
    DataDir::inspect(&config.data)?;
    let scratch = tempfile::tempdir().map_err(Failure::new)?;
    let log = EmbeddedLog::open_view(&path, scratch.path(), SystemClock::shared())
        .map_err(Failure::new)?;
    Ok(View { log: Arc::new(log).into_log(), _scratch: Some(scratch) })
}
