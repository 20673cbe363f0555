//! The same work done by Kafka Streams: `bench/kafka-streams`, in a process of its own.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, bail};
use kleos_contracts::award::Award;
use kleos_contracts::event::LearningEvent;
use kleos_contracts::topic::Topic;
use kleos_event_log::{EventLog, KafkaConfig, KafkaLog};
use kleos_service_kit::clock::SharedClock;
use serde::Serialize;

use crate::watch::{Figures, Subject, until_drained};

/// The heap of a team that has measured: a smaller one costs time, a larger one memory.
const JVM: [&str; 3] = ["-Xms1g", "-Xmx1g", "-XX:+UseParallelGC"];
const MAIN: &str = "kleos.bench.Main";

/// One run of the peer.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Run {
    #[serde(flatten)]
    pub(crate) figures: Figures,
    pub(crate) commit_avg_ms: Option<f64>,
    pub(crate) commit_max_ms: Option<f64>,
}

/// The peer and where it lies.
#[derive(Debug)]
pub(crate) struct Peer {
    /// Classes and libraries.
    pub(crate) package: PathBuf,
    pub(crate) directory: PathBuf,
    pub(crate) kafka: KafkaConfig,
    pub(crate) clock: SharedClock,
    pub(crate) broker: u32,
    pub(crate) partitions: i32,
}

/// What `round` calls its group, its topics and its directory.
fn name(round: usize) -> String {
    format!("peer-{round}")
}

impl Peer {
    /// Reads everything from the first event on as a processor that was never there before.
    pub(crate) fn drain(&self, log: &EventLog, round: usize, events: u64) -> anyhow::Result<Run> {
        let name = name(round);
        let logged = self.directory.join(format!("{name}.log"));
        let started = self.clock.monotonic();
        let mut process = Process(self.start(log, &name, &logged)?);
        let subject =
            Subject { name: &name, pid: process.0.id(), broker: self.broker, started, events };
        let figures = until_drained(log, &self.clock, &subject, &mut || process.check(&logged))?;
        process.stop()?;
        let said = std::fs::read_to_string(&logged)?;
        let value = |key: &str| {
            let last = said.lines().rev().find_map(|line| line.split_once(key))?;
            last.1.split(' ').next()?.parse().ok()
        };
        let (commit_avg_ms, commit_max_ms) = (value("commit_avg_ms="), value("commit_max_ms="));
        Ok(Run { figures, commit_avg_ms, commit_max_ms })
    }

    fn start(&self, log: &EventLog, name: &str, logged: &Path) -> anyhow::Result<Child> {
        let state = self.directory.join(name);
        let file = std::fs::File::create(logged)?;
        let classes = format!("{0}/classes:{0}/libs/*", self.package.display());
        let schemas = [
            schema_id(&log.codec::<LearningEvent>(Topic::Events)?)?,
            schema_id(&log.codec::<Award>(Topic::Awards)?)?,
        ];
        Command::new("java")
            .args(JVM)
            .args(["-cp", &classes, MAIN])
            .args(["--bootstrap", &self.kafka.brokers])
            .args(["--application", &format!("kleos.{name}")])
            .args(["--input", Topic::Events.name()])
            .args(["--output", &format!("{name}.{}", Topic::Awards)])
            .args(["--partitions", &self.partitions.to_string()])
            .args(["--event-schema", &schemas[0].to_string()])
            .args(["--award-schema", &schemas[1].to_string()])
            .arg("--state")
            .arg(state)
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file)
            .spawn()
            .context("starting java")
    }

    fn kafka_of(&self, name: &str) -> KafkaConfig {
        KafkaConfig { prefix: format!("{name}."), ..self.kafka.clone() }
    }

    /// A log whose topic of awards is that of the peer in `round`.
    pub(crate) fn log(&self, round: usize) -> anyhow::Result<EventLog> {
        Ok(KafkaLog::connect(self.kafka_of(&name(round)))?.into_log())
    }
}

/// The id that a codec writes in front of every value.
fn schema_id<T>(codec: &kleos_event_log::Codec<T>) -> anyhow::Result<u32>
where
    T: Default + Serialize + serde::de::DeserializeOwned,
{
    let mut bytes = Vec::new();
    codec.encode(&T::default(), &mut bytes)?;
    let id = bytes.get(1..5).and_then(|id| id.try_into().ok()).context("no schema id")?;
    Ok(u32::from_be_bytes(id))
}

/// Does not outlive the bench.
struct Process(Child);

impl Process {
    fn check(&mut self, logged: &Path) -> anyhow::Result<()> {
        if let Some(status) = self.0.try_wait()? {
            bail!("Kafka Streams ended with {status}: see {}", logged.display());
        }
        Ok(())
    }

    /// As an operator would; it says its last figures then.
    fn stop(&mut self) -> anyhow::Result<()> {
        Command::new("kill").args(["-TERM", &self.0.id().to_string()]).status()?;
        self.0.wait()?;
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It has ended already, unless the bench ends early.
        self.0.kill().ok();
        self.0.wait().ok();
    }
}
