//! The shell: reads webhooks, writes what came of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use kleos_contracts::dead_letter::{DeadLetter, UnmappedEvent};
use kleos_contracts::event::LearningEvent;
use kleos_contracts::key::{learner_key, partition_of};
use kleos_contracts::raw::RawWebhook;
use kleos_contracts::topic::Topic;
use kleos_event_log::{
    Address, Batch, Codec, EventLog, LogError, Outbox, Partition, Receipt, Record, SendError,
    Stage, StageError,
};
use kleos_sources::Item;

use crate::config::InstanceSettings;
use crate::error::NormalizeError;
use crate::metrics::NormalizerMetrics;
use crate::normalize::{Place, dead_letter, gathered, items_of, unmapped};

/// One worker of the normalizer.
#[derive(Debug)]
pub(crate) struct Normalizer {
    instances: Arc<BTreeMap<String, InstanceSettings>>,
    raw: Codec<RawWebhook>,
    events: Codec<LearningEvent>,
    unmapped: Codec<UnmappedEvent>,
    dead_letters: Codec<DeadLetter>,
    partitions: i32,
    metrics: NormalizerMetrics,
    counts: Counts,
}

/// What the open transaction will have counted: by source, outcome and reason.
type Counts = BTreeMap<(String, &'static str, &'static str), u64>;

impl Normalizer {
    pub(crate) fn new(
        log: &EventLog,
        metrics: NormalizerMetrics,
        instances: Arc<BTreeMap<String, InstanceSettings>>,
    ) -> Result<Self, LogError> {
        Ok(Self {
            instances,
            raw: log.codec(Topic::Raw)?,
            events: log.codec(Topic::Events)?,
            unmapped: log.codec(Topic::Unmapped)?,
            dead_letters: log.codec(Topic::DeadLetters)?,
            partitions: log.partitions(Topic::Events)?,
            metrics,
            counts: Counts::new(),
        })
    }

    fn webhook(&mut self, record: &Record<'_>, outbox: &mut Outbox) -> Result<(), StageError> {
        let decoded = match record.value {
            None => {
                return self.set_aside(Place::of(record, None), &NormalizeError::Tombstone, outbox);
            }
            Some(value) => self.raw.decode(value),
        };
        let webhook = match decoded {
            Ok(webhook) => webhook,
            Err(error) => {
                return match NormalizeError::of_decoding(&error) {
                    Some(poison) => self.set_aside(Place::of(record, None), &poison, outbox),
                    None => Err(error.into()),
                };
            }
        };
        match items_of(&webhook, &self.instances) {
            Ok(items) => gathered(items)
                .into_iter()
                .try_for_each(|gathered| self.item(record, &webhook, gathered, outbox)),
            Err(error) => self.set_aside(Place::of(record, Some(&webhook)), &error, outbox),
        }
    }

    fn item(
        &mut self,
        record: &Record<'_>,
        webhook: &RawWebhook,
        (item, items): (Item, u64),
        outbox: &mut Outbox,
    ) -> Result<(), StageError> {
        let index = item.index();
        let place = Place { index, items, ..Place::of(record, Some(webhook)) };
        let (sent, outcome) = match item {
            Item::Ignored { why, .. } => {
                self.count(&webhook.source, ("ignored", why), items);
                return Ok(());
            }
            Item::Rejected { reason, message, .. } => {
                let error = NormalizeError::Refused { reason, message };
                return self.set_aside(place, &error, outbox);
            }
            Item::Event(event) => {
                let key = learner_key(&event.tenant, &event.user.key);
                let address = self.address(Topic::Events, &key, webhook);
                (outbox.send(&self.events, address, &event), "event")
            }
            Item::Unmapped { r#type, body, .. } => {
                let key = format!("{}|{}", webhook.tenant, webhook.source);
                let address = self.address(Topic::Unmapped, &key, webhook);
                let value = unmapped(webhook, record, (r#type, body, index));
                (outbox.send(&self.unmapped, address, &value), "unmapped")
            }
        };
        match sent {
            Ok(()) => {
                self.count(&webhook.source, (outcome, ""), items);
                Ok(())
            }
            Err(SendError::TooLarge(large)) => self.set_aside(place, &large.into(), outbox),
            Err(SendError::Encode(error)) => Err(error.into()),
        }
    }

    fn address<'a>(&self, topic: Topic, key: &'a str, webhook: &RawWebhook) -> Address<'a> {
        let number = partition_of(key.as_bytes(), self.partitions);
        Address {
            partition: Partition::new(topic, number),
            timestamp: webhook.received_at,
            key: Some(key.as_bytes()),
        }
    }

    /// A dead letter lies in the partition of the record's own number, with its key.
    fn set_aside(
        &mut self,
        place: Place<'_>,
        error: &NormalizeError,
        outbox: &mut Outbox,
    ) -> Result<(), StageError> {
        let source = place.webhook.map(|webhook| webhook.source.as_str()).unwrap_or_default();
        self.count(source, ("dead_letter", error.reason()), place.items);
        let letter = dead_letter(place, error);
        let number = place.record.position.partition.number % self.partitions.max(1);
        let address = Address {
            partition: Partition::new(Topic::DeadLetters, number),
            timestamp: letter.first_seen,
            key: place.record.key,
        };
        // What could be accepted can be dead-lettered: that topic takes twice as much.
        outbox
            .send(&self.dead_letters, address, &letter)
            .map_err(|error| StageError::fatal(error.to_string()))
    }

    fn count(&mut self, source: &str, what: (&'static str, &'static str), items: u64) {
        let (outcome, reason) = what;
        *self.counts.entry((source.to_owned(), outcome, reason)).or_default() += items;
    }
}

impl Stage for Normalizer {
    fn process(&mut self, batch: &Batch, outbox: &mut Outbox) -> Result<(), StageError> {
        batch.iter().try_for_each(|record| self.webhook(&record, outbox))
    }

    fn committed(&mut self, _: &Receipt) -> Result<(), StageError> {
        for ((source, outcome, reason), count) in std::mem::take(&mut self.counts) {
            self.metrics.items.with([&source, outcome]).inc_by(count);
            if !reason.is_empty() {
                self.metrics.reasons.with([&source, reason]).inc_by(count);
            }
        }
        Ok(())
    }

    fn rolled_back(&mut self) {
        self.counts.clear();
    }
}

#[cfg(test)]
mod tests;
