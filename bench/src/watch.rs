//! Looks at a processor from outside, whatever it is written in: the offsets that its group has
//! committed, the processor time of its process and of the broker's, and its memory.

use std::time::Duration;

use anyhow::{Context, bail};
use kleos_bench::process::{cpu_seconds, peak_memory_mib};
use kleos_contracts::class::Class;
use kleos_contracts::topic::Topic;
use kleos_event_log::EventLog;
use kleos_service_kit::clock::SharedClock;
use serde::Serialize;

/// How often it is looked at.
const PACE: Duration = Duration::from_millis(100);
/// A drain takes longer only if something is wrong.
const DEADLINE: Duration = Duration::from_secs(900);

/// A processor at work.
#[derive(Clone, Debug)]
pub(crate) struct Subject<'a> {
    /// Its group is `kleos.NAME`.
    pub(crate) name: &'a str,
    pub(crate) pid: u32,
    pub(crate) broker: u32,
    /// When its process was started, by the clock.
    pub(crate) started: Duration,
    /// Events that it has to read.
    pub(crate) events: u64,
}

/// What was seen of one run.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(crate) struct Figures {
    /// From the process's start.
    pub(crate) first_commit_seconds: f64,
    /// From the first commit to the last.
    pub(crate) events_per_second: f64,
    /// Of the whole run, from the process's start.
    pub(crate) cpu_seconds_per_million: f64,
    pub(crate) events_per_cpu_second: f64,
    /// From half of the events on: most of what a start costs is over.
    pub(crate) second_half_cpu_seconds_per_million: f64,
    pub(crate) second_half_events_per_cpu_second: f64,
    /// What the broker needed meanwhile.
    pub(crate) broker_cpu_seconds_per_million: f64,
    pub(crate) peak_memory_mib: f64,
}

#[derive(Clone, Copy, Debug)]
struct Sample {
    at: f64,
    events: f64,
    cpu: f64,
}

/// Watches until everything is committed.
pub(crate) fn until_drained(
    log: &EventLog,
    clock: &SharedClock,
    subject: &Subject<'_>,
    check: &mut dyn FnMut() -> anyhow::Result<()>,
) -> anyhow::Result<Figures> {
    let broker = cpu_seconds(subject.broker)?;
    let mut samples: Vec<Sample> = Vec::new();
    loop {
        check()?;
        let standings = match log.progress(subject.name, Topic::Events) {
            Ok(standings) => standings,
            // A busy broker may be slow to answer; the deadline holds for this too.
            Err(error) if error.class() == Class::Retriable => Vec::new(),
            Err(error) => return Err(error.into()),
        };
        let committed: i64 = standings.iter().filter_map(|standing| standing.committed).sum();
        let is_done = !standings.is_empty() && standings.iter().all(|one| one.behind == 0);
        // The marks of the writer's transactions take offsets too.
        let events = if is_done { subject.events } else { u64::try_from(committed)? };
        let at = clock.monotonic().saturating_sub(subject.started);
        let (at, cpu) = (at.as_secs_f64(), cpu_seconds(subject.pid)?);
        if !standings.is_empty() {
            samples.push(Sample { at, events: real(events), cpu });
        }
        if is_done {
            break;
        }
        if at > DEADLINE.as_secs_f64() {
            bail!("{} is at {committed} of {} after {at:.0} s", subject.name, subject.events);
        }
        std::thread::sleep(PACE);
    }
    let mut figures = figures(&samples).context("nothing was committed")?;
    let broker = cpu_seconds(subject.broker)? - broker;
    figures.broker_cpu_seconds_per_million = broker * 1e6 / real(subject.events);
    figures.peak_memory_mib = peak_memory_mib(subject.pid)?;
    Ok(figures)
}

fn figures(samples: &[Sample]) -> Option<Figures> {
    let last = *samples.last()?;
    let first = *samples.iter().find(|sample| sample.events > 0.0)?;
    let half = *samples.iter().find(|sample| sample.events >= last.events / 2.0)?;
    let (later, later_cpu) = (last.events - half.events, last.cpu - half.cpu);
    Some(Figures {
        first_commit_seconds: first.at,
        events_per_second: (last.events - first.events) / (last.at - first.at),
        cpu_seconds_per_million: last.cpu * 1e6 / last.events,
        events_per_cpu_second: last.events / last.cpu,
        second_half_cpu_seconds_per_million: later_cpu * 1e6 / later,
        second_half_events_per_cpu_second: later / later_cpu,
        ..Figures::default()
    })
}

/// Counts of events are far below where a real number gets coarse.
#[expect(clippy::cast_precision_loss, reason = "see above")]
pub(crate) const fn real(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_of_what_came_after_the_first_commit_and_of_the_second_half() {
        let sample = |at, events, cpu| Sample { at, events, cpu };
        let samples = [
            sample(0.5, 0.0, 0.3),
            sample(1.0, 200.0, 1.0),
            sample(2.0, 600.0, 2.0),
            sample(3.0, 1_000.0, 2.5),
        ];
        let figures = figures(&samples).unwrap();
        assert_eq!(figures.first_commit_seconds, 1.0);
        assert_eq!(figures.events_per_second, 400.0);
        assert_eq!(figures.events_per_cpu_second, 400.0);
        assert_eq!(figures.second_half_events_per_cpu_second, 800.0);
        assert_eq!(figures.second_half_cpu_seconds_per_million, 1_250.0);
    }
}
