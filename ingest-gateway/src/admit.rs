//! What a request's head and body come to: a raw webhook, or a typed refusal.
//!
//! Nothing here does I/O or reads a clock: what differs from request to request comes in.

mod client;
mod credentials;
mod enclosed;
mod evidence;
mod headers;
mod redaction;
mod route;
mod signature;
mod standard;

use std::net::IpAddr;

use hyper::header::CONTENT_TYPE;
use hyper::http::request::Parts;
use kleos_contracts::raw::{Authentication, RawWebhook};
use kleos_contracts::time::Timestamp;
use kleos_service_kit::config::instances::Instance;
use kleos_service_kit::config::networks::Networks;

pub(crate) use self::client::{Client, ForwardedHeader, Proxies};
use self::credentials::Credentials;
use self::enclosed::Enclosed;
pub(crate) use self::route::{Hook, Resource};
use self::signature::Signed;
use crate::encoding::Content;
use crate::error::{Doubt, Refusal};

/// Sources whose senders are people's own programs.
const TOLD: &[&str] = &["custom", "test"];

/// Header lines that are not true of a body that was decoded.
const OF_ENCODED: &[&str] = &["content-encoding", "content-length"];

/// Who may send what.
#[derive(Clone, Debug)]
pub(crate) struct Door {
    sources: Vec<String>,
    credentials: Credentials,
    proxies: Proxies,
    body_max: u64,
}

/// What a request has besides its head.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrival {
    pub(crate) client: Client,
    /// The body's length, where the head says so.
    pub(crate) declared: Option<u64>,
    pub(crate) now: Timestamp,
}

/// Whose a credential is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sender {
    /// Its place among all of them.
    pub(crate) number: usize,
    pub(crate) tenant: String,
    pub(crate) source: String,
    pub(crate) instance: String,
    /// Which of the instance's credentials it is.
    pub(crate) secret_id: String,
    /// How it is shown, in the record.
    pub(crate) strategy: &'static str,
    /// From where it may send; empty: from everywhere.
    pub(crate) allow_from: Networks,
    /// What it is answered where an event is stored, if not what its source is.
    pub(crate) accepted_status: Option<u16>,
}

impl Sender {
    /// Whether it may send from there. Where an address cannot be told, it is none that is allowed.
    fn may_send_from(&self, client: Client) -> bool {
        self.allow_from.is_empty() || (client.is_known && self.allow_from.contain(client.address))
    }
}

/// What a head says of its sender.
pub(crate) enum Claim<'d> {
    /// It has the secret itself.
    Proven {
        /// Whose it is.
        sender: &'d Sender,
        /// As it was shown.
        secret: Vec<u8>,
    },
    /// One of these has signed the body, or nobody.
    Signed(Vec<Signed<'d>>),
    /// The secret of one of these is in the body, or of nobody.
    Enclosed(Vec<Enclosed<'d>>),
}

impl<'d> Claim<'d> {
    /// Who sends, now that the body is there. Secrets that are in it are taken out.
    ///
    /// Most senders sign what they then encode, some what they send.
    pub(crate) fn confirm(&self, content: &mut Content) -> Result<&'d Sender, Refusal> {
        let sender = match self {
            Self::Proven { sender, .. } => sender,
            Self::Signed(candidates) => signature::signer(candidates, &content.received)
                .or_else(|| signature::signer(candidates, content.decoded()?))
                .ok_or(Refusal::Unauthenticated(Doubt::NotSigned))?,
            Self::Enclosed(candidates) => {
                let found = enclosed::find(candidates, content.bytes());
                let (sender, place) = found.map_err(Refusal::Unauthenticated)?;
                content.take_out(&[place]);
                sender
            }
        };
        content.take_out(&redaction::places(&sender.source, content.bytes()));
        Ok(sender)
    }

    /// Who sends, if the head has proven it.
    pub(crate) const fn proven(&self) -> Option<&'d Sender> {
        match self {
            Self::Proven { sender, .. } => Some(sender),
            Self::Signed(_) | Self::Enclosed(_) => None,
        }
    }

    /// What must not be in a record: a signature opens nothing but the body that it is of.
    fn secret(&self) -> &[u8] {
        match self {
            Self::Proven { secret, .. } => secret,
            Self::Signed(_) | Self::Enclosed(_) => &[],
        }
    }
}

/// What a record has besides the request's head.
#[derive(Debug)]
pub(crate) struct Delivery {
    pub(crate) id: String,
    pub(crate) received_at: Timestamp,
    pub(crate) client_ip: IpAddr,
    pub(crate) content: Content,
}

/// Whether a sender is told what is wrong with what it sends.
pub(crate) fn is_told(sender: &Sender) -> bool {
    TOLD.contains(&sender.source.as_str())
}

/// Whether the body of a known sender is taken. A platform takes a refusal for final and drops the
/// event, so what cannot be decoded is stored as it came, and ends among the dead letters; whoever
/// writes a sender of their own is told.
pub(crate) fn is_taken(sender: &Sender, content: &Content) -> Result<(), Refusal> {
    match &content.trouble {
        Some(trouble) if is_told(sender) => Err(trouble.clone()),
        Some(_) | None => Ok(()),
    }
}

