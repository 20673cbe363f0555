//! The rules-processor on a real Kafka, side by side with a Kafka Streams processor of the same
//! rules: both read the same topic, by turns, each time from the first event on.
//!
//! - [`load`] makes the events; [`watch`] looks at a process while it reads them
//! - [`ours`] is the rules-processor, [`peer`] the one in Kafka Streams
//! - [`agree`] has the oracle judge both outputs: no figure counts before
//!
//! The last line is JSON.
#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "it drives real processes, and talks to people"
)]

mod agree;
mod load;
mod ours;
mod peer;
mod watch;

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Parser;
use kleos_bench::report::{medians, rounded};
use kleos_e2e::cluster::{Cluster, emptied};
use kleos_e2e::deployment::Layout;
use kleos_e2e::world::Plan;
use kleos_e2e::{now_micros, sibling};
use kleos_event_log::{EventLog, KafkaConfig, KafkaLog};
use kleos_service_kit::clock::SystemClock;
use serde_json::{Value, json};

use crate::ours::Ours;
use crate::peer::Peer;

/// Measures the rules-processor beside Kafka Streams.
#[derive(Debug, Parser)]
struct Arguments {
    /// Events that both read.
    #[arg(long, default_value_t = 1_000_000)]
    events: u64,
    /// Learners; every one is seen.
    #[arg(long, default_value_t = 100_000)]
    learners: u64,
    /// Runs of each side; the figures are medians.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Seconds of each steady load.
    #[arg(long, default_value_t = 20)]
    steady: usize,
    /// Seconds of a load of 1,000 events a second before the steady ones: a broker that was just
    /// started compiles itself meanwhile.
    #[arg(long, default_value_t = 60)]
    warm_up: usize,
    /// Events a second of the steady loads, besides half of what a run reached.
    #[arg(long, value_delimiter = ',', default_value = "100,1000")]
    steady_rates: Vec<usize>,
    /// Partitions of every topic, a power of two.
    #[arg(long, default_value_t = 8)]
    partitions: i32,
    /// Workers of the rules-processor.
    #[arg(long, default_value_t = 1)]
    workers: usize,
    /// Seed of the events.
    #[arg(long, default_value_t = 42)]
    seed: u64,
    /// Classes and libraries of the peer; without them the rules-processor is measured alone.
    #[arg(long)]
    peer: Option<PathBuf>,
    /// The program, if not the one beside this one.
    #[arg(long)]
    program: Option<PathBuf>,
    /// Where everything lies; emptied first.
    #[arg(long, default_value = "var/bench")]
    directory: PathBuf,
}

/// First of the cluster's ports.
const PORT: u16 = 19_800;

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    anyhow::ensure!(arguments.learners <= arguments.events / 2, "fewer learners than events / 2");
    let mut bench = Bench::set_up(&arguments)?;
    let first = bench.fill()?;
    for round in 1..=arguments.rounds.max(1) {
        bench.round(round)?;
    }
    bench.judge()?;
    let steady = bench.steady(&arguments)?;
    let restart = bench.restart(&first)?;
    println!("The last line has the medians:");
    let outcome = bench.outcome(&steady, restart)?;
    // What the cluster has to say when it ends comes before the last line.
    drop(bench);
    println!("{outcome}");
    Ok(())
}

/// The processor under a load that leaves it some room.
#[derive(Clone, Copy, Debug, serde::Serialize)]
struct Steady {
    events_per_second: usize,
    #[serde(flatten)]
    commits: ours::Commits,
}

struct Bench {
    plan: Plan,
    directory: PathBuf,
    ours: Ours,
    peer: Option<Peer>,
    log: EventLog,
    events: u64,
    ours_runs: Vec<ours::Run>,
    peer_runs: Vec<peer::Run>,
    outputs: Vec<PathBuf>,
}

impl Bench {
    fn set_up(arguments: &Arguments) -> anyhow::Result<Self> {
        let directory = emptied(&arguments.directory)?;
        println!("Starting Apache Kafka and a schema registry …");
        let cluster = Cluster::start(&directory.join("kafka"), PORT)?;
        let kafka = KafkaConfig::new(&cluster.brokers, &cluster.registry);
        let clock = SystemClock::shared();
        let program = arguments.program.clone().map_or_else(|| sibling("kleos"), Ok)?;
        let Arguments { partitions, workers, .. } = *arguments;
        let layout = Layout::new(program, directory.clone(), Vec::new());
        let ours = Ours::new(Layout { partitions, workers, ..layout }, cluster, &clock)?;
        let log = KafkaLog::connect(kafka.clone())?.into_log();
        let (broker, partitions) = (ours.broker(), ours.partitions());
        let directory_of_peer = directory.clone();
        let peer = arguments.peer.clone().map(|package| Peer {
            package,
            directory: directory_of_peer,
            kafka,
            clock,
            broker,
            partitions,
        });
        let Arguments { seed, events: webhooks, learners, .. } = *arguments;
        let plan = Plan { seed, webhooks, learners, now: now_micros() };
        let (ours_runs, peer_runs, outputs) = Default::default();
        Ok(Self { plan, directory, ours, peer, log, events: 0, ours_runs, peer_runs, outputs })
    }

    fn fill(&mut self) -> anyhow::Result<PathBuf> {
        let events = load::first(&self.plan);
        self.events = events.len() as u64;
        println!("Writing {} events of {} learners …", events.len(), self.plan.learners);
        load::publish(&self.log, &events)?;
        let path = self.directory.join("events.jsonl");
        agree::dump_events(&self.log, &path)?;
        Ok(path)
    }

