//! Byte strings in records: Avro bytes on the wire, base-16 text in JSON unless they are UTF-8.

use serde::de::{Deserializer, Error, Visitor};
use serde::ser::Serializer;

/// Reads Avro bytes, or text as written by [`serialize`].
pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    if deserializer.is_human_readable() {
        deserializer.deserialize_str(BytesVisitor)
    } else {
        deserializer.deserialize_byte_buf(BytesVisitor)
    }
}

/// Writes bytes; in JSON as text if they are UTF-8, else as `hex:` and base 16.
pub(crate) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    if !serializer.is_human_readable() {
        return serializer.serialize_bytes(bytes);
    }
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.starts_with("hex:") => serializer.serialize_str(text),
        Ok(_) | Err(_) => {
            serializer.serialize_str(&format!("hex:{}", crate::identity::to_hex(bytes)))
        }
    }
}

/// The same for an optional byte string.
pub(crate) mod optional {
    use serde::de::{Deserialize, Deserializer};
    use serde::ser::Serializer;

    struct Wrapped(Vec<u8>);

    impl<'de> Deserialize<'de> for Wrapped {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            super::deserialize(deserializer).map(Wrapped)
        }
    }

    struct Borrowed<'a>(&'a [u8]);

    impl serde::Serialize for Borrowed<'_> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            super::serialize(self.0, serializer)
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Vec<u8>>, D::Error> {
        Ok(Option::<Wrapped>::deserialize(deserializer)?.map(|wrapped| wrapped.0))
    }

    #[expect(clippy::ref_option, reason = "serde passes the field by reference")]
    pub(crate) fn serialize<S: Serializer>(
        bytes: &Option<Vec<u8>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match bytes {
            Some(bytes) => serializer.serialize_some(&Borrowed(bytes)),
            None => serializer.serialize_none(),
        }
    }
}

struct BytesVisitor;

impl Visitor<'_> for BytesVisitor {
    type Value = Vec<u8>;

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("bytes")
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
        Ok(bytes.to_vec())
    }

    fn visit_byte_buf<E: Error>(self, bytes: Vec<u8>) -> Result<Vec<u8>, E> {
        Ok(bytes)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Vec<u8>, E> {
        match text.strip_prefix("hex:") {
            Some(hex) => {
                crate::identity::from_hex(hex).ok_or_else(|| E::custom("hex: needs base-16 digits"))
            }
            None => Ok(text.as_bytes().to_vec()),
        }
    }
}
