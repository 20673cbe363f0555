//! Every credential there is: which of them a head shows, and whose it is.

use std::fmt;

use hyper::HeaderMap;
use kleos_contracts::time::Timestamp;
use kleos_service_kit::config::credentials::{
    Credential, HeaderPlace, Strategy, standard_webhooks_key,
};
use kleos_service_kit::config::instances::Instance;
use sha2::{Digest, Sha256};
use subtle::{ConditionallySelectable, ConstantTimeEq};

use super::evidence::{self, Carrier, Shown};
use super::route::Hook;
use super::signature::{Key, Scheme, Signed};
use super::{Claim, Sender};
use crate::error::Doubt;

/// A signature whose path does not name an instance is tried against so many at most: otherwise
/// whoever sends rubbish has us compute without end.
const INSTANCES_TRIED_MAX: usize = 16;

/// What is known of all senders.
#[derive(Clone)]
pub(super) struct Credentials {
    known: Vec<Known>,
    /// The places of a head where their proofs stand, each once.
    carriers: Vec<Carrier>,
}

#[derive(Clone)]
struct Known {
    sender: Sender,
    carrier: usize,
    proof: Proof,
    not_before: Option<Timestamp>,
    not_after: Option<Timestamp>,
}

#[derive(Clone)]
enum Proof {
    /// The head has the secret itself: its digest.
    Shown([u8; 32]),
    /// The head has a signature of the body.
    Signed(Key),
}

impl Known {
    fn is_good(&self, now: Timestamp) -> bool {
        self.not_before.is_none_or(|first| first <= now)
            && self.not_after.is_none_or(|end| now < end)
    }
}

impl Credentials {
    pub(super) fn of<'i>(instances: impl IntoIterator<Item = &'i Instance>) -> Self {
        let mut all = Self { known: Vec::new(), carriers: Vec::new() };
        for instance in instances {
            for credential in &instance.credentials {
                all.add(instance, credential);
            }
        }
        all
    }

    fn add(&mut self, instance: &Instance, credential: &Credential) {
        let secret = credential.secret.expose();
        let in_header = |at: &HeaderPlace| Carrier::Header(at.name.clone(), at.prefix.clone());
        let digest = |text: &str| Proof::Shown(Sha256::digest(text).into());
        let (strategy, carrier, proof) = match &credential.strategy {
            Strategy::Bearer => ("bearer", Carrier::Bearer, digest(secret)),
            Strategy::Basic { username } => {
                ("basic", Carrier::Basic, digest(&format!("{username}:{secret}")))
            }
            Strategy::Header(at) => ("header", in_header(at), digest(secret)),
            Strategy::HmacSha256(at, encoding) => {
                let key = Key::new(secret.as_bytes(), Scheme::Body(*encoding));
                ("hmac-sha256", in_header(at), Proof::Signed(key))
            }
            Strategy::StandardWebhooks(at) => {
                // Configuration has none without a key; if it had, nobody could send with it.
                let Some(key) = standard_webhooks_key(&credential.secret) else { return };
                let key = Key::new(&key, Scheme::StandardWebhooks);
                ("standard-webhooks", in_header(at), Proof::Signed(key))
            }
        };
        let place = self.carriers.iter().position(|known| *known == carrier);
        let carrier = place.unwrap_or_else(|| {
            self.carriers.push(carrier);
            self.carriers.len() - 1
        });
        let sender = Sender {
            number: self.known.len(),
            tenant: instance.tenant.to_string(),
            source: instance.source.clone(),
            instance: instance.id.to_string(),
            secret_id: credential.id.clone(),
            strategy,
            allow_from: instance.allow_from.clone(),
        };
        let (not_before, not_after) = (credential.not_before, credential.not_after);
        self.known.push(Known { sender, carrier, proof, not_before, not_after });
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// Every sender, in the order of their numbers.
    pub(super) fn senders(&self) -> impl Iterator<Item = &Sender> {
        self.known.iter().map(|known| &known.sender)
    }

    /// What a head comes to. The same work is done whatever was shown, if anything.
    pub(super) fn claim(
        &self,
        headers: &HeaderMap,
        hook: Hook<'_>,
        now: Timestamp,
    ) -> Result<Claim<'_>, Doubt> {
        let shown: Vec<Shown<'_>> =
            self.carriers.iter().map(|carrier| carrier.look(headers)).collect();
        if let Some(known) = self.find(&shown) {
            if !known.is_good(now) {
                return Err(Doubt::Expired);
            }
            let secret = shown.into_iter().nth(known.carrier).and_then(Result::ok);
            let secret = secret.unwrap_or_default().into_owned();
            return Ok(Claim::Proven { sender: &known.sender, secret });
        }
        let signed = self.signed(headers, &shown, hook, now)?;
        if signed.is_empty() { Err(evidence::doubt(&shown)) } else { Ok(Claim::Signed(signed)) }
    }

    /// Whose secret is shown. The time depends on the lengths of what is shown and on how many
    /// secrets are known, not on which of them it is or resembles.
    fn find(&self, shown: &[Shown<'_>]) -> Option<&Known> {
        let digests: Vec<[u8; 32]> = shown
            .iter()
            .map(|one| Sha256::digest(one.as_deref().unwrap_or_default()).into())
            .collect();
        // Counted from 1, so that 0 is nobody.
        let mut found = 0_u32;
        for (number, known) in (1_u32..).zip(&self.known) {
            if let (Proof::Shown(digest), Some(other)) = (&known.proof, digests.get(known.carrier))
            {
                found.conditional_assign(&number, digest.ct_eq(other));
            }
        }
        let index = usize::try_from(found.checked_sub(1)?).ok()?;
        self.known.get(index)
    }

    /// Under whose keys the body could be signed, of those that may send there.
    fn signed(
        &self,
        headers: &HeaderMap,
        shown: &[Shown<'_>],
        hook: Hook<'_>,
        now: Timestamp,
    ) -> Result<Vec<Signed<'_>>, Doubt> {
        let mut candidates = Vec::new();
        let mut instances: Vec<&str> = Vec::new();
        let mut doubt = None;
        for known in self.known.iter().filter(|known| hook.is_of(&known.sender)) {
            let Proof::Signed(key) = &known.proof else { continue };
            let Some(Ok(text)) = shown.get(known.carrier) else { continue };
            if !known.is_good(now) {
                continue;
            }
            let signatures = match key.read(text, headers, now) {
                Ok(signatures) => signatures,
                Err(Doubt::Unknown) => continue,
                Err(other) => {
                    doubt = Some(other);
                    continue;
                }
            };
            if !instances.contains(&known.sender.instance.as_str()) {
                instances.push(&known.sender.instance);
            }
            candidates.push(Signed { sender: &known.sender, key, signatures });
        }
        if instances.len() > INSTANCES_TRIED_MAX {
            return Err(Doubt::InstanceNeeded);
        }
        if candidates.is_empty()
            && let Some(doubt) = doubt
        {
            return Err(doubt);
        }
        Ok(candidates)
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Credentials({})", self.known.len())
    }
}