    /// One run of each side; who is first changes from round to round.
    fn round(&mut self, round: usize) -> anyhow::Result<()> {
        if round.is_multiple_of(2) {
            self.run_peer(round)?;
            self.run_ours(round)
        } else {
            self.run_ours(round)?;
            self.run_peer(round)
        }
    }

    fn run_ours(&mut self, round: usize) -> anyhow::Result<()> {
        if round > 1 {
            self.ours.forget()?;
        }
        let run = self.ours.drain(&self.log, self.events)?;
        println!("kleos {round}: {}", serde_json::to_string(&medians(&[run])?)?);
        self.ours_runs.push(run);
        self.dump(&self.log.clone(), &format!("kleos-{round}"))
    }

    fn run_peer(&mut self, round: usize) -> anyhow::Result<()> {
        let Some(peer) = &self.peer else { return Ok(()) };
        let run = peer.drain(&self.log, round, self.events)?;
        println!("kafka-streams {round}: {}", serde_json::to_string(&medians(&[run])?)?);
        let log = peer.log(round)?;
        self.peer_runs.push(run);
        self.dump(&log, &format!("kafka-streams-{round}"))
    }

    fn dump(&mut self, log: &EventLog, name: &str) -> anyhow::Result<()> {
        let path = self.directory.join(format!("{name}.jsonl"));
        agree::dump_awards(log, &self.log, &path)?;
        self.outputs.push(path);
        Ok(())
    }

    fn judge(&self) -> anyhow::Result<()> {
        println!("Asking the oracle …");
        agree::judge(&self.directory.join("events.jsonl"), &self.outputs)
    }
}

/// Events a second before the steady loads.
const WARM_UP_RATE: usize = 1_000;
/// Events of the load during which a process is killed, for each hundred of the first.
const KILLED_PERCENT: u64 = 20;

impl Bench {
    /// Commits under steady loads, the last of them half of what the processor reached when it had
    /// all to catch up with.
    fn steady(&mut self, arguments: &Arguments) -> anyhow::Result<Vec<Steady>> {
        let reached = medians(&self.ours_runs)?;
        let reached = reached.get("events_per_second").and_then(Value::as_f64).unwrap_or_default();
        let rates = arguments.steady_rates.iter().copied().chain([whole(reached / 2.0)]);
        self.steady_at(1, WARM_UP_RATE, arguments.warm_up)?;
        (2..).zip(rates).map(|(nth, rate)| self.steady_at(nth, rate, arguments.steady)).collect()
    }

    fn steady_at(&mut self, nth: u64, per_second: usize, seconds: usize) -> anyhow::Result<Steady> {
        println!("{per_second} events a second for {seconds} s …");
        let load = load::further(&self.plan, nth, (per_second * seconds) as u64);
        let (log, clock) = (self.log.clone(), SystemClock::shared());
        let commits =
            self.ours.keep_up(&mut || load::publish_paced(&log, &clock, &load, per_second))?;
        Ok(Steady { events_per_second: per_second, commits })
    }

    /// Seconds from the start of a process after kill -9 to its first commit.
    fn restart(&mut self, events: &Path) -> anyhow::Result<f64> {
        println!("kill -9 in the middle of a further load …");
        let load = load::further(&self.plan, 0, self.plan.webhooks * KILLED_PERCENT / 100);
        self.ours.resume()?;
        let (half, log) = (load.len() as u64 / 2, self.log.clone());
        let seconds = std::thread::scope(|scope| {
            let writer = || load::publish(&log, &load);
            let writer = std::thread::Builder::new().spawn_scoped(scope, writer)?;
            let took = self.ours.kill_and_restart(half);
            writer.join().ok().context("the writer panicked")??;
            took
        })?;
        self.ours.finish()?;
        agree::dump_events(&self.log, events)?;
        self.dump(&self.log.clone(), "kleos-killed")?;
        agree::judge(events, self.outputs.split_off(self.outputs.len() - 1).as_slice())?;
        Ok(seconds.as_secs_f64())
    }

    fn outcome(&self, steady: &[Steady], restart: f64) -> anyhow::Result<Value> {
        let mut ours = medians(&self.ours_runs)?;
        let steady = steady.iter().map(|one| medians(std::slice::from_ref(one)).map(Value::from));
        ours.insert("steady".to_owned(), steady.collect::<anyhow::Result<Vec<_>>>()?.into());
        ours.insert("restart_seconds".to_owned(), rounded(restart).into());
        let mut outcome = json!({
            "events": self.events,
            "learners": self.plan.learners,
            "partitions": self.ours.partitions(),
            "workers": self.ours.workers(),
            "rounds": self.ours_runs.len(),
            "agrees": true,
            "kleos": ours,
        });
        if !self.peer_runs.is_empty() {
            let peer = medians(&self.peer_runs)?;
            for (name, figure) in [
                ("ratio_events_per_cpu_second", "events_per_cpu_second"),
                ("ratio_second_half", "second_half_events_per_cpu_second"),
            ] {
                let of = |side: &serde_json::Map<String, Value>| side.get(figure)?.as_f64();
                let ratio = of(&ours).zip(of(&peer)).map(|(ours, peer)| rounded(ours / peer));
                outcome[name] = ratio.into();
            }
            outcome["kafka_streams"] = peer.into();
        }
        Ok(outcome)
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a rate of events is positive and far below where that matters"
)]
const fn whole(rate: f64) -> usize {
    rate as usize
}
