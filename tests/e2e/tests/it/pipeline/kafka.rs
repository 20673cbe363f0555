//! Each service a process, on a real cluster.

use std::path::Path;
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};

use kleos_e2e::cluster::{Cluster, root};
use kleos_e2e::deployment::Role;
use serde_json::Value;

use super::{Run, UP, assert_right, paid};

const SERVICES: [(&str, Role); 4] = [
    ("gateway", Role::Gateway),
    ("normalizer", Role::Normalizer),
    ("rules-a", Role::Rules),
    ("rules-b", Role::Rules),
];

/// One cluster at a time: they take fixed ports, and memory.
fn cluster(directory: &Path) -> (MutexGuard<'static, ()>, Cluster) {
    static ONE: Mutex<()> = Mutex::new(());
    let guard = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    (guard, Cluster::start(&directory.join("kafka"), 19_700).unwrap())
}

#[test]
fn the_same_webhooks_earn_the_same_as_on_the_embedded_log_and_any_client_can_read_it() {
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut embedded = Run::start(here.path(), &UP, None, false);
    assert_right(&embedded.showcase(15).1);
    let (_guard, cluster) = cluster(there.path());
    let read = reader_of_awards(&cluster);
    let services = [&SERVICES[..], &[("sink", Role::Sink)]].concat();
    let mut run = Run::start(there.path(), &services, Some(cluster), true);
    let (_, account) = run.showcase(15);
    assert_right(&account);
    assert_eq!(paid(there.path()), paid(here.path()));
    assert_eq!(run.at_mixpanel(account.awards), account.awards);
    assert_same_awards(&read(), there.path());
}

#[test]
fn kills_of_any_service_lose_and_double_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let (_guard, cluster) = cluster(directory.path());
    let mut run = Run::start(directory.path(), &SERVICES, Some(cluster), false);
    let (kills, account) = run.under_kills(10_000, 500.0);
    assert_right(&account);
    assert!(kills.len() >= 3, "{kills:?}");
}

/// Confluent's client for Python: its own registry client and deserializer, nothing of ours.
fn reader_of_awards(cluster: &Cluster) -> impl Fn() -> String + use<> {
    let python = std::env::var("KLEOS_TEST_PYTHON").unwrap_or_else(|_| {
        panic!("KLEOS_TEST_PYTHON is not set: run scripts/test, or name a Python with confluent-kafka[avro]")
    });
    let (brokers, registry) = (cluster.brokers.clone(), cluster.registry.clone());
    move || {
        let script = root().join("tests/e2e/python/read_awards.py");
        let output =
            Command::new(&python).arg(script).args([&brokers, &registry]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }
}

/// What the other client read is what `kleos tail` shows, field for field where both have the same
/// type: times are written in another way.
fn assert_same_awards(read: &str, directory: &Path) {
    let ours = std::fs::read_to_string(directory.join("account/awards.jsonl")).unwrap();
    let theirs = by_place(read, "award");
    let ours = by_place(&ours, "value");
    assert_eq!(theirs.len(), ours.len());
    for ((place, theirs), (same, ours)) in theirs.iter().zip(&ours) {
        assert_eq!(place, same);
        for field in
            ["entry_id", "award_id", "kind", "tenant", "user_key", "rule_id", "points", "scope"]
        {
            assert_eq!(theirs[field], ours[field], "{field} at {place:?}");
        }
    }
}

fn by_place(lines: &str, field: &str) -> Vec<((i64, i64), Value)> {
    let parse = |line: &str| {
        let line: Value = serde_json::from_str(line).unwrap();
        let number = |name: &str| line[name].as_i64().unwrap();
        ((number("partition"), number("offset")), line[field].clone())
    };
    let mut records: Vec<_> = lines.lines().map(parse).collect();
    records.sort_by_key(|(place, _)| *place);
    records
}
