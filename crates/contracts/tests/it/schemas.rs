//! The Avro texts and the Rust types are the same records.

use apache_avro::Schema;
use apache_avro::reader::datum::GenericDatumReader;
use apache_avro::schema::RecordSchema as AvroRecord;
use apache_avro::schema_compatibility::SchemaCompatibility;
use apache_avro::writer::datum::GenericDatumWriter;
use kleos_contracts::schema::RecordSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::samples;

pub(crate) fn parse(text: &str) -> Schema {
    Schema::parse_str(text).unwrap()
}

pub(crate) fn encode<T: Serialize>(record: RecordSchema, value: &T) -> Vec<u8> {
    let schema = parse(record.current());
    let writer = GenericDatumWriter::builder(&schema).human_readable(false).build().unwrap();
    writer.write_ser_to_vec(value).unwrap()
}

#[track_caller]
fn check<T>(record: RecordSchema, full: &T)
where
    T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug + Default,
{
    let schema = parse(record.current());
    let reader = GenericDatumReader::builder(&schema).human_readable(false).build().unwrap();
    for value in [full, &T::default()] {
        let bytes = encode(record, value);
        let back: T = reader.read_deser(&mut bytes.as_slice()).unwrap();
        assert_eq!(&back, value);
        let json = serde_json::to_string(value).unwrap();
        assert_eq!(&serde_json::from_str::<T>(&json).unwrap(), value, "{json}");
    }
}

#[test]
fn every_type_is_written_and_read_by_its_text() {
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

/// What lets old readers read new records and new readers old ones, for ever.
#[test]
fn every_field_has_a_default_and_unions_are_with_null_alone() {
    fn visit(schema: &Schema) {
        match schema {
            Schema::Record(AvroRecord { name, fields, .. }) => {
                for field in fields {
                    assert!(field.default.is_some(), "{name}.{} has no default", field.name);
                    visit(&field.schema);
                }
            }
            Schema::Array(array) => visit(&array.items),
            Schema::Map(map) => visit(&map.types),
            Schema::Union(union) => {
                assert!(matches!(union.variants(), [Schema::Null, _]), "{union:?}");
                union.variants().iter().for_each(visit);
            }
            Schema::Enum(_) => panic!("enums cannot grow: {schema:?}"),
            _ => {}
        }
    }
    for record in RecordSchema::ALL {
        visit(&parse(record.current()));
    }
}

#[test]
fn every_version_reads_every_other() {
    for record in RecordSchema::ALL {
        for (older, newer) in record.versions().iter().zip(record.versions().iter().skip(1)) {
            let (older, newer) = (parse(older), parse(newer));
            assert!(SchemaCompatibility::mutual_read(&older, &newer).is_ok(), "{record:?}");
        }
    }
}
