//! The gateway on a real Kafka, side by side with others that do the same, and with HTTP alone:
//! all take the same signed webhooks, by turns, over and over.
//!
//! - [`site`] is what they share: a cluster, a topic, the [`requests`]
//! - [`contestant`] says who they are, [`server`] starts and stops them, [`configuration`] is of
//!   ours
//! - [`load`] has wrk send; [`speed`] and [`memory`] are what is measured, [`outcome`] makes the
//!   last line of it
//!
//! The last line is JSON.
#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "it drives real processes by the real clock, and talks to people"
)]

mod configuration;
mod contestant;
mod interrupt;
mod load;
mod memory;
mod outcome;
mod requests;
mod server;
mod site;
mod speed;
mod wire;

use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;
use kleos_bench::report::{medians, rounded};
use kleos_e2e::cluster::emptied;
use kleos_e2e::sibling;
use serde_json::{Map, Value};

use crate::contestant::Contestant;
use crate::interrupt::Interrupt;
use crate::load::Load;
use crate::outcome::Runs;
use crate::site::{Place, Site};

/// Measures the gateway beside its peers, and beside HTTP alone.
#[derive(Debug, Parser)]
struct Arguments {
    /// Runs of each contestant at each number of connections; the figures are medians [3].
    #[arg(long)]
    rounds: Option<usize>,
    /// Seconds of each run [10].
    #[arg(long)]
    seconds: Option<u64>,
    /// Seconds of the same load before each run [3].
    #[arg(long)]
    warm_up: Option<u64>,
    /// Seconds of a load before everything: a broker that was just started compiles itself
    /// meanwhile [30].
    #[arg(long)]
    broker_warm_up: Option<u64>,
    /// Seconds for which all idle and slow connections are there [30].
    #[arg(long)]
    hold: Option<u64>,
    /// Connections, each of which sends one request after the other.
    #[arg(long, value_delimiter = ',', default_value = "64,256")]
    connections: Vec<u32>,
    /// Who is measured.
    #[arg(
        long,
        value_delimiter = ',',
        value_enum,
        default_value = "kleos,go-gateway,node-kafkajs,http-ceiling"
    )]
    contestants: Vec<Contestant>,
    /// Only the memory of our own.
    #[arg(long)]
    memory: bool,
    /// Once and for a short time, to see that everything works: the figures say little.
    #[arg(long)]
    quick: bool,
    /// Different bodies.
    #[arg(long, default_value_t = 4_000)]
    bodies: usize,
    /// Seed of the bodies.
    #[arg(long, default_value_t = 42)]
    seed: u64,
    /// The program, if not the one beside this one.
    #[arg(long)]
    program: Option<PathBuf>,
    /// Where the peers were built.
    #[arg(long, default_value = "target")]
    peers: PathBuf,
    /// First of the cluster's ports.
    #[arg(long, default_value_t = 19_900)]
    port: u16,
    /// Where everything lies; emptied first.
    #[arg(long, default_value = "var/bench-gateway")]
    directory: PathBuf,
}

impl Arguments {
    /// Only ours has promised how much it takes.
    fn measures_memory(&self) -> bool {
        self.memory || self.contestants.contains(&Contestant::Kleos)
    }

    /// What is missing is told before anything is started.
    fn check(&self) -> anyhow::Result<()> {
        load::is_there()?;
        if self.measures_memory() {
            memory::is_possible()?;
        }
        if !self.memory {
            self.contestants.iter().try_for_each(|one| one.is_there(&self.peers))?;
        }
        Ok(())
    }
}

/// How long everything takes.
#[derive(Clone, Copy, Debug)]
struct Pace {
    rounds: usize,
    seconds: u64,
    warm_up: u64,
    broker_warm_up: u64,
    hold: u64,
}

impl Pace {
    const USUAL: Self = Self { rounds: 3, seconds: 10, warm_up: 3, broker_warm_up: 30, hold: 30 };
    const QUICK: Self = Self { rounds: 1, seconds: 2, warm_up: 1, broker_warm_up: 1, hold: 3 };

    fn of(arguments: &Arguments) -> Self {
        let usual = if arguments.quick { Self::QUICK } else { Self::USUAL };
        Self {
            rounds: arguments.rounds.unwrap_or(usual.rounds).max(1),
            seconds: arguments.seconds.unwrap_or(usual.seconds).max(1),
            warm_up: arguments.warm_up.unwrap_or(usual.warm_up).max(1),
            broker_warm_up: arguments.broker_warm_up.unwrap_or(usual.broker_warm_up).max(1),
            hold: arguments.hold.unwrap_or(usual.hold),
        }
    }
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    arguments.check()?;
    let pace = Pace::of(&arguments);
    let site = set_up(&arguments)?;
    let mut outcome = Map::new();
    if !arguments.memory {
        outcome.insert("rounds".to_owned(), pace.rounds.into());
        outcome.insert("seconds".to_owned(), pace.seconds.into());
        outcome.extend(speed(&site, &arguments, pace)?);
    }
    if arguments.measures_memory() {
        outcome.extend(memory(&site, pace)?);
    }
    println!("The last line has the medians:");
    // What the cluster has to say when it ends comes before the last line.
    drop(site);
    println!("{}", Value::from(outcome));
    Ok(())
}

fn set_up(arguments: &Arguments) -> anyhow::Result<Site> {
    let interrupt = Interrupt::listen()?;
    let place = Place {
        program: arguments.program.clone().map_or_else(|| sibling("kleos"), Ok)?,
        peers: std::path::absolute(&arguments.peers)?,
        directory: emptied(&arguments.directory)?,
        requests: requests::requests(arguments.seed, arguments.bodies)?,
        port: arguments.port,
    };
    println!("Starting Apache Kafka and a schema registry …");
    Site::set_up(place, interrupt)
}

fn speed(site: &Site, arguments: &Arguments, pace: Pace) -> anyhow::Result<Map<String, Value>> {
    println!("Warming the broker up for {} s …", pace.broker_warm_up);
    let connections = arguments.connections.iter().copied().max().unwrap_or(1);
    speed::warm_up(site, Load { connections, seconds: pace.broker_warm_up })?;
    let mut runs = Runs::new();
    let mut order = arguments.contestants.clone();
    for round in 1..=pace.rounds {
        for &connections in &arguments.connections {
            for &contestant in &order {
                let load = |seconds| Load { connections, seconds };
                let run = speed::measure(site, contestant, load(pace.warm_up), load(pace.seconds))?;
                println!(
                    "{} {round}, {connections} connections: {}",
                    contestant.key(),
                    serde_json::to_string(&medians(&[run])?)?
                );
                runs.entry((contestant, connections)).or_default().push(run);
            }
        }
        // Who is first has a machine that is cooler, and a broker with less behind it.
        order.rotate_left(1);
    }
    outcome::of_speed(&runs)
}

fn memory(site: &Site, pace: Pace) -> anyhow::Result<Map<String, Value>> {
    use memory::{BUSY, IDLE, SLOW};
    println!("{BUSY} connections that send …");
    let busy = memory::busy(site, pace.seconds)?;
    println!("{IDLE} idle connections and {SLOW} slow ones for {} s …", pace.hold);
    let crowded = memory::crowded(site, Duration::from_secs(pace.hold))?;
    println!("{} slow connections were closed", crowded.cut);
    let figures = [
        (format!("memory_{BUSY}_connections_mib"), busy),
        (format!("memory_{IDLE}_idle_{SLOW}_slow_mib"), crowded.peak_memory_mib),
    ];
    Ok(figures.into_iter().map(|(name, mib)| (name, rounded(mib).into())).collect())
}
