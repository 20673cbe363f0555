//! One request, from its head to its answer.

use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use hyper::body::Incoming;
use hyper::header::STRICT_TRANSPORT_SECURITY;
use hyper::http::request::Parts;
use hyper::{Method, Request};
use kleos_contracts::class::Class;
use kleos_contracts::raw::RawWebhook;
use kleos_contracts::time::SECOND;
use kleos_service_kit::backoff::chance;
use serde_json::Value;
use tracing::{debug, info};
use uuid::{NoContext, Uuid};

use super::Gateway;
use crate::admit::{self, Arrival, Claim, Client, Delivery, Door, Hook, Resource, Sender};
use crate::answer::{self, Answer, Taken};
use crate::body::{BodyLimits, Inbound};
use crate::budget::{Hold, Holder};
use crate::duplicates::Fingerprint;
use crate::encoding::Content;
use crate::error::Refusal;
use crate::metrics::{ACCEPTED, DESCRIBED, DUPLICATE, SourceMetrics, Tally, VALIDATED};
use crate::rate::Account;

/// Those of HTTP.
const METHODS: [Method; 9] = [
    Method::GET,
    Method::HEAD,
    Method::POST,
    Method::PUT,
    Method::DELETE,
    Method::CONNECT,
    Method::OPTIONS,
    Method::TRACE,
    Method::PATCH,
];

/// What the log has of a request, besides what became of it.
struct Line<'r> {
    method: &'r Method,
    /// `other`, if it is none of ours.
    source: &'r str,
    client: Client,
    took: Duration,
}

/// A webhook that may be stored.
struct Admitted<'g> {
    sender: &'g Sender,
    resource: Resource,
    webhook: RawWebhook,
    fingerprint: Fingerprint,
    hold: Hold,
}

/// What became of a request that was not refused.
enum Done<'g> {
    /// Its event is stored.
    Stored(Taken<'g>),
    /// It only asked what a webhook would come to.
    Valid { sender: &'g Sender, items: Value },
    /// It only asked what can be sent.
    Described(&'g Bytes),
}

impl Done<'_> {
    fn source(&self) -> Option<&str> {
        match self {
            Self::Stored(Taken { sender, .. }) | Self::Valid { sender, .. } => Some(&sender.source),
            Self::Described(_) => None,
        }
    }

    const fn outcome(&self) -> &'static str {
        match self {
            Self::Stored(Taken { is_duplicate: true, .. }) => DUPLICATE,
            Self::Stored(_) => ACCEPTED,
            Self::Valid { .. } => VALIDATED,
            Self::Described(_) => DESCRIBED,
        }
    }

    fn answer(&self) -> Answer {
        match self {
            Self::Stored(taken) => answer::taken(taken),
            Self::Valid { sender, items } => answer::validated(sender, items),
            Self::Described(text) => answer::text(text),
        }
    }
}

/// An answer, and whether nothing of the request is left to be read.
#[derive(Debug)]
pub(super) struct Answered {
    pub(super) answer: Answer,
    pub(super) is_read: bool,
}

/// Answers a request. A fault of the program is an answer like any other.
pub(super) async fn answer(
    gateway: &Arc<Gateway>,
    peer: IpAddr,
    request: Request<Incoming>,
) -> Answered {
    let (head, body) = request.into_parts();
    let mut body = Inbound::new(body);
    let mut of_source = gateway.of_source(Door::presumed_source(head.uri.path()));
    let mut tally = Tally::new(of_source);
    let began = gateway.clock.monotonic();
    let client = gateway.door.client(peer, &head);
    let mut account = Account::default();
    let handled = gateway.handle(client, &head, &mut body, &mut account);
    let handled = AssertUnwindSafe(handled).catch_unwind();
    let handled = handled.await.unwrap_or(Err(Refusal::Internal));
    let took = gateway.clock.monotonic().saturating_sub(began);
    if let Ok(done) = &handled {
        of_source = gateway.of_source(done.source());
        tally.is_of(of_source);
    }
    if gateway.request_log {
        let (method, source) = (&head.method, of_source.name());
        log(&Line { method, source, client, took }, &handled);
    }
    let mut answer = match &handled {
        Ok(done) => {
            gateway.metrics.answer.observe(took.as_secs_f64());
            tally.ends(done.outcome());
            done.answer()
        }
        Err(refusal) => {
            gateway.note(refusal, of_source);
            tally.ends(refusal.code());
            answer::refused(refusal, chance())
        }
    };
    if let Ok(hook) = Door::hook(&head) {
        answer::of_resource(hook.resource, &mut answer);
    }
    account.tell(answer.headers_mut(), gateway.clock.now());
    if let Some(rule) = gateway.tls.as_ref().and_then(|tls| tls.strict_transport_security.clone()) {
        answer.headers_mut().insert(STRICT_TRANSPORT_SECURITY, rule);
    }
    Answered { answer, is_read: body.is_read() }
}

impl Gateway {
    fn of_source(&self, source: Option<&str>) -> &SourceMetrics {
        let index = source.and_then(|source| self.door.source_index(source));
        index.and_then(|index| self.of_source.get(index)).unwrap_or(&self.of_others)
    }

    fn proven(&self, sender: &Sender) {
        if let Some(counter) = self.of_sender.get(sender.number) {
            counter.inc();
        }
    }

    /// What is to be known of a refusal besides its code.
    fn note(&self, refusal: &Refusal, of_source: &SourceMetrics) {
        if let Refusal::Unauthenticated(doubt) = refusal {
            of_source.refused_credential(doubt.as_str());
        }
        if let Refusal::RateLimited { budget, .. } = refusal {
            self.metrics.rate_limited.with([budget.name()]).inc();
        }
        if refusal.class() == Class::Retriable {
            debug!(%refusal, "a sender was asked to come back");
        }
    }

