//! The Kafka and the registry below a deployment: `scripts/kafka`.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};

/// A cluster that this process has started.
#[derive(Debug)]
pub struct Cluster {
    script: PathBuf,
    directory: PathBuf,
    /// `host:port` of the brokers.
    pub brokers: String,
    /// Address of the registry's Confluent API.
    pub registry: String,
}

/// The checkout's root.
#[must_use]
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).map(Path::to_owned).unwrap_or_default()
}

/// A directory of the checkout, made or emptied.
///
/// # Errors
/// If that cannot be done.
pub fn emptied(directory: &Path) -> anyhow::Result<PathBuf> {
    let directory = root().join(directory);
    if directory.exists() {
        std::fs::remove_dir_all(&directory)?;
    }
    std::fs::create_dir_all(&directory)?;
    Ok(directory)
}

impl Cluster {
    /// Starts a cluster of its own in a directory.
    ///
    /// # Errors
    /// If the script fails; what it said is on standard error.
    pub fn start(directory: &Path, port: u16) -> anyhow::Result<Self> {
        let script = root().join("scripts/kafka");
        let port = port.to_string();
        run(&script, directory, &["up", "--fresh", "--port", &port])?;
        let environment = run(&script, directory, &["env"])?;
        let value = |name: &str| {
            let line = environment.lines().find_map(|line| {
                line.strip_prefix("export ")?.strip_prefix(name)?.strip_prefix('=')
            });
            line.map(str::to_owned).with_context(|| format!("scripts/kafka env lacks {name}"))
        };
        Ok(Self {
            brokers: value("KLEOS_TEST_KAFKA")?,
            registry: value("KLEOS_TEST_REGISTRY")?,
            script,
            directory: directory.to_owned(),
        })
    }

    /// Does something to the first broker: `kill` is kill -9, `pause` is SIGSTOP; `start` and
    /// `resume` undo them.
    ///
    /// # Errors
    /// If the script fails.
    pub fn broker(&self, what: &str) -> anyhow::Result<()> {
        run(&self.script, &self.directory, &["broker", what, "1"]).map(drop)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // At the end of the process there is nobody left to tell.
        run(&self.script, &self.directory, &["down"]).ok();
    }
}

fn run(script: &Path, directory: &Path, arguments: &[&str]) -> anyhow::Result<String> {
    let output = Command::new(script)
        .args(arguments)
        .arg("--dir")
        .arg(directory)
        .stderr(std::process::Stdio::inherit())
        .output()
        .with_context(|| format!("running {}", script.display()))?;
    if !output.status.success() {
        bail!("{} {} failed: {}", script.display(), arguments.join(" "), output.status);
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
