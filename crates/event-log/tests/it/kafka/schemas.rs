//! Topics, subjects and the registry.

use kleos_contracts::award::Award;
use kleos_contracts::key::partition_of;
use kleos_contracts::topic::Topic;
use kleos_event_log::{DecodeError, KafkaConfig, KafkaLog, LogError, TopicPlan};
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};

use super::{PLAN, config};
use crate::bench::PARTITIONS;

#[test]
fn applying_makes_what_is_missing_once_and_checking_then_finds_nothing() {
    let config = config();
    let missing = KafkaLog::check_topics(&config, PLAN).unwrap();
    assert_eq!(missing.len(), 3 * Topic::ALL.len(), "topic, schema and compatibility of each");
    let first = KafkaLog::apply_topics(&config, PLAN).unwrap();
    assert_eq!(first.created, Topic::ALL);
    assert_eq!(first.registered, Topic::ALL);
    let second = KafkaLog::apply_topics(&config, PLAN).unwrap();
    assert_eq!((second.created.len(), second.registered.len()), (0, 0));
    assert_eq!(KafkaLog::check_topics(&config, PLAN).unwrap(), []);
}

#[test]
fn a_topic_of_other_shape_and_a_record_in_a_wrong_place_are_told() {
    let config = config();
    let admin: AdminClient<DefaultClientContext> =
        rdkafka::ClientConfig::new().set("bootstrap.servers", &config.brokers).create().unwrap();
    let name = format!("{}{}", config.prefix, Topic::Events);
    let wrong =
        NewTopic::new(&name, 3, TopicReplication::Fixed(1)).set("cleanup.policy", "compact");
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(admin.create_topics([&wrong], &AdminOptions::new())).unwrap();
    let applied = KafkaLog::apply_topics(&config, PLAN).unwrap();
    assert!(!applied.created.contains(&Topic::Events), "what is there stays as it is");
    let producer: BaseProducer =
        rdkafka::ClientConfig::new().set("bootstrap.servers", &config.brokers).create().unwrap();
    let awards = format!("{}{}", config.prefix, Topic::Awards);
    let key = "acme|campus-a/8774";
    let elsewhere = (partition_of(key.as_bytes(), PARTITIONS) + 1) % PARTITIONS;
    let stray = BaseRecord::to(&awards).partition(elsewhere).key(key).payload("x");
    producer.send(stray).unwrap();
    producer.flush(std::time::Duration::from_secs(5)).unwrap();
    let found = KafkaLog::check_topics(&config, PLAN).unwrap();
    // How long a topic keeps records that was made without saying so is up to the broker.
    let found = found.iter().map(|one| (one.topic.as_str(), one.what.as_str()));
    let found: Vec<_> = found.filter(|(_, what)| *what != "retention.ms").collect();
    let expected = [
        (name.as_str(), "partitions"),
        (&name, "cleanup.policy"),
        (&name, "max.message.bytes"),
        (&awards, "partitioner"),
    ];
    assert_eq!(found, expected);
}

#[test]
fn more_copies_than_there_are_brokers_are_refused_with_the_reason() {
    let error =
        KafkaLog::apply_topics(&config(), TopicPlan { replication: 7, ..PLAN }).unwrap_err();
    assert!(matches!(error, LogError::Misconfigured { .. }), "{error}");
    assert!(error.to_string().contains("eplication"), "{error}");
}

/// Whatever a later version does, the registry must refuse it if old readers or new ones could not
/// go on.
#[test]
fn a_schema_that_breaks_readers_is_refused_by_the_registry() {
    let config = config();
    KafkaLog::apply_topics(&config, PLAN).unwrap();
    let text = Topic::Awards.schema().current();
    let field = r#"{"name": "points", "type": "long", "default": 0, "#;
    assert!(text.contains(field));
    let subject = format!("{}{}", config.prefix, Topic::Awards.subject());
    for (name, changed) in [
        ("another type", r#"{"name": "points", "type": "string", "default": "", "#),
        ("another name", r#"{"name": "score", "type": "long", "#),
    ] {
        let text = text.replace(field, changed);
        let error = KafkaLog::register_schema(&config, &subject, &text).unwrap_err();
        assert!(matches!(error, LogError::SchemaRefused { .. }), "{name}: {error}");
    }
    let more = text.replace(
        field,
        r#"{"name": "note", "type": ["null", "string"], "default": null},
           {"name": "points", "type": "long", "default": 0, "#,
    );
    KafkaLog::register_schema(&config, &subject, &more).unwrap();
    // The older version is still ours to write with.
    assert_eq!(KafkaLog::check_topics(&config, PLAN).unwrap(), []);
}

#[test]
fn values_carry_the_registrys_id_and_known_ids_work_without_the_registry() {
    let config = config();
    KafkaLog::apply_topics(&config, PLAN).unwrap();
    let log = KafkaLog::connect(config.clone()).unwrap().into_log();
    let codec = log.codec::<Award>(Topic::Awards).unwrap();
    let award = Award { points: 50, rule_id: "course_completion".into(), ..Award::default() };
    let mut bytes = Vec::new();
    codec.encode(&award, &mut bytes).unwrap();
    assert_eq!(bytes[0], 0);
    assert_eq!(codec.decode(&bytes), Ok(award));
    assert!(log.codec::<Award>(Topic::Awards).is_ok(), "the id is known by now");
    let away = KafkaConfig { registry: "http://127.0.0.1:9/none".into(), ..config };
    let away = KafkaLog::connect(away).unwrap().into_log();
    let error = away.codec::<Award>(Topic::Awards).unwrap_err();
    assert!(matches!(error, LogError::Unavailable { .. }), "{error}");
}

#[test]
fn bytes_that_are_no_value_of_the_topic_are_poison() {
    let config = config();
    KafkaLog::apply_topics(&config, PLAN).unwrap();
    let log = KafkaLog::connect(config).unwrap().into_log();
    let codec = log.codec::<Award>(Topic::Awards).unwrap();
    let mut good = Vec::new();
    codec.encode(&Award::default(), &mut good).unwrap();
    let mut torn = good.clone();
    torn.truncate(good.len() - 1);
    for bytes in [&b""[..], b"\0\0\0", b"\x01\0\0\0\x01", &torn] {
        let error = codec.decode(bytes).unwrap_err();
        assert!(matches!(error, DecodeError::Malformed(_)), "{error}");
    }
}

#[test]
fn a_topic_that_is_not_there_names_the_remedy() {
    let log = KafkaLog::connect(config()).unwrap().into_log();
    let error = log.partitions(Topic::Raw).unwrap_err();
    assert!(error.to_string().ends_with("run `kleos topics apply`"), "{error}");
    let error = log.codec::<Award>(Topic::Awards).unwrap_err();
    assert!(matches!(error, LogError::MissingSchema(_)), "{error}");
}
