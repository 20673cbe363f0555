//! The demo: a fresh deployment, webhooks of two platforms, what came of them, and why.
//!
//! The last line is JSON; `lost` and `doubled` come from the independent oracle.
#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "it talks to people by the real clock"
)]

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use clap::Parser;
use kleos_e2e::account::{self, Account};
use kleos_e2e::cluster::{Cluster, emptied};
use kleos_e2e::deployment::{Deployment, Layout, QUERY_TOKEN, Role};
use kleos_e2e::mixpanel::Mixpanel;
use kleos_e2e::send::{self, Progress, Receipt};
use kleos_e2e::webhook::{self, Webhook};
use kleos_e2e::world::{self, Plan};
use kleos_e2e::{now_micros, sibling};
use serde::Serialize;
use serde_json::Value;

/// Shows Kleos at work.
#[derive(Debug, Parser)]
struct Arguments {
    /// Ends when everything is shown, instead of leaving it running to be explored.
    #[arg(long)]
    once: bool,
    /// Runs the services as processes of their own on a real Kafka.
    #[arg(long)]
    kafka: bool,
    /// Learners.
    #[arg(long, default_value_t = 60)]
    learners: u64,
    /// Where everything lies; emptied first.
    #[arg(long, default_value = "var/demo")]
    directory: PathBuf,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let mut demo = Demo::set_up(&arguments)?;
    let account = demo.run(&runtime)?;
    if !arguments.once {
        demo.explore();
    }
    demo.deployment.stop_all()?;
    let outcome = demo.result(&account);
    // What the cluster has to say when it ends comes before the last line.
    drop(demo);
    println!("{}", serde_json::to_string(&outcome)?);
    anyhow::ensure!(account.is_right(), "something is lost, doubled, foreign or different");
    Ok(())
}

/// The last line.
#[derive(Debug, Serialize)]
struct Outcome {
    backend: &'static str,
    sent: u64,
    accepted: u64,
    duplicates: u64,
    rejected: u64,
    awards: u64,
    points: i64,
    lost: u64,
    doubled: u64,
}

struct Demo {
    deployment: Deployment,
    mixpanel: Mixpanel,
    plan: Plan,
    unauthorized: u64,
    sent: u64,
}

impl Demo {
    fn set_up(arguments: &Arguments) -> anyhow::Result<Self> {
        let directory = emptied(&arguments.directory)?;
        let mixpanel = Mixpanel::start(&sibling("simulated-mixpanel")?, &directory)?;
        let cluster = if arguments.kafka {
            say("Starting Apache Kafka and a schema registry …");
            Some(Cluster::start(&directory.join("kafka"), 19_300)?)
        } else {
            None
        };
        let processes = if arguments.kafka {
            vec![
                ("gateway", Role::Gateway),
                ("normalizer", Role::Normalizer),
                ("rules", Role::Rules),
                ("sink", Role::Sink),
            ]
        } else {
            vec![("kleos", Role::Up)]
        };
        let sink = mixpanel.sink.clone();
        let layout = Layout { sink, ..Layout::new(sibling("kleos")?, directory, processes) };
        let mut deployment = Deployment::new(layout, cluster)?;
        deployment.apply_topics()?;
        say(&format!("Starting {} …", deployment.names().join(", ")));
        deployment.start_all()?;
        let plan = Plan { seed: 42, webhooks: 0, learners: arguments.learners, now: now_micros() };
        Ok(Self { deployment, mixpanel, plan, unauthorized: 0, sent: 0 })
    }

    fn run(&mut self, runtime: &tokio::runtime::Runtime) -> anyhow::Result<Account> {
        let mut receipts = Vec::new();
        for part in world::showcase(&self.plan) {
            let webhooks: Vec<Webhook> = part.iter().map(webhook::of).collect();
            self.sent += webhooks.len() as u64;
            receipts.extend(self.send(runtime, webhooks)?);
            self.deployment.wait_until_drained()?;
        }
        self.unauthorized = runtime.block_on(self.knock())?;
        self.sent += self.unauthorized;
        self.show_example(&receipts);
        let directory = self.deployment.directory().join("account");
        account::dump(&self.deployment, &receipts, &directory)?;
        let account = account::account(&directory)?;
        self.show(&account, runtime)?;
        Ok(account)
    }

    fn send(
        &self,
        runtime: &tokio::runtime::Runtime,
        webhooks: Vec<Webhook>,
    ) -> anyhow::Result<Vec<Receipt>> {
        let total = webhooks.len();
        let progress = Arc::new(Progress::default());
        let (target, shown) = (self.deployment.target(), Arc::clone(&progress));
        let sending =
            runtime.spawn(async move { send::send_all(&target, webhooks, 1_000.0, &shown).await });
        while !sending.is_finished() {
            std::thread::sleep(Duration::from_millis(250));
            let done = progress.receipts.load(std::sync::atomic::Ordering::Relaxed);
            say(&format!("  {done:>6} of {total} webhooks have their receipt"));
        }
        runtime.block_on(sending)?
    }

