//! Bearer tokens: which was shown, and whose it is.

use std::fmt;

use hyper::HeaderMap;
use hyper::header::AUTHORIZATION;
use kleos_service_kit::config::instances::Instance;
use sha2::{Digest, Sha256};
use subtle::{ConditionallySelectable, ConstantTimeEq};

use super::Sender;
use crate::error::Doubt;

const SCHEME: &[u8] = b"bearer";

/// Every token that is known, as its digest.
#[derive(Clone)]
pub(super) struct Credentials {
    known: Vec<Known>,
}

#[derive(Clone)]
struct Known {
    digest: [u8; 32],
    sender: Sender,
}

impl Credentials {
    pub(super) fn of<'i>(instances: impl IntoIterator<Item = &'i Instance>) -> Self {
        let mut known = Vec::new();
        for instance in instances {
            known.extend(instance.tokens.iter().map(|token| Known {
                digest: Sha256::digest(token.secret.expose()).into(),
                sender: Sender {
                    tenant: instance.tenant.to_string(),
                    source: instance.source.clone(),
                    instance: instance.id.to_string(),
                    secret_id: token.id.clone(),
                },
            }));
        }
        Self { known }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// Whose token it is. The time depends on the token's length and on how many are known, not on
    /// which of them it is or resembles.
    pub(super) fn find(&self, token: &[u8]) -> Option<&Sender> {
        let digest: [u8; 32] = Sha256::digest(token).into();
        // Counted from 1, so that 0 is nobody.
        let mut found = 0_u32;
        for (number, known) in (1_u32..).zip(&self.known) {
            found.conditional_assign(&number, known.digest.ct_eq(&digest));
        }
        let index = usize::try_from(found.checked_sub(1)?).ok()?;
        self.known.get(index).map(|known| &known.sender)
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Credentials({})", self.known.len())
    }
}

/// The token of the one `Authorization` line.
pub(super) fn shown(headers: &HeaderMap) -> Result<&[u8], Doubt> {
    let mut lines = headers.get_all(AUTHORIZATION).iter();
    let line = lines.next().ok_or(Doubt::Missing)?;
    if lines.next().is_some() {
        return Err(Doubt::Malformed);
    }
    let (scheme, rest) = line.as_bytes().split_at_checked(SCHEME.len()).ok_or(Doubt::Malformed)?;
    let token = rest.trim_ascii();
    let is_bearer = scheme.eq_ignore_ascii_case(SCHEME) && rest.starts_with(b" ");
    if is_bearer && !token.is_empty() { Ok(token) } else { Err(Doubt::Malformed) }
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;
    use crate::admit::tests::{TOKENS, instances};

    fn headers(lines: &[&[u8]]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(AUTHORIZATION, HeaderValue::from_bytes(line).unwrap());
        }
        headers
    }

    #[test]
    fn a_bearer_token_is_what_follows_the_scheme() {
        for (lines, token) in [
            (&[&b"Bearer sesame"[..]][..], Ok(&b"sesame"[..])),
            (&[b"bearer sesame"], Ok(b"sesame")),
            (&[b"BEARER   sesame "], Ok(b"sesame")),
            (&[b"Bearer two words"], Ok(b"two words")),
            (&[b"Bearer \xfcml\xe4ut"], Ok(b"\xfcml\xe4ut")),
            (&[], Err(Doubt::Missing)),
            (&[b""], Err(Doubt::Malformed)),
            (&[b"Bearer"], Err(Doubt::Malformed)),
            (&[b"Bearer "], Err(Doubt::Malformed)),
            (&[b"Bearersesame"], Err(Doubt::Malformed)),
            (&[b"Bearer\tsesame"], Err(Doubt::Malformed)),
            (&[b"Basic sesame"], Err(Doubt::Malformed)),
            (&[b"sesame"], Err(Doubt::Malformed)),
            (&[b"Bearer sesame", b"Bearer sesame"], Err(Doubt::Malformed)),
        ] {
            assert_eq!(shown(&headers(lines)), token, "{lines:?}");
        }
    }

    #[test]
    fn every_token_is_found_and_no_other() {
        let credentials = Credentials::of(&instances());
        for (instance, id, token) in TOKENS {
            let sender = credentials.find(token.as_bytes()).unwrap();
            assert_eq!((sender.instance.as_str(), sender.secret_id.as_str()), (instance, id));
            assert_eq!(credentials.find(token.to_uppercase().as_bytes()), None);
            assert_eq!(credentials.find(&token.as_bytes()[1..]), None);
        }
        for other in ["", "sesame"] {
            assert_eq!(credentials.find(other.as_bytes()), None);
        }
        assert_eq!(Credentials::of(&[]).find(b""), None);
    }

    #[test]
    fn no_token_is_printed() {
        assert_eq!(format!("{:?}", Credentials::of(&instances())), "Credentials(4)");
    }
}
