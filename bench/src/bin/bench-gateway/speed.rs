//! How much a contestant does, how soon, and with how much time of the processor.

use anyhow::ensure;
use kleos_bench::process::cpu_seconds;
use serde::Serialize;

use crate::contestant::Contestant;
use crate::load::{Load, send};
use crate::server::Server;
use crate::site::Site;

/// One run of a contestant.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Figures {
    pub(crate) requests_per_second: f64,
    pub(crate) cpu_seconds_per_100k: f64,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
    pub(crate) peak_memory_mib: f64,
    pub(crate) broker_cpu_seconds_per_100k: f64,
    pub(crate) generator_cpu_seconds_per_100k: f64,
}

/// Runs a contestant as a new process: first a load that does not count, then one that does.
pub(crate) fn measure(
    site: &Site,
    contestant: Contestant,
    warm_up: Load,
    load: Load,
) -> anyhow::Result<Figures> {
    let mut server = Server::start(site, contestant)?;
    send(site, &mut server, warm_up)?;
    let records = site.records()?;
    let before = [server.cpu_seconds()?, cpu_seconds(site.broker)?];
    let seen = send(site, &mut server, load)?;
    let after = [server.cpu_seconds()?, cpu_seconds(site.broker)?];
    let stored = site.records()? - records;
    seen.all_went_well(contestant.key(), load)?;
    is_accounted_for(contestant, stored, seen.requests, load.connections)?;
    let requests = f64::from(seen.requests);
    let per_100k = |seconds: f64| seconds * 1e5 / requests;
    let figures = Figures {
        requests_per_second: requests / seen.seconds,
        cpu_seconds_per_100k: per_100k(after[0] - before[0]),
        p50_ms: seen.p50_ms,
        p99_ms: seen.p99_ms,
        peak_memory_mib: server.peak_memory_mib()?,
        broker_cpu_seconds_per_100k: per_100k(after[1] - before[1]),
        generator_cpu_seconds_per_100k: per_100k(seen.cpu_seconds),
    };
    server.stop()?;
    Ok(figures)
}

/// Has the broker do what it will do, before anything counts.
pub(crate) fn warm_up(site: &Site, load: Load) -> anyhow::Result<()> {
    let mut server = Server::start(site, Contestant::Kleos)?;
    send(site, &mut server, load)?;
    server.stop()
}

/// Every success is a record. When the load ends, each connection can have one more on its way.
fn is_accounted_for(
    contestant: Contestant,
    stored: i64,
    answered: u32,
    connections: u32,
) -> anyhow::Result<()> {
    let (answered, connections) = (i64::from(answered), i64::from(connections));
    let expected = if contestant.is_gateway() { answered..=answered + connections } else { 0..=0 };
    ensure!(
        expected.contains(&stored),
        "{} answered {answered} requests over {connections} connections, and {stored} records came \
         to the topic; expected {} to {}: no figure counts",
        contestant.key(),
        expected.start(),
        expected.end()
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_success_is_a_record_and_only_what_was_under_way_may_be_more() {
        for (contestant, stored, is_fine) in [
            (Contestant::Kleos, 999, false),
            (Contestant::Kleos, 1_000, true),
            (Contestant::GoGateway, 1_064, true),
            (Contestant::GoGateway, 1_065, false),
            (Contestant::HttpCeiling, 0, true),
            (Contestant::HttpCeiling, 1, false),
        ] {
            let found = is_accounted_for(contestant, stored, 1_000, 64);
            assert_eq!(found.is_ok(), is_fine, "{contestant:?} {stored}: {found:?}");
        }
    }
}
