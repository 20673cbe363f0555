//! Every credential there is: which of them a head shows, and whose it is.

use std::collections::BTreeMap;
use std::fmt;

use hyper::http::request::Parts;
use kleos_contracts::time::Timestamp;
use kleos_service_kit::config::credentials::{Credential, HeaderPlace, StandardKey, Strategy};
use kleos_service_kit::config::instances::Instance;
use sha2::{Digest, Sha256};
use subtle::{ConditionallySelectable, ConstantTimeEq};

use super::enclosed::Enclosed;
use super::evidence::{self, Carrier, Shown};
use super::headers::Places;
use super::route::Hook;
use super::signature::{Key, Signed};
use super::{Claim, Sender};
use crate::error::Doubt;

/// A signature whose path does not name an instance is tried against so many at most: otherwise
/// whoever sends rubbish has us compute without end.
const INSTANCES_TRIED_MAX: usize = 16;

static NOWHERE: Places = Places { headers: Vec::new(), parameters: Vec::new() };

/// What is known of all senders.
#[derive(Clone)]
pub(super) struct Credentials {
    known: Vec<Known>,
    /// The places of a head where their proofs stand, each once.
    carriers: Vec<Carrier>,
    /// Where secrets are shown, by the instance.
    places: BTreeMap<String, Places>,
}

#[derive(Clone)]
struct Known {
    sender: Sender,
    proof: Proof,
    credential: Credential,
}

#[derive(Clone)]
enum Proof {
    /// The head has the secret itself.
    Shown { carrier: usize, digest: [u8; 32] },
    /// The head has a signature of the body.
    Signed { carrier: usize, key: Key },
    /// The body has the secret itself.
    Enclosed { field: String, digest: [u8; 32] },
}

