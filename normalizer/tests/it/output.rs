//! What came out of the normalizer.

use kleos_contracts::dead_letter::{DeadLetter, UnmappedEvent};
use kleos_contracts::event::LearningEvent;
use kleos_contracts::key::{learner_key, partition_of};
use kleos_contracts::topic::Topic;
use kleos_event_log::EventLog;
use kleos_service_kit::bootstrap::Process;
use kleos_test_kit::log::PARTITIONS;
use kleos_test_kit::records::{Found, read};

use crate::bench::metric;

/// All that is committed, in the order of each partition.
#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) events: Vec<Found<LearningEvent>>,
    pub(crate) unmapped: Vec<Found<UnmappedEvent>>,
    pub(crate) letters: Vec<Found<DeadLetter>>,
}

impl Output {
    pub(crate) fn read(log: &EventLog) -> Self {
        Self {
            events: read(log, Topic::Events),
            unmapped: read(log, Topic::Unmapped),
            letters: read(log, Topic::DeadLetters),
        }
    }

    /// Every webhook of a process was counted, and every item has one counted outcome, which is
    /// also what the topics have.
    #[track_caller]
    pub(crate) fn assert_counted(&self, process: &Process, webhooks: usize) {
        assert_eq!(metric(process, "kleos_worker_records_total", ""), webhooks as u64);
        let items = |outcome: &str| {
            let label = format!("outcome=\"{outcome}\"");
            metric(process, "kleos_normalizer_items_total", &label)
        };
        assert_eq!(items("event"), self.events.len() as u64);
        assert_eq!(items("unmapped"), self.unmapped.len() as u64);
        assert_eq!(items("dead_letter"), self.letters.len() as u64);
        let known = ["event", "unmapped", "dead_letter", "ignored"].map(items);
        assert_eq!(metric(process, "kleos_normalizer_items_total", ""), known.iter().sum::<u64>());
        let with_reason = items("ignored") + items("dead_letter");
        assert_eq!(metric(process, "kleos_normalizer_reasons_total", ""), with_reason);
    }

    /// Every record lies where its key says, under the time at which its webhook arrived.
    #[track_caller]
    pub(crate) fn assert_placed(&self) {
        for Found { position, timestamp, key, value } in &self.events {
            let expected = learner_key(&value.tenant, &value.user.key);
            assert_eq!(key.as_deref(), Some(expected.as_bytes()));
            assert_eq!(position.partition.number, partition_of(expected.as_bytes(), PARTITIONS));
            assert_eq!(*timestamp, value.accepted_at);
        }
        for Found { position, timestamp, key, value } in &self.unmapped {
            let expected = format!("{}|{}", value.tenant, value.source);
            assert_eq!(key.as_deref(), Some(expected.as_bytes()));
            assert_eq!(position.partition.number, partition_of(expected.as_bytes(), PARTITIONS));
            assert_eq!(*timestamp, value.accepted_at);
        }
        for Found { position, timestamp, key, value } in &self.letters {
            assert_eq!(position.partition.number, value.partition);
            assert_eq!((key, *timestamp), (&value.key, value.first_seen));
        }
    }
}
