//! The rules-processor as a process of its own, in this one.

use kleos_contracts::state::PartitionOwner;
use kleos_contracts::time::Timestamp;
use kleos_contracts::topic::Topic;
use kleos_event_log::EventLog;
use kleos_rules_processor::Settings;
use kleos_service_kit::bootstrap::Process;
use kleos_service_kit::clock::{SharedClock, SystemClock};
use kleos_service_kit::failure::Failure;
use kleos_service_kit::lifecycle::LifecycleError;
use kleos_test_kit::records::read;
use kleos_test_kit::service::Hosted;
use kleos_test_kit::wait::wait_until;
use reqwest::{Client, RequestBuilder};
use serde_json::Value;

use crate::bench::{PUBLISH_TOKEN, QUERY_TOKEN};

pub(crate) struct Service {
    hosted: Hosted,
    log: EventLog,
    instance: String,
    started_at: Timestamp,
    client: Client,
}

/// What a port answered.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

impl Service {
    pub(crate) fn start(log: &EventLog, settings: Settings) -> Self {
        Self::start_as("a", log, settings)
    }

    pub(crate) fn start_as(instance: &str, log: &EventLog, settings: Settings) -> Self {
        Self::try_start(instance, log, (settings, SystemClock::shared())).unwrap()
    }

    pub(crate) fn try_start(
        instance: &str,
        log: &EventLog,
        (settings, clock): (Settings, SharedClock),
    ) -> Result<Self, Failure> {
        let started_at = clock.now();
        let (hosted, started) = Hosted::start_at(clock, async |process| {
            kleos_rules_processor::start(process, log, instance, settings).await
        });
        if let Err(failure) = started {
            drop(hosted.stop());
            return Err(failure);
        }
        let (log, instance, client) = (log.clone(), instance.to_owned(), Client::new());
        Ok(Self { hosted, log, instance, started_at, client })
    }

    pub(crate) fn process(&self) -> &Process {
        &self.hosted.process
    }

    /// Waits until so many learners' events are decided or set aside.
    #[track_caller]
    pub(crate) fn wait_for(&self, events: usize) {
        self.wait_until(&format!("{events} events"), |process| {
            let outcomes = series(process, "kleos_rules_events_total");
            let of_learners = outcomes.iter().filter(|(labels, _)| !labels.contains("system"));
            of_learners.map(|(_, count)| count).sum::<u64>() >= events as u64
        });
    }

    /// Waits until the default rules hold in every partition, which they do on the first start.
    #[track_caller]
    pub(crate) fn wait_for_rules(&self) {
        self.wait_until("the default rules", |process| {
            metric(process, "kleos_rules_events_total", "system") >= 4
        });
    }

    /// Waits until all partitions are this process's and restored.
    #[track_caller]
    pub(crate) fn wait_until_it_has(&self, partitions: u64) {
        self.wait_until(&format!("{partitions} partitions"), |process| {
            metric(process, "kleos_worker_partitions", "") == partitions
                && process.readiness.report().ready
        });
    }

    /// Waits until the process, which must be well, is as it should be.
    #[track_caller]
    pub(crate) fn wait_until(&self, what: &str, is_so: impl Fn(&Process) -> bool) {
        wait_until(what, || {
            let report = self.process().readiness.report();
            assert!(!report.stopping, "before {what}: {report:?}");
            is_so(self.process())
        });
    }

    /// Stops the processor; the batch in hand is finished.
    pub(crate) fn stop(self) -> Process {
        self.hosted.stop()
    }

    /// Waits for the processor to end by itself; tells which component failed, and why.
    #[track_caller]
    pub(crate) fn join(self) -> (String, String) {
        match self.hosted.join() {
            Err(LifecycleError::Failed { component, reason }) => (component, reason),
            other => panic!("ended with {other:?}"),
        }
    }

    /// Where it says that it answers, which it does when it has partitions.
    pub(crate) fn url(&self) -> String {
        let own = || {
            let owners = read::<PartitionOwner>(&self.log, Topic::Owners);
            let mut owners = owners.into_iter().map(|found| found.value);
            owners.find(|owner| owner.instance == self.instance && owner.since >= self.started_at)
        };
        wait_until("it told of its partitions", || own().is_some());
        own().unwrap().url
    }

    /// What it answers about a learner of tenant acme.
    pub(crate) fn learner(&self, number: u32) -> Answer {
        let url = format!("{}/v1/tenants/acme/learners/campus-a%2F{number}", self.url());
        self.send(self.client.get(url).bearer_auth(QUERY_TOKEN))
    }

    /// Publishes rules of tenant acme.
    pub(crate) fn publish(&self, rules: &str) -> Answer {
        let url = format!("{}/v1/tenants/acme/rules", self.url());
        self.send(self.client.put(url).bearer_auth(PUBLISH_TOKEN).body(rules.to_owned()))
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    pub(crate) fn send(&self, request: RequestBuilder) -> Answer {
        self.hosted.runtime.block_on(async {
            let response = request.send().await.unwrap();
            let status = response.status().as_u16();
            let text = response.text().await.unwrap();
            let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
            Answer { status, body }
        })
    }
}

/// The sum of a metric's series whose labels contain a text.
pub(crate) fn metric(process: &Process, name: &str, label: &str) -> u64 {
    let series = series(process, name);
    series.iter().filter(|(labels, _)| labels.contains(label)).map(|(_, count)| count).sum()
}

/// A metric's series at one moment: labels and count of each.
fn series(process: &Process, name: &str) -> Vec<(String, u64)> {
    let text = process.metrics.text().unwrap();
    let lines = text.lines().filter_map(|line| {
        let rest = line.strip_prefix(name).filter(|rest| rest.starts_with(['{', ' ']))?;
        let (labels, count) = rest.rsplit_once(' ')?;
        Some((labels.to_owned(), count.parse().unwrap()))
    });
    lines.collect()
}
