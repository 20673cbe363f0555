//! The simulated Mixpanel as a process of its own.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::Context;
use serde::Deserialize;

/// A running simulation.
#[derive(Debug)]
pub struct Mixpanel {
    child: Child,
    /// The section `[sink]` that leads to it.
    pub sink: String,
    url: String,
}

/// What it has.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Stored {
    /// Events as they were sent.
    pub stored: u64,
    /// Events that are left when those with equal ids are one.
    pub deduplicated: u64,
}

impl Mixpanel {
    /// Starts it.
    ///
    /// # Errors
    /// If it cannot be started.
    pub fn start(program: &Path, directory: &Path) -> anyhow::Result<Self> {
        let log = std::fs::File::create(directory.join("mixpanel.log"))?;
        let mut child = Command::new(program)
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .with_context(|| format!("starting {}", program.display()))?;
        let mut stdout = BufReader::new(child.stdout.take().context("no output")?);
        let mut sink = String::new();
        // It is done with talking when it has named the token, and would miss a reader before.
        while !sink.contains("token") {
            let read = stdout.read_line(&mut sink)?;
            anyhow::ensure!(read > 0, "the simulated Mixpanel ended after saying {sink:?}");
        }
        let url = sink.lines().find_map(|line| line.strip_prefix("url = "));
        let url = url.context("no address")?.trim_matches('"').to_owned();
        Ok(Self { child, sink, url })
    }

    /// What it has, once it is as much as expected or a while has passed.
    ///
    /// # Errors
    /// If it does not answer.
    pub async fn stored(&self, expected: u64) -> anyhow::Result<Stored> {
        let url = format!("{}/simulated/summary", self.url);
        for _ in 0..100 {
            let stored: Stored = reqwest::get(&url).await?.json().await?;
            if stored.deduplicated >= expected {
                return Ok(stored);
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Ok(reqwest::get(&url).await?.json().await?)
    }
}

impl Drop for Mixpanel {
    fn drop(&mut self) {
        // Whatever still runs at the end of a run is of no use to anybody.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