impl Door {
    /// For these sources, for the instances' credentials, behind these proxies, for bodies of at
    /// most so many bytes.
    pub(crate) fn new<'i>(
        sources: &[&str],
        instances: impl IntoIterator<Item = &'i Instance>,
        proxies: Proxies,
        body_max: u64,
    ) -> Self {
        let sources = sources.iter().map(|source| (*source).to_owned()).collect();
        Self { sources, credentials: Credentials::of(instances), proxies, body_max }
    }

    /// The names of the sources.
    pub(crate) fn sources(&self) -> &[String] {
        &self.sources
    }

    /// Everybody who may send, in the order of their numbers.
    pub(crate) fn senders(&self) -> impl Iterator<Item = &Sender> {
        self.credentials.senders()
    }

    /// Whether there is a credential at all.
    pub(crate) fn knows_anybody(&self) -> bool {
        !self.credentials.is_empty()
    }

    /// Who is believed to say where requests come from.
    pub(crate) const fn proxies(&self) -> &Proxies {
        &self.proxies
    }

    /// Whether connections from there are a proxy's.
    pub(crate) fn trusts(&self, peer: IpAddr) -> bool {
        self.proxies.trusted.contain(peer)
    }

    /// Where a request comes from.
    pub(crate) fn client(&self, peer: IpAddr, head: &Parts) -> Client {
        self.proxies.client(peer, &head.headers)
    }

    /// The place of a source among the sources.
    pub(crate) fn source_index(&self, source: &str) -> Option<usize> {
        self.sources.iter().position(|known| known == source)
    }

    /// The source that a path is for, as far as it says.
    pub(crate) fn presumed_source(path: &str) -> Option<&str> {
        route::of(path)?.presumed_source()
    }

    /// Where a request goes.
    pub(crate) fn hook(head: &Parts) -> Result<Hook<'_>, Refusal> {
        route::hook(&head.method, head.uri.path())
    }

    /// Who says to send, if the body may follow.
    ///
    /// The sender comes before all else that could tell a stranger something: a path of the right
    /// form is answered alike whether or not there is such a source.
    pub(crate) fn admit(
        &self,
        head: &Parts,
        hook: Hook<'_>,
        arrival: Arrival,
    ) -> Result<Claim<'_>, Refusal> {
        let claim = self.credentials.claim(head, hook, arrival.now);
        let mut claim = claim.map_err(Refusal::Unauthenticated)?;
        let client = arrival.client;
        let is_anybody_left = match &mut claim {
            Claim::Proven { sender, .. } => {
                self.is_at_home(sender, hook, client)?;
                true
            }
            Claim::Signed(candidates) => {
                candidates.retain(|candidate| candidate.sender.may_send_from(client));
                !candidates.is_empty()
            }
            Claim::Enclosed(candidates) => {
                candidates.retain(|candidate| candidate.sender.may_send_from(client));
                !candidates.is_empty()
            }
        };
        if !is_anybody_left {
            return Err(Refusal::Unauthenticated(Doubt::OtherAddress));
        }
        match arrival.declared {
            Some(length) if length > self.body_max => {
                Err(Refusal::TooLarge { limit: self.body_max })
            }
            Some(_) | None => Ok(claim),
        }
    }

    /// The record of an admitted request.
    pub(crate) fn webhook(
        &self,
        sender: &Sender,
        claim: &Claim<'_>,
        head: &Parts,
        delivery: Delivery,
    ) -> RawWebhook {
        let secret = claim.secret();
        let places = self.credentials.places(&sender.instance);
        let mut lines = headers::kept(&head.headers, places, secret);
        if delivery.content.is_decoded() {
            lines.retain(|line| !OF_ENCODED.contains(&line.name.as_str()));
        }
        RawWebhook {
            delivery_id: delivery.id,
            tenant: sender.tenant.clone(),
            source: sender.source.clone(),
            instance: sender.instance.clone(),
            received_at: delivery.received_at,
            client_ip: delivery.client_ip.to_string(),
            method: head.method.as_str().to_owned(),
            path: head.uri.path().to_owned(),
            query: headers::without(head.uri.query().unwrap_or_default(), places, secret),
            content_type: head.headers.get(CONTENT_TYPE).map(headers::text).unwrap_or_default(),
            headers: lines,
            body: delivery.content.into_bytes(),
            auth: Authentication {
                strategy: sender.strategy.to_owned(),
                secret_id: sender.secret_id.clone(),
            },
        }
    }

    /// Whether a known sender sends where it may.
    fn is_at_home(&self, sender: &Sender, hook: Hook<'_>, client: Client) -> Result<(), Refusal> {
        if hook.source.is_some_and(|named| self.source_index(named).is_none()) {
            return Err(Refusal::UnknownSource { known: self.sources.clone() });
        }
        if !hook.takes(&sender.source) {
            return Err(Refusal::Unauthenticated(Doubt::OtherSource));
        }
        if !hook.is_of(sender) {
            return Err(Refusal::Unauthenticated(Doubt::OtherInstance));
        }
        if !sender.may_send_from(client) {
            return Err(Refusal::Unauthenticated(Doubt::OtherAddress));
        }
        Ok(())
    }
}

#[cfg(test)]
pub(crate) mod tests;
