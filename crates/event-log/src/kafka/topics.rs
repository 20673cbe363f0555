//! Makes topics and subjects, and looks at those that there are.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use kleos_contracts::key::partition_of;
use kleos_contracts::topic::{Partitioner, Topic};
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use super::cluster::{CALL_TIMEOUT, Cluster};
use super::context::Quiet;
use super::failure;
use super::reader::KafkaReader;
use super::registry::ConfluentRegistry;
use crate::error::LogError;
use crate::reader::{Progress, Reader};
use crate::record::{Batch, Partition};
use crate::registry::{SchemaStore, compact};
use crate::topics::{
    Applied, Difference, LiveSubject, LiveTopic, Named, TopicPlan, compare, settings,
};

/// Newest records of a partition that are looked at for their place.
const SAMPLE: i64 = 20;

/// Makes what is not there. What is there stays as it is: a wrong setting is for people to judge.
pub(super) fn apply(
    cluster: &Cluster,
    registry: &ConfluentRegistry,
    plan: TopicPlan,
) -> Result<Applied, LogError> {
    let mut applied = Applied::default();
    let admin = admin(cluster)?;
    for topic in Topic::ALL {
        if create(&admin, cluster, topic, plan)? {
            applied.created.push(topic);
        }
        let (subject, text) =
            (cluster.config.named(&topic.subject()), compact(topic.schema().current()));
        match registry.id_of(&subject, &text) {
            Ok(_) => {}
            Err(LogError::MissingSchema(_)) => {
                registry.register(&subject, &text)?;
                applied.registered.push(topic);
            }
            Err(error) => return Err(error),
        }
        registry.demand_compatibility(&subject)?;
    }
    Ok(applied)
}

/// Compares all that is there with the plan.
pub(super) fn check(
    cluster: &Arc<Cluster>,
    registry: &ConfluentRegistry,
    plan: TopicPlan,
) -> Result<Vec<Difference>, LogError> {
    let admin = admin(cluster)?;
    let mut differences = Vec::new();
    for topic in Topic::ALL {
        let live = live_topic(cluster, &admin, topic)?;
        let subject = live_subject(registry, &cluster.config.named(&topic.subject()), topic)?;
        let named = Named { topic, name: cluster.names.of(topic) };
        differences.extend(compare(named, plan, live.as_ref(), &subject));
    }
    Ok(differences)
}

fn admin(cluster: &Cluster) -> Result<AdminClient<Quiet>, LogError> {
    cluster
        .config
        .admin()
        .create_with_context(Quiet)
        .map_err(|error| failure::of_call("setting up a client", &error))
}

fn options() -> AdminOptions {
    AdminOptions::new().request_timeout(Some(CALL_TIMEOUT)).operation_timeout(Some(CALL_TIMEOUT))
}

/// Whether the topic was made; false if it was there.
fn create(
    admin: &AdminClient<Quiet>,
    cluster: &Cluster,
    topic: Topic,
    plan: TopicPlan,
) -> Result<bool, LogError> {
    let what = format!("making {topic}");
    let settings = settings(topic);
    let partitions = topic.spec().partitions.resolve(plan.partitions);
    let replication = TopicReplication::Fixed(plan.replication);
    let mut new = NewTopic::new(cluster.names.of(topic), partitions, replication);
    for (name, value) in &settings {
        new = new.set(name, value);
    }
    let results = wait(admin.create_topics([&new], &options()))
        .map_err(|error| failure::of_call(&what, &error))?;
    match results.into_iter().next() {
        Some(Ok(_)) => Ok(true),
        Some(Err((_, RDKafkaErrorCode::TopicAlreadyExists))) => Ok(false),
        Some(Err((
            _,
            code @ (RDKafkaErrorCode::InvalidReplicationFactor
            | RDKafkaErrorCode::PolicyViolation
            | RDKafkaErrorCode::InvalidPartitions),
        ))) => Err(LogError::Misconfigured { what, cause: code.to_string() }),
        Some(Err((_, code))) => Err(failure::of_call(&what, &KafkaError::AdminOp(code))),
        None => Err(LogError::unavailable(what, "no answer")),
    }
}

fn live_topic(
    cluster: &Arc<Cluster>,
    admin: &AdminClient<Quiet>,
    topic: Topic,
) -> Result<Option<LiveTopic>, LogError> {
    let (partitions, replication) = match cluster.shape(topic) {
        Ok(shape) => shape,
        Err(LogError::MissingTopic(_)) => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut values = describe(admin, cluster, topic)?;
    let mut value = |name: &str| values.remove(name).unwrap_or_default();
    Ok(Some(LiveTopic {
        partitions,
        replication,
        cleanup: value("cleanup.policy"),
        retention_ms: value("retention.ms"),
        max_message_bytes: value("max.message.bytes"),
        stray: stray(cluster, topic, partitions)?,
    }))
}

fn describe(
    admin: &AdminClient<Quiet>,
    cluster: &Cluster,
    topic: Topic,
) -> Result<BTreeMap<String, String>, LogError> {
    let what = format!("asking for the settings of {topic}");
    let resource = ResourceSpecifier::Topic(cluster.names.of(topic));
    let answers = wait(admin.describe_configs([&resource], &options()))
        .map_err(|error| failure::of_call(&what, &error))?;
    let Some(answer) = answers.into_iter().next() else {
        return Err(LogError::unavailable(what, "no answer"));
    };
    let resource = answer.map_err(|code| failure::of_call(&what, &KafkaError::AdminOp(code)))?;
    let entries = resource.entries.into_iter();
    Ok(entries.map(|entry| (entry.name, entry.value.unwrap_or_default())).collect())
}

/// A record among the newest that does not lie where its key says.
fn stray(
    cluster: &Arc<Cluster>,
    topic: Topic,
    partitions: i32,
) -> Result<Option<(String, i32)>, LogError> {
    if topic.spec().partitioner != Partitioner::Murmur2 {
        return Ok(None);
    }
    let mut starts = Vec::new();
    for number in 0..partitions {
        let partition = Partition::new(topic, number);
        let (low, high) = cluster.watermarks(partition)?;
        starts.push((partition, Some(low.max(high - SAMPLE))));
    }
    let mut reader = KafkaReader::open(Arc::clone(cluster), &starts)?;
    let mut batch = Batch::default();
    while reader.read(&mut batch, Duration::from_millis(100))? == Progress::Behind {}
    Ok(batch.iter().find_map(|record| {
        let (key, number) = (record.key?, record.position.partition.number);
        let is_stray = partition_of(key, partitions) != number;
        is_stray.then(|| (String::from_utf8_lossy(key).into_owned(), number))
    }))
}

fn live_subject(
    registry: &ConfluentRegistry,
    subject: &str,
    topic: Topic,
) -> Result<LiveSubject, LogError> {
    let has_our_schema = match registry.id_of(subject, &compact(topic.schema().current())) {
        Ok(_) => true,
        Err(LogError::MissingSchema(_)) => false,
        Err(error) => return Err(error),
    };
    Ok(LiveSubject { has_our_schema, compatibility: registry.compatibility(subject)? })
}

/// The admin client answers through futures that another thread completes.
fn wait<T>(answer: impl Future<Output = Result<T, KafkaError>>) -> Result<T, KafkaError> {
    match tokio::runtime::Builder::new_current_thread().build() {
        Ok(runtime) => runtime.block_on(answer),
        Err(error) => Err(KafkaError::ClientCreation(error.to_string())),
    }
}
