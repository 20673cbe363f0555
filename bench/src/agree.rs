//! Has the independent oracle judge what came of a run.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, bail};
use kleos_contracts::award::Award;
use kleos_contracts::event::LearningEvent;
use kleos_contracts::topic::Topic;
use kleos_e2e::cluster::root;
use kleos_event_log::{Batch, Codec, EventLog, Progress, Record, Start};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

const WAIT: Duration = Duration::from_millis(200);

/// Writes all events as JSON lines, in the form of `kleos tail`.
pub(crate) fn dump_events(log: &EventLog, path: &Path) -> anyhow::Result<()> {
    dump::<LearningEvent>(log, &log.codec(Topic::Events)?, Topic::Events, path)
}

/// Writes the awards of a log; `known` is one whose registry has the schema.
pub(crate) fn dump_awards(log: &EventLog, known: &EventLog, path: &Path) -> anyhow::Result<()> {
    dump::<Award>(log, &known.codec(Topic::Awards)?, Topic::Awards, path)
}

fn dump<T: Serialize + DeserializeOwned>(
    log: &EventLog,
    codec: &Codec<T>,
    topic: Topic,
    path: &Path,
) -> anyhow::Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    let mut reader = log.reader(topic, Start::Earliest)?;
    let mut batch = Batch::default();
    loop {
        batch.clear();
        let progress = reader.read(&mut batch, WAIT)?;
        for record in batch.iter() {
            serde_json::to_writer(&mut file, &line(&record, codec)?)?;
            file.write_all(b"\n")?;
        }
        if progress == Progress::CaughtUp {
            return Ok(file.flush()?);
        }
    }
}

fn line<T: Serialize + DeserializeOwned>(
    record: &Record<'_>,
    codec: &Codec<T>,
) -> anyhow::Result<Value> {
    let value = codec.decode(record.value.unwrap_or_default())?;
    Ok(json!({
        "partition": record.position.partition.number,
        "offset": record.position.offset,
        "key": String::from_utf8_lossy(record.key.unwrap_or_default()),
        "value": value,
    }))
}

/// Whether each of some dumps of awards is what the events must lead to; tells of each.
pub(crate) fn judge(events: &Path, awards: &[PathBuf]) -> anyhow::Result<()> {
    let output = Command::new("python3")
        .arg(root().join("bench/agree.py"))
        .arg(events)
        .args(awards)
        .stderr(std::process::Stdio::inherit())
        .output()
        .context("running the oracle: is python3 there?")?;
    print!("{}", String::from_utf8_lossy(&output.stdout));
    if !output.status.success() {
        bail!("the awards are not what the events must lead to: no figure counts");
    }
    Ok(())
}
