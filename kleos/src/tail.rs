//! `kleos tail`: records as JSON, one a line.

use std::path::Path;
use std::time::Duration;

use kleos_contracts::award::Award;
use kleos_contracts::class::Class;
use kleos_contracts::dead_letter::{DeadLetter, UnmappedEvent};
use kleos_contracts::decision::Decision;
use kleos_contracts::event::LearningEvent;
use kleos_contracts::raw::RawWebhook;
use kleos_contracts::rule::RuleDefinition;
use kleos_contracts::state::{DedupBatch, PartitionOwner, ProcessorState};
use kleos_contracts::topic::Topic;
use kleos_event_log::{Batch, Codec, EventLog, LogError, Progress, Record, Start};
use kleos_service_kit::failure::Failure;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::cli::TailArgs;
use crate::config::{self, Needs};
use crate::open;
use crate::output::JsonLines;

const WAIT: Duration = Duration::from_millis(500);
const PAUSE: Duration = Duration::from_secs(1);

pub(crate) fn run(path: Option<&Path>, args: &TailArgs) -> Result<(), Failure> {
    let topic = topic_of(&args.topic)?;
    let config = config::read(path, Needs::default())?.value;
    let view = open::view(&config, args.log.log)?;
    let start = if args.all || args.end { Start::Earliest } else { Start::End };
    let mut reader = view.log.reader(topic, start).map_err(Failure::new)?;
    let decode = decoder(&view.log, topic).map_err(Failure::new)?;
    let mut lines = JsonLines::new();
    let mut batch = Batch::default();
    loop {
        batch.clear();
        let progress = match reader.read(&mut batch, WAIT) {
            Ok(progress) => progress,
            Err(error) if error.class() == Class::Retriable => {
                tracing::debug!(%error, "trying again");
                std::thread::sleep(PAUSE);
                continue;
            }
            Err(error) => return Err(Failure::new(error)),
        };
        for record in batch.iter() {
            if !lines.write(&line(&record, &decode))? {
                return Ok(());
            }
        }
        if !lines.flush()? || (args.end && progress == Progress::CaughtUp) {
            return Ok(());
        }
    }
}

fn topic_of(name: &str) -> Result<Topic, Failure> {
    let short = |topic: Topic| {
        let name = topic.name();
        let name = name.strip_prefix("kleos.").unwrap_or(name);
        name.strip_suffix(".v1").unwrap_or(name).to_owned()
    };
    let found = Topic::ALL.into_iter().find(|topic| topic.name() == name || short(*topic) == name);
    found.ok_or_else(|| {
        let known: Vec<String> = Topic::ALL.into_iter().map(short).collect();
        Failure::usage(format!("there is no topic {name:?}"))
            .remedy(format!("name one of {}", known.join(", ")))
    })
}

fn line(record: &Record<'_>, decode: &Decode) -> Value {
    let key = record.key.map(|key| String::from_utf8_lossy(key).into_owned());
    let (value, error) = match record.value.map(decode) {
        Some(Ok(value)) => (value, None),
        Some(Err(error)) => (Value::Null, Some(error)),
        None => (Value::Null, None),
    };
    let mut line = json!({
        "topic": record.position.partition.topic.name(),
        "partition": record.position.partition.number,
        "offset": record.position.offset,
        "timestamp": record.timestamp,
        "key": key,
        "value": value,
    });
    if let Some(error) = error {
        line["error"] = error.into();
    }
    line
}

type Decode = Box<dyn Fn(&[u8]) -> Result<Value, String>>;

fn decoder(log: &EventLog, topic: Topic) -> Result<Decode, LogError> {
    match topic {
        Topic::Raw => decoder_of::<RawWebhook>(log, topic),
        Topic::Events => decoder_of::<LearningEvent>(log, topic),
        Topic::Awards => decoder_of::<Award>(log, topic),
        Topic::Decisions => decoder_of::<Decision>(log, topic),
        Topic::Rules => decoder_of::<RuleDefinition>(log, topic),
        Topic::Unmapped => decoder_of::<UnmappedEvent>(log, topic),
        Topic::DeadLetters => decoder_of::<DeadLetter>(log, topic),
        Topic::State => decoder_of::<ProcessorState>(log, topic),
        Topic::Dedup => decoder_of::<DedupBatch>(log, topic),
        Topic::Owners => decoder_of::<PartitionOwner>(log, topic),
    }
}

fn decoder_of<T>(log: &EventLog, topic: Topic) -> Result<Decode, LogError>
where
    T: Serialize + DeserializeOwned + 'static,
{
    let codec: Codec<T> = log.codec(topic)?;
    Ok(Box::new(move |bytes| {
        let value = codec.decode(bytes).map_err(|error| error.to_string())?;
        serde_json::to_value(&value).map_err(|error| error.to_string())
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_has_a_long_and_a_short_name() {
        for (name, expected) in [
            ("kleos.awards.v1", Topic::Awards),
            ("awards", Topic::Awards),
            ("dead-letters", Topic::DeadLetters),
            ("rules-processor.state", Topic::State),
        ] {
            assert_eq!(topic_of(name).unwrap(), expected);
        }
        let failure = topic_of("award").unwrap_err().to_string();
        assert!(failure.contains("awards, decisions"), "{failure}");
    }
}
