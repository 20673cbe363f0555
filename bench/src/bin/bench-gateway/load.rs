//! wrk, and what it has seen.

use std::io::Read;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use kleos_bench::process;
use kleos_e2e::cluster::root;
use serde::Deserialize;

use crate::requests::PATH;
use crate::server::{Mortal, Server};
use crate::site::Site;

/// An answer that takes longer is an error.
const TIMEOUT_SECONDS: u64 = 10;

/// How much is sent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    pub(crate) connections: u32,
    pub(crate) seconds: u64,
}

/// What `requests.lua` says at the end.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(crate) struct Seen {
    /// Answers that came.
    pub(crate) requests: u32,
    pub(crate) seconds: f64,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
    /// Of the answers, those with a status above 399.
    refused: u32,
    socket_errors: u32,
    /// What wrk itself has used.
    #[serde(skip)]
    pub(crate) cpu_seconds: f64,
}

/// Whether wrk is there.
pub(crate) fn is_there() -> anyhow::Result<()> {
    // It has no exit code of success for saying its version.
    let started = Command::new("wrk").arg("-v").stdout(Stdio::null()).status();
    started.map(drop).context("starting wrk, which `scripts/setup --bench` installs")
}

/// Sends to a server, each connection one request after the other. What does not count may go wrong:
/// a gateway refuses some while its broker is cold.
pub(crate) fn send(site: &Site, server: &mut Server<'_>, load: Load) -> anyhow::Result<Seen> {
    let Load { connections, seconds } = load;
    let before = process::cpu_seconds_of_children()?;
    let mut command = Command::new("wrk");
    command.arg("-t1").arg(format!("-c{connections}")).arg(format!("-d{seconds}s"));
    command.arg("--latency").arg(format!("--timeout={TIMEOUT_SECONDS}s"));
    command.arg("-s").arg(root().join("bench/gateway/requests.lua"));
    command.arg(format!("http://127.0.0.1:{}{PATH}", server.port()));
    command.arg("--").arg(site.requests_file()).arg(site.next_load().to_string());
    let said = output(site, &mut command, Duration::from_secs(seconds + 3 * TIMEOUT_SECONDS))?;
    let last = said.lines().last().unwrap_or_default();
    let mut seen: Seen = serde_json::from_str(last).with_context(|| format!("wrk: {said}"))?;
    seen.cpu_seconds = process::cpu_seconds_of_children()? - before;
    server.check()?;
    Ok(seen)
}

impl Seen {
    /// Whether everything that was answered was a success.
    pub(crate) fn all_went_well(&self, name: &str, load: Load) -> anyhow::Result<()> {
        let Self { requests, refused, socket_errors, .. } = self;
        ensure!(
            *requests > 0 && *refused == 0 && *socket_errors == 0,
            "{name} at {} connections: of {requests} answers {refused} were no success, and there \
             were {socket_errors} errors of sockets: no figure counts",
            load.connections
        );
        Ok(())
    }
}

fn output(site: &Site, command: &mut Command, patience: Duration) -> anyhow::Result<String> {
    let started = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn();
    let mut process = Mortal(started.context("starting wrk")?);
    // What it writes is far less than a pipe holds.
    let ended = site.interrupt.wait(patience, || Ok(process.0.try_wait()?))?;
    let status = ended.with_context(|| format!("wrk still ran after {patience:?}"))?;
    let mut said = String::new();
    process.0.stdout.take().context("wrk's output")?.read_to_string(&mut said)?;
    if !status.success() {
        bail!("wrk ended with {status}: {said}");
    }
    Ok(said)
}
