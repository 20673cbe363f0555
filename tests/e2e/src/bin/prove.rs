//! The proof: webhooks under load, services killed at random points, and an independent account of
//! what the topics and the local states hold afterwards.
//!
//! The last line is JSON. It ends with an error if anything is missing, doubled, foreign or
//! different, or if the kills were too few to prove something.
#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "it talks to people by the real clock"
)]

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use anyhow::{Context, ensure};
use clap::Parser;
use kleos_e2e::account::{self, Account};
use kleos_e2e::cluster::{Cluster, emptied};
use kleos_e2e::deployment::{Deployment, Layout, Role};
use kleos_e2e::kills::{Kill, Killer};
use kleos_e2e::send::{self, Progress, Receipt};
use kleos_e2e::webhook::{self, Webhook};
use kleos_e2e::world::Plan;
use kleos_e2e::{now_micros, sibling};
use serde::Serialize;

/// Kills services under load and has the outcome accounted for.
#[derive(Debug, Parser)]
struct Arguments {
    /// On a real Kafka, with two rules-processors; otherwise everything in one process.
    #[arg(long)]
    kafka: bool,
    /// Webhooks.
    #[arg(long, default_value_t = 200_000)]
    webhooks: u64,
    /// Webhooks a second.
    #[arg(long, default_value_t = 1_000.0)]
    rate: f64,
    /// The least number of kills.
    #[arg(long, default_value_t = 15)]
    kills: usize,
    /// Of these with a transaction open; on Kafka, where one can be seen from outside.
    #[arg(long, default_value_t = 5)]
    in_transaction: usize,
    /// Seed of the webhooks and of the kills.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The program, if not the one beside this one.
    #[arg(long)]
    program: Option<PathBuf>,
    /// The program has a guard taken out: succeeds only if the account finds out.
    #[arg(long)]
    expect_wrong: bool,
    /// Where everything lies; emptied first.
    #[arg(long, default_value = "var/prove")]
    directory: PathBuf,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let mut deployment = set_up(&arguments)?;
    let began = Instant::now();
    let (kills, sent) = send_under_kills(&arguments, &runtime, &mut deployment)?;
    deployment.wait_until_drained()?;
    println!("Everything has gone through after {:.0} s.", began.elapsed().as_secs_f64());
    deployment.stop_all()?;
    let account = account(&deployment, &sent)?;
    println!("{}", serde_json::to_string(&account)?);
    let outcome = result(&deployment, &kills, &account);
    // What the cluster has to say when it ends comes before the last line.
    drop(deployment);
    println!("{}", serde_json::to_string(&outcome)?);
    judge(&arguments, &kills, &account)
}

fn set_up(arguments: &Arguments) -> anyhow::Result<Deployment> {
    let directory = emptied(&arguments.directory)?;
    let (cluster, processes) = if arguments.kafka {
        println!("Starting Apache Kafka and a schema registry …");
        let processes = vec![
            ("gateway", Role::Gateway),
            ("normalizer", Role::Normalizer),
            ("rules-a", Role::Rules),
            ("rules-b", Role::Rules),
        ];
        (Some(Cluster::start(&directory.join("kafka"), 19_400)?), processes)
    } else {
        (None, vec![("kleos", Role::Up)])
    };
    let program = arguments.program.clone().map_or_else(|| sibling("kleos"), Ok)?;
    let mut deployment = Deployment::new(Layout::new(program, directory, processes), cluster)?;
    deployment.apply_topics()?;
    deployment.start_all()?;
    Ok(deployment)
}

/// What was sent, as far as answers tell.
struct Sent {
    receipts: Vec<Receipt>,
    /// Requests without a receipt that may have been written all the same.
    uncertain: u64,
}

