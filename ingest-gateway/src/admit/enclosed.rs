//! Bodies that have the secret in them: a text in a field of the object that the body is.

use std::fmt;
use std::ops::Range;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};
use subtle::{ConditionallySelectable, ConstantTimeEq};

use super::Sender;
use crate::error::Doubt;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Somebody whose secret may be in a body.
pub(crate) struct Enclosed<'c> {
    pub(super) sender: &'c Sender,
    pub(super) field: &'c str,
    pub(super) digest: &'c [u8; 32],
}

/// Whose secret a body has, and where it stands, quotes included.
pub(super) fn find<'c>(
    candidates: &[Enclosed<'c>],
    body: &[u8],
) -> Result<(&'c Sender, Range<usize>), Doubt> {
    let mut fields: Vec<&str> = candidates.iter().map(|candidate| candidate.field).collect();
    fields.sort_unstable();
    fields.dedup();
    let mut doubt = Doubt::Missing;
    for field in fields {
        let (text, place) = match look(body, field) {
            Ok(found) => found,
            Err(Doubt::Missing) => continue,
            Err(other) => {
                doubt = other;
                continue;
            }
        };
        doubt = Doubt::Unknown;
        let digest: [u8; 32] = Sha256::digest(text).into();
        // All are looked at, whichever it is. Counted from 1, so that 0 is nobody.
        let mut found = 0_u32;
        for (number, candidate) in (1_u32..).zip(candidates) {
            let is_it = candidate.digest.ct_eq(&digest);
            if candidate.field == field {
                found.conditional_assign(&number, is_it);
            }
        }
        let index = found.checked_sub(1).and_then(|index| usize::try_from(index).ok());
        if let Some(candidate) = index.and_then(|index| candidates.get(index)) {
            return Ok((candidate.sender, place));
        }
    }
    Err(doubt)
}

/// The text of a field, and where it stands. Of two fields of one name nobody can tell which a
/// reader behind us will take.
fn look(body: &[u8], field: &str) -> Result<(String, Range<usize>), Doubt> {
    let start = if body.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 };
    let mut json = serde_json::Deserializer::from_slice(&body[start..]);
    let values = Field(field).deserialize(&mut json).map_err(|_| Doubt::Malformed)?;
    json.end().map_err(|_| Doubt::Malformed)?;
    let value = match values[..] {
        [] => return Err(Doubt::Missing),
        [value] => value.get(),
        _ => return Err(Doubt::Malformed),
    };
    let text: String = serde_json::from_str(value).map_err(|_| Doubt::Malformed)?;
    // Borrowed from the body, so that is where it lies.
    let from = value.as_ptr().addr() - body.as_ptr().addr();
    Ok((text, from..from + value.len()))
}

/// Takes the values of one field of an object, and nothing else.
struct Field<'f>(&'f str);

impl<'de> DeserializeSeed<'de> for Field<'_> {
    type Value = Vec<&'de RawValue>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Field<'_> {
    type Value = Vec<&'de RawValue>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut values = Vec::new();
        while let Some(key) = map.next_key_seed(Is(self.0))? {
            if key {
                values.push(map.next_value()?);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(values)
    }
}

/// Whether a key is the field's name, however it is escaped.
struct Is<'f>(&'f str);

impl<'de> DeserializeSeed<'de> for Is<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        Ok(String::deserialize(deserializer)? == self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(body: &[u8], expected: Result<(&str, &str), Doubt>) {
        let found = look(body, "token");
        let found =
            found.map(|(text, place)| (text, String::from_utf8_lossy(&body[place]).into_owned()));
        let expected = expected.map(|(text, place)| (text.to_owned(), place.to_owned()));
        assert_eq!(found, expected, "{}", body.escape_ascii());
    }

    #[test]
    fn the_secret_is_the_text_of_the_field() {
        for (body, expected) in [
            (&br#"{"token":"sesame"}"#[..], Ok(("sesame", "\"sesame\""))),
            (br#" {"a":[{"token":1}], "token" : "sesame" ,"b":2} "#, Ok(("sesame", "\"sesame\""))),
            (b"\xef\xbb\xbf{\"token\":\"sesame\"}", Ok(("sesame", "\"sesame\""))),
            // What is none of ours to judge: bytes that are no text, a number of any length.
            (b"{\"a\":\"\xff\",\"n\":1e999,\"token\":\"sesame\"}", Ok(("sesame", "\"sesame\""))),
            (br#"{"\u0074oken":"\u0073esame"}"#, Ok(("sesame", "\"\\u0073esame\""))),
            (br#"{"token":""}"#, Ok(("", "\"\""))),
            (br#"{"a":{"token":"sesame"}}"#, Err(Doubt::Missing)),
            (b"{}", Err(Doubt::Missing)),
            (br#"{"token":"sesame","token":"sesame"}"#, Err(Doubt::Malformed)),
            (br#"{"token":"sesame","\u0074oken":"other"}"#, Err(Doubt::Malformed)),
            (br#"{"token":7}"#, Err(Doubt::Malformed)),
            (br#"{"token":null}"#, Err(Doubt::Malformed)),
            (br#"{"token":"sesame"} {}"#, Err(Doubt::Malformed)),
            (br#"{"token":"sesame""#, Err(Doubt::Malformed)),
            (br#"["token","sesame"]"#, Err(Doubt::Malformed)),
            (b"token=sesame", Err(Doubt::Malformed)),
            (b"", Err(Doubt::Malformed)),
        ] {
            check(body, expected);
        }
        let deep = format!("{}{}", "{\"a\":".repeat(100_000), "}".repeat(100_000));
        check(deep.as_bytes(), Err(Doubt::Malformed));
    }
}
