//! Records as bytes: Avro in Confluent's wire format.
//!
//! A value is a zero byte, the schema's id in four bytes (big endian) and the Avro datum.

mod binary;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::sync::{Arc, LazyLock};

use apache_avro::Schema;
use apache_avro::reader::datum::GenericDatumReader;
use kleos_contracts::schema::RecordSchema;
use kleos_contracts::topic::Topic;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_avro_fast::de::DeserializerState;
use serde_avro_fast::ser::{SerializerConfig, SerializerState};
use serde_json::Value;

use self::binary::Binary;
use crate::error::{DecodeError, EncodeError, LogError};
use crate::registry::Registry;

const MAGIC: u8 = 0;
const HEADER_BYTES: usize = 5;

/// Writes and reads the values of one topic.
pub struct Codec<T> {
    header: [u8; HEADER_BYTES],
    own: &'static Own,
    registry: Arc<Registry>,
    _type: PhantomData<fn() -> T>,
}

impl<T> std::fmt::Debug for Codec<T> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Codec").field("header", &self.header).finish_non_exhaustive()
    }
}

impl<T: Serialize + DeserializeOwned> Codec<T> {
    pub(crate) fn new(topic: Topic, registry: &Arc<Registry>) -> Result<Self, LogError> {
        let id = registry.id_of(topic)?;
        let own = own_schema(topic.schema())?;
        let mut header = [MAGIC; HEADER_BYTES];
        header[1..].copy_from_slice(&id.to_be_bytes());
        Ok(Self { header, own, registry: Arc::clone(registry), _type: PhantomData })
    }

    /// Appends the value's bytes to `buffer`.
    ///
    /// # Errors
    /// If the type is not the schema's, which a test of the contracts rules out.
    pub fn encode(&self, value: &T, buffer: &mut Vec<u8>) -> Result<(), EncodeError> {
        buffer.extend_from_slice(&self.header);
        write(&self.own.fast, value, buffer)
    }

    /// Reads a value, whichever version of the schema it was written with.
    ///
    /// # Errors
    /// If the bytes are not a value of the topic, or their schema is unknown and cannot be had.
    pub fn decode(&self, bytes: &[u8]) -> Result<T, DecodeError> {
        let (id, mut datum) = split(bytes)?;
        if bytes.starts_with(&self.header) {
            return read(&self.own.fast, datum);
        }
        let writer = self.registry.schema_of(id).map_err(of_unknown_schema)?;
        let reader = GenericDatumReader::builder(writer)
            .reader_schema(&self.own.current)
            .human_readable(false)
            .build()
            .map_err(malformed)?;
        let value = reader.read_value(&mut datum).map_err(malformed)?;
        apache_avro::from_value(&value).map_err(malformed)
    }
}

fn split(bytes: &[u8]) -> Result<(u32, &[u8]), DecodeError> {
    let (header, datum) = bytes
        .split_first_chunk::<HEADER_BYTES>()
        .ok_or_else(|| DecodeError::Malformed(format!("{} bytes are too few", bytes.len())))?;
    let [magic, id @ ..] = *header;
    if magic != MAGIC {
        let message = format!("begins with byte {magic}, expected 0 and a schema id");
        return Err(DecodeError::Malformed(message));
    }
    Ok((u32::from_be_bytes(id), datum))
}

fn malformed(error: impl std::error::Error) -> DecodeError {
    DecodeError::Malformed(error.to_string())
}

/// Appends a datum.
fn write<T: Serialize>(
    schema: &serde_avro_fast::Schema,
    value: &T,
    buffer: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    let mut config = SerializerConfig::new(schema);
    let mut state = SerializerState::from_writer(buffer, &mut config);
    let written = value.serialize(Binary(state.serializer()));
    written.map_err(|error| EncodeError(error.to_string()))
}

/// Reads a datum that was written with this schema.
fn read<T: DeserializeOwned>(
    schema: &serde_avro_fast::Schema,
    datum: &[u8],
) -> Result<T, DecodeError> {
    let mut state = DeserializerState::from_slice(datum, schema);
    T::deserialize(Binary(state.deserializer())).map_err(malformed)
}

/// A schema of ours, once for each library: one is fast, the other resolves the schemas of older
/// and newer versions.
struct Own {
    current: Schema,
    fast: serde_avro_fast::Schema,
}

impl Own {
    fn parse(text: &str) -> Result<Self, String> {
        let current = Schema::parse_str(text).map_err(|error| error.to_string())?;
        let plain = without_logical_types(text).map_err(|error| error.to_string())?;
        let fast = plain.parse().map_err(|error| format!("{error}"))?;
        Ok(Self { current, fast })
    }
}

/// Values are written as what their logical types lie in, and read so; the types say nothing more.
fn without_logical_types(text: &str) -> serde_json::Result<String> {
    fn strip(node: &mut Value) {
        match node {
            Value::Object(fields) => {
                fields.remove("logicalType");
                fields.values_mut().for_each(strip);
            }
            Value::Array(items) => items.iter_mut().for_each(strip),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    let mut schema = serde_json::from_str(text)?;
    strip(&mut schema);
    serde_json::to_string(&schema)
}

/// Our own schemas, parsed once.
fn own_schema(record: RecordSchema) -> Result<&'static Own, LogError> {
    static OWN: LazyLock<BTreeMap<&'static str, Result<Own, String>>> = LazyLock::new(|| {
        let all = RecordSchema::ALL.iter();
        all.map(|record| (record.folder(), Own::parse(record.current()))).collect()
    });
    match OWN.get(record.folder()) {
        Some(Ok(own)) => Ok(own),
        Some(Err(cause)) => Err(LogError::Misconfigured {
            what: format!("our own schema {}", record.folder()),
            cause: cause.clone(),
        }),
        None => Err(LogError::MissingSchema(record.folder().to_owned())),
    }
}

/// Where there is no such schema, whoever wrote the record is not one of ours.
fn of_unknown_schema(error: LogError) -> DecodeError {
    if let LogError::Misconfigured { what, cause } = error {
        return DecodeError::Malformed(format!("{what}: {cause}"));
    }
    DecodeError::Registry(error)
}
