//! Kleos as it is run: one process on an embedded log, or several on a cluster.

mod configuration;
mod lag;
mod net;
mod role;

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

pub use self::configuration::QUERY_TOKEN;
use self::configuration::{CUSTOM_TOKEN, MOODLE_TOKEN, Ports, configuration};
pub use self::lag::{Lag, Open};
use self::net::{free_ports, http_get, http_status};
pub use self::role::Role;
use crate::cluster::Cluster;
use crate::send::Target;
use anyhow::{Context, bail};

/// How a deployment is put together.
#[derive(Clone, Debug)]
pub struct Layout {
    /// The program.
    pub program: PathBuf,
    /// Where everything lies.
    pub directory: PathBuf,
    /// Processes by name, and what each is started as.
    pub processes: Vec<(&'static str, Role)>,
    /// The section `[sink]` of the configuration; empty: awards go nowhere.
    pub sink: String,
    /// Tenants, instances and `[gateway]`, if not those that [`Target`] sends as.
    pub senders: Option<&'static str>,
    /// Lines of `[gateway]`.
    pub gateway: String,
    /// Lines of every source instance.
    pub instances: String,
    /// Partitions of every topic.
    pub partitions: i32,
    /// Workers of each rules-processor.
    pub workers: usize,
}

impl Layout {
    /// With 8 partitions and without a sink, and with a gateway that stores all that comes, so that
    /// what came before has to be found by the rules-processor.
    #[must_use]
    pub fn new(program: PathBuf, directory: PathBuf, processes: Vec<(&'static str, Role)>) -> Self {
        Self {
            program,
            directory,
            processes,
            sink: String::new(),
            senders: None,
            gateway: "rate_limits.profile = \"none\"\nduplicates.deliveries = 0\n".to_owned(),
            instances: String::new(),
            partitions: 8,
            workers: 1,
        }
    }
}

/// Processes, by name.
#[derive(Debug)]
pub struct Deployment {
    layout: Layout,
    processes: BTreeMap<&'static str, Process>,
    gateway: u16,
    query: BTreeMap<&'static str, u16>,
    cluster: Option<Cluster>,
}

#[derive(Debug)]
struct Process {
    role: Role,
    config: PathBuf,
    admin: u16,
    child: Option<Child>,
}

impl Deployment {
    /// Writes the configuration of each process; starts nothing.
    ///
    /// # Errors
    /// If files cannot be written.
    pub fn new(layout: Layout, cluster: Option<Cluster>) -> anyhow::Result<Self> {
        let mut ports = free_ports(2 * layout.processes.len() + 1)?.into_iter();
        let mut port = || ports.next().context("no port");
        let gateway = port()?;
        let (mut processes, mut query) = (BTreeMap::new(), BTreeMap::new());
        std::fs::create_dir_all(&layout.directory)?;
        for (name, role) in &layout.processes {
            let ports = Ports { gateway, rules: port()?, admin: port()? };
            if matches!(role, Role::Up | Role::Rules) {
                query.insert(*name, ports.rules);
            }
            let text = configuration(&layout, name, ports, cluster.as_ref());
            let config = layout.directory.join(format!("{name}.toml"));
            std::fs::write(&config, text)?;
            processes
                .insert(*name, Process { role: *role, config, admin: ports.admin, child: None });
        }
        Ok(Self { layout, processes, gateway, query, cluster })
    }

    /// Makes the topics, where there is a cluster.
    ///
    /// # Errors
    /// If the command fails.
    pub fn apply_topics(&self) -> anyhow::Result<()> {
        if self.cluster.is_some() {
            self.run(&["topics", "apply"])?;
        }
        Ok(())
    }

    /// Starts a process.
    ///
    /// # Errors
    /// If it cannot be started.
    pub fn start(&mut self, name: &str) -> anyhow::Result<()> {
        let log = self.layout.directory.join(format!("{name}.log"));
        let log = std::fs::OpenOptions::new().create(true).append(true).open(log)?;
        let process = self.processes.get_mut(name).context("no such process")?;
        let child = Command::new(&self.layout.program)
            .arg("--config")
            .arg(&process.config)
            .arg(process.role.command())
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("starting {}", self.layout.program.display()))?;
        process.child = Some(child);
        Ok(())
    }

    /// Starts every process and waits until all are ready.
    ///
    /// # Errors
    /// If one is not ready within a minute.
    pub fn start_all(&mut self) -> anyhow::Result<()> {
        for name in self.names() {
            self.start(name)?;
        }
        self.names().into_iter().try_for_each(|name| self.wait_until_ready(name))
    }

    /// The processes' names.
    #[must_use]
    pub fn names(&self) -> Vec<&'static str> {
        self.processes.keys().copied().collect()
    }