    /// Two requests that nobody may make.
    async fn knock(&self) -> anyhow::Result<u64> {
        let url = format!("{}/api/public/hook/moodle/event", self.deployment.target().url);
        let client = reqwest::Client::new();
        let wrong = client.post(&url).bearer_auth("wrong-token-0000000000").body("{}").send();
        let none = client.post(&url).body("{}").send();
        let (wrong, none) = (wrong.await?.status(), none.await?.status());
        let unauthorized = [wrong, none].iter().filter(|status| status.as_u16() == 401).count();
        anyhow::ensure!(unauthorized == 2, "a wrong token was answered {wrong}, none {none}");
        Ok(2)
    }

    fn show_example(&self, receipts: &[Receipt]) {
        if let Some(receipt) = receipts.first() {
            say("\nA receipt, given when the webhook was durable:");
            say(&format!("  {}", serde_json::to_string(receipt).unwrap_or_default()));
        }
    }

    fn show(&self, account: &Account, runtime: &tokio::runtime::Runtime) -> anyhow::Result<()> {
        say("\nWhat came of it:");
        for (rule, awards) in &account.rules {
            say(&format!("  {rule:<22} {awards:>5} awards"));
        }
        let stored = runtime.block_on(self.mixpanel.stored(account.awards))?;
        say(&format!(
            "  Mixpanel (simulated) has {} of {} awards",
            stored.deduplicated, account.awards
        ));
        say("\nSome learners, and why:");
        for learner in
            ["moodle-demo/1000", "moodle-demo/1010", "custom-demo/u-1", "custom-demo/u-5"]
        {
            let view = runtime.block_on(self.learner(learner))?;
            say(&describe(learner, &view));
        }
        let balance = account.points;
        say(&format!(
            "{} learners have {balance} points of {} awards; {} webhooks came twice, {} could not \
             be understood and lie among the dead letters.",
            account.learners, account.awards, account.duplicates, account.dead_letters
        ));
        Ok(())
    }

    async fn learner(&self, learner: &str) -> anyhow::Result<Value> {
        let base = self.deployment.query_urls().into_iter().next().context("no query port")?;
        let learner = learner.replace('/', "%2F");
        let url = format!("{base}/v1/tenants/demo/learners/{learner}");
        let answer = reqwest::Client::new().get(url).bearer_auth(QUERY_TOKEN).send().await?;
        Ok(answer.json().await?)
    }

    fn explore(&self) {
        let url = self.deployment.query_urls().into_iter().next().unwrap_or_default();
        say(&format!(
            "\nEverything goes on running. Explore:\n  \
             curl -H 'Authorization: Bearer {QUERY_TOKEN}' \
             {url}/v1/tenants/demo/learners/moodle-demo%2F1000\n\
             Press Enter to stop."
        ));
        let mut line = String::new();
        // Without a terminal there is nobody to wait for.
        std::io::stdin().read_line(&mut line).ok();
    }

    fn result(&self, account: &Account) -> Outcome {
        let rejected = self.unauthorized + account.dead_letters + self.unmapped();
        Outcome {
            backend: self.deployment.backend(),
            sent: self.sent,
            accepted: self.sent - account.duplicates - rejected,
            duplicates: account.duplicates,
            rejected,
            awards: account.awards,
            points: account.points,
            lost: account.missing + account.state_mismatch,
            doubled: account.doubled + account.foreign,
        }
    }

    fn unmapped(&self) -> u64 {
        let path = self.deployment.directory().join("account/unmapped.jsonl");
        std::fs::read_to_string(path).map_or(0, |lines| lines.lines().count() as u64)
    }
}

fn describe(learner: &str, view: &Value) -> String {
    let mut lines = vec![format!(
        "  {learner}: {} points of {} awards for {} events",
        view["balance"], view["awards"], view["events"]
    )];
    let awards = view["recent_awards"].as_array().map(Vec::as_slice).unwrap_or_default();
    for award in awards {
        let place = [&award["scope"], &award["window"]].into_iter().filter_map(Value::as_str);
        lines.push(format!(
            "    {:>4}  {:<22} for {} {}",
            format!("{:+}", award["points"].as_i64().unwrap_or_default()),
            award["rule_id"].as_str().unwrap_or_default(),
            award["event"].as_str().unwrap_or_default(),
            place.collect::<Vec<_>>().join(", ")
        ));
    }
    lines.join("\n")
}

fn say(words: &str) {
    println!("{words}");
}