impl Credentials {
    pub(super) fn of<'i>(instances: impl IntoIterator<Item = &'i Instance>) -> Self {
        let mut all = Self { known: Vec::new(), carriers: Vec::new(), places: BTreeMap::new() };
        for instance in instances {
            for credential in &instance.credentials {
                all.add(instance, credential);
            }
        }
        all
    }

    fn add(&mut self, instance: &Instance, credential: &Credential) {
        let secret = credential.secret.expose();
        let places = self.places.entry(instance.id.to_string()).or_default();
        match &credential.strategy {
            Strategy::Header(at) => places.headers.push(at.name.clone()),
            Strategy::Query { parameter } => places.parameters.push(parameter.clone()),
            Strategy::Bearer
            | Strategy::Basic { .. }
            | Strategy::Body { .. }
            | Strategy::HmacSha256(..)
            | Strategy::StandardWebhooks(_) => {}
        }
        let in_header = |at: &HeaderPlace| Carrier::Header(at.name.clone(), at.prefix.clone());
        let (strategy, proof) = match &credential.strategy {
            Strategy::Bearer => ("bearer", self.shown(Carrier::Bearer, secret)),
            Strategy::Basic { username } => {
                ("basic", self.shown(Carrier::Basic, &format!("{username}:{secret}")))
            }
            Strategy::Header(at) => ("header", self.shown(in_header(at), secret)),
            Strategy::Query { parameter } => {
                ("query", self.shown(Carrier::Query(parameter.clone()), secret))
            }
            Strategy::HmacSha256(at, encoding) => {
                let key = Key::of_body(secret.as_bytes(), *encoding);
                ("hmac-sha256", self.signed_by(in_header(at), key))
            }
            Strategy::StandardWebhooks(at) => {
                // Configuration has none without a key; if it had, nobody could send with it.
                let Some(key) = StandardKey::of(&credential.secret) else { return };
                ("standard-webhooks", self.signed_by(in_header(at), Key::of_standard(key)))
            }
            Strategy::Body { field } => {
                let (field, digest) = (field.clone(), Sha256::digest(secret).into());
                ("body", Proof::Enclosed { field, digest })
            }
        };
        let sender = Sender {
            number: self.known.len(),
            tenant: instance.tenant.to_string(),
            source: instance.source.clone(),
            instance: instance.id.to_string(),
            secret_id: credential.id.clone(),
            strategy,
            allow_from: instance.allow_from.clone(),
            accepted_status: instance.accepted_status,
        };
        self.known.push(Known { sender, proof, credential: credential.clone() });
    }

    fn shown(&mut self, carrier: Carrier, text: &str) -> Proof {
        Proof::Shown { carrier: self.carrier(carrier), digest: Sha256::digest(text).into() }
    }

    fn signed_by(&mut self, carrier: Carrier, key: Key) -> Proof {
        Proof::Signed { carrier: self.carrier(carrier), key }
    }

    /// Its place among the carriers.
    fn carrier(&mut self, carrier: Carrier) -> usize {
        let place = self.carriers.iter().position(|known| *known == carrier);
        place.unwrap_or_else(|| {
            self.carriers.push(carrier);
            self.carriers.len() - 1
        })
    }

    /// Where the senders of an instance show secrets.
    pub(super) fn places(&self, instance: &str) -> &Places {
        self.places.get(instance).unwrap_or(&NOWHERE)
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
        head: &Parts,
        hook: Hook<'_>,
        now: Timestamp,
    ) -> Result<Claim<'_>, Doubt> {
        let shown: Vec<Shown<'_>> =
            self.carriers.iter().map(|carrier| carrier.look(head)).collect();
        if let Some((known, carrier)) = self.find(&shown) {
            if !known.credential.is_good(now) {
                return Err(Doubt::Expired);
            }
            let secret = shown.into_iter().nth(carrier).and_then(Result::ok);
            let secret = secret.unwrap_or_default().into_owned();
            return Ok(Claim::Proven { sender: &known.sender, secret });
        }
        let signed = self.signed(head, &shown, hook, now)?;
        if !signed.is_empty() {
            return Ok(Claim::Signed(signed));
        }
        let enclosed = self.enclosed(hook, now);
        if enclosed.is_empty() {
            Err(evidence::doubt(&shown))
        } else {
            Ok(Claim::Enclosed(enclosed))
        }
    }

    /// Whose secret could be in the body, of those that may send there.
    fn enclosed(&self, hook: Hook<'_>, now: Timestamp) -> Vec<Enclosed<'_>> {
        let may_send = |known: &&Known| hook.is_of(&known.sender) && known.credential.is_good(now);
        let mut candidates = Vec::new();
        for known in self.known.iter().filter(may_send) {
            if let Proof::Enclosed { field, digest } = &known.proof {
                candidates.push(Enclosed { sender: &known.sender, field, digest });
            }
        }
        candidates
    }

    /// Whose secret is shown. The time depends on the lengths of what is shown and on how many
    /// secrets are known, not on which of them it is or resembles.
    fn find(&self, shown: &[Shown<'_>]) -> Option<(&Known, usize)> {
        let digests: Vec<[u8; 32]> = shown
            .iter()
            .map(|one| Sha256::digest(one.as_deref().unwrap_or_default()).into())
            .collect();
        // Counted from 1, so that 0 is nobody.
        let mut found = 0_u32;
        for (number, known) in (1_u32..).zip(&self.known) {
            if let Proof::Shown { carrier, digest } = &known.proof
                && let Some(other) = digests.get(*carrier)
            {
                found.conditional_assign(&number, digest.ct_eq(other));
            }
        }
        let index = usize::try_from(found.checked_sub(1)?).ok()?;
        let known = self.known.get(index)?;
        let Proof::Shown { carrier, .. } = known.proof else { return None };
        Some((known, carrier))
    }

    /// Under whose keys the body could be signed, of those that may send there.
    fn signed(
        &self,
        head: &Parts,
        shown: &[Shown<'_>],
        hook: Hook<'_>,
        now: Timestamp,
    ) -> Result<Vec<Signed<'_>>, Doubt> {
        let mut candidates = Vec::new();
        let mut instances: Vec<&str> = Vec::new();
        let mut doubt = None;
        for known in self.known.iter().filter(|known| hook.is_of(&known.sender)) {
            let Proof::Signed { carrier, key } = &known.proof else { continue };
            let Some(Ok(text)) = shown.get(*carrier) else { continue };
            if !known.credential.is_good(now) {
                continue;
            }
            let signatures = match key.read(text, &head.headers, now) {
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
    use hyper::Request;
    use hyper::header::{AUTHORIZATION, HeaderValue};

    use super::*;
    use crate::admit::Resource;
    use crate::admit::tests::{TOKENS, instances};

    fn sender_of(credentials: &Credentials, token: &str) -> Option<(String, String)> {
        let mut head = Request::new(()).into_parts().0;
        let value = HeaderValue::from_bytes(format!("Bearer {token}").as_bytes()).unwrap();
        head.headers.insert(AUTHORIZATION, value);
        let hook = Hook { resource: Resource::Events, source: Some("moodle"), instance: None };
        match credentials.claim(&head, hook, Timestamp::EPOCH) {
            Ok(Claim::Proven { sender, secret }) => {
                assert_eq!(secret, token.as_bytes());
                Some((sender.instance.clone(), sender.secret_id.clone()))
            }
            Ok(Claim::Signed(_) | Claim::Enclosed(_)) | Err(_) => None,
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
