//! What a request's head and body come to: a raw webhook, or a typed refusal.
//!
//! Nothing here does I/O or reads a clock: what differs from request to request comes in.

mod credentials;
mod headers;
mod route;

use std::net::IpAddr;

use hyper::header::CONTENT_TYPE;
use hyper::http::request::Parts;
use kleos_contracts::raw::{Authentication, RawWebhook};
use kleos_contracts::time::Timestamp;
use kleos_service_kit::config::instances::Instance;

use self::credentials::Credentials;
use crate::error::{Doubt, Refusal};

/// How the sender proved itself, in the record.
const BEARER: &str = "bearer";

/// Who may send what.
#[derive(Clone, Debug)]
pub(crate) struct Door {
    sources: Vec<String>,
    credentials: Credentials,
    body_max: u64,
}

/// Whose a credential is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sender {
    pub(crate) tenant: String,
    pub(crate) source: String,
    pub(crate) instance: String,
    /// Which of the instance's credentials it is.
    pub(crate) secret_id: String,
}

/// What a request has besides its head.
#[derive(Debug)]
pub(crate) struct Delivery {
    pub(crate) id: String,
    pub(crate) received_at: Timestamp,
    pub(crate) client_ip: IpAddr,
    pub(crate) body: Vec<u8>,
}

impl Door {
    /// For these sources, for the instances' tokens, for bodies of at most so many bytes.
    pub(crate) fn new<'i>(
        sources: &[&str],
        instances: impl IntoIterator<Item = &'i Instance>,
        body_max: u64,
    ) -> Self {
        let sources = sources.iter().map(|source| (*source).to_owned()).collect();
        Self { sources, credentials: Credentials::of(instances), body_max }
    }

    /// The names of the sources.
    pub(crate) fn sources(&self) -> &[String] {
        &self.sources
    }

    /// Whether there is a credential at all.
    pub(crate) fn knows_anybody(&self) -> bool {
        !self.credentials.is_empty()
    }

    /// The place of the path's source among the sources.
    pub(crate) fn source_index(&self, head: &Parts) -> Option<usize> {
        let name = route::source_of(head.uri.path())?;
        self.sources.iter().position(|source| source == name)
    }

    /// Who sends, if the body may follow; `declared` is its length, where the head says so.
    ///
    /// The sender comes before all else that could tell a stranger something: a path of the right
    /// form is answered alike whether or not there is such a source.
    pub(crate) fn admit(&self, head: &Parts, declared: Option<u64>) -> Result<&Sender, Refusal> {
        let source = route::hook(&head.method, head.uri.path())?;
        let sender = self.authenticate(head, source)?;
        match declared {
            Some(length) if length > self.body_max => {
                Err(Refusal::TooLarge { limit: self.body_max })
            }
            Some(_) | None => Ok(sender),
        }
    }

    /// The same work is done whatever was shown, if anything.
    fn authenticate(&self, head: &Parts, source: &str) -> Result<&Sender, Refusal> {
        let shown = credentials::shown(&head.headers);
        let found = self.credentials.find(shown.unwrap_or_default());
        let sender = match (shown, found) {
            (Err(doubt), _) => Err(doubt),
            (Ok(_), None) => Err(Doubt::Unknown),
            (Ok(_), Some(sender)) => Ok(sender),
        };
        let sender = sender.map_err(Refusal::Unauthenticated)?;
        if !self.sources.iter().any(|known| known == source) {
            return Err(Refusal::UnknownSource { known: self.sources.clone() });
        }
        if sender.source != source {
            return Err(Refusal::Unauthenticated(Doubt::OtherSource));
        }
        Ok(sender)
    }
}

/// The record of an admitted request.
pub(crate) fn webhook(sender: &Sender, head: &Parts, delivery: Delivery) -> RawWebhook {
    let credential = credentials::shown(&head.headers).unwrap_or_default();
    RawWebhook {
        delivery_id: delivery.id,
        tenant: sender.tenant.clone(),
        source: sender.source.clone(),
        instance: sender.instance.clone(),
        received_at: delivery.received_at,
        // An IPv4 peer of a socket for both families is still one.
        client_ip: delivery.client_ip.to_canonical().to_string(),
        method: head.method.as_str().to_owned(),
        path: head.uri.path().to_owned(),
        query: headers::without(head.uri.query().unwrap_or_default(), credential),
        content_type: head.headers.get(CONTENT_TYPE).map(headers::text).unwrap_or_default(),
        headers: headers::kept(&head.headers, credential),
        body: delivery.body,
        auth: Authentication { strategy: BEARER.to_owned(), secret_id: sender.secret_id.clone() },
    }
}

#[cfg(test)]
pub(crate) mod tests;
