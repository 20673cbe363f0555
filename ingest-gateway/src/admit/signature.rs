//! Bodies that are signed, and what stands before them: with HMAC-SHA256 as their bytes came, or with
//! Ed25519.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::VerifyingKey;
use hmac::{Hmac, KeyInit, Mac};
use hyper::HeaderMap;
use kleos_contracts::time::Timestamp;
use kleos_service_kit::config::credentials::{Encoding, StandardKey};
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

use super::Sender;
use super::standard::{self, Version};
use crate::error::Doubt;

/// Bytes of SHA-256's block.
const BLOCK: usize = 64;

/// What a head has of signatures.
pub(super) struct Signatures {
    /// What is signed in front of the body.
    pub(super) before_body: Vec<u8>,
    /// One of them has to be right.
    pub(super) any_of: Vec<Vec<u8>>,
}

/// How a head shows a signature.
#[derive(Clone, Copy)]
enum Scheme {
    /// The body's, written so.
    Body(Encoding),
    /// [`standard`]'s, of this version.
    Standard(Version),
}

/// What tells whether a signature is right.
#[derive(Clone)]
enum Verifier {
    /// Made ready once.
    Shared(Hmac<Sha256>),
    Public(VerifyingKey),
}

/// A key, and how its signatures are shown.
#[derive(Clone)]
pub(super) struct Key {
    verifier: Verifier,
    scheme: Scheme,
}

impl Key {
    /// For signatures of the body alone.
    pub(super) fn of_body(secret: &[u8], encoding: Encoding) -> Self {
        Self { verifier: Verifier::Shared(mac(secret)), scheme: Scheme::Body(encoding) }
    }

    /// For those of Standard Webhooks.
    pub(super) fn of_standard(key: StandardKey) -> Self {
        let (verifier, version) = match key {
            StandardKey::Shared(secret) => (Verifier::Shared(mac(&secret)), Version::V1),
            StandardKey::Public(key) => (Verifier::Public(key), Version::V1a),
        };
        Self { verifier, scheme: Scheme::Standard(version) }
    }

    /// The signatures that a head shows; `text` stands where the key's are looked for.
    pub(super) fn read(
        &self,
        text: &[u8],
        headers: &HeaderMap,
        now: Timestamp,
    ) -> Result<Signatures, Doubt> {
        match self.scheme {
            Scheme::Body(encoding) => {
                let signature = decode(text, encoding).ok_or(Doubt::Unknown)?;
                Ok(Signatures { before_body: Vec::new(), any_of: vec![signature] })
            }
            Scheme::Standard(version) => standard::read(text, version, headers, now),
        }
    }
}

fn mac(secret: &[u8]) -> Hmac<Sha256> {
    // RFC 2104: filled up with zeros to a block; one that is longer is digested before.
    let mut block = [0; BLOCK];
    if secret.len() > BLOCK {
        block[..32].copy_from_slice(&Sha256::digest(secret));
    } else {
        block[..secret.len()].copy_from_slice(secret);
    }
    Hmac::new(&block.into())
}

fn sign(mac: &Hmac<Sha256>, before_body: &[u8], body: &[u8]) -> [u8; 32] {
    mac.clone().chain_update(before_body).chain_update(body).finalize().into_bytes().into()
}

/// The signature that a text is, if it is one.
fn decode(text: &[u8], encoding: Encoding) -> Option<Vec<u8>> {
    let signature = match encoding {
        Encoding::Hex => hex::decode(text).ok()?,
        Encoding::Base64 => STANDARD.decode(text).ok()?,
    };
    (signature.len() == 32).then_some(signature)
}

/// Somebody who may have signed a body.
pub(crate) struct Signed<'c> {
    pub(super) sender: &'c Sender,
    pub(super) key: &'c Key,
    pub(super) signatures: Signatures,
}

impl Signed<'_> {
    /// Whether they have. All signatures are looked at, whichever is right.
    fn is_of(&self, body: &[u8]) -> bool {
        let Signatures { before_body, any_of } = &self.signatures;
        let is_right = |signature: &Vec<u8>| match &self.key.verifier {
            Verifier::Shared(mac) => sign(mac, before_body, body).ct_eq(signature),
            Verifier::Public(key) => {
                let message = [before_body, body].concat();
                let verified = signature
                    .as_slice()
                    .try_into()
                    .and_then(|signature| key.verify_strict(&message, &signature));
                Choice::from(u8::from(verified.is_ok()))
            }
        };
        any_of.iter().fold(Choice::from(0), |found, one| found | is_right(one)).into()
    }
}