fn send_under_kills(
    arguments: &Arguments,
    runtime: &tokio::runtime::Runtime,
    deployment: &mut Deployment,
) -> anyhow::Result<(Vec<Kill>, Sent)> {
    let Arguments { seed, webhooks, rate, .. } = *arguments;
    let plan = Plan { seed, webhooks, learners: (webhooks / 20).max(10), now: now_micros() };
    let all: Vec<Webhook> = plan.sendings().iter().map(webhook::of).collect();
    let progress = Arc::new(Progress::default());
    let (target, seen) = (deployment.target(), Arc::clone(&progress));
    let sending = runtime.spawn(async move { send::send_all(&target, all, rate, &seen).await });
    let mut kills = Vec::new();
    let mut killer = Killer::new(seed);
    // So near the end there might be no load at the next kill.
    let enough = webhooks - webhooks / 20;
    while progress.receipts.load(Ordering::Relaxed) < enough && !sending.is_finished() {
        std::thread::sleep(killer.pause());
        // First those that are hard to get, so that the rest can come at any point.
        let open = kills.iter().filter(|kill: &&Kill| kill.in_transaction).count();
        let in_transaction = arguments.kafka && open < arguments.in_transaction;
        let done = progress.receipts.load(Ordering::Relaxed);
        if let Some(kill) = killer.strike(deployment, in_transaction)? {
            report(done, &kill);
            kills.push(kill);
        }
    }
    let receipts = runtime.block_on(sending)??;
    let load = |count: &std::sync::atomic::AtomicU64| count.load(Ordering::Relaxed);
    ensure!(load(&progress.refused) == 0, "the gateway refused {}", load(&progress.refused));
    let uncertain = load(&progress.unanswered) + load(&progress.retried);
    Ok((kills, Sent { receipts, uncertain }))
}

fn report(done: u64, kill: &Kill) {
    let open = if kill.in_transaction { ", with a transaction open" } else { "" };
    println!("{done:>7} receipts: killed {}, {} records behind{open}", kill.process, kill.behind);
}

fn account(deployment: &Deployment, sent: &Sent) -> anyhow::Result<Account> {
    let directory = deployment.directory().join("account");
    account::dump(deployment, &sent.receipts, &directory)?;
    account::dump_states(deployment, &directory)?;
    let mut account = account::account(&directory)?;
    // A raw record without a receipt is of a request whose answer did not come.
    let unclaimed = account.raw.saturating_sub(account.receipts);
    account.foreign += unclaimed.saturating_sub(sent.uncertain);
    Ok(account)
}

/// The last line.
#[derive(Debug, Serialize)]
struct Outcome {
    backend: &'static str,
    events: u64,
    kills: usize,
    kills_in_transaction: usize,
    least_lag_at_kill: Option<i64>,
    receipts: u64,
    awards: u64,
    missing: u64,
    doubled: u64,
    foreign: u64,
    state_mismatch: u64,
}

fn result(deployment: &Deployment, kills: &[Kill], account: &Account) -> Outcome {
    Outcome {
        backend: deployment.backend(),
        events: account.events,
        kills: kills.len(),
        kills_in_transaction: kills.iter().filter(|kill| kill.in_transaction).count(),
        least_lag_at_kill: kills.iter().map(|kill| kill.behind).min(),
        receipts: account.receipts,
        awards: account.awards,
        missing: account.missing,
        doubled: account.doubled,
        foreign: account.foreign,
        state_mismatch: account.state_mismatch,
    }
}

fn judge(arguments: &Arguments, kills: &[Kill], account: &Account) -> anyhow::Result<()> {
    if arguments.expect_wrong {
        ensure!(!account.is_right(), "a guard was taken out, and the account did not find out");
        return Ok(());
    }
    ensure!(account.is_right(), "something is missing, doubled, foreign or different");
    ensure!(account.receipts == arguments.webhooks, "not every webhook has its receipt");
    ensure!(kills.len() >= arguments.kills, "{} kills prove too little", kills.len());
    let open = kills.iter().filter(|kill| kill.in_transaction).count();
    let wanted = if arguments.kafka { arguments.in_transaction } else { 0 };
    ensure!(open >= wanted, "{open} kills with an open transaction prove too little");
    kills.iter().all(|kill| kill.behind > 0).then_some(()).context("a kill without load")
}
