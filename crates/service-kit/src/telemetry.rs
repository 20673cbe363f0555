//! The log: one line an event, on stderr, for people or for machines.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::fmt;
use std::io::{self, IsTerminal};
use std::panic::{self, PanicHookInfo};
use std::str::FromStr;

use tracing::dispatcher::set_global_default;
use tracing::{Dispatch, error};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::{Layer, Registry};

use crate::clock::SharedClock;
use crate::config::{Environment, Section};

/// How lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum LogFormat {
    /// For people.
    #[default]
    Human,
    /// One JSON object a line.
    Json,
}

/// What is logged, and how.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LogSettings {
    /// How lines look.
    pub format: LogFormat,
    /// From which level on.
    pub levels: LogLevels,
}

/// From which level on events are logged, for all or by module: `info,kleos_event_log=debug`.
#[derive(Clone, Debug, PartialEq)]
pub struct LogLevels(Targets);

/// Why a text says no levels.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a level: there are off, error, warn, info, debug and trace")]
pub struct LogLevelsError(String);

/// The library of HTTP/2. It speaks of single frames, also where it warns: whoever sends them could
/// have the log grow without end.
const OF_FRAMES: &str = "h2";

impl Default for LogLevels {
    fn default() -> Self {
        let levels = Targets::new().with_default(LevelFilter::INFO);
        Self(levels.with_target(OF_FRAMES, LevelFilter::ERROR))
    }
}

impl FromStr for LogLevels {
    type Err = LogLevelsError;

    /// A mistyped level is never taken for the name of a module.
    fn from_str(text: &str) -> Result<Self, LogLevelsError> {
        let mut levels = Self::default().0;
        for part in text.split(',').map(str::trim) {
            levels = match part.split_once('=') {
                Some((module, level)) => levels.with_target(module.trim(), parse_level(level)?),
                None => levels.with_default(parse_level(part)?),
            };
        }
        Ok(Self(levels))
    }
}

fn parse_level(text: &str) -> Result<LevelFilter, LogLevelsError> {
    let known = ["off", "error", "warn", "info", "debug", "trace"];
    let level = known.into_iter().find(|level| *level == text.trim());
    level.and_then(|level| level.parse().ok()).ok_or_else(|| LogLevelsError(text.to_owned()))
}

impl LogSettings {
    /// Takes `log_format` and `log_level` from a section.
    #[must_use]
    pub fn read(section: &Section<'_>) -> Self {
        let formats = [("human", LogFormat::Human), ("json", LogFormat::Json)];
        let format = section.one_of("log_format", &formats).or(LogFormat::default());
        let expected = "a level, as \"info\", or levels by module, as \"info,kleos_sources=debug\"";
        let levels = section.parsed("log_level", expected).or(LogLevels::default());
        Self { format, levels }
    }
}

/// The log was set up before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the log of this process is set up already")]
pub struct AlreadyInstalled;

/// Sends the events of the whole process to stderr, panics among them.
///
/// # Errors
/// Where the process has a log already.
pub fn install(settings: &LogSettings, clock: SharedClock) -> Result<(), AlreadyInstalled> {
    let is_plain = Environment::of_process().get("NO_COLOR").is_some_and(|it| !it.is_empty());
    let with_colours = io::stderr().is_terminal() && !is_plain;
    let dispatch = dispatch(settings, clock, io::stderr, with_colours);
    set_global_default(dispatch).map_err(|_| AlreadyInstalled)?;
    panic::set_hook(Box::new(log_panic));
    Ok(())
}

fn log_panic(panic: &PanicHookInfo<'_>) {
    let message = panic.payload_as_str().unwrap_or("it did not say why");
    let place = panic.location().map(ToString::to_string).unwrap_or_default();
    let thread = std::thread::current().name().unwrap_or_default().to_owned();
    // Empty unless the process was started with RUST_BACKTRACE.
    let backtrace = Backtrace::capture();
    if backtrace.status() == BacktraceStatus::Captured {
        error!(message, place, thread, %backtrace, "panic");
    } else {
        error!(message, place, thread, "panic");
    }
}