#[cfg(test)]
mod tests {
    use hyper::header::{AUTHORIZATION, HeaderValue};

    use super::*;
    use crate::admit::tests::{TOKENS, instances};

    fn sender_of(credentials: &Credentials, token: &str) -> Option<(String, String)> {
        let mut headers = HeaderMap::new();
        let value = HeaderValue::from_bytes(format!("Bearer {token}").as_bytes()).unwrap();
        headers.insert(AUTHORIZATION, value);
        let hook = Hook { source: "moodle", instance: None };
        match credentials.claim(&headers, hook, Timestamp::EPOCH) {
            Ok(Claim::Proven { sender, secret }) => {
                assert_eq!(secret, token.as_bytes());
                Some((sender.instance.clone(), sender.secret_id.clone()))
            }
            Ok(Claim::Signed(_)) | Err(_) => None,
        }
    }

    #[test]
    fn every_token_is_found_and_no_other() {
        let credentials = Credentials::of(&instances());
        for (instance, id, token) in TOKENS {
            let found = sender_of(&credentials, token);
            assert_eq!(found, Some((instance.to_owned(), id.to_owned())));
            assert_eq!(sender_of(&credentials, &token.to_uppercase()), None);
            assert_eq!(sender_of(&credentials, token.get(1..).unwrap()), None);
        }
        assert_eq!(sender_of(&credentials, "sesame"), None);
        assert_eq!(sender_of(&Credentials::of(&[]), ""), None);
    }

    #[test]
    fn numbers_are_places() {
        let credentials = Credentials::of(&instances());
        let numbers: Vec<usize> = credentials.senders().map(|sender| sender.number).collect();
        assert_eq!(numbers, [0, 1, 2, 3]);
    }

    #[test]
    fn no_secret_is_printed() {
        assert_eq!(format!("{:?}", Credentials::of(&instances())), "Credentials(4)");
    }
}
