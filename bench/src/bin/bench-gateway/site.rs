//! What all contestants share: a cluster with the topic, the requests, a directory.

use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context, bail};
use kleos_contracts::topic::Topic;
use kleos_e2e::cluster::Cluster;
use kleos_event_log::{EventLog, KafkaConfig, KafkaLog};

use crate::configuration::{Ports, configuration};
use crate::interrupt::Interrupt;
use crate::requests::{self, Request};

/// How long appends of an earlier load may take to come to their end.
const SETTLED_WITHIN: Duration = Duration::from_secs(20);
/// Nothing was written for so long: everything is.
const SETTLED_AFTER: Duration = Duration::from_millis(300);

/// Where everything happens.
#[derive(Debug)]
pub(crate) struct Site {
    pub(crate) program: PathBuf,
    /// Where `bench/gateway/run` has put the peers.
    pub(crate) peers: PathBuf,
    pub(crate) directory: PathBuf,
    pub(crate) requests: Vec<Request>,
    pub(crate) interrupt: Interrupt,
    pub(crate) broker: u32,
    loads: AtomicU32,
    log: EventLog,
    cluster: Cluster,
    /// After the cluster, which is down by then.
    _data: Passing,
}

impl Site {
    /// Starts a cluster and makes the topics.
    pub(crate) fn set_up(place: Place, interrupt: Interrupt) -> anyhow::Result<Self> {
        let Place { program, peers, directory, requests, port } = place;
        requests::write(&requests, &directory.join(REQUESTS))?;
        let home = directory.join("kafka");
        let cluster = Cluster::start(&home, port)?;
        interrupt.check()?;
        let broker = std::fs::read_to_string(home.join("broker-1/pid"))?;
        let broker = broker.trim().parse().context("the broker's pid")?;
        let log = KafkaLog::connect(KafkaConfig::new(&cluster.brokers, &cluster.registry))?;
        let log = log.into_log();
        let site = Self {
            program,
            peers,
            directory,
            requests,
            interrupt,
            broker,
            loads: AtomicU32::new(0),
            log,
            cluster,
            _data: Passing(home.join("broker-1/data")),
        };
        site.apply_topics()?;
        Ok(site)
    }

    fn apply_topics(&self) -> anyhow::Result<()> {
        // Nothing listens for this.
        let config = self.configure(Ports { gateway: 8080, admin: 9090 })?;
        let mut command = Command::new(&self.program);
        let output = command.arg("--config").arg(config).args(["topics", "apply"]).output();
        let output = output.with_context(|| self.program.display().to_string())?;
        if !output.status.success() {
            bail!("kleos topics apply: {}", String::from_utf8_lossy(&output.stderr));
        }
        Ok(())
    }

    /// Writes the configuration of our own; where it lies.
    pub(crate) fn configure(&self, ports: Ports) -> anyhow::Result<PathBuf> {
        let path = self.directory.join("kleos.toml");
        std::fs::write(&path, configuration(ports, &self.cluster))?;
        Ok(path)
    }

    pub(crate) fn brokers(&self) -> &str {
        &self.cluster.brokers
    }

    /// The file of all requests.
    pub(crate) fn requests_file(&self) -> PathBuf {
        self.directory.join(REQUESTS)
    }

    /// One of the requests.
    pub(crate) fn request(&self) -> anyhow::Result<&Request> {
        self.requests.first().context("no requests")
    }

    /// A number that no other load has.
    pub(crate) fn next_load(&self) -> u32 {
        self.loads.fetch_add(1, Ordering::Relaxed)
    }

    /// A file for what a contestant says.
    pub(crate) fn log_file(&self, name: &str) -> PathBuf {
        self.directory.join(format!("{name}.log"))
    }

    /// Records of the topic, once no more come.
    pub(crate) fn records(&self) -> anyhow::Result<i64> {
        let mut before = None;
        let settled = self.interrupt.wait(SETTLED_WITHIN, || {
            let standings = self.log.progress("bench", Topic::Raw)?;
            let now = Some(standings.iter().map(|standing| standing.end).sum::<i64>());
            if std::mem::replace(&mut before, now) == now {
                return Ok(now);
            }
            self.interrupt.sleep(SETTLED_AFTER)?;
            Ok(None)
        })?;
        settled.with_context(|| {
            format!("{} went on growing for {SETTLED_WITHIN:?} after the load", Topic::Raw)
        })
    }
}

const REQUESTS: &str = "requests.txt";

/// What a site is made of.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) program: PathBuf,
    pub(crate) peers: PathBuf,
    pub(crate) directory: PathBuf,
    pub(crate) requests: Vec<Request>,
    /// First of the cluster's ports.
    pub(crate) port: u16,
}

/// Removed at the end: gigabytes that say nothing more, once everything was counted.
#[derive(Debug)]
struct Passing(PathBuf);

impl Drop for Passing {
    fn drop(&mut self) {
        // What stays goes with the next run.
        std::fs::remove_dir_all(&self.0).ok();
    }
}
