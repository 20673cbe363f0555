//! Undoes the encoding of a body.
//!
//! What comes out is bounded like a body that came as it is, so a small body cannot become a large
//! one.

use std::io::{self, Read};
use std::ops::Range;

use brotli_decompressor::{BrotliDecompressStream, BrotliResult, BrotliState, StandardAlloc};
use hyper::HeaderMap;
use hyper::header::CONTENT_ENCODING;

use crate::error::Refusal;

/// Encodings that are undone, as headers name them.
pub(crate) const UNDONE: [&str; 4] = ["gzip", "deflate", "zstd", "br"];

/// The same as a header has it.
pub(crate) const UNDONE_LIST: &str = "gzip, deflate, zstd, br";

/// What stands for a text that was taken out.
const TAKEN_OUT: &[u8] = b"\"***\"";

/// How many times as long as it came a body may be without its encoding. Nothing that anybody has to
/// say is so much alike; it is the limit of Apache's mod_deflate.
const RATIO_MAX: u64 = 200;
/// What is no longer than this costs nothing, however short it came.
const RATIO_FROM_BYTES: u64 = 64 << 10;

/// The largest window that a sender of zstd may use, as a power of two: RFC 9659.
const ZSTD_WINDOW_LOG_MAX: u32 = 23;
/// What a decoder of brotli writes at once.
const BROTLI_BUFFER_BYTES: usize = 4_096;

/// A body as it came, and what it says.
#[derive(Debug)]
pub(crate) struct Content {
    /// The bytes of the request.
    pub(crate) received: Vec<u8>,
    /// Without its encoding, if it had one that could be undone, and without its secret.
    decoded: Option<Vec<u8>>,
    /// Why it could not.
    pub(crate) trouble: Option<Refusal>,
}

impl Content {
    /// Undoes what the head names, up to a body of `limit` bytes. What cannot be undone stays as it
    /// came.
    pub(crate) fn of(headers: &HeaderMap, received: Vec<u8>, limit: u64) -> Result<Self, Refusal> {
        let undone = match Encoding::of(headers) {
            Ok(Some(encoding)) if !received.is_empty() => encoding.undo(&received, limit).map(Some),
            Ok(_) => Ok(None),
            Err(refusal) => Err(refusal),
        };
        match undone {
            Ok(decoded) => Ok(Self { decoded, ..received.into() }),
            Err(refusal @ (Refusal::TooLarge { .. } | Refusal::Inflated { .. })) => Err(refusal),
            Err(refusal) => Ok(Self { trouble: Some(refusal), ..received.into() }),
        }
    }

    /// Without its encoding, if it had one that could be undone.
    pub(crate) fn decoded(&self) -> Option<&[u8]> {
        self.decoded.as_deref()
    }

    pub(crate) const fn is_decoded(&self) -> bool {
        self.decoded.is_some()
    }

    /// What a record gets.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.decoded().unwrap_or(&self.received)
    }

    /// Puts something in the places of what must not be in a record; they are in the order of the
    /// body, and apart.
    pub(crate) fn take_out(&mut self, places: &[Range<usize>]) {
        if places.is_empty() {
            return;
        }
        let bytes = self.bytes();
        let (mut kept, mut from) = (Vec::with_capacity(bytes.len()), 0);
        for place in places {
            kept.extend_from_slice(bytes.get(from..place.start).unwrap_or_default());
            kept.extend_from_slice(TAKEN_OUT);
            from = place.end;
        }
        kept.extend_from_slice(bytes.get(from..).unwrap_or_default());
        self.decoded = Some(kept);
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.decoded.unwrap_or(self.received)
    }
}

/// A body that has no encoding.
impl From<Vec<u8>> for Content {
    fn from(received: Vec<u8>) -> Self {
        Self { received, decoded: None, trouble: None }
    }
}

/// How a body is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Encoding {
    Gzip,
    Deflate,
    Zstd,
    Brotli,
}

impl Encoding {
    /// As the head names it; none if it names none.
    fn of(headers: &HeaderMap) -> Result<Option<Self>, Refusal> {
        let mut found = None;
        for line in headers.get_all(CONTENT_ENCODING) {
            let unsupported = || Refusal::UnsupportedEncoding;
            let names = line.to_str().map_err(|_| unsupported())?.split(',').map(str::trim);
            for name in names.filter(|name| !name.is_empty()) {
                let encoding = match name.to_ascii_lowercase().as_str() {
                    "identity" => continue,
                    "gzip" | "x-gzip" => Self::Gzip,
                    "deflate" => Self::Deflate,
                    "zstd" => Self::Zstd,
                    "br" => Self::Brotli,
                    _ => return Err(unsupported()),
                };
                // One within another saves nothing; it only makes bodies harder to bound.
                if found.replace(encoding).is_some() {
                    return Err(unsupported());
                }
            }
        }
        Ok(found)
    }