/// The one who has. Several of one instance are one: it has the same secret twice.
pub(super) fn signer<'c>(candidates: &[Signed<'c>], body: &[u8]) -> Option<&'c Sender> {
    let mut found: Option<&Sender> = None;
    for candidate in candidates.iter().filter(|candidate| candidate.is_of(body)) {
        match found {
            Some(first) if first.instance != candidate.sender.instance => return None,
            Some(_) => {}
            None => found = Some(candidate.sender),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use kleos_service_kit::config::networks::Networks;

    use super::*;

    fn sender(instance: &str) -> Sender {
        Sender {
            accepted_status: None,
            number: 0,
            tenant: "acme".to_owned(),
            source: "thinkific".to_owned(),
            instance: instance.to_owned(),
            secret_id: "first".to_owned(),
            strategy: "hmac-sha256",
            allow_from: Networks::default(),
        }
    }

    #[test]
    fn a_body_is_signed_as_rfc_4231_has_it() {
        // Test cases 1, 2 and 6: a short key, a short one of text, one longer than a block.
        for (key, body, expected) in [
            (
                &[0x0b_u8; 20][..],
                &b"Hi There"[..],
                "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
            ),
            (
                b"Jefe",
                b"what do ya want for nothing?",
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
            ),
            (
                &[0xaa; 131],
                b"Test Using Larger Than Block-Size Key - Hash Key First",
                "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
            ),
        ] {
            let signed = sign(&mac(key), b"", body);
            assert_eq!(decode(expected.as_bytes(), Encoding::Hex), Some(signed.to_vec()));
            let (before, rest) = body.split_at(3);
            assert_eq!(sign(&mac(key), before, rest), signed);
        }
    }

    #[test]
    fn a_signature_is_of_its_encoding_and_length() {
        let hex = |text: &[u8]| decode(text, Encoding::Hex);
        let base64 = |text: &[u8]| decode(text, Encoding::Base64);
        let signature = [0xab; 32];
        assert_eq!(hex("ab".repeat(32).as_bytes()), Some(signature.to_vec()));
        assert_eq!(hex("AB".repeat(32).as_bytes()), Some(signature.to_vec()));
        assert_eq!(base64(STANDARD.encode(signature).as_bytes()), Some(signature.to_vec()));
        for text in ["", "ab", &"ab".repeat(33), &"zz".repeat(32), "\u{e4}"] {
            assert_eq!(hex(text.as_bytes()), None, "{text}");
        }
        for text in ["", "q6ur", &STANDARD.encode([0; 33]), &"ab".repeat(32)] {
            assert_eq!(base64(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn exactly_one_instance_has_signed() {
        let (a, b) = (sender("campus-a"), sender("campus-b"));
        let secrets = ["one", "two"].map(str::as_bytes);
        let keys = secrets.map(|secret| Key::of_body(secret, Encoding::Hex));
        let right = |secret: usize| sign(&mac(secrets[secret]), b"1.2.", b"body").to_vec();
        let by = |sender, key: usize, signed_with: usize| Signed {
            sender,
            key: &keys[key],
            signatures: Signatures {
                before_body: b"1.2.".to_vec(),
                any_of: vec![vec![0; 32], right(signed_with), vec![1; 32]],
            },
        };
        let found = |candidates: &[Signed<'_>]| {
            signer(candidates, b"body").map(|sender| sender.instance.clone())
        };
        assert_eq!(found(&[]), None);
        assert_eq!(found(&[by(&a, 0, 1)]), None);
        assert_eq!(found(&[by(&a, 0, 1), by(&b, 1, 1)]).as_deref(), Some("campus-b"));
        assert_eq!(found(&[by(&a, 0, 0), by(&a, 0, 0)]).as_deref(), Some("campus-a"));
        assert_eq!(found(&[by(&a, 0, 0), by(&b, 0, 0)]), None);
        assert!(signer(&[by(&a, 0, 0)], b"body ").is_none());
    }
}
