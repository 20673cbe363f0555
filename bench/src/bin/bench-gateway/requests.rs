//! What is sent: signed webhooks in the canonical form, no two alike.

use std::fmt::Write as _;
use std::io::{BufWriter, Write as _};
use std::path::Path;

use anyhow::Context;
use hmac::{Hmac, KeyInit, Mac};
use kleos_e2e::now_micros;
use kleos_e2e::random::Random;
use kleos_e2e::webhook::{self, Source};
use kleos_e2e::world::{Plan, Sending};
use serde_json::Value;
use sha2::Sha256;

/// What each body has, as a platform's usual event.
pub(crate) const BODY_BYTES: usize = 650;
/// Where they are sent, at every contestant.
pub(crate) const PATH: &str = "/api/public/hook/custom/bench/event";
/// What they are signed with.
pub(crate) const SECRET: &str = "secret-of-the-benchmark-0000";
/// What descriptions of courses are about.
const WORDS: [&str; 24] = [
    "about",
    "algebra",
    "and",
    "before",
    "chemistry",
    "course",
    "essays",
    "exercises",
    "final",
    "first",
    "for",
    "group",
    "history",
    "in",
    "learners",
    "lecture",
    "of",
    "practice",
    "readings",
    "seminar",
    "the",
    "weekly",
    "with",
    "workshop",
];

/// A webhook and its proof.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// HMAC-SHA256 of the body under [`SECRET`], in hex.
    pub(crate) signature: String,
    pub(crate) body: String,
}

impl Request {
    fn new(body: String) -> anyhow::Result<Self> {
        let hmac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes());
        let mut hmac = hmac.ok().context("HMAC takes a key of any length")?;
        hmac.update(body.as_bytes());
        Ok(Self { signature: hex::encode(hmac.finalize().into_bytes()), body })
    }

    /// All up to the body. Without an id of its own it would be a duplicate of one with the same.
    pub(crate) fn head(&self, port: u16, id: &str) -> String {
        format!(
            "POST {PATH} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\nX-Signature: {}\r\nWebhook-Id: {id}\r\n\r\n",
            self.body.len(),
            self.signature
        )
    }

    /// As it goes over the wire.
    pub(crate) fn bytes(&self, port: u16, id: &str) -> Vec<u8> {
        (self.head(port, id) + &self.body).into_bytes()
    }
}

/// So many webhooks, the same for the same seed and week.
pub(crate) fn requests(seed: u64, count: usize) -> anyhow::Result<Vec<Request>> {
    let mut random = Random::new(seed);
    let webhooks = u64::try_from(count)? * 3;
    let plan = Plan { seed, webhooks, learners: webhooks / 10 + 1, now: now_micros() };
    let deeds = plan.sendings().into_iter().filter(|one| matches!(one, Sending::Deed(_)));
    let custom = deeds.map(|deed| webhook::of(&deed)).filter(|one| one.source == Source::Custom);
    let requests = custom.take(count).map(|webhook| {
        Request::new(described(serde_json::from_slice(&webhook.body)?, &mut random)?)
    });
    let requests: Vec<Request> = requests.collect::<anyhow::Result<_>>()?;
    anyhow::ensure!(requests.len() == count, "the world has too few events of custom senders");
    Ok(requests)
}

/// An event with a description, so long that the body has [`BODY_BYTES`].
fn described(mut event: Value, random: &mut Random) -> anyhow::Result<String> {
    event["description"] = "".into();
    let length = BODY_BYTES.checked_sub(event.to_string().len()).context("too long an event")?;
    let mut text = String::new();
    while text.len() < length {
        let word = usize::try_from(random.below(WORDS.len() as u64))?;
        write!(text, "{} ", WORDS[word])?;
    }
    text.truncate(length);
    event["description"] = text.into();
    Ok(event.to_string())
}

/// A line for each: the signature, a space, the body.
pub(crate) fn write(requests: &[Request], path: &Path) -> anyhow::Result<()> {
    let mut file = BufWriter::new(std::fs::File::create(path)?);
    for Request { signature, body } in requests {
        writeln!(file, "{signature} {body}")?;
    }
    Ok(file.flush()?)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn bodies_are_events_of_one_length_and_no_two_are_alike() {
        let found = requests(7, 500).unwrap();
        let bodies: BTreeSet<&str> = found.iter().map(|one| one.body.as_str()).collect();
        assert_eq!(bodies.len(), 500);
        for body in bodies {
            assert_eq!(body.len(), BODY_BYTES);
            let event: Value = serde_json::from_str(body).unwrap();
            assert!(event["event"].is_string() && event["user"]["id"].is_string(), "{body}");
            assert!(!body.contains('\n'));
        }
    }

    #[test]
    fn a_signature_is_the_hmac_of_the_body() {
        let request = Request::new("what do ya want for nothing?".to_owned()).unwrap();
        // As `openssl dgst -sha256 -hmac SECRET` has it.
        let expected = "cd2a1ab070fe5d075d4902c05d9dac88e492d32174661fa6449c80feb8166ab3";
        assert_eq!(request.signature, expected);
    }
}
