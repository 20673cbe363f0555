//! The topics as they should be, against those that there are.

use std::fmt;

use kleos_contracts::key::is_partition_count;
use kleos_contracts::topic::{Cleanup, Topic};

/// How a deployment's topics should be, where `schemas/topics.toml` leaves a choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TopicPlan {
    /// Partitions of the topics that share their number: a power of two.
    pub partitions: i32,
    /// Copies of every partition.
    pub replication: i32,
}

/// A topic as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LiveTopic {
    pub(crate) partitions: i32,
    pub(crate) replication: i32,
    pub(crate) cleanup: String,
    pub(crate) retention_ms: String,
    pub(crate) max_message_bytes: String,
    /// The key and partition of a record that does not lie where its key says.
    pub(crate) stray: Option<(String, i32)>,
}

/// A subject as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LiveSubject {
    pub(crate) has_our_schema: bool,
    pub(crate) compatibility: Option<String>,
}

/// Something that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The topic's name on the cluster.
    pub topic: String,
    /// What differs.
    pub what: String,
    /// How it should be.
    pub expected: String,
    /// How it is.
    pub found: String,
    /// What to do.
    pub remedy: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { topic, what, expected, found, remedy } = self;
        write!(formatter, "{topic}: {what}: expected {expected}, found {found}. {remedy}")
    }
}

/// What `apply` has done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// Topics that were made.
    pub created: Vec<Topic>,
    /// Subjects that got our schema.
    pub registered: Vec<Topic>,
}

/// The settings of a topic, as the broker spells them.
pub(crate) fn settings(topic: Topic) -> [(&'static str, String); 3] {
    let spec = topic.spec();
    [
        ("cleanup.policy", spec.cleanup.as_str().to_owned()),
        ("retention.ms", spec.retention.millis().to_string()),
        ("max.message.bytes", spec.max_message_bytes.to_string()),
    ]
}

/// A topic, and its name on the cluster.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Named<'n> {
    pub(crate) topic: Topic,
    pub(crate) name: &'n str,
}

/// Compares one topic and its subject with the plan.
pub(crate) fn compare(
    topic: Named<'_>,
    plan: TopicPlan,
    live: Option<&LiveTopic>,
    subject: &LiveSubject,
) -> Vec<Difference> {
    let mut differences = match live {
        Some(live) => compare_topic(topic, plan, live),
        None => vec![difference(topic, ("topic", "present", "none"), APPLY)],
    };
    if !subject.has_our_schema {
        let found = ("schema of its subject", "ours", "none that equals it");
        differences.push(difference(topic, found, APPLY));
    }
    let level = subject.compatibility.as_deref().unwrap_or("none");
    if level != COMPATIBILITY {
        let found = ("compatibility of its subject", COMPATIBILITY, level);
        differences.push(difference(topic, found, APPLY));
    }
    differences
}

/// What a subject's later versions must be: readable by and able to read every earlier one.
pub(crate) const COMPATIBILITY: &str = "FULL_TRANSITIVE";
const APPLY: &str = "Run `kleos topics apply`";
const MAKE_ANEW: &str =
    "It cannot be changed under the records that are there: make a new topic and copy them";

fn compare_topic(named: Named<'_>, plan: TopicPlan, live: &LiveTopic) -> Vec<Difference> {
    let Named { topic, name: topic_name } = named;
    let mut differences = Vec::new();
    let partitions = topic.spec().partitions.resolve(plan.partitions);
    if !is_partition_count(live.partitions) {
        let found = live.partitions.to_string();
        let what = ("partitions", "a power of two", found.as_str());
        differences.push(difference(named, what, MAKE_ANEW));
    } else if live.partitions != partitions {
        let (expected, found) = (partitions.to_string(), live.partitions.to_string());
        let what = ("partitions", expected.as_str(), found.as_str());
        let remedy = "Set topics.partitions to the number there is";
        differences.push(difference(named, what, remedy));
    }
    if live.replication < plan.replication {
        let (expected, found) = (plan.replication.to_string(), live.replication.to_string());
        let what = ("replication", expected.as_str(), found.as_str());
        let remedy = "Use kafka-reassign-partitions, or lower topics.replication";
        differences.push(difference(named, what, remedy));
    }
    let found = [&live.cleanup, &live.retention_ms, &live.max_message_bytes];
    for ((name, expected), found) in settings(topic).into_iter().zip(found) {
        let keeps_more = name == "retention.ms"
            && keeps_longer(found, &expected)
            && topic.spec().cleanup == Cleanup::Delete;
        if *found != expected && !keeps_more {
            let remedy = format!(
                "Run kafka-configs --alter --entity-type topics --entity-name {topic_name} --add-config \
                 {name}={expected}"
            );
            differences.push(difference(named, (name, &expected, found), &remedy));
        }
    }
    if let Some((key, partition)) = &live.stray {
        let found = format!("key {key:?} in partition {partition}");
        let what = ("partitioner", "murmur2 of the key", found.as_str());
        let remedy = "Set partitioner=murmur2_random in whatever writes there besides Kleos";
        differences.push(difference(named, what, remedy));
    }
    differences
}

