//! What is written and read is what apache-avro, the reference, writes and reads.

use std::fmt::Debug;
use std::path::PathBuf;

use apache_avro::writer::datum::GenericDatumWriter;
use kleos_contracts::award::Award;
use kleos_contracts::dead_letter::{DeadLetter, UnmappedEvent};
use kleos_contracts::decision::Decision;
use kleos_contracts::event::LearningEvent;
use kleos_contracts::raw::RawWebhook;
use kleos_contracts::rule::RuleDefinition;
use kleos_contracts::state::{DedupBatch, PartitionOwner, ProcessorState};

use super::*;

/// A value of every field, and one of none.
#[track_caller]
fn check<T: Serialize + DeserializeOwned + PartialEq + Debug>(record: RecordSchema) {
    let own = own_schema(record).unwrap();
    let corpus = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../schemas/corpus");
    let folder = corpus.join(record.folder()).join(format!("v{}", record.versions().len()));
    for name in ["full", "empty"] {
        let json = std::fs::read_to_string(folder.join(format!("{name}.json"))).unwrap();
        let value: T = serde_json::from_str(&json).unwrap();

        let mut written = Vec::new();
        write(&own.fast, &value, &mut written).unwrap();
        let reference = GenericDatumWriter::builder(&own.current).human_readable(false).build();
        let mut expected = Vec::new();
        reference.unwrap().write_ser(&mut expected, &value).unwrap();
        assert_eq!(written, expected, "{} {name}", record.folder());
        assert_eq!(written, std::fs::read(folder.join(format!("{name}.avro"))).unwrap());

        let reader = GenericDatumReader::builder(&own.current).human_readable(false).build();
        let reference: T = reader.unwrap().read_deser(&mut written.as_slice()).unwrap();
        assert_eq!(reference, value);
        assert_eq!(read::<T>(&own.fast, &written).unwrap(), value);
        for end in 0..written.len() {
            assert!(read::<T>(&own.fast, &written[..end]).is_err(), "cut after {end} bytes");
        }
    }
}

#[test]
fn every_record_is_written_and_read_as_the_reference_does_it() {
    check::<RawWebhook>(RecordSchema::RawWebhook);
    check::<LearningEvent>(RecordSchema::LearningEvent);
    check::<Award>(RecordSchema::Award);
    check::<Decision>(RecordSchema::Decision);
    check::<RuleDefinition>(RecordSchema::RuleDefinition);
    check::<UnmappedEvent>(RecordSchema::UnmappedEvent);
    check::<DeadLetter>(RecordSchema::DeadLetter);
    check::<ProcessorState>(RecordSchema::ProcessorState);
    check::<DedupBatch>(RecordSchema::DedupBatch);
    check::<PartitionOwner>(RecordSchema::PartitionOwner);
    assert_eq!(RecordSchema::ALL.len(), 10);
}

#[test]
fn a_type_that_is_not_the_schemas_is_an_error() {
    let own = own_schema(RecordSchema::PartitionOwner).unwrap();
    let wrong = serde_json::json!({"partition": "three"});
    assert!(write(&own.fast, &wrong, &mut Vec::new()).is_err());
}
