//! The topics, as `schemas/topics.toml` describes them.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::LazyLock;

use serde::Deserialize;

use crate::schema::RecordSchema;

/// A topic of Kleos.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Topic {
    /// Webhooks as they arrived.
    Raw = 1,
    /// Canonical events.
    Events = 2,
    /// Ledger lines.
    Awards = 3,
    /// Why, and why not.
    Decisions = 4,
    /// Published rules.
    Rules = 5,
    /// Types that nobody maps.
    Unmapped = 6,
    /// Records that could not be processed.
    DeadLetters = 7,
    /// The rules-processor's state.
    State = 8,
    /// Accepted event keys.
    Dedup = 9,
    /// Who answers queries for a partition.
    Owners = 10,
}

impl Topic {
    /// Every topic. A topic's number is written to disk by the embedded log: never use one again.
    pub const ALL: [Self; 10] = [
        Self::Raw,
        Self::Events,
        Self::Awards,
        Self::Decisions,
        Self::Rules,
        Self::Unmapped,
        Self::DeadLetters,
        Self::State,
        Self::Dedup,
        Self::Owners,
    ];

    /// The name in the log.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Raw => "kleos.raw.v1",
            Self::Events => "kleos.events.v1",
            Self::Awards => "kleos.awards.v1",
            Self::Decisions => "kleos.decisions.v1",
            Self::Rules => "kleos.rules.v1",
            Self::Unmapped => "kleos.unmapped.v1",
            Self::DeadLetters => "kleos.dead-letters.v1",
            Self::State => "kleos.rules-processor.state.v1",
            Self::Dedup => "kleos.rules-processor.dedup.v1",
            Self::Owners => "kleos.rules-processor.owners.v1",
        }
    }

    /// The topic of a name.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|topic| topic.name() == name)
    }

    /// The topic of a number on disk.
    #[must_use]
    pub fn of_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|topic| topic.number() == number)
    }

    /// The number on disk.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// What its values are.
    #[must_use]
    pub const fn schema(self) -> RecordSchema {
        match self {
            Self::Raw => RecordSchema::RawWebhook,
            Self::Events => RecordSchema::LearningEvent,
            Self::Awards => RecordSchema::Award,
            Self::Decisions => RecordSchema::Decision,
            Self::Rules => RecordSchema::RuleDefinition,
            Self::Unmapped => RecordSchema::UnmappedEvent,
            Self::DeadLetters => RecordSchema::DeadLetter,
            Self::State => RecordSchema::ProcessorState,
            Self::Dedup => RecordSchema::DedupBatch,
            Self::Owners => RecordSchema::PartitionOwner,
        }
    }

    /// How the topic is kept.
    #[must_use]
    pub fn spec(self) -> &'static TopicSpec {
        static SPECS: LazyLock<BTreeMap<Topic, TopicSpec>> = LazyLock::new(embedded_specs);
        static ABSENT: LazyLock<TopicSpec> = LazyLock::new(TopicSpec::default);
        // A test holds that every topic is in the file.
        SPECS.get(&self).unwrap_or(&ABSENT)
    }

    /// Name of the schema's subject in the registry.
    #[must_use]
    pub fn subject(self) -> String {
        format!("{}-value", self.name())
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// How a topic is kept.
#[derive(Clone, Debug, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TopicSpec {
    /// Folder of the schema.
    pub schema: String,
    /// What the key is, for people.
    pub key: String,
    /// How records find their partition.
    pub partitioner: Partitioner,
    /// How many partitions.
    pub partitions: PartitionCount,
    /// What is thrown away.
    pub cleanup: Cleanup,
    /// How long a record is kept.
    pub retention: Retention,
    /// The largest record.
    pub max_message_bytes: i32,
    /// Who writes.
    pub writer: String,
    /// Which services read.
    pub readers: Vec<String>,
}

/// How records find their partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Partitioner {
    /// By virtual shard of the key.
    #[default]
    Murmur2,
    /// No key: a batch at a time.
    Sticky,
    /// The partition of the record that caused them.
    Aligned,
    /// There is one partition.
    Single,
}

