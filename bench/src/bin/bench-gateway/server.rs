//! A contestant at work: a process that is started, asked whether it does its work, and stopped.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use kleos_bench::process;

use crate::configuration::Ports;
use crate::contestant::Contestant;
use crate::site::Site;
use crate::wire::{free_port, get, status};

const READY_WITHIN: Duration = Duration::from_secs(60);
const STOPPED_WITHIN: Duration = Duration::from_secs(30);

/// A process that does not outlive the benchmark.
#[derive(Debug)]
pub(crate) struct Server<'s> {
    site: &'s Site,
    contestant: Contestant,
    ports: Ports,
    process: Mortal,
    log: PathBuf,
}

/// Killed when it is dropped.
#[derive(Debug)]
pub(crate) struct Mortal(pub(crate) Child);

impl Drop for Mortal {
    fn drop(&mut self) {
        // It has ended already, unless the benchmark ends early.
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

impl<'s> Server<'s> {
    /// Starts a contestant; returns when it has taken a request, and refused one.
    pub(crate) fn start(site: &'s Site, contestant: Contestant) -> anyhow::Result<Self> {
        let ports = Ports { gateway: free_port()?, admin: free_port()? };
        let log = site.log_file(contestant.key());
        let said = std::fs::File::create(&log)?;
        let mut command = contestant.command(site, ports)?;
        command.stdin(Stdio::null()).stdout(said.try_clone()?).stderr(said);
        let process = command.spawn().with_context(|| {
            format!("starting {}: is it there?", command.get_program().display())
        })?;
        let mut server = Self { site, contestant, ports, process: Mortal(process), log };
        server.takes_what_is_signed()?;
        server.refuses_what_is_not()?;
        Ok(server)
    }

    pub(crate) const fn port(&self) -> u16 {
        self.ports.gateway
    }

    fn takes_what_is_signed(&mut self) -> anyhow::Result<()> {
        let request = self.site.request()?.bytes(self.port(), "first");
        let (site, mut last) = (self.site, None);
        let taken = site.interrupt.wait(READY_WITHIN, || {
            self.check()?;
            last = status(self.port(), &request)?;
            // Until it has found its brokers, a gateway is unavailable.
            Ok(last.filter(|status| *status != 503))
        })?;
        ensure!(taken == Some(202), "{}", self.answered("a good request", last, 202));
        Ok(())
    }

    /// Without the check a contestant would be cheaper than it may be.
    fn refuses_what_is_not(&self) -> anyhow::Result<()> {
        let mut request = self.site.request()?.clone();
        request.body = request.body.replacen('{', "[", 1);
        let found = status(self.port(), &request.bytes(self.port(), "first"))?;
        let expected = if self.contestant.is_gateway() { 401 } else { 202 };
        let what = "a request with a signature of something else";
        ensure!(found == Some(expected), "{}", self.answered(what, found, expected));
        Ok(())
    }

    fn answered(&self, what: &str, status: Option<u16>, expected: u16) -> String {
        let status = status.map_or_else(|| "no answer".to_owned(), |status| status.to_string());
        self.fault(&format!("{what} got {status}; expected {expected}"))
    }

    /// Whether it still runs.
    pub(crate) fn check(&mut self) -> anyhow::Result<()> {
        match self.process.0.try_wait()? {
            Some(status) => bail!("{}", self.fault(&format!("ended with {status}"))),
            None => Ok(()),
        }
    }

    fn fault(&self, what: &str) -> String {
        format!("{}: {what}; see {}", self.contestant.key(), self.log.display())
    }

    /// User and system time until now.
    pub(crate) fn cpu_seconds(&self) -> anyhow::Result<f64> {
        process::cpu_seconds(self.process.0.id())
    }

    /// The most memory until now.
    pub(crate) fn peak_memory_mib(&self) -> anyhow::Result<f64> {
        process::peak_memory_mib(self.process.0.id())
    }

    /// What our own says of itself.
    pub(crate) fn metrics(&self) -> anyhow::Result<String> {
        get(self.ports.admin, "/metrics")
    }

    /// Stops it as an operator would.
    pub(crate) fn stop(mut self) -> anyhow::Result<()> {
        self.check()?;
        Command::new("kill").args(["-TERM", &self.process.0.id().to_string()]).status()?;
        let child = &mut self.process.0;
        let ended = self.site.interrupt.wait(STOPPED_WITHIN, || Ok(child.try_wait()?))?;
        ensure!(ended.is_some(), "{}", self.fault(&format!("still ran after {STOPPED_WITHIN:?}")));
        Ok(())
    }
}