    fn undo(self, mut encoded: &[u8], limit: u64) -> Result<Vec<u8>, Refusal> {
        let came = u64::try_from(encoded.len()).unwrap_or(u64::MAX);
        let inflated = came.saturating_mul(RATIO_MAX).max(RATIO_FROM_BYTES);
        let (body_limit, limit) = (limit, limit.min(inflated));
        let mut decoded = Vec::with_capacity(encoded.len().saturating_mul(2));
        let encoded = &mut encoded;
        let read = match self {
            Self::Gzip => {
                take(flate2::bufread::MultiGzDecoder::new(&mut *encoded), &mut decoded, limit)
            }
            Self::Deflate if is_zlib(encoded) => {
                take(flate2::bufread::ZlibDecoder::new(&mut *encoded), &mut decoded, limit)
            }
            // What the name should not mean, and some senders take it for.
            Self::Deflate => {
                take(flate2::bufread::DeflateDecoder::new(&mut *encoded), &mut decoded, limit)
            }
            Self::Zstd => undo_zstd(encoded, &mut decoded, limit),
            Self::Brotli => undo_brotli(encoded, &mut decoded, limit),
        };
        let length = u64::try_from(decoded.len()).unwrap_or(u64::MAX);
        if length > limit {
            let is_inflated = limit < body_limit;
            let ratio = RATIO_MAX;
            return Err(if is_inflated {
                Refusal::Inflated { ratio }
            } else {
                Refusal::TooLarge { limit }
            });
        }
        match read {
            Ok(()) if encoded.is_empty() => Ok(decoded),
            Ok(()) | Err(_) => Err(Refusal::MalformedEncoding { name: self.name() }),
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Deflate => "deflate",
            Self::Zstd => "zstd",
            Self::Brotli => "br",
        }
    }
}

/// One byte more than may be tells that it is too long.
fn take(reader: impl Read, decoded: &mut Vec<u8>, limit: u64) -> io::Result<()> {
    reader.take(limit.saturating_add(1)).read_to_end(decoded).map(drop)
}

fn undo_zstd(encoded: &mut &[u8], decoded: &mut Vec<u8>, limit: u64) -> io::Result<()> {
    let mut reader = zstd::stream::read::Decoder::with_buffer(&mut *encoded)?;
    reader.window_log_max(ZSTD_WINDOW_LOG_MAX)?;
    take(reader, decoded, limit)
}

fn undo_brotli(encoded: &mut &[u8], decoded: &mut Vec<u8>, limit: u64) -> io::Result<()> {
    let alloc = StandardAlloc::default;
    let mut state = BrotliState::new(alloc(), alloc(), alloc());
    let (mut left, mut read, mut total) = (encoded.len(), 0, 0);
    let mut part = [0; BROTLI_BUFFER_BYTES];
    loop {
        let (mut room, mut written) = (part.len(), 0);
        let result = BrotliDecompressStream(
            &mut left,
            &mut read,
            encoded,
            &mut room,
            &mut written,
            &mut part,
            &mut total,
            &mut state,
        );
        decoded.extend_from_slice(part.get(..written).unwrap_or_default());
        let is_too_long = u64::try_from(decoded.len()).is_ok_and(|length| length > limit);
        match result {
            BrotliResult::NeedsMoreOutput if !is_too_long => {}
            BrotliResult::NeedsMoreOutput | BrotliResult::ResultSuccess => break,
            BrotliResult::NeedsMoreInput => return Err(io::ErrorKind::UnexpectedEof.into()),
            BrotliResult::ResultFailure => return Err(io::ErrorKind::InvalidData.into()),
        }
    }
    *encoded = encoded.get(read..).unwrap_or_default();
    Ok(())
}

