//! Services whose cluster is not there: at the start, and later.

use std::collections::BTreeMap;
use std::time::Instant;

use serde_json::Value;

use crate::cluster::Cluster;
use crate::exposition::parse;
use crate::home::{
    CUSTOM_TOKEN, Home, Ports, QUERY_TOKEN, configuration, free_port, lesson, wait_until_ready,
};
use crate::process::{Running, until};
use crate::web::{self, Answer};

const SERVICES: [&str; 4] = ["gateway", "normalizer", "rules", "sink"];

/// One process for each service, of one deployment.
struct Services {
    home: Home,
    running: BTreeMap<&'static str, (u16, Running)>,
}

impl Services {
    fn start(kafka: &str) -> Self {
        let vendor = free_port();
        let sink = format!("[sink]\nurl = \"http://127.0.0.1:{vendor}\"\ntoken = \"any\"\n");
        let home = Home::with(kafka);
        let mut running = BTreeMap::new();
        for service in SERVICES {
            let admin = free_port();
            let ports = Ports { admin, ..home.ports };
            let config = format!("{service}.toml");
            home.write(&config, &configuration(ports, &format!("{kafka}{sink}")));
            let process = home.start(&[service, "--config", &config]);
            running.insert(service, (admin, process));
        }
        Self { home, running }
    }

    fn admin(&self, service: &str) -> u16 {
        self.running[service].0
    }

    /// Waits until a service says what it waits for.
    #[track_caller]
    fn wait_for_reason(&self, service: &str, reason: &str) {
        until(&format!("{service} waits for {reason}"), || {
            let answer = web::try_get(self.admin(service), "/ready")?;
            (answer.status == 503 && answer.body.contains(reason)).then_some(())
        });
    }

    /// Waits until the three that need nothing but the cluster are ready.
    #[track_caller]
    fn wait_until_ready(&self) {
        for service in ["gateway", "normalizer", "rules"] {
            wait_until_ready(self.admin(service));
        }
    }

    fn post(&self, event: &str) -> Answer {
        web::post(self.home.ports.gateway, "custom", Some(CUSTOM_TOKEN), event)
    }

    /// Stops all; what each has said.
    #[track_caller]
    fn stop(mut self) -> Vec<String> {
        std::mem::take(&mut self.running).into_values().map(|(_, process)| process.stop()).collect()
    }
}

impl Drop for Services {
    /// A test that fails shows what the processes have said.
    fn drop(&mut self) {
        for (service, (admin, process)) in &mut self.running {
            let ready = web::try_get(*admin, "/ready").map(|answer| answer.body);
            println!("--- {service}, {ready:?}:\n{}", process.said());
        }
    }
}

#[track_caller]
fn check_come_back(answer: &Answer, errors: &[&str]) {
    assert_eq!(answer.status, 503, "{answer:?}");
    assert!(errors.contains(&answer.error().as_str()), "{answer:?}");
    let after: u64 = answer.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=10).contains(&after), "{answer:?}");
    assert_eq!(answer.json()["retry_after"], after, "{answer:?}");
}

/// How often each condition was said to be ready and not to be; never twice in a row the same.
#[track_caller]
fn changes(said: &str) -> BTreeMap<String, Vec<bool>> {
    let mut changes: BTreeMap<String, Vec<bool>> = BTreeMap::new();
    for line in said.lines() {
        let Some((before, rest)) = line.split_once("ready condition=\"") else { continue };
        let (condition, _) = rest.split_once('"').unwrap();
        let told = changes.entry(condition.to_owned()).or_default();
        let is_ready = !before.ends_with("not ");
        assert_ne!(told.last(), Some(&is_ready), "{condition} a second time in\n{said}");
        told.push(is_ready);
    }
    changes
}