/// How many partitions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Deserialize)]
#[serde(try_from = "toml::Value")]
pub enum PartitionCount {
    /// As many as the deployment has for its stream.
    #[default]
    Stream,
    /// A fixed number.
    Fixed(i32),
}

impl PartitionCount {
    /// The number in a deployment with so many stream partitions.
    #[must_use]
    pub const fn resolve(self, stream_partitions: i32) -> i32 {
        match self {
            Self::Stream => stream_partitions,
            Self::Fixed(partitions) => partitions,
        }
    }
}

impl TryFrom<toml::Value> for PartitionCount {
    type Error = String;

    fn try_from(value: toml::Value) -> Result<Self, String> {
        if value.as_str() == Some("stream") {
            return Ok(Self::Stream);
        }
        value
            .as_integer()
            .and_then(|number| i32::try_from(number).ok())
            .filter(|number| crate::key::is_partition_count(*number))
            .map(Self::Fixed)
            .ok_or_else(|| format!("{value}: expected \"stream\" or a power of two"))
    }
}

/// What is thrown away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Cleanup {
    /// Records older than the retention.
    #[default]
    Delete,
    /// Records with a newer record of the same key.
    Compact,
}

impl Cleanup {
    /// As the broker spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Delete => "delete",
            Self::Compact => "compact",
        }
    }
}

/// How long a record is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Deserialize)]
#[serde(try_from = "String")]
pub enum Retention {
    /// For ever.
    #[default]
    Forever,
    /// Days.
    Days(i64),
}

impl Retention {
    /// Milliseconds, -1 for ever, as the broker wants it.
    #[must_use]
    pub const fn millis(self) -> i64 {
        match self {
            Self::Forever => -1,
            Self::Days(days) => days * 86_400_000,
        }
    }
}

impl TryFrom<String> for Retention {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text == "forever" {
            return Ok(Self::Forever);
        }
        text.strip_suffix('d')
            .and_then(|days| days.parse().ok())
            .filter(|days| (1..=36_500).contains(days))
            .map(Self::Days)
            .ok_or_else(|| format!("{text:?}: expected \"forever\" or days, as \"30d\""))
    }
}

/// Reads the form of `schemas/topics.toml`.
///
/// # Errors
/// Where the text is not TOML, names an unknown key or topic, or gives a value of another form.
pub fn parse_specs(text: &str) -> Result<BTreeMap<Topic, TopicSpec>, String> {
    let by_name: BTreeMap<String, TopicSpec> =
        toml::from_str(text).map_err(|error| error.to_string())?;
    by_name
        .into_iter()
        .map(|(name, spec)| match Topic::of_name(&name) {
            Some(topic) => Ok((topic, spec)),
            None => Err(format!("{name}: no such topic")),
        })
        .collect()
}

fn embedded_specs() -> BTreeMap<Topic, TopicSpec> {
    parse_specs(include_str!("../../../schemas/topics.toml")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_describes_every_topic_and_no_other() {
        let specs = parse_specs(include_str!("../../../schemas/topics.toml")).unwrap();
        assert!(specs.keys().copied().eq(Topic::ALL));
        for topic in Topic::ALL {
            assert_eq!(RecordSchema::of_folder(&topic.spec().schema), Some(topic.schema()));
            assert_eq!(Topic::of_number(topic.number()), Some(topic));
            assert_eq!(Topic::of_name(topic.name()), Some(topic));
        }
    }

    #[test]
    fn a_wrong_file_is_refused_with_what_was_expected() {
        let error = parse_specs("[\"kleos.nowhere.v1\"]\nschema=\"award\"").unwrap_err();
        assert!(error.contains("missing field"), "{error}");
        for (key, value, expected) in [
            ("partitions", "3", "power of two"),
            ("retention", "\"soon\"", "as \"30d\""),
            ("cleanup", "\"shred\"", "unknown variant"),
        ] {
            let good = include_str!("../../../schemas/topics.toml");
            let bad = good
                .lines()
                .map(|line| match line.strip_prefix(key) {
                    Some(_) => format!("{key} = {value}\n"),
                    None => format!("{line}\n"),
                })
                .collect::<String>();
            let error = parse_specs(&bad).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
    }
}
