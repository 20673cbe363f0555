//! The way of a record into the log: encode, append, wait until it is durable.

mod health;
mod keeper;
mod pace;

use std::pin::Pin;
use std::sync::{Arc, PoisonError, RwLock};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use kleos_contracts::raw::RawWebhook;
use kleos_contracts::topic::Topic;
use kleos_event_log::{Append, Codec, Durable, EventLog, LogError};
use kleos_service_kit::bootstrap::Process;
use kleos_service_kit::clock::SharedClock;
use kleos_service_kit::lifecycle::{Phase, SpawnError};
use tokio::runtime::Handle;
use tokio::time::timeout;

use self::health::Health;
use self::pace::Pace;
use crate::answer::{Durability, Receipt};
use crate::budget::Hold;
use crate::config::Settings;
use crate::duplicates::{Duplicates, Fingerprint};
use crate::error::Refusal;
use crate::metrics::Metrics;

/// The log, as the gateway uses it. Its calls block.
pub(crate) trait RawLog: Send + Sync {
    /// Whether it answers and has the topic.
    fn probe(&self) -> Result<(), LogError>;

    /// What records are written with.
    fn open(&self) -> Result<Writer, LogError>;

    /// What a durable record has survived.
    fn durability(&self) -> Durability;
}

impl RawLog for EventLog {
    fn probe(&self) -> Result<(), LogError> {
        self.partitions(Topic::Raw).map(drop)
    }

    fn open(&self) -> Result<Writer, LogError> {
        Ok(Writer { codec: self.codec(Topic::Raw)?, appender: self.appender(Topic::Raw)? })
    }

    fn durability(&self) -> Durability {
        self.kind().into()
    }
}

/// An open log.
#[derive(Debug)]
pub(crate) struct Writer {
    pub(crate) codec: Codec<RawWebhook>,
    pub(crate) appender: Arc<dyn Append>,
}

/// Writes records, while the log is open. A thread of its own opens it and looks after it.
#[derive(Debug)]
pub(crate) struct Publisher {
    /// Empty while the log is not open. Read only while a record is handed over, never across an
    /// await, so that the thread that closes the log is the last to hold it.
    writer: RwLock<Option<Writer>>,
    health: Health,
    pace: Pace,
    durability: Durability,
    append_timeout: Duration,
    duplicates: Duplicates,
    clock: SharedClock,
    runtime: Handle,
    metrics: Metrics,
}

impl Publisher {
    /// Begins to open the log. It is closed after everything that takes input has ended.
    pub(crate) fn start(
        service: &Process,
        log: Arc<dyn RawLog>,
        settings: &Settings,
        metrics: Metrics,
    ) -> Result<Arc<Self>, SpawnError> {
        let publisher = Arc::new(Self {
            writer: RwLock::new(None),
            health: Health::new(service.readiness.condition("log")),
            pace: Pace::new(settings.limits.append_target),
            durability: log.durability(),
            append_timeout: settings.limits.append_timeout,
            duplicates: Duplicates::new(settings.memory, Arc::clone(&service.clock)),
            clock: Arc::clone(&service.clock),
            runtime: Handle::current(),
            metrics,
        });
        let kept = Arc::clone(&publisher);
        service.lifecycle.spawn_thread(Phase::Work, "log", move |shutdown| {
            keeper::keep(log.as_ref(), &kept, &shutdown)
        })?;
        Ok(publisher)
    }

    /// Whether the log is open.
    pub(crate) fn is_open(&self) -> bool {
        self.writer.read().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// Whether the log gets one more record done in time.
    pub(crate) fn has_room(&self, is_proven: bool) -> bool {
        self.pace.has_room(self.clock.monotonic(), is_proven)
    }

    /// The receipt of a delivery that is stored already.
    pub(crate) fn stored(&self, fingerprint: Fingerprint) -> Option<Receipt> {
        self.duplicates.find(fingerprint)
    }

    /// Writes a record; tells where it lies once it is durable. From the first poll on the record
    /// goes its way, also where this is dropped.
    pub(crate) async fn publish(
        self: &Arc<Self>,
        webhook: RawWebhook,
        fingerprint: Fingerprint,
        hold: Hold,
    ) -> Result<Receipt, Refusal> {
        let append = self.hand_over(&webhook, fingerprint, hold)?;
        // Its bytes are the log's by now.
        drop(webhook);
        match timeout(self.append_timeout, append).await {
            Ok(Ok(receipt)) => {
                self.health.worked();
                Ok(receipt)
            }
            Ok(Err(error)) => {
                self.health.failed(&error);
                Err(Refusal::AppendFailed)
            }
            Err(_) => {
                self.health.timed_out(self.append_timeout);
                Err(Refusal::AppendTimedOut)
            }
        }
    }

    fn hand_over(
        self: &Arc<Self>,
        webhook: &RawWebhook,
        fingerprint: Fingerprint,
        hold: Hold,
    ) -> Result<Underway, Refusal> {
        let mut bytes = Vec::with_capacity(webhook.body.len() + RECORD_BYTES);
        let held = self.writer.read().unwrap_or_else(PoisonError::into_inner);
        let writer = held.as_ref().ok_or(Refusal::LogUnavailable)?;
        if let Err(error) = writer.codec.encode(webhook, &mut bytes) {
            tracing::error!(%error, "a webhook could not be encoded");
            return Err(Refusal::Internal);
        }
        let durable = writer.appender.append(webhook.received_at, bytes);
        drop(held);
        let (id, received_at) = (webhook.delivery_id.clone(), webhook.received_at);
        let (publisher, durability) = (Arc::clone(self), self.durability);
        let began = self.clock.monotonic();
        self.pace.begins(began);
        // Whoever waits for it, or nobody: from here on the delivery is known.
        let stored = async move {
            let ended = durable.await;
            let now = publisher.clock.monotonic();
            let took = now.saturating_sub(began);
            publisher.pace.ends(now, ended.is_ok().then_some(took));
            let position = ended?;
            publisher.metrics.append.observe(took.as_secs_f64());
            let receipt = Receipt { delivery_id: id, received_at, position, durability };
            publisher.duplicates.mark(fingerprint, receipt.clone());
            Ok(receipt)
        };
        Ok(Underway { rest: Some((Box::pin(stored), hold)), publisher: Arc::clone(self) })
    }

    fn put(&self, writer: Option<Writer>) {
        // The one that was there before goes after the lock: it waits for what it has in flight.
        let before = std::mem::replace(
            &mut *self.writer.write().unwrap_or_else(PoisonError::into_inner),
            writer,
        );
        drop(before);
    }
}

/// A record's bytes besides its body, usually.
const RECORD_BYTES: usize = 1_024;

/// An append that has begun. Whoever drops it before its end leaves the rest to a task, so that it
/// is counted, and its bytes are held, until the log has answered.
struct Underway {
    rest: Option<(Durable<Receipt>, Hold)>,
    publisher: Arc<Publisher>,
}

impl Future for Underway {
    type Output = Result<Receipt, LogError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Some((durable, _)) = &mut self.rest else { return Poll::Pending };
        let result = ready!(durable.as_mut().poll(context));
        self.rest = None;
        Poll::Ready(result)
    }
}

impl Drop for Underway {
    fn drop(&mut self) {
        let Some((durable, hold)) = self.rest.take() else { return };
        let late_appends = self.publisher.metrics.late_appends.clone();
        drop(self.publisher.runtime.spawn(async move {
            let result = if durable.await.is_ok() { "stored" } else { "failed" };
            late_appends.with([result]).inc();
            drop(hold);
        }));
    }
}

#[cfg(test)]
mod tests;
