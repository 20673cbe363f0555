//! The rules-processor in a process of its own, as it is deployed.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, bail};
use kleos_bench::histogram::{Histogram, value};
use kleos_e2e::cluster::{Cluster, root};
use kleos_e2e::deployment::{Deployment, Layout, Role};
use kleos_event_log::EventLog;
use kleos_service_kit::clock::SharedClock;

use crate::watch::{Figures, Subject, real, until_drained};

/// The process's name in its deployment.
const NAME: &str = "rules";
/// The service's name; its group is named after it.
pub(crate) const SERVICE: &str = "rules-processor";
const COMMIT: &str = "kleos_worker_commit_seconds";
/// What the processor writes. Its rules and its input stay for the next run.
const WRITTEN: &str = r"kleos\.(awards|decisions|dead-letters|rules-processor\..*)\.v1";
/// A group can be deleted when its last member has been away for a session's time.
const DELETE_TIMEOUT: Duration = Duration::from_secs(60);

/// The processor and the cluster below it.
#[derive(Debug)]
pub(crate) struct Ours {
    deployment: Deployment,
    kafka: PathBuf,
    clock: SharedClock,
    broker: u32,
}

impl Ours {
    /// Makes the topics; starts nothing.
    pub(crate) fn new(
        layout: Layout,
        cluster: Cluster,
        clock: &SharedClock,
    ) -> anyhow::Result<Self> {
        let kafka = layout.directory.join("kafka");
        let broker = std::fs::read_to_string(kafka.join("broker-1/pid"))?;
        let layout = Layout { processes: vec![(NAME, Role::Rules)], ..layout };
        let deployment = Deployment::new(layout, Some(cluster))?;
        deployment.apply_topics()?;
        let broker = broker.trim().parse().context("the broker's pid")?;
        Ok(Self { deployment, kafka, clock: clock.clone(), broker })
    }

    pub(crate) const fn broker(&self) -> u32 {
        self.broker
    }

    pub(crate) const fn partitions(&self) -> i32 {
        self.deployment.partitions()
    }

    pub(crate) const fn workers(&self) -> usize {
        self.deployment.workers()
    }

    /// Reads everything from the first event on, with nothing known before, then stops.
    pub(crate) fn drain(&mut self, log: &EventLog, events: u64) -> anyhow::Result<Run> {
        let started = self.start()?;
        let subject = Subject {
            name: SERVICE,
            pid: self.deployment.pid(NAME).context("no process")?,
            broker: self.broker,
            started,
            events,
        };
        let deployment = &mut self.deployment;
        let figures = until_drained(log, &self.clock, &subject, &mut || still_there(deployment))?;
        let metrics = self.metrics()?;
        let commits = Commits::of(&Histogram::read(&metrics, COMMIT));
        std::fs::write(self.deployment.directory().join("metrics.txt"), &metrics)?;
        self.deployment.stop_all()?;
        Ok(Run { figures, commits })
    }

    /// The commits while `write` keeps writing, of a processor that has nothing else to catch up
    /// with.
    pub(crate) fn keep_up(
        &mut self,
        write: &mut dyn FnMut() -> anyhow::Result<()>,
    ) -> anyhow::Result<Commits> {
        self.resume()?;
        let before = Histogram::read(&self.metrics()?, COMMIT);
        write()?;
        let commits = Histogram::read(&self.metrics()?, COMMIT).since(&before);
        self.finish()?;
        Ok(Commits::of(&commits))
    }

    fn metrics(&self) -> anyhow::Result<String> {
        self.deployment.metrics(NAME).context("no metrics")
    }

    fn start(&mut self) -> anyhow::Result<Duration> {
        let started = self.clock.monotonic();
        self.deployment.start(NAME)?;
        Ok(started)
    }

    /// Makes the processor forget everything: what it keeps, what it wrote, and how far it read.
    pub(crate) fn forget(&self) -> anyhow::Result<()> {
        let data = self.deployment.directory().join(format!("{NAME}-data"));
        if data.exists() {
            std::fs::remove_dir_all(data)?;
        }
        let group = format!("kleos.{SERVICE}");
        let deadline = self.clock.monotonic() + DELETE_TIMEOUT;
        while let Err(error) = self.tool(&["groups", "--delete", "--group", &group]) {
            if self.clock.monotonic() > deadline {
                return Err(error);
            }
        }
        self.tool(&["topics", "--delete", "--topic", WRITTEN])?;
        self.deployment.apply_topics()
    }

    fn tool(&self, arguments: &[&str]) -> anyhow::Result<()> {
        let mut command = Command::new(root().join("scripts/kafka"));
        command.arg("tool").arg("--dir").arg(&self.kafka).args(arguments);
        let output = command.output()?;
        let said = String::from_utf8_lossy(&output.stdout);
        // The command for groups tells of a failure without an exit code.
        if !output.status.success() || said.contains("Error:") {
            bail!("{}: {said}{}", arguments.join(" "), String::from_utf8_lossy(&output.stderr));
        }
        Ok(())
    }

    /// Starts the processor as it was left, and waits until it works.
    pub(crate) fn resume(&mut self) -> anyhow::Result<()> {
        self.start()?;
        self.deployment.wait_until_ready(NAME)
    }

    /// kill -9 when so many records are done, then the time from the start of the next process to
    /// its first commit.
    pub(crate) fn kill_and_restart(&mut self, records: u64) -> anyhow::Result<Duration> {
        self.wait_for("kleos_worker_records_total", real(records))?;
        self.deployment.kill(NAME)?;
        let started = self.start()?;
        self.wait_for("kleos_worker_commits_total", 1.0)?;
        Ok(self.clock.monotonic().saturating_sub(started))
    }

    fn wait_for(&mut self, name: &str, wanted: f64) -> anyhow::Result<()> {
        let deadline = self.clock.monotonic() + Duration::from_secs(60);
        while self.value(name).is_none_or(|value| value < wanted) {
            still_there(&mut self.deployment)?;
            if self.clock.monotonic() > deadline {
                bail!("{name} was not {wanted} within a minute");
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    fn value(&self, name: &str) -> Option<f64> {
        value(&self.deployment.metrics(NAME)?, name)
    }

    /// Stops the processor when it has done everything.
    pub(crate) fn finish(&mut self) -> anyhow::Result<()> {
        self.deployment.wait_until_drained()?;
        self.deployment.stop_all()
    }
}

/// One run of the processor.
#[derive(Clone, Copy, Debug, serde::Serialize)]
pub(crate) struct Run {
    #[serde(flatten)]
    pub(crate) figures: Figures,
    #[serde(flatten)]
    pub(crate) commits: Commits,
}

/// How long commits took.
#[derive(Clone, Copy, Debug, serde::Serialize)]
pub(crate) struct Commits {
    pub(crate) commits: Option<f64>,
    pub(crate) commit_p50_ms: Option<f64>,
    pub(crate) commit_p99_ms: Option<f64>,
}

impl Commits {
    fn of(seen: &Histogram) -> Self {
        let millis = |share| seen.quantile(share).map(|seconds| seconds * 1e3);
        Self { commits: seen.count(), commit_p50_ms: millis(0.5), commit_p99_ms: millis(0.99) }
    }
}

fn still_there(deployment: &mut Deployment) -> anyhow::Result<()> {
    match deployment.ended() {
        Some((name, status)) => bail!("{name} ended with {status}"),
        None => Ok(()),
    }
}
