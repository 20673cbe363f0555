//! What other producers leave in the log.

use std::time::Duration;

use kleos_contracts::topic::Topic;
use kleos_event_log::KafkaLog;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};

use super::{PLAN, config};
use crate::bench::{Running, feed, keys, spec, wait_for_records};
use crate::counting::Plan;

const WAIT: Duration = Duration::from_secs(10);

fn producer(config: &kleos_event_log::KafkaConfig, id: &str) -> BaseProducer {
    let producer: BaseProducer = rdkafka::ClientConfig::new()
        .set("bootstrap.servers", &config.brokers)
        .set("transactional.id", format!("{}{id}", config.prefix))
        .create()
        .unwrap();
    producer.init_transactions(WAIT).unwrap();
    producer
}

fn send(producer: &BaseProducer, topic: &str, key: &str, value: &str) {
    producer.send(BaseRecord::to(topic).partition(0).key(key).payload(value)).unwrap();
    while producer.in_flight_count() > 0 {
        producer.poll(Duration::from_millis(1));
    }
}

/// A restore that stopped where the open transaction begins would miss what was committed behind
/// it, and what the transaction commits in the end.
#[test]
fn a_restore_waits_for_transactions_that_are_open() {
    let config = config();
    KafkaLog::apply_topics(&config, PLAN).unwrap();
    let log = KafkaLog::connect(config.clone()).unwrap().into_log();
    let topic = format!("{}{}", config.prefix, Topic::State);
    let (slow, quick) = (producer(&config, "slow"), producer(&config, "quick"));
    slow.begin_transaction().unwrap();
    send(&slow, &topic, "slow", "1");
    quick.begin_transaction().unwrap();
    send(&quick, &topic, "quick", "2");
    quick.commit_transaction(WAIT).unwrap();
    quick.begin_transaction().unwrap();
    send(&quick, &topic, "aborted", "3");
    quick.abort_transaction(WAIT).unwrap();
    let worker = Running::start(log, spec("copier", "a"), Plan::default());
    worker.host.wait_for("Partitions { running: 0, restoring: 4 }");
    std::thread::sleep(Duration::from_secs(1));
    assert!(!worker.host.heard().iter().any(|event| event.starts_with("Restored")));
    slow.commit_transaction(WAIT).unwrap();
    worker.host.wait_for("Partitions { running: 4, restoring: 0 }");
    let counts = worker.stop().disk.counts;
    let found: Vec<(&str, u64)> =
        counts.iter().map(|((_, key), count)| (key.as_str(), *count)).collect();
    assert_eq!(found, [("quick", 2), ("slow", 1)]);
}

/// The worker reads what others write in transactions as well as what they do not.
#[test]
fn aborted_records_are_not_processed() {
    let config = config();
    KafkaLog::apply_topics(&config, PLAN).unwrap();
    let log = KafkaLog::connect(config.clone()).unwrap().into_log();
    let topic = format!("{}{}", config.prefix, Topic::Raw);
    let other = producer(&config, "other");
    for (value, is_committed) in [("a", false), ("b", true), ("c", false)] {
        other.begin_transaction().unwrap();
        send(&other, &topic, "key", value);
        if is_committed {
            other.commit_transaction(WAIT).unwrap();
        } else {
            other.abort_transaction(WAIT).unwrap();
        }
    }
    let fed = keys(3, 3);
    feed(&log, &fed);
    let worker = Running::start(log.clone(), spec("copier", "a"), Plan::default());
    wait_for_records(&log, Topic::Events, fed.len() + 1);
    let counts = worker.stop().disk.counts;
    assert_eq!(counts.get(&(0, "key".to_owned())), Some(&1));
}