/// Whether bytes begin as RFC 1950 has it.
fn is_zlib(bytes: &[u8]) -> bool {
    match bytes {
        [first, second, ..] => {
            first & 0x0f == 8 && u16::from_be_bytes([*first, *second]).is_multiple_of(31)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
    use hyper::header::HeaderValue;

    use super::*;

    const TEXT: &str = r#"{"event":"lesson.completed","event_copy":"lesson.completed"}"#;
    /// `TEXT`, as another program has encoded it.
    const BROTLI: &str =
        "1b3b00688cd462cd19eed4222e5f7b9345a70f36e0c03d095e37ba391f1451ce4e0610ab1764f92b18";

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn zlib(text: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn deflate(text: &[u8]) -> Vec<u8> {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn zstd(text: &[u8]) -> Vec<u8> {
        zstd::encode_all(text, 3).unwrap()
    }

    /// Every encoding of the text, with the name that a sender gives it.
    fn encoded() -> Vec<(&'static str, Vec<u8>)> {
        let text = TEXT.as_bytes();
        vec![
            ("gzip", gzip(text)),
            ("X-GZip", gzip(text)),
            ("deflate", zlib(text)),
            ("deflate", deflate(text)),
            ("zstd", zstd(text)),
            ("br", hex::decode(BROTLI).unwrap()),
            ("identity, gzip", gzip(text)),
            // A second part follows the first, as the format allows.
            ("gzip", [gzip(&text[..20]), gzip(&text[20..])].concat()),
            ("zstd", [zstd(&text[..20]), zstd(&text[20..])].concat()),
        ]
    }

    fn content(names: &[&str], body: &[u8], limit: u64) -> Result<Content, Refusal> {
        let mut headers = HeaderMap::new();
        for name in names {
            headers.append(CONTENT_ENCODING, HeaderValue::from_str(name).unwrap());
        }
        Content::of(&headers, body.to_vec(), limit)
    }

    #[test]
    fn the_list_is_that_of_the_names() {
        assert_eq!(UNDONE_LIST, UNDONE.join(", "));
    }

    #[test]
    fn every_encoding_is_undone() {
        for (name, body) in encoded() {
            let content = content(&[name], &body, 1_000).unwrap();
            assert_eq!(content.decoded(), Some(TEXT.as_bytes()), "{name}");
            assert_eq!((&content.received, &content.trouble), (&body, &None), "{name}");
            assert_eq!(content.into_bytes(), TEXT.as_bytes());
        }
    }

    #[test]
    fn a_body_without_an_encoding_is_what_it_is() {
        for names in [&[][..], &["identity"], &[""], &["identity", " , "]] {
            let content = content(names, b"abc", 3).unwrap();
            assert_eq!((content.decoded(), &content.trouble), (None, &None));
            assert_eq!(content.into_bytes(), b"abc");
        }
        assert_eq!(content(&["gzip"], b"", 3).unwrap().decoded(), None);
    }

    #[test]
    fn what_cannot_be_undone_stays_as_it_came_and_says_why() {
        for (name, body) in encoded().into_iter().take(6) {
            let malformed = |name| Some(Refusal::MalformedEncoding { name });
            for (what, bytes) in [
                ("cut", body[..body.len() - 1].to_vec()),
                ("with more behind it", [&body[..], b"x"].concat()),
                ("another text", TEXT.as_bytes().to_vec()),
            ] {
                let content = content(&[name], &bytes, 1_000).unwrap();
                let expected = if name == "X-GZip" { "gzip" } else { name };
                assert_eq!(content.trouble, malformed(expected), "{name}, {what}");
                assert_eq!((content.decoded(), &content.received), (None, &bytes));
            }
        }
        for names in [&["compress"][..], &["gzip, br"], &["gzip", "gzip"], &["gzip;q=1"]] {
            let content = content(names, b"abc", 1_000).unwrap();
            assert_eq!(content.trouble, Some(Refusal::UnsupportedEncoding), "{names:?}");
        }
    }

    #[test]
    fn a_small_body_does_not_become_a_large_one() {
        let length = u64::try_from(TEXT.len()).unwrap();
        for (name, body) in encoded() {
            assert!(content(&[name], &body, length).is_ok(), "{name}");
            let refused = content(&[name], &body, length - 1).unwrap_err();
            assert_eq!(refused, Refusal::TooLarge { limit: length - 1 }, "{name}");
        }
        let zeros = vec![0; 100 << 20];
        for (name, bomb) in
            [("gzip", gzip(&zeros)), ("deflate", zlib(&zeros)), ("zstd", zstd(&zeros))]
        {
            assert!(bomb.len() < 200_000);
            let refused = content(&[name], &bomb, 1 << 20).unwrap_err();
            assert_eq!(refused.code(), "payload_too_large", "{name}");
        }
    }

    #[test]
    fn a_body_does_not_become_many_times_as_long() {
        let limit = 4 << 20;
        // Above what is looked at, with so much noise that the ratio is on either side.
        let next =
            |number: &u64| Some(number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1));
        let body = |noise: usize, length: usize| {
            let bytes = std::iter::successors(Some(1_u64), next).map(|n| n.to_be_bytes()[0]);
            let mut body: Vec<u8> = bytes.take(noise).collect();
            body.resize(length, b' ');
            body
        };
        for (noise, length, is_taken) in [
            (0, 64 << 10, true),
            (0, (64 << 10) + 1, false),
            (6_000, 1 << 20, true),
            (100, 1 << 20, false),
        ] {
            let body = body(noise, length);
            for (name, encoded) in [("zstd", zstd(&body)), ("gzip", gzip(&body))] {
                let ratio = length / encoded.len();
                let found = content(&[name], &encoded, limit);
                assert_eq!(found.is_ok(), is_taken, "{name}: {length} is {ratio} times as long");
                if !is_taken {
                    assert_eq!(found.unwrap_err(), Refusal::Inflated { ratio: 200 });
                }
            }
        }
    }

    #[test]
    fn a_window_that_takes_much_memory_is_refused() {
        let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
        encoder.window_log(27).unwrap();
        encoder.include_contentsize(false).unwrap();
        encoder.write_all(TEXT.as_bytes()).unwrap();
        let body = encoder.finish().unwrap();
        let content = content(&["zstd"], &body, 1_000).unwrap();
        assert_eq!(content.trouble, Some(Refusal::MalformedEncoding { name: "zstd" }));
    }
}