/// Where events go: formatted, filtered, to a writer.
pub fn dispatch<W>(
    settings: &LogSettings,
    clock: SharedClock,
    writer: W,
    with_colours: bool,
) -> Dispatch
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let layer = tracing_subscriber::fmt::layer()
        .with_writer(writer)
        .with_timer(ClockTime(clock))
        .with_ansi(with_colours);
    let levels = settings.levels.0.clone();
    let layer: Box<dyn Layer<Registry> + Send + Sync> = match settings.format {
        LogFormat::Human => layer.with_filter(levels).boxed(),
        LogFormat::Json => {
            let layer = layer.json().flatten_event(true).with_span_list(false);
            layer.with_filter(levels).boxed()
        }
    };
    Dispatch::new(tracing_subscriber::registry().with(layer))
}

struct ClockTime(SharedClock);

impl FormatTime for ClockTime {
    fn format_time(&self, writer: &mut Writer<'_>) -> fmt::Result {
        write!(writer, "{}", self.0.now())
    }
}

/// A writer that can be read afterwards.
#[cfg(test)]
pub(crate) mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use tracing::dispatcher::with_default;
    use tracing::{debug, info, info_span, warn};

    use super::*;
    use crate::clock::tests::ManualClock;

    #[derive(Clone, Default)]
    struct Sink(Arc<Mutex<Vec<u8>>>);

    impl Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged_as(settings: &LogSettings, body: impl FnOnce(SharedClock)) -> Vec<String> {
        let sink = Sink::default();
        let clock: SharedClock = Arc::new(ManualClock::default());
        let writer = sink.clone();
        let dispatch = dispatch(settings, Arc::clone(&clock), move || writer.clone(), false);
        with_default(&dispatch, || body(clock));
        let text = String::from_utf8(sink.0.lock().unwrap().clone()).unwrap();
        text.lines().map(str::to_owned).collect()
    }

    /// Lines for people, without their time.
    pub(crate) fn logged(body: impl FnOnce(SharedClock)) -> Vec<String> {
        let lines = logged_as(&LogSettings::default(), body);
        let time = "1970-01-01T00:00:00Z";
        lines.iter().map(|line| line.strip_prefix(time).unwrap().trim().to_owned()).collect()
    }

    fn settings(format: LogFormat, level: &str) -> LogSettings {
        LogSettings { format, levels: level.parse().unwrap() }
    }

    #[test]
    fn people_read_lines_and_machines_read_objects() {
        let body = |_| info_span!("component", id = "http").in_scope(|| info!(port = 80, "ready"));
        assert_eq!(
            logged(body),
            [r#"INFO component{id="http"}: kleos_service_kit::telemetry::tests: ready port=80"#]
        );
        let lines = logged_as(&settings(LogFormat::Json, "info"), body);
        let object: serde_json::Value = serde_json::from_str(&lines[0]).unwrap();
        assert_eq!(object["timestamp"], "1970-01-01T00:00:00Z");
        assert_eq!(object["level"], "INFO");
        assert_eq!(object["message"], "ready");
        assert_eq!(object["port"], 80);
        assert_eq!(object["span"]["id"], "http");
    }

    #[test]
    fn the_level_holds_for_all_or_for_a_module() {
        let body = |_| {
            debug!("fine");
            warn!("coarse");
        };
        let count = |level| logged_as(&settings(LogFormat::Human, level), body).len();
        for (level, expected) in [
            ("debug", 2),
            ("info", 1),
            ("off", 0),
            ("warn,kleos_service_kit=debug", 2),
            ("debug,kleos_service_kit::telemetry=off", 0),
        ] {
            assert_eq!(count(level), expected, "{level}");
        }
    }

    #[test]
    fn frames_of_others_are_logged_only_if_that_is_asked_for() {
        let body = |_| warn!(target: "h2::proto", "a frame");
        let count = |level| logged_as(&settings(LogFormat::Human, level), body).len();
        for (level, expected) in [("info", 0), ("trace", 0), ("trace,h2=warn", 1), ("h2=info", 1)] {
            assert_eq!(count(level), expected, "{level}");
        }
        assert_eq!(logged(body), [] as [&str; 0]);
    }

    #[test]
    fn a_mistyped_level_is_refused_and_not_taken_for_a_module() {
        for text in ["inof", "", "info,", "kleos_sources", "kleos_sources=loud", "INFO", "3"] {
            assert!(text.parse::<LogLevels>().is_err(), "{text:?}");
        }
        assert_eq!("info".parse(), Ok(LogLevels::default()));
        let error = "inof".parse::<LogLevels>().unwrap_err();
        assert!(error.to_string().starts_with("\"inof\" is not a level"), "{error}");
    }
}