    /// The steps of one request, in their order.
    async fn handle(
        &self,
        client: Client,
        head: &Parts,
        body: &mut Inbound<Incoming>,
        account: &mut Account,
    ) -> Result<Done<'_>, Refusal> {
        self.rates.comes(client, account)?;
        let hook = Door::hook(head)?;
        if hook.resource == Resource::Description {
            return Ok(Done::Described(&self.description));
        }
        let arrival = Arrival { client, declared: body.declared(), now: self.clock.now() };
        let claim = self.door.admit(head, hook, arrival)?;
        if let Some(sender) = claim.proven() {
            self.rates.is_of(sender, hook.resource, account)?;
        }
        let mut hold = self.let_in(hook, &claim, body.declared())?;
        let limits = BodyLimits { bytes: self.limits.max_body, time: self.limits.body_timeout };
        let received = body.read(limits, &mut hold).await?;
        let mut content = Content::of(&head.headers, received, limits.bytes)?;
        let sender = claim.confirm(&mut content)?;
        self.proven(sender);
        if claim.proven().is_none() {
            self.rates.is_of(sender, hook.resource, account)?;
        }
        admit::is_taken(sender, &content)?;
        let length = content.bytes().len();
        if !hold.covers(u64::try_from(length).unwrap_or(u64::MAX)) {
            return Err(Refusal::Overloaded);
        }
        let fingerprint = Fingerprint::of(sender, head, content.bytes());
        let received_at = self.clock.now();
        let id = delivery_id(received_at.micros());
        let delivery = Delivery { id, received_at, client_ip: client.address, content };
        let webhook = self.door.webhook(sender, &claim, head, delivery);
        if hook.resource == Resource::Validation {
            let items = self.mapping.check(&webhook)?;
            return Ok(Done::Valid { sender, items });
        }
        let admitted = Admitted { sender, resource: hook.resource, webhook, fingerprint, hold };
        self.store(admitted).await.map(Done::Stored)
    }

    /// Room for a request, if there is any.
    fn let_in(
        &self,
        hook: Hook<'_>,
        claim: &Claim<'_>,
        declared: Option<u64>,
    ) -> Result<Hold, Refusal> {
        if self.shutdown.is_requested() {
            return Err(Refusal::Stopping);
        }
        let is_proven = claim.proven().is_some();
        if hook.resource != Resource::Validation {
            if !self.publisher.is_open() {
                return Err(Refusal::LogUnavailable);
            }
            if !self.publisher.has_room(is_proven) {
                return Err(Refusal::Overloaded);
            }
        }
        let source = claim.proven().map(|sender| sender.source.as_str()).or(hook.source);
        let source = source.and_then(|source| self.door.source_index(source)).unwrap_or_default();
        let hold = self.budget.hold(Holder { source, is_proven }, declared.unwrap_or_default());
        hold.ok_or(Refusal::Overloaded)
    }

    /// Stores a webhook that is not stored yet.
    async fn store<'g>(&'g self, admitted: Admitted<'g>) -> Result<Taken<'g>, Refusal> {
        let Admitted { sender, resource, webhook, fingerprint, hold } = admitted;
        if let Some(receipt) = self.publisher.stored(fingerprint) {
            let form = answer::form(resource, &webhook, &receipt.delivery_id);
            return Ok(Taken { sender, receipt, is_duplicate: true, form });
        }
        if admit::is_told(sender) {
            self.mapping.check(&webhook)?;
        }
        let form = answer::form(resource, &webhook, &webhook.delivery_id);
        let length = webhook.body.len();
        let receipt = self.publisher.publish(webhook, fingerprint, hold).await?;
        self.metrics.body.observe(length as f64);
        Ok(Taken { sender, receipt, is_duplicate: false, form })
    }
}

/// A line for a request. Of what its sender wrote it has the method alone, if that is one: paths,
/// queries, headers and bodies can hold secrets, and so can any other word in its place.
fn log(line: &Line<'_>, handled: &Result<Done<'_>, Refusal>) {
    let (outcome, delivery) = match handled {
        Ok(done @ Done::Stored(taken)) => (done.outcome(), taken.receipt.delivery_id.as_str()),
        Ok(done) => (done.outcome(), ""),
        Err(refusal) => (refusal.code(), ""),
    };
    let Line { method, source, client, took } = line;
    let (client, micros) = (client.address, took.as_micros());
    let method = if METHODS.contains(method) { method.as_str() } else { "other" };
    info!(method, source, %client, outcome, delivery, micros, "request");
}

/// A UUIDv7: the time in milliseconds, and chance.
fn delivery_id(micros: i64) -> String {
    let seconds = u64::try_from(micros / SECOND).unwrap_or_default();
    let nanos = u32::try_from(micros % SECOND * 1_000).unwrap_or_default();
    Uuid::new_v7(uuid::Timestamp::from_unix(NoContext, seconds, nanos)).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delivery_id_is_a_uuid_of_its_time() {
        let ids = [0, 1].map(|_| delivery_id(1_755_771_330_482_913));
        assert_ne!(ids[0], ids[1]);
        for id in ids {
            let id: Uuid = id.parse().unwrap();
            assert_eq!(id.get_version_num(), 7);
            let (seconds, nanos) = id.get_timestamp().unwrap().to_unix();
            assert_eq!((seconds, nanos), (1_755_771_330, 482_000_000));
        }
        assert!(delivery_id(-1).starts_with("00000000-0000-7"));
    }
}
