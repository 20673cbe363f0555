//! The same in front of Apache Kafka, and while it is away.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use kleos_event_log::{EventLog, KafkaConfig, KafkaLog, TopicPlan};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::spawn_blocking;

use crate::gateway::{Gateway, MOODLE, TOKEN};
use crate::load::check_many;
use crate::wire::{PATIENCE, post};

const PLAN: TopicPlan = TopicPlan { partitions: 4, replication: 1 };

fn environment(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| {
        panic!("{name} is not set: run scripts/kafka up and eval \"$(scripts/kafka env)\"")
    })
}

/// A deployment of its own on the shared cluster, without topics yet.
fn config() -> KafkaConfig {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::SeqCst);
    let registry = environment("KLEOS_TEST_REGISTRY");
    let mut config = KafkaConfig::new(&environment("KLEOS_TEST_KAFKA"), &registry);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    config.prefix = format!("gw{}-{number}.", now.as_millis());
    config
}

/// Its clients block, also when they are made.
async fn connect(config: KafkaConfig) -> EventLog {
    spawn_blocking(|| KafkaLog::connect(config).unwrap().into_log()).await.unwrap()
}

async fn apply_topics(config: KafkaConfig) {
    spawn_blocking(move || KafkaLog::apply_topics(&config, PLAN).unwrap()).await.unwrap();
}

/// Connections to a port of this machine end at another address; for as long as the test runs.
async fn forward(from: SocketAddr, to: String) {
    let listener = TcpListener::bind(from).await.unwrap();
    tokio::runtime::Handle::current().spawn(async move {
        while let Ok((mut incoming, _)) = listener.accept().await {
            let mut outgoing = TcpStream::connect(&to).await.unwrap();
            tokio::runtime::Handle::current().spawn(async move {
                copy_bidirectional(&mut incoming, &mut outgoing).await.ok();
            });
        }
    });
}

/// An address at which nobody listens.
fn closed_port() -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn receipts_come_from_the_brokers_and_hold_their_records() {
    let config = config();
    apply_topics(config.clone()).await;
    let gateway = Gateway::start_on(connect(config).await, PATIENCE, "").await;
    gateway.until("ready", |gateway| gateway.because().is_none()).await;
    check_many(&gateway, 500).await;
    let body: Vec<u8> = (0..=255).cycle().take(1 << 20).collect();
    let reply = gateway.post(&body).await;
    assert_eq!((reply.status, &reply.json()["receipt"]["durability"]), (200, &"broker".into()));
    assert!(gateway.record_of(&reply).await.body == body);
    assert_eq!(gateway.records().await.len(), 501);
    gateway.ask_to_stop();
    assert_eq!(gateway.ended().await, Ok(()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn while_nobody_answers_senders_are_asked_to_come_back() {
    let registry = format!("http://{}", closed_port());
    let config = KafkaConfig::new(&closed_port().to_string(), &registry);
    let gateway = Gateway::start_on(connect(config).await, PATIENCE, "").await;
    let reply = gateway.post("{}").await;
    assert_eq!((reply.status, &reply.json()["error"]), (503, &"log_unavailable".into()));
    let seconds: u64 = reply.header("retry-after").unwrap().parse().unwrap();
    assert_eq!(reply.json()["retry_after"], seconds);
    // Strangers are not told how the gateway is.
    assert_eq!(gateway.send(post(MOODLE, "sesame", "{}")).await.status, 401);
    gateway
        .until("it says why", |gateway| {
            gateway.because().is_some_and(|because| because != "gateway/log: starting")
        })
        .await;
    assert_eq!(gateway.post("{}").await.status, 503);
    gateway.ask_to_stop();
    assert_eq!(gateway.ended().await, Ok(()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_cluster_that_comes_later_is_found_without_a_restart() {
    let direct = config();
    let (brokers, registry) = (closed_port(), closed_port());
    let (scheme, rest) = direct.registry.split_once("://").unwrap();
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let mut config = direct.clone();
    config.brokers = brokers.to_string();
    config.registry = format!("{scheme}://{registry}/{path}");
    let gateway = Gateway::start_on(connect(config).await, PATIENCE, "").await;
    assert_eq!(gateway.post("{}").await.status, 503);

    forward(brokers, direct.brokers.clone()).await;
    let asks_for_topics =
        |gateway: &Gateway| gateway.because().is_some_and(|why| why.contains("kleos topics apply"));
    gateway.until("it says that topics are missing", asks_for_topics).await;
    apply_topics(direct.clone()).await;
    let asks_the_registry = |gateway: &Gateway| {
        gateway.because().is_some_and(|why| why.contains("asking the registry"))
    };
    gateway.until("it says that the registry is missing", asks_the_registry).await;
    assert_eq!(gateway.send(post(MOODLE, TOKEN, "{}")).await.status, 503);
    forward(registry, host.to_owned()).await;
    gateway.until("ready", |gateway| gateway.because().is_none()).await;
    let reply = gateway.post("at last").await;
    assert_eq!(reply.status, 200);
    // The reader's registry client is the gateway's.
    assert_eq!(gateway.record_of(&reply).await.body, b"at last");
    tokio::time::timeout(Duration::from_secs(20), async {
        gateway.ask_to_stop();
        gateway.ended().await
    })
    .await
    .unwrap()
    .unwrap();
}