/// Keeping records longer than asked is nobody's loss.
fn keeps_longer(found: &str, expected: &str) -> bool {
    match (found.parse::<i64>(), expected.parse::<i64>()) {
        (Ok(-1), Ok(_)) => true,
        (Ok(found), Ok(expected)) => expected >= 0 && found >= expected,
        _ => false,
    }
}

fn difference(
    topic: Named<'_>,
    (what, expected, found): (&str, &str, &str),
    remedy: &str,
) -> Difference {
    Difference {
        topic: topic.name.to_owned(),
        what: what.to_owned(),
        expected: expected.to_owned(),
        found: found.to_owned(),
        remedy: remedy.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAN: TopicPlan = TopicPlan { partitions: 8, replication: 1 };

    fn named(topic: Topic) -> Named<'static> {
        Named { topic, name: topic.name() }
    }

    fn good(topic: Topic) -> (LiveTopic, LiveSubject) {
        let [(_, cleanup), (_, retention_ms), (_, max_message_bytes)] = settings(topic);
        let live = LiveTopic {
            partitions: topic.spec().partitions.resolve(PLAN.partitions),
            replication: 1,
            cleanup,
            retention_ms,
            max_message_bytes,
            stray: None,
        };
        let compatibility = Some(COMPATIBILITY.to_owned());
        (live, LiveSubject { has_our_schema: true, compatibility })
    }

    #[track_caller]
    fn check(change: impl Fn(&mut LiveTopic, &mut LiveSubject), expected: &[&str]) {
        let (mut live, mut subject) = good(Topic::Events);
        change(&mut live, &mut subject);
        let differences = compare(named(Topic::Events), PLAN, Some(&live), &subject);
        let whats: Vec<&str> = differences.iter().map(|found| found.what.as_str()).collect();
        assert_eq!(whats, expected);
    }

    #[test]
    fn every_topic_as_it_is_made_has_no_difference() {
        for topic in Topic::ALL {
            let (live, subject) = good(topic);
            assert_eq!(compare(named(topic), PLAN, Some(&live), &subject), []);
        }
    }

    #[test]
    fn each_difference_is_told_with_its_name() {
        check(|live, _| live.partitions = 12, &["partitions"]);
        check(|live, _| live.partitions = 16, &["partitions"]);
        check(|live, _| live.replication = 0, &["replication"]);
        check(|live, _| live.cleanup = "compact".into(), &["cleanup.policy"]);
        check(|live, _| live.retention_ms = "1000".into(), &["retention.ms"]);
        check(|live, _| live.max_message_bytes = "1".into(), &["max.message.bytes"]);
        check(|live, _| live.stray = Some(("a|b".into(), 3)), &["partitioner"]);
        check(|_, subject| subject.has_our_schema = false, &["schema of its subject"]);
        check(|_, subject| subject.compatibility = None, &["compatibility of its subject"]);
    }

    #[test]
    fn advice_has_the_name_that_the_topic_has_on_the_cluster() {
        let (mut live, subject) = good(Topic::Events);
        live.cleanup = "compact".into();
        let events = Named { topic: Topic::Events, name: "east.kleos.events.v1" };
        let differences = compare(events, PLAN, Some(&live), &subject);
        let [difference] = differences.as_slice() else { panic!("{differences:?}") };
        let advice = "--entity-name east.kleos.events.v1 --add-config cleanup.policy=delete";
        assert!(difference.remedy.ends_with(advice), "{difference}");
        assert!(difference.to_string().starts_with("east.kleos.events.v1: cleanup.policy"));
    }

    #[test]
    fn keeping_records_longer_is_no_difference() {
        check(|live, _| live.retention_ms = "-1".into(), &[]);
        check(|live, _| live.retention_ms = i64::MAX.to_string(), &[]);
    }

    #[test]
    fn a_topic_that_is_not_there_is_one_difference() {
        let (_, subject) = good(Topic::Raw);
        let raw = Named { topic: Topic::Raw, name: "east.kleos.raw.v1" };
        let differences = compare(raw, PLAN, None, &subject);
        let expected =
            "east.kleos.raw.v1: topic: expected present, found none. Run `kleos topics apply`";
        assert_eq!(differences.iter().map(ToString::to_string).collect::<Vec<_>>(), [expected]);
    }
}
