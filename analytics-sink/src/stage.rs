//! The shell: reads records, has them sent, sets aside what is refused.

use std::collections::BTreeMap;

use kleos_contracts::award::Award;
use kleos_contracts::dead_letter::DeadLetter;
use kleos_contracts::event::LearningEvent;
use kleos_contracts::time::Timestamp;
use kleos_contracts::topic::Topic;
use kleos_event_log::{
    Address, Batch, Codec, DecodeError, EventLog, LogError, Outbox, Partition, Position, Receipt,
    Record, Stage, StageError,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::SERVICE;
use crate::batch::Sheet;
use crate::config::DistinctId;
use crate::delivery::{Delivery, Fate};
use crate::error::Refusal;
use crate::metrics::SinkMetrics;
use crate::row;
use crate::sender::Sender;

/// One worker of the sink.
#[derive(Debug)]
pub(crate) struct Sink {
    codecs: Codecs,
    partitions: i32,
    distinct_id: DistinctId,
    sender: Sender,
    metrics: SinkMetrics,
    sheet: Sheet,
    /// Verdicts on records of a batch that could not be finished: when they come again they are not
    /// sent again, so that also a slow vendor gets through a batch.
    settled: BTreeMap<Position, Fate>,
    tally: Tally,
}

#[derive(Debug)]
struct Codecs {
    awards: Codec<Award>,
    events: Codec<LearningEvent>,
    dead_letters: Codec<DeadLetter>,
}

/// What the open transaction will have counted.
#[derive(Debug, Default)]
struct Tally {
    outcomes: BTreeMap<(Topic, &'static str), u64>,
    reasons: BTreeMap<&'static str, u64>,
}

impl Sink {
    pub(crate) fn new(
        log: &EventLog,
        distinct_id: DistinctId,
        sender: Sender,
        metrics: SinkMetrics,
    ) -> Result<Self, LogError> {
        let codecs = Codecs {
            awards: log.codec(Topic::Awards)?,
            events: log.codec(Topic::Events)?,
            dead_letters: log.codec(Topic::DeadLetters)?,
        };
        Ok(Self {
            codecs,
            partitions: log.partitions(Topic::DeadLetters)?,
            distinct_id,
            sender,
            metrics,
            sheet: Sheet::default(),
            settled: BTreeMap::new(),
            tally: Tally::default(),
        })
    }

    /// What becomes of a record without asking the vendor; none if it is in the sheet now.
    fn read(&mut self, record: &Record<'_>) -> Result<Option<Fate>, StageError> {
        if let Some(fate) = self.settled.get(&record.position) {
            return Ok(Some(fate.clone()));
        }
        if record.position.partition.topic == Topic::Events {
            let event = match decode(&self.codecs.events, record)? {
                Ok(event) if event.is_system() => return Ok(Some(Fate::Skipped)),
                Ok(event) => event,
                Err(refusal) => return Ok(Some(Fate::Refused(refusal))),
            };
            return self.put(row::of_event(&event, self.distinct_id));
        }
        match decode(&self.codecs.awards, record)? {
            Ok(award) => self.put(row::of_award(&award, self.distinct_id)),
            Err(refusal) => Ok(Some(Fate::Refused(refusal))),
        }
    }

    fn put(&mut self, row: Result<row::Row<'_>, Refusal>) -> Result<Option<Fate>, StageError> {
        match row {
            Ok(row) => {
                self.sheet.push(row).map_err(|error| StageError::fatal(error.to_string()))?;
                Ok(None)
            }
            Err(refusal) => Ok(Some(Fate::Refused(refusal))),
        }
    }

    /// All records have a verdict: the refused ones are set aside, all are counted.
    fn conclude(
        &mut self,
        batch: &Batch,
        fates: &[Option<Fate>],
        outbox: &mut Outbox,
    ) -> Result<(), StageError> {
        for (record, fate) in batch.iter().zip(fates) {
            let outcome = match fate {
                Some(Fate::Imported) => "imported",
                Some(Fate::Skipped) => "skipped",
                Some(Fate::Refused(refusal)) => {
                    self.set_aside(&record, refusal, outbox)?;
                    *self.tally.reasons.entry(refusal.reason()).or_default() += 1;
                    "dead_letter"
                }
                None => return Err(StageError::fatal("a record was left without a verdict")),
            };
            let topic = record.position.partition.topic;
            *self.tally.outcomes.entry((topic, outcome)).or_default() += 1;
        }
        Ok(())
    }

    /// A dead letter lies in the partition of the record's own number, with its key.
    fn set_aside(
        &self,
        record: &Record<'_>,
        refusal: &Refusal,
        outbox: &mut Outbox,
    ) -> Result<(), StageError> {
        let Position { partition, offset } = record.position;
        let (tenant, first_seen) = self.about(record);
        let letter = DeadLetter {
            stage: SERVICE.into(),
            class: refusal.class().as_str().into(),
            reason: refusal.reason().into(),
            message: refusal.to_string(),
            tenant,
            topic: partition.topic.name().into(),
            partition: partition.number,
            offset,
            key: record.key.map(<[u8]>::to_vec),
            value: record.value.unwrap_or_default().to_vec(),
            index: 0,
            first_seen,
            attempts: 1,
        };
        let number = partition.number % self.partitions.max(1);
        let address = Address {
            partition: Partition::new(Topic::DeadLetters, number),
            timestamp: first_seen,
            key: record.key,
        };
        // What could be accepted can be dead-lettered: that topic takes twice as much.
        outbox
            .send(&self.codecs.dead_letters, address, &letter)
            .map_err(|error| StageError::fatal(error.to_string()))
    }

    /// Whose record it is, and when it was accepted, as far as it can be read.
    fn about(&self, record: &Record<'_>) -> (String, Timestamp) {
        let about = if record.position.partition.topic == Topic::Events {
            let event = record.value.and_then(|value| self.codecs.events.decode(value).ok());
            event.map(|event| (event.tenant, event.accepted_at))
        } else {
            let award = record.value.and_then(|value| self.codecs.awards.decode(value).ok());
            award.map(|award| (award.tenant, award.decided_at))
        };
        about.unwrap_or_else(|| (String::new(), record.timestamp))
    }
}

impl Stage for Sink {
    fn process(&mut self, batch: &Batch, outbox: &mut Outbox) -> Result<(), StageError> {
        self.sheet.clear();
        let mut fates = Vec::with_capacity(batch.len());
        for record in batch.iter() {
            fates.push(self.read(&record)?);
        }
        let has_proof = fates.contains(&Some(Fate::Imported));
        let mut delivery = Delivery::new(self.sheet.len(), has_proof);
        let delivered = self.sender.deliver(&self.sheet, &mut delivery);
        let open = fates.iter_mut().filter(|fate| fate.is_none());
        for (fate, settled) in open.zip(delivery.into_fates()) {
            *fate = settled;
        }
        if let Err(trouble) = delivered {
            let positions = batch.iter().map(|record| record.position);
            self.settled =
                positions.zip(fates).filter_map(|(at, fate)| Some((at, fate?))).collect();
            return Err(trouble.into());
        }
        self.conclude(batch, &fates, outbox)
    }

    fn committed(&mut self, _: &Receipt) -> Result<(), StageError> {
        self.settled.clear();
        let Tally { outcomes, reasons } = std::mem::take(&mut self.tally);
        for ((topic, outcome), count) in outcomes {
            self.metrics.records.with([topic.name(), outcome]).inc_by(count);
        }
        for (reason, count) in reasons {
            self.metrics.dead_letters.with([reason]).inc_by(count);
        }
        Ok(())
    }

    fn rolled_back(&mut self) {
        self.tally = Tally::default();
    }

    fn revoked(&mut self, partition: Partition) {
        self.settled.retain(|position, _| position.partition != partition);
    }
}

/// The record's value, or why it has none.
fn decode<T: Serialize + DeserializeOwned>(
    codec: &Codec<T>,
    record: &Record<'_>,
) -> Result<Result<T, Refusal>, StageError> {
    let Some(value) = record.value else { return Ok(Err(Refusal::Tombstone)) };
    match codec.decode(value) {
        Ok(value) => Ok(Ok(value)),
        Err(DecodeError::Malformed(message)) => Ok(Err(Refusal::Undecodable(message))),
        // The schema may be had later: no record is given up for that.
        Err(error @ DecodeError::Registry(_)) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests;
