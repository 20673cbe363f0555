//! The proof that the gateway never says more than is true: the description held against it, and
//! webhooks under load while it and its broker are killed, then what lies in the topic.
//!
//! The last line is JSON. It ends with an error if a webhook is lost or was acknowledged falsely.
#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "it talks to people by the real clock"
)]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use clap::Parser;
use kleos_e2e::cluster::{Cluster, emptied};
use kleos_e2e::deployment::{Deployment, Layout, Role};
use kleos_e2e::flood::{self, Account, Flood, Progress, Sent};
use kleos_e2e::random::Random;
use kleos_e2e::sibling;
use kleos_test_kit::hostile::{self, Outcome};
use serde::Serialize;

/// Kills the gateway and its broker under load and accounts for what was acknowledged.
#[derive(Debug, Parser)]
struct Arguments {
    /// Webhooks.
    #[arg(long, default_value_t = 1_000_000)]
    webhooks: u64,
    /// Kills, of the gateway and of the broker.
    #[arg(long, default_value_t = 20)]
    kills: u64,
    /// Requests on their way at once.
    #[arg(long, default_value_t = 128)]
    senders: u64,
    /// Seconds that the broker stays down, one outage after the other.
    #[arg(long, value_delimiter = ',', default_value = "5,30,5,5,60,5,30,5")]
    outages: Vec<u64>,
    /// Seed of the kills.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The program `schemathesis`, which holds the description against the gateway.
    #[arg(long)]
    schemathesis: PathBuf,
    /// Examples for each operation.
    #[arg(long, default_value_t = 40)]
    examples: u32,
    /// Where everything lies; emptied first.
    #[arg(long, default_value = "var/prove-gateway")]
    directory: PathBuf,
}

/// The last line.
#[derive(Debug, Serialize)]
struct Proven {
    schemathesis_cases: u64,
    hostile_cases: usize,
    hostile_passed: usize,
    requests: u64,
    kills_of_gateway: u64,
    kills_of_broker: u64,
    outage_seconds: Vec<u64>,
    accepted: u64,
    stored: u64,
    stored_again: u64,
    falsely_acknowledged: u64,
    lost: u64,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let directory = emptied(&arguments.directory)?;
    println!("Doing to a gateway what senders should not do …");
    let hostile = endured(&runtime, &directory)?;
    println!("{} of {} cases passed.", hostile.passed, hostile.tried);
    println!("Starting Apache Kafka and a schema registry …");
    let cluster = Cluster::start(&directory.join("kafka"), 19_300)?;
    let layout = Layout {
        gateway: "rate_limits.profile = \"none\"\n".to_owned(),
        ..Layout::new(sibling("kleos")?, directory.clone(), vec![("gateway", Role::Gateway)])
    };
    let mut deployment = Deployment::new(layout, Some(cluster))?;
    deployment.apply_topics()?;
    deployment.start_all()?;

    println!("Holding the description against the gateway …");
    let schemathesis_cases = described(&arguments, &deployment, &directory)?;
    println!("{schemathesis_cases} cases passed.");

    let (strikes, sent) = under_kills(&arguments, &runtime, &mut deployment)?;
    deployment.wait_until_ready("gateway")?;
    println!("Everything was sent; reading what is stored …");
    let account = flood::account(&deployment, &sent)?;
    deployment.stop_all()?;
    drop(deployment);
    let outcome = outcome(schemathesis_cases, &hostile, &strikes, &sent, &account);
    println!("{}", serde_json::to_string(&outcome)?);
    ensure!(hostile.passed == hostile.tried, "the gateway did not endure every case");
    judge(&arguments, &sent, &account)
}

/// What came of the table of what senders should not do.
#[derive(Debug)]
struct Endured {
    tried: usize,
    passed: usize,
}

fn endured(runtime: &tokio::runtime::Runtime, directory: &Path) -> anyhow::Result<Endured> {
    let layout = Layout {
        senders: Some(hostile::CONFIGURATION),
        ..Layout::new(sibling("kleos")?, directory.join("hostile"), vec![("kleos", Role::Up)])
    };
    let mut deployment = Deployment::new(layout, None)?;
    deployment.start_all()?;
    let outcomes = runtime.block_on(hostile::try_all(deployment.gateway(), hostile::cases()));
    deployment.stop_all()?;
    for Outcome { name, group, trouble, .. } in &outcomes {
        if let Some(trouble) = trouble {
            println!("{group}: {name}: {trouble:.600}");
        }
    }
    let told: usize = outcomes.iter().map(|outcome| outcome.stored.len()).sum();
    let stored = deployment.run(&["tail", "raw", "--all", "--end"])?.lines().count();
    ensure!(stored == told, "{stored} records are stored, and {told} should be");
    let passed = outcomes.iter().filter(|outcome| outcome.trouble.is_none()).count();
    Ok(Endured { tried: outcomes.len(), passed })
}

