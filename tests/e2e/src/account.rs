//! Dumps the topics and the local states, and has the independent oracle account for them.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};

use crate::cluster::root;
use crate::deployment::Deployment;
use crate::send::Receipt;

/// What the oracle says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Answers with a receipt.
    pub receipts: u64,
    /// Raw records.
    pub raw: u64,
    /// Canonical events.
    pub events: u64,
    /// Records that were set aside.
    pub dead_letters: u64,
    /// Events that came before.
    pub duplicates: u64,
    /// Ledger lines.
    pub awards: u64,
    /// Sum of their points.
    pub points: i64,
    /// Ledger lines by rule.
    pub rules: std::collections::BTreeMap<String, u64>,
    /// What must be there and is not.
    pub missing: u64,
    /// What is there twice.
    pub doubled: u64,
    /// What must not be there.
    pub foreign: u64,
    /// Learners whose local state is another than it must be.
    pub state_mismatch: u64,
    /// Learners.
    pub learners: u64,
}

impl Account {
    /// Whether nothing is lost, doubled, foreign or different.
    #[must_use]
    pub const fn is_right(&self) -> bool {
        self.missing == 0 && self.doubled == 0 && self.foreign == 0 && self.state_mismatch == 0
    }
}

/// Writes everything that the oracle needs; the processes may run or not.
///
/// # Errors
/// If a topic cannot be read.
pub fn dump(deployment: &Deployment, receipts: &[Receipt], directory: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(directory)?;
    let topics = ["raw", "events", "awards", "unmapped", "dead-letters", "rules-processor.owners"];
    for topic in topics {
        let lines = deployment.run(&["tail", topic, "--all", "--end"])?;
        let name = topic.rsplit('.').next().unwrap_or(topic);
        std::fs::write(directory.join(format!("{name}.jsonl")), lines)?;
    }
    let lines: Result<Vec<String>, _> = receipts.iter().map(serde_json::to_string).collect();
    std::fs::write(directory.join("receipts.jsonl"), lines?.join("\n") + "\n")?;
    let run = serde_json::json!({ "partitions": deployment.partitions() });
    std::fs::write(directory.join("run.json"), run.to_string())?;
    Ok(())
}

/// Writes the local states; their processes must not run.
///
/// # Errors
/// If one cannot be read.
pub fn dump_states(deployment: &Deployment, directory: &Path) -> anyhow::Result<()> {
    for name in deployment.with_state() {
        let lines = deployment.run_as(name, &["state"])?;
        std::fs::write(directory.join(format!("state-{name}.jsonl")), lines)?;
    }
    Ok(())
}

/// Has the oracle account for what was dumped.
///
/// # Errors
/// If the oracle cannot be run.
pub fn account(directory: &Path) -> anyhow::Result<Account> {
    let oracle = root().join("tests/e2e/oracle/oracle.py");
    let output = Command::new("python3")
        .arg(&oracle)
        .arg(directory)
        .output()
        .context("running the oracle: is python3 there?")?;
    let said = String::from_utf8_lossy(&output.stdout);
    let account: Account = serde_json::from_str(said.trim()).with_context(|| {
        format!("the oracle said {said:?}: {}", String::from_utf8_lossy(&output.stderr))
    })?;
    if account.is_right() != output.status.success() {
        bail!("the oracle ended with {} and said {said}", output.status);
    }
    if !account.is_right() {
        std::fs::write(directory.join("problems.json"), &output.stderr)?;
    }
    Ok(account)
}
