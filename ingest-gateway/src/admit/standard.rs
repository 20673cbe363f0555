//! Standard Webhooks: signed are `id.timestamp.body`, and a header has a list of signatures, so that
//! an old and a new secret can be used at once.
//! <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::HeaderMap;
use hyper::header::HeaderName;
use kleos_contracts::time::{SECOND, Timestamp};

use super::evidence::only;
use super::signature::Signatures;
use crate::error::Doubt;

const ID: HeaderName = HeaderName::from_static("webhook-id");
const TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");

/// How far the time of an attempt may lie from ours, either way; that of the reference libraries.
const TOLERANCE: u64 = 5 * 60 * SECOND.unsigned_abs();
/// A sender has a signature for each of its secrets. So many are tried at most, as each costs.
const SIGNATURES_MAX: usize = 8;

/// How signatures are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    /// With a key that both sides have: HMAC-SHA256.
    V1,
    /// With a key that the sender has, and whose public half we have: Ed25519.
    V1a,
}

impl Version {
    /// One of the list, if it is of this version.
    fn signature(self, text: &[u8]) -> Option<Vec<u8>> {
        let (name, bytes): (&[u8], _) = match self {
            Self::V1 => (b"v1,", 32),
            Self::V1a => (b"v1a,", 64),
        };
        let signature = STANDARD.decode(text.strip_prefix(name)?).ok()?;
        (signature.len() == bytes).then_some(signature)
    }
}

/// What a head says to be signed, and how; `list` is its line of signatures.
pub(super) fn read(
    list: &[u8],
    version: Version,
    headers: &HeaderMap,
    now: Timestamp,
) -> Result<Signatures, Doubt> {
    let id = only(headers, &ID)?.as_bytes();
    let seconds = only(headers, &TIMESTAMP)?.as_bytes();
    // With a point in the id, another id, time and body would be the same bytes.
    if id.is_empty() || id.contains(&b'.') {
        return Err(Doubt::Malformed);
    }
    let attempted_at = micros(seconds).ok_or(Doubt::Malformed)?;
    if attempted_at.abs_diff(now.micros()) > TOLERANCE {
        return Err(Doubt::Stale);
    }
    let any_of: Vec<Vec<u8>> = list
        .split(u8::is_ascii_whitespace)
        .filter_map(|text| version.signature(text))
        .take(SIGNATURES_MAX + 1)
        .collect();
    if any_of.is_empty() || any_of.len() > SIGNATURES_MAX {
        return Err(Doubt::Malformed);
    }
    Ok(Signatures { before_body: [id, b".", seconds, b"."].concat(), any_of })
}

/// The instant that a whole number of seconds since 1970 is.
fn micros(seconds: &[u8]) -> Option<i64> {
    let is_number = seconds.iter().all(u8::is_ascii_digit);
    let seconds: i64 = std::str::from_utf8(seconds).ok().filter(|_| is_number)?.parse().ok()?;
    seconds.checked_mul(SECOND)
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_614_265_330_000);
    const ONE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

    /// How many signatures there are.
    fn count(id: &[&str], seconds: &[&str], list: &str) -> Result<usize, Doubt> {
        let mut headers = HeaderMap::new();
        for (name, lines) in [(ID, id), (TIMESTAMP, seconds)] {
            for line in lines {
                headers.append(name.clone(), HeaderValue::from_str(line).unwrap());
            }
        }
        read(list.as_bytes(), Version::V1, &headers, NOW).map(|signatures| signatures.any_of.len())
    }

    #[test]
    fn what_is_signed_is_told_in_three_headers() {
        let many = |count| vec![ONE; count].join(" ");
        let now = &["1614265330"][..];
        for (id, seconds, list, expected) in [
            (&["msg_1"][..], now, ONE.to_owned(), Ok(1)),
            (&["msg_1"], now, format!("v1a,xyz  {ONE} v2,abc {ONE}"), Ok(2)),
            (&["msg_1"], now, many(8), Ok(8)),
            (&["msg_1"], now, many(9), Err(Doubt::Malformed)),
            (&["msg_1"], now, "v1a,xyz".to_owned(), Err(Doubt::Malformed)),
            (&["msg_1"], now, "v1,xyz".to_owned(), Err(Doubt::Malformed)),
            (&["msg_1"], now, ONE.replace("v1,", ""), Err(Doubt::Malformed)),
            (&["msg.1"], now, many(1), Err(Doubt::Malformed)),
            (&[""], now, many(1), Err(Doubt::Malformed)),
            (&[], now, many(1), Err(Doubt::Missing)),
            (&["msg_1", "msg_1"], now, many(1), Err(Doubt::Malformed)),
            (&["msg_1"], &[], many(1), Err(Doubt::Missing)),
            (&["msg_1"], &["1614265330", "1614265330"], many(1), Err(Doubt::Malformed)),
            (&["msg_1"], &[""], many(1), Err(Doubt::Malformed)),
            (&["msg_1"], &["-1614265330"], many(1), Err(Doubt::Malformed)),
            (&["msg_1"], &["1614265330.0"], many(1), Err(Doubt::Malformed)),
            (&["msg_1"], &["99999999999999999999"], many(1), Err(Doubt::Malformed)),
            (&["msg_1"], &["9223372036854775807"], many(1), Err(Doubt::Malformed)),
            (&["msg_1"], &["1614265030"], many(1), Ok(1)),
            (&["msg_1"], &["1614265029"], many(1), Err(Doubt::Stale)),
            (&["msg_1"], &["1614265630"], many(1), Ok(1)),
            (&["msg_1"], &["1614265631"], many(1), Err(Doubt::Stale)),
            (&["msg_1"], &["0"], many(1), Err(Doubt::Stale)),
        ] {
            assert_eq!(count(id, seconds, &list), expected, "{id:?} {seconds:?} {list}");
        }
    }
}