/// Runs schemathesis with the token of each instance; how many cases passed.
fn described(
    arguments: &Arguments,
    deployment: &Deployment,
    directory: &Path,
) -> anyhow::Result<u64> {
    let target = deployment.target();
    let mut cases = 0;
    for (name, token) in [("moodle", &target.moodle_token), ("custom", &target.custom_token)] {
        let output = Command::new(&arguments.schemathesis)
            .current_dir(directory)
            .args(["run", &format!("{}/openapi.json", target.url)])
            .args(["--header", &format!("Authorization: Bearer {token}")])
            .args(["--checks", CHECKS, "--phases", "coverage,fuzzing"])
            .args(["--max-examples", &arguments.examples.to_string()])
            .args(["--seed", &arguments.seed.to_string(), "--no-color"])
            .output()
            .with_context(|| format!("running {}", arguments.schemathesis.display()))?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        std::fs::write(directory.join(format!("schemathesis-{name}.txt")), &said)?;
        ensure!(output.status.success(), "the gateway is not as it is described:\n{said}");
        cases += passed(&said).with_context(|| format!("no count of cases in:\n{said}"))?;
    }
    Ok(cases)
}

/// All that can be held against a gateway that takes bodies of any shape.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
    response_headers_conformance,response_schema_conformance,unsupported_method,\
    allow_header_conformance,ignored_auth";

/// The number in `706 generated, 706 passed`.
fn passed(said: &str) -> Option<u64> {
    let line =
        said.lines().find(|line| line.contains(" generated, ") && line.contains(" passed"))?;
    let (_, passed) = line.split_once(" generated, ")?;
    passed.trim().split(' ').next()?.parse().ok()
}

/// What was struck.
#[derive(Debug, Default)]
struct Strikes {
    gateway: u64,
    outages: Vec<u64>,
}

fn under_kills(
    arguments: &Arguments,
    runtime: &tokio::runtime::Runtime,
    deployment: &mut Deployment,
) -> anyhow::Result<(Strikes, Sent)> {
    let Arguments { webhooks, kills, senders, seed, ref outages, .. } = *arguments;
    let progress = Arc::new(Progress::default());
    let (target, seen) = (deployment.target(), Arc::clone(&progress));
    let flood = Flood { webhooks, senders, rate: f64::INFINITY, pauses: &[] };
    let began = Instant::now();
    let sending = runtime.spawn(async move { flood::send_all(&target, flood, &seen).await });
    let mut random = Random::new(seed);
    let mut strikes = Strikes::default();
    for number in 1..=kills {
        // So near the end there might be no load.
        let due = webhooks * number / (kills + 2) + random.below(webhooks / (kills + 2) / 2 + 1);
        while progress.taken.load(Ordering::Relaxed) < due {
            ensure!(!sending.is_finished(), "the sending ended before kill {number}");
            std::thread::sleep(Duration::from_millis(2));
        }
        let taken = progress.taken.load(Ordering::Relaxed);
        if number % 5 < 3 {
            let down = outages.iter().copied().cycle().nth(strikes.outages.len()).unwrap_or(5);
            // A broker that stands still has what was sent to it when it goes on.
            let (strike, mend, words) = if number % 5 == 2 {
                ("pause", "resume", "stands still")
            } else {
                ("kill", "start", "is killed")
            };
            println!("{taken:>8} taken: the broker {words} for {down} s");
            let cluster = deployment.cluster().context("no cluster")?;
            cluster.broker(strike)?;
            std::thread::sleep(Duration::from_secs(down));
            cluster.broker(mend)?;
            strikes.outages.push(down);
        } else {
            println!("{taken:>8} taken: the gateway is killed");
            deployment.kill("gateway")?;
            deployment.start("gateway")?;
            strikes.gateway += 1;
        }
    }
    let sent = runtime.block_on(sending)??;
    println!("{} taken after {:.0} s", sent.acknowledged.len(), began.elapsed().as_secs_f64());
    Ok((strikes, sent))
}

fn outcome(
    cases: u64,
    hostile: &Endured,
    strikes: &Strikes,
    sent: &Sent,
    account: &Account,
) -> Proven {
    Proven {
        schemathesis_cases: cases,
        hostile_cases: hostile.tried,
        hostile_passed: hostile.passed,
        requests: sent.attempts,
        kills_of_gateway: strikes.gateway,
        kills_of_broker: strikes.outages.len() as u64,
        outage_seconds: strikes.outages.clone(),
        accepted: sent.acknowledged.len() as u64,
        stored: account.stored,
        stored_again: account.again,
        falsely_acknowledged: account.falsely_acknowledged,
        lost: account.lost,
    }
}

fn judge(arguments: &Arguments, sent: &Sent, account: &Account) -> anyhow::Result<()> {
    ensure!(account.falsely_acknowledged == 0, "not every acknowledged webhook is stored");
    ensure!(account.lost == 0, "a webhook is lost");
    ensure!(sent.acknowledged.len() as u64 == arguments.webhooks, "not every webhook was taken");
    ensure!(account.stored == arguments.webhooks, "what is stored is not what was accepted");
    ensure!(account.again <= sent.uncertain, "more is stored again than was sent again");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_cases_is_read_from_the_summary() {
        assert_eq!(passed("Test cases:\n  706 generated, 706 passed\n"), Some(706));
        assert_eq!(passed("Test cases:\n  706 generated, 7 failed\n"), None);
    }
}
