//! Questions to the cluster that several parts ask.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use kleos_contracts::time::Timestamp;
use kleos_contracts::topic::Topic;
use rdkafka::consumer::Consumer;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, Message};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use super::asker::Asker;
use super::config::{Isolation, KafkaConfig};
use super::failure;
use crate::error::LogError;
use crate::record::{Partition, Position, Record};
use crate::worker::WorkerSpec;

/// How long one question may take.
pub(super) const CALL_TIMEOUT: Duration = Duration::from_secs(10);

pub(super) struct Cluster {
    pub(super) config: KafkaConfig,
    /// A client's watermarks are those of its own isolation: only one that reads uncommitted
    /// records is told where a partition really ends.
    pub(super) uncommitted: Asker,
    pub(super) committed: Asker,
    pub(super) names: Names,
}

/// The topics' names in this deployment.
#[derive(Clone, Debug)]
pub(super) struct Names(Arc<BTreeMap<Topic, String>>);

impl Names {
    fn new(config: &KafkaConfig) -> Self {
        let name = |topic: Topic| (topic, config.named(topic.name()));
        Self(Arc::new(Topic::ALL.into_iter().map(name).collect()))
    }

    pub(super) fn of(&self, topic: Topic) -> &str {
        self.0.get(&topic).map_or(topic.name(), String::as_str)
    }

    pub(super) fn topic_of(&self, name: &str) -> Option<Topic> {
        self.0.iter().find(|(_, known)| *known == name).map(|(topic, _)| *topic)
    }
}

impl std::fmt::Debug for Cluster {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Cluster")
            .field("brokers", &self.config.brokers)
            .finish_non_exhaustive()
    }
}

impl Cluster {
    pub(super) fn connect(config: KafkaConfig) -> Result<Self, LogError> {
        let uncommitted = Asker::new(&config, Isolation::Uncommitted)?;
        let committed = Asker::new(&config, Isolation::Committed)?;
        let names = Names::new(&config);
        Ok(Self { config, uncommitted, committed, names })
    }

    /// How many partitions a topic has, and how many copies of each.
    pub(super) fn shape(&self, topic: Topic) -> Result<(i32, i32), LogError> {
        let name = self.names.of(topic);
        let metadata = self.uncommitted.ask(&self.asking("topics"), |client| {
            client.fetch_metadata(Some(name), CALL_TIMEOUT)
        })?;
        let found = metadata.topics().iter().find(|found| found.name() == name);
        let partitions = found.map(|found| found.partitions()).unwrap_or_default();
        let copies = partitions.iter().map(|partition| partition.replicas().len()).min();
        let count = |number: usize| i32::try_from(number).unwrap_or(i32::MAX);
        match found.and_then(|found| found.error()).map(RDKafkaErrorCode::from) {
            None if !partitions.is_empty() => {
                Ok((count(partitions.len()), count(copies.unwrap_or_default())))
            }
            None | Some(RDKafkaErrorCode::UnknownTopicOrPartition) => {
                Err(LogError::MissingTopic(name.to_owned()))
            }
            Some(code) => Err(LogError::unavailable(self.asking(topic.name()), code)),
        }
    }

    /// For people: whom it asks, and for what.
    fn asking(&self, what: &str) -> String {
        format!("asking the brokers at {} for {what}", self.config.brokers)
    }

    /// The cluster's own id and this deployment's prefix.
    pub(super) fn identity(&self) -> Result<String, LogError> {
        let none = KafkaError::MetadataFetch(RDKafkaErrorCode::OperationTimedOut);
        let id = self.uncommitted.ask(&self.asking("their id"), |client| {
            client.client().fetch_cluster_id(CALL_TIMEOUT).ok_or(none)
        })?;
        Ok(format!("kafka:{id}/{}", self.config.prefix))
    }

    /// Whether a worker's group has a member of the worker's name.
    pub(super) fn has_member(&self, spec: &WorkerSpec) -> Result<bool, LogError> {
        let (group, name) = (self.config.named(&spec.group()), self.config.named(&spec.member()));
        let groups = self.uncommitted.ask(&self.asking(&group), |client| {
            client.fetch_group_list(Some(&group), CALL_TIMEOUT)
        })?;
        let mut members = groups.groups().iter().flat_map(|group| group.members());
        Ok(members.any(|member| member.client_id() == name))
    }

    /// Where all partitions of a topic begin or end for a client, by one request to each broker.
    pub(super) fn bounds(
        &self,
        client: &Asker,
        topic: Topic,
        which: Offset,
    ) -> Result<BTreeMap<i32, i64>, LogError> {
        let what = "asking where partitions begin and end";
        let failed = |error| failure::of_call(what, &error);
        let mut list = TopicPartitionList::new();
        list.add_partition_range(self.names.of(topic), 0, self.shape(topic)?.0 - 1);
        list.set_all_offsets(which).map_err(failed)?;
        let found = client.ask(what, |client| client.offsets_for_times(list, CALL_TIMEOUT))?;
        let mut bounds = BTreeMap::new();
        for element in found.elements() {
            element.error().map_err(failed)?;
            bounds.insert(element.partition(), element.offset().to_raw().unwrap_or_default());
        }
        Ok(bounds)
    }

    /// The oldest offset there is, and the one after the newest record, committed or not.
    pub(super) fn watermarks(&self, partition: Partition) -> Result<(i64, i64), LogError> {
        self.watermarks_of(&self.uncommitted, partition)
    }

    /// The offset up to which every transaction has ended.
    pub(super) fn last_stable_offset(&self, partition: Partition) -> Result<i64, LogError> {
        self.watermarks_of(&self.committed, partition).map(|(_, high)| high)
    }

    fn watermarks_of(&self, client: &Asker, partition: Partition) -> Result<(i64, i64), LogError> {
        let name = self.names.of(partition.topic);
        client.ask("asking where a partition ends", |client| {
            client.fetch_watermarks(name, partition.number, CALL_TIMEOUT)
        })
    }

    /// A list of partitions with their offsets.
    pub(super) fn offsets(
        &self,
        positions: impl IntoIterator<Item = (Partition, i64)>,
    ) -> Result<TopicPartitionList, LogError> {
        let mut list = TopicPartitionList::new();
        for (partition, offset) in positions {
            let name = self.names.of(partition.topic);
            list.add_partition_offset(name, partition.number, Offset::Offset(offset))
                .map_err(|error| failure::of_call("listing offsets", &error))?;
        }
        Ok(list)
    }

    /// A message of one of our topics.
    pub(super) fn record_of<'a>(&self, message: &'a BorrowedMessage<'_>) -> Option<Record<'a>> {
        let topic = self.names.topic_of(message.topic())?;
        let millis = message.timestamp().to_millis().unwrap_or_default();
        let partition = Partition::new(topic, message.partition());
        Some(Record {
            position: Position { partition, offset: message.offset() },
            timestamp: Timestamp::from_millis(millis),
            key: message.key(),
            value: message.payload(),
        })
    }
}
