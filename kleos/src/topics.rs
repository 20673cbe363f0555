//! `kleos topics`: what lies on the cluster.

use std::path::Path;

use kleos_event_log::KafkaLog;
use kleos_service_kit::failure::Failure;

use crate::cli::TopicsCommand;
use crate::config::{self, Needs};
use crate::{open, output};

pub(crate) fn run(path: Option<&Path>, command: TopicsCommand) -> Result<(), Failure> {
    let config = config::read(path, Needs { kafka: true, ..Needs::default() })?.value;
    let kafka = open::kafka_config(&config)?;
    if command == TopicsCommand::Apply {
        let prefix = kafka.prefix.clone();
        let applied = KafkaLog::apply_topics(kafka, config.topics).map_err(Failure::new)?;
        for topic in &applied.created {
            output::line(&format!("made {prefix}{topic}"))?;
        }
        for topic in &applied.registered {
            output::line(&format!("registered the schema of {prefix}{topic}"))?;
        }
        if applied.created.is_empty() && applied.registered.is_empty() {
            output::line("everything was there")?;
        }
    }
    let differences = KafkaLog::check_topics(kafka, config.topics).map_err(Failure::new)?;
    for difference in &differences {
        output::line(&difference.to_string())?;
    }
    if differences.is_empty() {
        return output::line("topics and schemas are as they should be");
    }
    let count = differences.len();
    Err(Failure::new(format!("{count} things on the cluster are not as they should be")))
}
