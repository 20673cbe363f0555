//! How far services have come in what they read.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use anyhow::bail;
use serde::Deserialize;

use super::Deployment;

/// A service in a partition, seen from outside.
#[derive(Clone, Debug, Deserialize)]
struct Row {
    service: String,
    topic: String,
    partition: i32,
    stable: i64,
    lag: i64,
    open: bool,
}

/// All services in all partitions.
#[derive(Clone, Debug)]
pub struct Lag(Vec<Row>);

/// A transaction that has not ended: where its first record lies.
pub type Open = (String, i32, i64);

impl Lag {
    /// Records that can be read and are not done; of one service or of all.
    #[must_use]
    pub fn behind(&self, service: Option<&str>) -> i64 {
        let rows = self.0.iter().filter(|row| service.is_none_or(|name| row.service == name));
        rows.map(|row| row.lag).sum()
    }

    /// Transactions that have not ended, as far as they write to what somebody reads.
    #[must_use]
    pub fn open(&self) -> BTreeSet<Open> {
        let rows = self.0.iter().filter(|row| row.open);
        rows.map(|row| (row.topic.clone(), row.partition, row.stable)).collect()
    }
}

impl Deployment {
    /// How far the services have come.
    ///
    /// # Errors
    /// If the command fails.
    pub fn lag(&self) -> anyhow::Result<Lag> {
        let mut rows = Vec::new();
        for line in self.run(&["lag", "--json"])?.lines() {
            let mut row: Row = serde_json::from_str(line)?;
            if row.service == "analytics-sink" && self.layout.sink.is_empty() {
                // A sink that is off reads nothing, and is behind with nothing.
                row.lag = 0;
            }
            rows.push(row);
        }
        Ok(Lag(rows))
    }

    /// Waits until everything that was sent has gone through.
    ///
    /// # Errors
    /// If it has not within two minutes, or if a process ends.
    pub fn wait_until_drained(&mut self) -> anyhow::Result<()> {
        let deadline = Instant::now() + Duration::from_secs(120);
        let mut quiet = 0;
        while Instant::now() < deadline {
            if let Some((name, status)) = self.ended() {
                bail!("{name} ended with {status}");
            }
            let lag = self.lag()?;
            let is_drained = lag.behind(None) == 0 && lag.open().is_empty();
            quiet = if is_drained { quiet + 1 } else { 0 };
            // A record can be on its way from one topic to the next: looked at once is not enough.
            if quiet == 3 {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        bail!("something was still on its way after two minutes: {:?}", self.lag()?)
    }
}
