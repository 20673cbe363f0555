//! A service in miniature: settings, metrics, components, and what `main` does with them. The tests
//! run it as a real process; people can read it as an example, or run it:
//!
//! ```text
//! cargo run -p kleos-service-kit -- crates/service-kit/src/bin/miniature.toml
//! ```

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use kleos_service_kit::bootstrap::{self, Process, ProcessSettings};
use kleos_service_kit::config::{self, Environment, Section};
use kleos_service_kit::data_dir::DataDir;
use kleos_service_kit::failure::Failure;
use kleos_service_kit::lifecycle::{Phase, Shutdown};
use kleos_service_kit::metrics::{Counter, Histogram, SECONDS};
use kleos_service_kit::readiness::Condition;
use tracing::info;

fn main() -> ExitCode {
    bootstrap::main(|| {
        let Some(path) = std::env::args().nth(1) else {
            return Err(Failure::usage("which configuration? Name its file"));
        };
        let environment = Environment::of_process();
        let loaded = config::read(Path::new(&path), &environment, |root| {
            let process = ProcessSettings::read(&root.section("process"));
            let settings = Settings::read(&root.section("miniature"));
            Some((process, settings?))
        })?;
        let (process, settings) = loaded.value;
        bootstrap::serve(&process, &loaded.warnings, |process| start(process, settings))
    })
}

/// `[miniature]`.
#[derive(Debug)]
struct Settings {
    admin: SocketAddr,
    data_dir: PathBuf,
    pause: Duration,
    mood: Mood,
}

/// How the worker behaves, to see what becomes of the process.
#[derive(Clone, Copy, Debug)]
enum Mood {
    Patient,
    NeverStarts,
    Stuck,
    Fails,
    Panics,
    Done,
}

impl Settings {
    /// Every key first, the whole last.
    fn read(section: &Section<'_>) -> Option<Self> {
        let moods = [
            ("patient", Mood::Patient),
            ("never starts", Mood::NeverStarts),
            ("stuck", Mood::Stuck),
            ("fails", Mood::Fails),
            ("panics", Mood::Panics),
            ("done", Mood::Done),
        ];
        let admin = section.address("admin").required();
        let data_dir = section.path("data_dir").required();
        let range = Duration::from_millis(1)..=Duration::from_secs(60);
        let pause = section.duration("pause", range).or(Duration::from_millis(10));
        let mood = section.one_of("mood", &moods).or(Mood::Patient);
        Some(Self { admin: admin?, data_dir: data_dir?, pause, mood })
    }
}

kleos_service_kit::metrics! {
    /// What the miniature counts.
    struct Metrics {
        /// Turns of the worker.
        turns: Counter = "kleos_miniature_turns_total",
        /// Time of a turn.
        turn: Histogram = "kleos_miniature_turn_seconds" buckets SECONDS,
    }
}

async fn start(process: Process, settings: Settings) -> Result<(), Failure> {
    let data_dir = DataDir::open(&settings.data_dir)?;
    bootstrap::serve_admin(&process, settings.admin).await?;
    let service = process.of_service("miniature");
    let metrics = Metrics::register(&service.metrics)?;
    let ready = service.readiness.condition("worker");
    if matches!(settings.mood, Mood::NeverStarts) {
        ready.not_ready("nobody answers");
        std::future::pending::<()>().await;
    }
    let clock = process.clock;
    let worker = Worker { data_dir, metrics, ready, settings };
    service.lifecycle.spawn_thread(Phase::Work, "worker", move |shutdown| {
        worker.run(&shutdown, || clock.monotonic())
    })?;
    Ok(())
}

struct Worker {
    /// Held, and with it the directory, until the worker ends.
    data_dir: DataDir,
    metrics: Metrics,
    ready: Condition,
    settings: Settings,
}

impl Worker {
    fn run(self, shutdown: &Shutdown, time: impl Fn() -> Duration) -> io::Result<()> {
        self.ready.ready();
        loop {
            let began = time();
            match self.settings.mood {
                Mood::Patient | Mood::NeverStarts => {}
                Mood::Stuck if shutdown.is_requested() => std::thread::park(),
                Mood::Stuck => {}
                Mood::Fails => return Err(io::Error::other("no space left")),
                Mood::Panics => panic!("out of my depth"),
                Mood::Done => return Ok(()),
            }
            self.metrics.turns.inc();
            self.metrics.turn.observe((time() - began).as_secs_f64());
            if shutdown.wait(self.settings.pause) && !matches!(self.settings.mood, Mood::Stuck) {
                break;
            }
        }
        info!(turns = self.metrics.turns.get(), "drained");
        drop(self.data_dir);
        Ok(())
    }
}
