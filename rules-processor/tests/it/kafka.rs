//! The processor on a real cluster.

use kleos_event_log::{KafkaConfig, KafkaLog};
use kleos_test_kit::log::OnKafka;

use crate::disk;
use crate::suite::suite_tests;

suite_tests!(OnKafka::start());

#[test]
fn a_full_disk_stops_the_worker_and_what_it_had_is_restored() {
    disk::a_full_disk_stops_the_worker_and_what_it_had_is_restored(&OnKafka::start());
}

#[test]
fn without_a_cluster_it_waits_and_says_for_what() {
    let nobody = KafkaConfig::new("127.0.0.1:9", "http://127.0.0.1:9/none");
    disk::without_a_log_it_waits_and_says_for_what(&KafkaLog::connect(nobody).unwrap().into_log());
}
