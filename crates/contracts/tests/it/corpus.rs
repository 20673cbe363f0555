//! Encoded records of every version, which every later version must read for ever.
//!
//! `UPDATE_GOLDEN=1 cargo test -p kleos-contracts` writes files that are missing; existing ones are
//! never rewritten, since somebody's log is full of such bytes.

use std::path::PathBuf;

use apache_avro::from_value;
use apache_avro::reader::datum::GenericDatumReader;
use kleos_contracts::schema::RecordSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::samples;
use crate::schemas::{encode, parse};

fn folder(record: RecordSchema, version: usize) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../schemas/corpus")
        .join(record.folder())
        .join(format!("v{version}"))
}

#[track_caller]
fn check<T>(record: RecordSchema, full: &T)
where
    T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug + Default,
{
    for (name, value) in [("full", full), ("empty", &T::default())] {
        write_if_missing(record, name, value);
        for (index, text) in record.versions().iter().enumerate() {
            let folder = folder(record, index + 1);
            let bytes = std::fs::read(folder.join(format!("{name}.avro"))).unwrap();
            let json = std::fs::read_to_string(folder.join(format!("{name}.json"))).unwrap();
            let (writer, current) = (parse(text), parse(record.current()));
            let reader = GenericDatumReader::builder(&writer)
                .reader_schema(&current)
                .human_readable(false)
                .build()
                .unwrap();
            let resolved = reader.read_value(&mut bytes.as_slice()).unwrap();
            let read: T = from_value(&resolved).unwrap();
            let expected: T = serde_json::from_str(&json).unwrap();
            assert_eq!(read, expected, "{}", folder.display());
        }
    }
}

fn write_if_missing<T: Serialize>(record: RecordSchema, name: &str, value: &T) {
    let folder = folder(record, record.versions().len());
    let file = folder.join(format!("{name}.avro"));
    if file.exists() || std::env::var_os("UPDATE_GOLDEN").is_none() {
        return;
    }
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(file, encode(record, value)).unwrap();
    let json = serde_json::to_string_pretty(value).unwrap() + "\n";
    std::fs::write(folder.join(format!("{name}.json")), json).unwrap();
}

#[test]
fn records_of_every_version_are_still_read() {
    check(RecordSchema::RawWebhook, &samples::raw_webhook());
    check(RecordSchema::LearningEvent, &samples::learning_event());
    check(RecordSchema::Award, &samples::award());
    check(RecordSchema::Decision, &samples::decision());
    check(RecordSchema::RuleDefinition, &samples::rule_definition());
    check(RecordSchema::UnmappedEvent, &samples::unmapped_event());
    check(RecordSchema::DeadLetter, &samples::dead_letter());
    check(RecordSchema::ProcessorState, &samples::learner_state());
    check(RecordSchema::DedupBatch, &samples::dedup_batch());
    check(RecordSchema::PartitionOwner, &samples::partition_owner());
}