/// The times of so many further attempts of a service's worker.
fn attempts(services: &Services, service: &str, count: usize) -> Vec<Instant> {
    let attempted = || {
        let text = web::try_get(services.admin(service), "/metrics").map(|answer| answer.body);
        let families = text.map(|text| parse(&text).unwrap()).unwrap_or_default();
        families.get("kleos_worker_retries_total").map_or(0.0, |family| family.samples[0].value)
    };
    let mut last = attempted();
    let mut times = Vec::new();
    while times.len() < count {
        last = until("another attempt", || Some(attempted()).filter(|now| *now > last));
        times.push(Instant::now());
    }
    times
}

/// From the first attempts on: later, every pause is as long as the longest.
#[track_caller]
fn check_growing_pauses(services: &Services) {
    let times = attempts(services, "normalizer", 5);
    let pauses: Vec<_> = times.windows(2).map(|pair| pair[1].duration_since(pair[0])).collect();
    assert!(pauses[3] > 2 * pauses[0], "{pauses:?}");
}

#[test]
fn without_a_cluster_every_service_waits_says_for_what_and_can_be_stopped() {
    let closed = free_port();
    let services = Services::start(&format!(
        "[kafka]\nbrokers = \"127.0.0.1:{closed}\"\nregistry = \"http://127.0.0.1:{closed}\"\n"
    ));
    check_growing_pauses(&services);
    for service in SERVICES {
        services.wait_for_reason(service, &format!("127.0.0.1:{closed}"));
        assert_eq!(web::get(services.admin(service), "/live").status, 200, "{service}");
    }
    check_come_back(&services.post(&lesson(1, 1)), &["log_unavailable"]);
    let stranger = web::post(services.home.ports.gateway, "custom", None, "{}");
    assert_eq!(stranger.status, 401, "who sends is asked before what is away");
    let learner = "/v1/tenants/demo/learners/a%2F1";
    let asked = web::get_with(services.home.ports.rules, learner, QUERY_TOKEN);
    check_come_back(&asked, &["unavailable"]);

    for said in services.stop() {
        let changes = changes(&said);
        assert!(!changes.is_empty(), "{said}");
        assert!(changes.values().all(|told| told.len() == 1), "{said}");
    }
}

#[test]
fn services_come_up_with_their_cluster_and_outlive_its_faults() {
    let cluster = Cluster::reserved();
    let services = Services::start(&cluster.configuration());
    services.wait_for_reason("gateway", "\"ready\":false");
    cluster.up();
    for service in ["gateway", "normalizer", "rules"] {
        services.wait_for_reason(service, "kleos topics apply");
    }
    services.home.run(&["topics", "apply"]).fine();
    services.wait_until_ready();
    check_paid(&services, 1);

    // The broker is there, and does not answer.
    cluster.script(&["broker", "pause", "1"]);
    // Which of the three it is says whose patience ended first.
    let away = ["append_timed_out", "append_failed", "log_unavailable"];
    check_come_back(&services.post(&lesson(1, 2)), &away);
    until("the gateway knows that the log is away", || {
        services.post(&lesson(1, 2));
        (web::get(services.admin("gateway"), "/ready").status == 503).then_some(())
    });
    check_come_back(&services.post(&lesson(1, 2)), &away);
    cluster.script(&["broker", "resume", "1"]);
    services.wait_until_ready();
    check_paid(&services, 2);

    // What is known of schemas goes on holding.
    cluster.script(&["registry", "kill"]);
    check_paid(&services, 3);

    cluster.script(&["broker", "kill", "1"]);
    services.wait_for_reason("normalizer", "\"ready\":false");
    cluster.up();
    services.wait_until_ready();
    let learner: Value = services.home.wait_for_balance("custom-demo/1", 30);
    assert_eq!(learner["awards"], 3, "{learner}");
    for said in services.stop() {
        changes(&said);
    }
}

/// Sends a lesson until it is accepted, and waits until it is paid.
#[track_caller]
fn check_paid(services: &Services, lessons: u32) {
    until("accepted", || (services.post(&lesson(1, lessons)).status == 202).then_some(()));
    services.home.wait_for_balance("custom-demo/1", i64::from(lessons) * 10);
}
