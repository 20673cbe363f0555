//! One request, from its head to its answer.

use std::convert::Infallible;
use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use hyper::body::Incoming;
use hyper::header::{CONNECTION, HeaderValue};
use hyper::http::request::Parts;
use hyper::{Method, Request};
use kleos_contracts::class::Class;
use kleos_contracts::time::SECOND;
use kleos_service_kit::backoff::chance;
use tracing::{debug, info};
use uuid::{NoContext, Uuid};

use super::Gateway;
use super::patience::Patience;
use crate::admit::{self, Arrival, Client, Delivery, Sender};
use crate::answer::{self, Answer, Taken};
use crate::body::{BodyLimits, Inbound};
use crate::budget::Holder;
use crate::duplicates::Fingerprint;
use crate::encoding::Content;
use crate::error::Refusal;
use crate::metrics::{ACCEPTED, DUPLICATE, SourceMetrics, Tally};
use crate::rate::Account;

/// What the log has of a request, besides what became of it.
struct Line<'r> {
    method: &'r Method,
    /// `other`, if it is none of ours.
    source: &'r str,
    client: Client,
    took: Duration,
}

/// Answers a request. A fault of the program is an answer like any other.
pub(super) async fn answer(
    gateway: Arc<Gateway>,
    peer: IpAddr,
    patience: Arc<Patience>,
    request: Request<Incoming>,
) -> Result<Answer, Infallible> {
    patience.serves();
    let (head, body) = request.into_parts();
    let mut body = Inbound::new(body);
    let of_source = gateway.of_source(&head);
    let tally = Tally::new(of_source);
    let began = gateway.clock.monotonic();
    let client = gateway.door.client(peer, &head);
    let mut account = Account::default();
    let handled = gateway.handle(client, &head, &mut body, &mut account);
    let handled = AssertUnwindSafe(handled).catch_unwind();
    let handled = handled.await.unwrap_or(Err(Refusal::Internal));
    let took = gateway.clock.monotonic().saturating_sub(began);
    if gateway.request_log {
        let (method, source) = (&head.method, of_source.name());
        log(&Line { method, source, client, took }, &handled);
    }
    let mut answer = match handled {
        Ok(taken) => {
            gateway.metrics.answer.observe(took.as_secs_f64());
            tally.ends(outcome(&taken));
            answer::taken(&taken)
        }
        Err(refusal) => {
            if let Refusal::Unauthenticated(doubt) = refusal {
                of_source.refused_credential(doubt.as_str());
            }
            if let Refusal::RateLimited { budget, .. } = refusal {
                gateway.metrics.rate_limited.with([budget.name()]).inc();
            }
            if refusal.class() == Class::Retriable {
                debug!(%refusal, "a sender was asked to come back");
            }
            tally.ends(refusal.code());
            answer::refused(&refusal, chance())
        }
    };
    account.tell(answer.headers_mut(), gateway.clock.now());
    if !body.is_read() {
        patience.leaves_unread();
        answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    patience.waits();
    Ok(answer)
}

impl Gateway {
    fn of_source(&self, head: &Parts) -> &SourceMetrics {
        let index = self.door.source_index(head);
        index.and_then(|index| self.of_source.get(index)).unwrap_or(&self.of_others)
    }

    fn proven(&self, sender: &Sender) {
        if let Some(counter) = self.of_sender.get(sender.number) {
            counter.inc();
        }
    }

    /// The steps of one request, in their order.
    async fn handle(
        &self,
        client: Client,
        head: &Parts,
        body: &mut Inbound<Incoming>,
        account: &mut Account,
    ) -> Result<Taken<'_>, Refusal> {
        self.rates.comes(client, account)?;
        let arrival = Arrival { client, declared: body.declared(), now: self.clock.now() };
        let claim = self.door.admit(head, arrival)?;
        if let Some(sender) = claim.proven() {
            self.rates.is_of(sender, account)?;
        }
        if self.shutdown.is_requested() {
            return Err(Refusal::Stopping);
        }
        if !self.publisher.is_open() {
            return Err(Refusal::LogUnavailable);
        }
        let is_proven = claim.proven().is_some();
        if !self.publisher.has_room(is_proven) {
            return Err(Refusal::Overloaded);
        }
        let source = self.door.source_index(head).unwrap_or_default();
        let declared = body.declared().unwrap_or_default();
        let hold = self.budget.hold(Holder { source, is_proven }, declared);
        let mut hold = hold.ok_or(Refusal::Overloaded)?;
        let limits = BodyLimits { bytes: self.limits.max_body, time: self.limits.body_timeout };
        let received = body.read(limits, &mut hold).await?;
        let mut content = Content::of(&head.headers, received, limits.bytes)?;
        let sender = claim.confirm(&mut content)?;
        self.proven(sender);
        if claim.proven().is_none() {
            self.rates.is_of(sender, account)?;
        }
        admit::is_taken(sender, &content)?;
        let length = content.bytes().len();
        if !hold.covers(u64::try_from(length).unwrap_or(u64::MAX)) {
            return Err(Refusal::Overloaded);
        }

        let fingerprint = Fingerprint::of(sender, head, content.bytes());
        if let Some(receipt) = self.publisher.stored(fingerprint) {
            return Ok(Taken { sender, receipt, is_duplicate: true });
        }
        let received_at = self.clock.now();
        let id = delivery_id(received_at.micros());
        let delivery = Delivery { id, received_at, client_ip: client.address, content };
        let webhook = admit::webhook(sender, &claim, head, delivery);
        let receipt = self.publisher.publish(webhook, fingerprint, hold).await?;
        self.metrics.body.observe(length as f64);
        Ok(Taken { sender, receipt, is_duplicate: false })
    }
}

const fn outcome(taken: &Taken<'_>) -> &'static str {
    if taken.is_duplicate { DUPLICATE } else { ACCEPTED }
}

/// A line for a request. Of what its sender wrote it has the method alone: paths, queries, headers
/// and bodies can hold secrets.
fn log(line: &Line<'_>, handled: &Result<Taken<'_>, Refusal>) {
    let (outcome, delivery) = match handled {
        Ok(taken) => (outcome(taken), taken.receipt.delivery_id.as_str()),
        Err(refusal) => (refusal.code(), ""),
    };
    let Line { method, source, client, took } = line;
    let (client, micros) = (client.address, took.as_micros());
    info!(%method, source, %client, outcome, delivery, micros, "request");
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
