//! Runs, and what all of them are held against.

mod embedded;
mod kafka;
mod oracle;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use kleos_e2e::account::{self, Account};
use kleos_e2e::cluster::Cluster;
use kleos_e2e::deployment::{Deployment, Layout, Role};
use kleos_e2e::kills::{Kill, Killer};
use kleos_e2e::mixpanel::Mixpanel;
use kleos_e2e::send::{self, Progress, Receipt};
use kleos_e2e::webhook::{self, Webhook};
use kleos_e2e::world::{self, Plan};
use kleos_e2e::{now_micros, sibling};
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};

pub(crate) const UP: [(&str, Role); 1] = [("kleos", Role::Up)];

/// Processes at work, and a Mixpanel behind them if one is asked for.
pub(crate) struct Run {
    pub(crate) deployment: Deployment,
    pub(crate) mixpanel: Option<Mixpanel>,
    runtime: Runtime,
}

impl Run {
    pub(crate) fn start(
        directory: &Path,
        processes: &[(&'static str, Role)],
        cluster: Option<Cluster>,
        with_mixpanel: bool,
    ) -> Self {
        let program = |name| sibling(name).unwrap();
        let mixpanel = with_mixpanel
            .then(|| Mixpanel::start(&program("simulated-mixpanel"), directory).unwrap());
        let sink = mixpanel.as_ref().map(|mixpanel| mixpanel.sink.clone()).unwrap_or_default();
        let (directory, processes) = (directory.to_owned(), processes.to_vec());
        let layout = Layout { sink, ..Layout::new(program("kleos"), directory, processes) };
        let mut deployment = Deployment::new(layout, cluster).unwrap();
        deployment.apply_topics().unwrap();
        deployment.start_all().unwrap();
        let runtime = Builder::new_multi_thread().enable_all().build().unwrap();
        Self { deployment, mixpanel, runtime }
    }

    /// Sends the world that earns the same whatever the order, waits, and accounts for it.
    pub(crate) fn showcase(&mut self, learners: u64) -> (u64, Account) {
        let plan = Plan { seed: 42, webhooks: 0, learners, now: now_micros() };
        let mut receipts = Vec::new();
        let mut sent = 0;
        for part in world::showcase(&plan) {
            let webhooks: Vec<Webhook> = part.iter().map(webhook::of).collect();
            sent += webhooks.len() as u64;
            receipts.extend(self.send(webhooks));
            self.deployment.wait_until_drained().unwrap();
        }
        (sent, self.account(&receipts))
    }

    fn send(&self, webhooks: Vec<Webhook>) -> Vec<Receipt> {
        let target = self.deployment.target();
        let progress = Arc::new(Progress::default());
        self.runtime.block_on(send::send_all(&target, webhooks, 1_000.0, &progress)).unwrap()
    }

    /// Sends random webhooks while processes are killed; all of it is accounted for.
    pub(crate) fn under_kills(&mut self, webhooks: u64, rate: f64) -> (Vec<Kill>, Account) {
        let plan = Plan { seed: 5, webhooks, learners: webhooks / 20, now: now_micros() };
        let all: Vec<Webhook> = plan.sendings().iter().map(webhook::of).collect();
        let progress = Arc::new(Progress::default());
        let (target, seen) = (self.deployment.target(), Arc::clone(&progress));
        let sending =
            self.runtime.spawn(async move { send::send_all(&target, all, rate, &seen).await });
        let (mut killer, mut kills) = (Killer::new(5), Vec::new());
        while progress.receipts.load(Ordering::Relaxed) < webhooks * 9 / 10 {
            std::thread::sleep(killer.pause());
            kills.extend(killer.strike(&mut self.deployment, false).unwrap());
        }
        let receipts = self.runtime.block_on(sending).unwrap().unwrap();
        assert_eq!(receipts.len() as u64, webhooks);
        self.deployment.wait_until_drained().unwrap();
        (kills, self.account(&receipts))
    }

    /// Stops everything and has the topics and the local states accounted for.
    fn account(&mut self, receipts: &[Receipt]) -> Account {
        let directory = self.deployment.directory().join("account");
        self.deployment.stop_all().unwrap();
        account::dump(&self.deployment, receipts, &directory).unwrap();
        account::dump_states(&self.deployment, &directory).unwrap();
        account::account(&directory).unwrap()
    }

    /// What Mixpanel has, without what came twice.
    pub(crate) fn at_mixpanel(&self, expected: u64) -> u64 {
        let stored = self.mixpanel.as_ref().unwrap().stored(expected);
        self.runtime.block_on(stored).unwrap().deduplicated
    }
}

/// How often each rule paid each learner, and what. Which of several events of a day was paid
/// depends on the order in which they came.
pub(crate) fn paid(directory: &Path) -> BTreeMap<(String, String), (usize, i64)> {
    let lines = std::fs::read_to_string(directory.join("account/awards.jsonl")).unwrap();
    let mut paid = BTreeMap::new();
    for line in lines.lines() {
        let award: Value = serde_json::from_str(line).unwrap();
        let text = |name: &str| award["value"][name].as_str().unwrap().to_owned();
        let (count, points) = paid.entry((text("user_key"), text("rule_id"))).or_default();
        *count += 1;
        *points += award["value"]["points"].as_i64().unwrap();
    }
    paid
}

pub(crate) fn assert_right(account: &Account) {
    assert!(account.is_right(), "{account:#?}");
    assert!(account.awards > 0 && account.duplicates > 0, "{account:#?}");
}
