//! `kleos topics apply` and `kleos topics check` on a real cluster.

use std::process::{Command, Stdio};

use reqwest::blocking::Client;

use crate::cluster::Cluster;
use crate::home::{Home, free_port};

const TOPICS: usize = 10;
const AWARDS: &str = "kleos.awards.v1-value";

/// The differences, one a line, and how many were counted.
#[track_caller]
fn differences(home: &Home, command: &str) -> Vec<String> {
    let ended = home.run(&["topics", command]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let lines = ended.stdout.lines().filter(|line| line.contains(": expected "));
    let lines: Vec<String> = lines.map(str::to_owned).collect();
    let count = format!("error: {} things on the cluster are not as they should be", lines.len());
    assert!(ended.stderr.contains(&count), "{ended:?}");
    lines
}

#[track_caller]
fn check_told(differences: &[String], expected: &[&str]) {
    for words in expected {
        let told = differences.iter().filter(|line| line.contains(words)).count();
        assert_eq!(told, 1, "{words:?} in\n{}", differences.join("\n"));
    }
    assert_eq!(differences.len(), expected.len(), "{}", differences.join("\n"));
}

/// Has the registry forget a schema, and take any for another.
fn spoil_subjects(cluster: &Cluster) {
    let client = Client::builder().no_proxy().build().unwrap();
    let registry = cluster.registry();
    let deleted = client.delete(format!("{registry}/subjects/{AWARDS}")).send().unwrap();
    assert!(deleted.status().is_success(), "{deleted:?}");
    let config = client
        .put(format!("{registry}/config/kleos.events.v1-value"))
        .header("content-type", "application/vnd.schemaregistry.v1+json")
        .body(r#"{"compatibility": "NONE"}"#);
    let changed = config.send().unwrap();
    assert!(changed.status().is_success(), "{changed:?}");
}

/// Puts equal keys into every partition in turn.
#[track_caller]
fn scatter(cluster: &Cluster, topic: &str) {
    let words = ["tool", "produce", "--topic", topic, "--producer-property"];
    let partitioner = "partitioner.class=org.apache.kafka.clients.producer.RoundRobinPartitioner";
    let options = [partitioner, "--property", "parse.key=true", "--property", "key.separator=:"];
    let mut tool = cluster.command(&[&words[..], &options[..]].concat());
    let mut echo = Command::new("printf")
        .arg("demo|a:1\\n%.0s")
        .args(["1", "2", "3", "4"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let ended = tool.stdin(echo.stdout.take().unwrap()).output().unwrap();
    assert!(ended.status.success() && echo.wait().unwrap().success(), "{ended:?}");
}

#[test]
fn topics_are_made_once_and_every_difference_is_printed() {
    let cluster = Cluster::reserved();
    cluster.up();
    let home = Home::with(&cluster.configuration());
    let missing = differences(&home, "check");
    assert_eq!(missing.len(), 3 * TOPICS, "topic, schema, compatibility: {missing:?}");

    let made = home.run(&["topics", "apply"]).fine();
    assert_eq!(made.matches("\nmade kleos.").count() + 1, TOPICS, "{made}");
    assert_eq!(made.matches("registered the schema of kleos.").count(), TOPICS, "{made}");
    let good = "topics and schemas are as they should be\n";
    assert!(made.ends_with(good), "{made}");
    let again = home.run(&["topics", "apply"]).fine();
    assert_eq!(again, format!("everything was there\n{good}"));
    assert_eq!(home.run(&["topics", "check"]).fine(), good);

    spoil(&cluster);
    let wrong = differences(&home, "check");
    let stay = [
        "kleos.raw.v1: partitions: expected a power of two, found 3. It cannot be changed",
        "kleos.rules-processor.state.v1: cleanup.policy: expected compact, found delete. Run ",
        "kleos.dead-letters.v1: partitioner: expected murmur2 of the key, found key \"demo|a\"",
    ];
    let mended = [
        "kleos.unmapped.v1: topic: expected present, found none. Run `kleos topics apply`",
        "kleos.awards.v1: schema of its subject: expected ours, found none",
        "kleos.events.v1: compatibility of its subject: expected FULL_TRANSITIVE, found NONE",
    ];
    check_told(&wrong, &[&stay[..], &mended[..]].concat());
    // It makes what is missing; what is there is for people to judge.
    check_told(&differences(&home, "apply"), &stay);
    follow_advice(&cluster, &wrong);
    check_told(&differences(&home, "check"), &[stay[0], stay[2]]);
}

fn spoil(cluster: &Cluster) {
    cluster.script(&["tool", "topics", "--delete", "--topic", "kleos.unmapped.v1"]);
    cluster.script(&["tool", "topics", "--alter", "--topic", "kleos.raw.v1", "--partitions", "3"]);
    let state = ["--entity-type", "topics", "--entity-name", "kleos.rules-processor.state.v1"];
    let delete = ["--alter", "--add-config", "cleanup.policy=delete"];
    cluster.script(&[&["tool", "configs"], &state[..], &delete[..]].concat());
    scatter(cluster, "kleos.dead-letters.v1");
    spoil_subjects(cluster);
}

/// Does as the line about the cleanup says.
#[track_caller]
fn follow_advice(cluster: &Cluster, differences: &[String]) {
    let advice = differences.iter().find_map(|line| line.split_once("Run kafka-configs ")).unwrap();
    let words: Vec<&str> = advice.1.split(' ').collect();
    cluster.script(&[&["tool", "configs"], words.as_slice()].concat());
}

#[test]
fn topics_of_a_cluster_that_is_away_are_a_failure_that_says_where() {
    let closed = free_port();
    let home = Home::with(&format!(
        "[kafka]\nbrokers = \"127.0.0.1:{closed}\"\nregistry = \"http://127.0.0.1:{closed}\"\n"
    ));
    for command in ["apply", "check"] {
        let said = home.run(&["topics", command]).failed(1);
        assert!(said.starts_with("error: "), "{said}");
    }
}
