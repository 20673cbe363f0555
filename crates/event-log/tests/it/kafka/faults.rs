//! Faults of a broker that a real one cannot be made to show, on librdkafka's mock of one.
//!
//! The mock keeps no transaction apart, so these tests are of what the worker does, not of what a
//! reader sees.

use std::sync::Arc;
use std::time::Duration;

use kleos_contracts::time::Timestamp;
use kleos_contracts::topic::Topic;
use kleos_event_log::{EventLog, KafkaConfig, KafkaLog, LogError};
use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr as Code};

use crate::bench::{PARTITIONS, Running, feed, keys, spec};
use crate::counting::{Gate, Plan};

type Mock = MockCluster<'static, DefaultProducerContext>;

fn mock() -> (Mock, EventLog) {
    let mock = MockCluster::new(1).unwrap();
    for topic in [Topic::Raw, Topic::Events, Topic::State] {
        mock.create_topic(topic.name(), PARTITIONS, 1).unwrap();
    }
    let mut config = KafkaConfig::new(&mock.bootstrap_servers(), "http://127.0.0.1:9/none");
    config.session_timeout = Duration::from_secs(6);
    config.transaction_timeout = Duration::from_secs(3);
    (mock, KafkaLog::connect(config).unwrap().into_log())
}

/// Runs a worker over records while `fault` holds from the middle of its first batch on, until it
/// was heard to do what is expected and has then processed them.
#[track_caller]
fn run(fault: impl Fn(&Mock), cure: impl Fn(&Mock), expected: &str) {
    let (mock, log) = mock();
    let fed = keys(4, 5);
    feed(&log, &fed);
    let gate = Arc::new(Gate::default());
    let plan = Plan { gate: Some(Arc::clone(&gate)), ..Plan::default() };
    let worker = Running::start(log, spec("copier", "a"), plan);
    gate.wait_until_reached();
    fault(&mock);
    gate.open();
    worker.host.wait_for(expected);
    cure(&mock);
    let deadline = std::time::Instant::now() + Duration::from_secs(40);
    while committed(&worker) < fed.len() && std::time::Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(50));
    }
    let heard = worker.host.heard();
    let total: u64 = worker.stop().disk.counts.values().sum();
    assert!(total >= fed.len() as u64, "{heard:?}");
}

#[track_caller]
fn run_with_errors(api: RDKafkaApiKey, errors: &[Code], expected: &str) {
    run(|mock| mock.request_errors(api, errors), |_| {}, expected);
}

fn committed(worker: &Running) -> usize {
    let heard = worker.host.heard();
    let counts = heard.iter().filter_map(|event| {
        event.strip_prefix("Committed { records: ")?.split(',').next()?.parse::<usize>().ok()
    });
    counts.sum()
}

#[test]
fn a_commit_that_the_client_may_try_again_goes_through() {
    use Code::{
        RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS as LOADING,
        RD_KAFKA_RESP_ERR_NOT_COORDINATOR as MOVED,
    };
    run_with_errors(RDKafkaApiKey::EndTxn, &[LOADING, MOVED, LOADING], "Committed");
}

#[test]
fn a_commit_that_is_refused_as_fenced_begins_a_new_session() {
    let fenced = Code::RD_KAFKA_RESP_ERR_PRODUCER_FENCED;
    run_with_errors(RDKafkaApiKey::EndTxn, &[fenced], "UnknownOutcome");
}

#[test]
fn offsets_that_are_refused_roll_the_transaction_back() {
    let unknown = Code::RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID;
    run_with_errors(RDKafkaApiKey::TxnOffsetCommit, &[unknown], "RolledBack");
    let generation = Code::RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION;
    run_with_errors(RDKafkaApiKey::TxnOffsetCommit, &[generation], "RolledBack");
}

#[test]
fn a_record_that_is_refused_rolls_the_transaction_back() {
    let refused = Code::RD_KAFKA_RESP_ERR_INVALID_RECORD;
    run_with_errors(RDKafkaApiKey::Produce, &[refused], "RolledBack");
}

#[test]
fn a_commit_without_an_answer_begins_a_new_session() {
    let slow = |mock: &Mock| mock.broker_round_trip_time(1, Duration::from_secs(5)).unwrap();
    let quick = |mock: &Mock| mock.broker_round_trip_time(1, Duration::ZERO).unwrap();
    run(slow, quick, "UnknownOutcome");
}

#[test]
fn a_record_that_only_a_later_ones_success_speaks_for_is_not_stored() {
    let mock: Mock = MockCluster::new(1).unwrap();
    mock.create_topic(Topic::Raw.name(), 1, 1).unwrap();
    let config = KafkaConfig::new(&mock.bootstrap_servers(), "http://127.0.0.1:9/none");
    let log = KafkaLog::connect(config).unwrap().into_log();
    let appender = log.appender(Topic::Raw).unwrap();
    let append = |text: &str| appender.append(Timestamp::from_millis(1), text.into());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(append("before")).unwrap();
    // Both are on their way; the first is refused, as by a broker that has just started.
    mock.broker_round_trip_time(1, Duration::from_millis(500)).unwrap();
    mock.request_errors(
        RDKafkaApiKey::Produce,
        &[Code::RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION],
    );
    let first = append("first");
    std::thread::sleep(Duration::from_millis(100));
    let second = append("second");
    let (first, second) = runtime.block_on(async { (first.await, second.await) });
    assert!(second.is_ok(), "{second:?}");
    let LogError::Unavailable { cause, .. } = first.unwrap_err() else { panic!() };
    assert_eq!(cause, "the broker has not said where the record lies");
}
