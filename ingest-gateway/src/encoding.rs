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
mod tests;