    /// Waits until a process says that it is ready.
    ///
    /// # Errors
    /// If it does not within a minute.
    pub fn wait_until_ready(&self, name: &str) -> anyhow::Result<()> {
        let admin = self.processes.get(name).context("no such process")?.admin;
        let deadline = Instant::now() + Duration::from_secs(60);
        while Instant::now() < deadline {
            if http_status(admin, "/ready").is_some_and(|status| status == 200) {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let log = std::fs::read_to_string(self.layout.directory.join(format!("{name}.log")));
        bail!("{name} was not ready within a minute; its log:\n{}", log.unwrap_or_default())
    }

    /// Stops a process where it stands; it can be looked at or killed.
    pub fn freeze(&self, name: &str) {
        self.signal(name, "-STOP");
    }

    /// Lets a frozen process go on.
    pub fn thaw(&self, name: &str) {
        self.signal(name, "-CONT");
    }

    /// kill -9.
    ///
    /// # Errors
    /// If the process is not there.
    pub fn kill(&mut self, name: &str) -> anyhow::Result<()> {
        let process = self.processes.get_mut(name).context("no such process")?;
        let mut child = process.child.take().context("the process does not run")?;
        child.kill()?;
        child.wait()?;
        Ok(())
    }

    /// Stops every process as an operator would.
    ///
    /// # Errors
    /// If one does not stop well within a minute.
    pub fn stop_all(&mut self) -> anyhow::Result<()> {
        for name in self.names() {
            self.signal(name, "-TERM");
        }
        let deadline = Instant::now() + Duration::from_secs(60);
        for (name, process) in &mut self.processes {
            let Some(mut child) = process.child.take() else { continue };
            loop {
                if let Some(status) = child.try_wait()? {
                    if !status.success() {
                        bail!("{name} ended with {status}");
                    }
                    break;
                }
                if Instant::now() > deadline {
                    child.kill()?;
                    bail!("{name} did not stop within a minute");
                }
                std::thread::sleep(Duration::from_millis(20));
            }
        }
        Ok(())
    }

    /// A process that ended although nobody told it to.
    pub fn ended(&mut self) -> Option<(&'static str, String)> {
        self.processes.iter_mut().find_map(|(name, process)| {
            let status = process.child.as_mut()?.try_wait().ok()??;
            Some((*name, status.to_string()))
        })
    }

    fn signal(&self, name: &str, signal: &str) {
        let child = self.processes.get(name).and_then(|process| process.child.as_ref());
        if let Some(child) = child {
            // A process that has just ended cannot be signalled, and need not be.
            Command::new("kill").args([signal, &child.id().to_string()]).status().ok();
        }
    }

    /// Where webhooks are taken.
    #[must_use]
    pub const fn gateway(&self) -> SocketAddr {
        SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), self.gateway)
    }

    /// The cluster below, if there is one.
    #[must_use]
    pub const fn cluster(&self) -> Option<&Cluster> {
        self.cluster.as_ref()
    }

    /// Where to send webhooks.
    #[must_use]
    pub fn target(&self) -> Target {
        Target {
            url: format!("http://127.0.0.1:{}", self.gateway),
            moodle_token: MOODLE_TOKEN.to_owned(),
            custom_token: CUSTOM_TOKEN.to_owned(),
        }
    }

    /// What a process does.
    #[must_use]
    pub fn role(&self, name: &str) -> Option<Role> {
        self.processes.get(name).map(|process| process.role)
    }

    /// The process id of a process that runs.
    #[must_use]
    pub fn pid(&self, name: &str) -> Option<u32> {
        self.processes.get(name)?.child.as_ref().map(Child::id)
    }

    /// What a process says of itself at `/metrics`; none while it does not listen.
    #[must_use]
    pub fn metrics(&self, name: &str) -> Option<String> {
        let answer = http_get(self.processes.get(name)?.admin, "/metrics")?;
        answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned())
    }

    /// Where the query ports are.
    #[must_use]
    pub fn query_urls(&self) -> Vec<String> {
        self.query.values().map(|port| format!("http://127.0.0.1:{port}")).collect()
    }

    /// Runs a command of the program with the first process's configuration; its output.
    ///
    /// # Errors
    /// If it fails; what it said is in the error.
    pub fn run(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let name = self.layout.processes.first().context("no process")?.0;
        self.run_as(name, arguments)
    }

    /// The same command, not started.
    ///
    /// # Errors
    /// If there is no process.
    pub fn command(&self, arguments: &[&str]) -> anyhow::Result<Command> {
        let name = self.layout.processes.first().context("no process")?.0;
        self.command_as(name, arguments)
    }

    fn command_as(&self, name: &str, arguments: &[&str]) -> anyhow::Result<Command> {
        let config = &self.processes.get(name).context("no such process")?.config;
        let mut command = Command::new(&self.layout.program);
        command.arg("--config").arg(config).args(arguments);
        Ok(command)
    }

    /// The same with the configuration of a process.
    ///
    /// # Errors
    /// If it fails; what it said is in the error.
    pub fn run_as(&self, name: &str, arguments: &[&str]) -> anyhow::Result<String> {
        let output = self.command_as(name, arguments)?.output()?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            bail!("kleos {} ended with {}: {said}", arguments.join(" "), output.status);
        }
        Ok(String::from_utf8(output.stdout)?)
    }

    /// Partitions of the topics that share their number.
    #[must_use]
    pub const fn partitions(&self) -> i32 {
        self.layout.partitions
    }

    /// Workers of each rules-processor.
    #[must_use]
    pub const fn workers(&self) -> usize {
        self.layout.workers
    }

    /// Processes that keep a local state, and where.
    #[must_use]
    pub fn with_state(&self) -> Vec<&'static str> {
        self.query.keys().copied().collect()
    }

    /// Where everything lies.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.layout.directory
    }

    /// Whether there is a cluster below.
    #[must_use]
    pub const fn backend(&self) -> &'static str {
        if self.cluster.is_some() { "kafka" } else { "embedded" }
    }
}

impl Drop for Deployment {
    fn drop(&mut self) {
        for process in self.processes.values_mut() {
            if let Some(mut child) = process.child.take() {
                // Whatever still runs at the end of a run is of no use to anybody.
                child.kill().ok();
                child.wait().ok();
            }
        }
    }
}
