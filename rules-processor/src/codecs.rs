//! The codecs of all topics that the processor reads and writes.

use kleos_contracts::award::Award;
use kleos_contracts::dead_letter::DeadLetter;
use kleos_contracts::decision::Decision;
use kleos_contracts::event::LearningEvent;
use kleos_contracts::state::{DedupBatch, ProcessorState};
use kleos_contracts::topic::Topic;
use kleos_event_log::{Codec, EventLog, LogError};

#[derive(Debug)]
pub(crate) struct Codecs {
    pub(crate) events: Codec<LearningEvent>,
    pub(crate) awards: Codec<Award>,
    pub(crate) decisions: Codec<Decision>,
    pub(crate) dead_letters: Codec<DeadLetter>,
    pub(crate) state: Codec<ProcessorState>,
    pub(crate) dedup: Codec<DedupBatch>,
}

impl Codecs {
    pub(crate) fn open(log: &EventLog) -> Result<Self, LogError> {
        Ok(Self {
            events: log.codec(Topic::Events)?,
            awards: log.codec(Topic::Awards)?,
            decisions: log.codec(Topic::Decisions)?,
            dead_letters: log.codec(Topic::DeadLetters)?,
            state: log.codec(Topic::State)?,
            dedup: log.codec(Topic::Dedup)?,
        })
    }
}
