//! What came out of the processor, and whether it agrees with itself.

use std::collections::{BTreeMap, BTreeSet};

use kleos_contracts::award::Award;
use kleos_contracts::dead_letter::DeadLetter;
use kleos_contracts::decision::{Decision, outcome, verdict};
use kleos_contracts::key::{learner_key, partition_of};
use kleos_contracts::state::{DedupBatch, LearnerState, ProcessorState};
use kleos_contracts::time::DAY;
use kleos_contracts::topic::Topic;
use kleos_event_log::EventLog;
use kleos_service_kit::bootstrap::Process;
use kleos_test_kit::log::PARTITIONS;
use kleos_test_kit::records::{Found, read};

use crate::service::metric;

/// All that is committed. The processor must stand still while it is read.
#[derive(Debug)]
pub(crate) struct Books {
    pub(crate) awards: Vec<Found<Award>>,
    pub(crate) decisions: Vec<Found<Decision>>,
    pub(crate) letters: Vec<Found<DeadLetter>>,
    pub(crate) dedup: Vec<Found<DedupBatch>>,
    /// The newest record of each learner in the changelog.
    pub(crate) states: BTreeMap<String, LearnerState>,
}

impl Books {
    pub(crate) fn read(log: &EventLog) -> Self {
        let mut states = BTreeMap::new();
        for found in read::<ProcessorState>(log, Topic::State) {
            let key = String::from_utf8(found.key.unwrap()).unwrap();
            if let Some(learner) = found.value.learner {
                assert_eq!(key, learner_key(&learner.tenant, &learner.user_key));
                assert_eq!(found.position.partition.number, place_of(&key));
                states.insert(key, learner);
            }
        }
        Self {
            awards: read(log, Topic::Awards),
            decisions: read(log, Topic::Decisions),
            letters: read(log, Topic::DeadLetters),
            dedup: read(log, Topic::Dedup),
            states,
        }
    }

    /// Rule, points and balance of each ledger line of a learner.
    pub(crate) fn lines(&self, user_key: &str) -> Vec<(&str, i64, i64)> {
        let of_learner = self.awards.iter().filter(|found| found.value.user_key == user_key);
        of_learner
            .map(|Found { value, .. }| (value.rule_id.as_str(), value.points, value.balance_after))
            .collect()
    }

    /// Id and outcome of each decision about a learner.
    pub(crate) fn outcomes(&self, user_key: &str) -> Vec<(&str, &str)> {
        let of_learner = self.decisions.iter().filter(|found| found.value.user_key == user_key);
        of_learner
            .map(|found| (found.value.event_id.as_str(), found.value.outcome.as_ref()))
            .collect()
    }

    /// Balances by learner.
    pub(crate) fn balances(&self) -> BTreeMap<&str, i64> {
        self.states.values().map(|state| (state.user_key.as_str(), state.balance)).collect()
    }

    /// Ledger, decisions and both changelogs tell the same, whole transactions alone being seen.
    #[track_caller]
    pub(crate) fn assert_agree(&self) {
        self.assert_placed();
        let entries: BTreeSet<&str> =
            self.awards.iter().map(|found| found.value.entry_id.as_str()).collect();
        assert_eq!(entries.len(), self.awards.len(), "a ledger line is there twice");
        let of_awards: BTreeSet<(&str, &str)> = self
            .awards
            .iter()
            .map(|found| (found.value.award_id.as_str(), found.value.event_id.as_str()))
            .collect();
        assert_eq!(of_awards.len(), self.awards.len(), "an award was granted twice");
        let awarded = self.decisions.iter().flat_map(|found| {
            let said = found.value.verdicts.iter().filter(|said| said.verdict == verdict::AWARDED);
            said.map(|said| (said.award_id.as_deref().unwrap(), found.value.event_id.as_str()))
        });
        assert_eq!(awarded.collect::<BTreeSet<_>>(), of_awards);
        for state in self.states.values() {
            let lines = self.lines(&state.user_key);
            let points: i64 = lines.iter().map(|(_, points, _)| points).sum();
            assert_eq!(
                (points, lines.len() as i64),
                (state.balance, state.awards),
                "{state:?} {lines:?}"
            );
            assert_eq!(lines.last().map_or(0, |(_, _, balance)| *balance), state.balance);
        }
        let again = [outcome::DUPLICATE, outcome::CONFLICT];
        let accepted =
            self.decisions.iter().filter(|found| !again.contains(&found.value.outcome.as_ref()));
        let groups = self.dedup.iter().flat_map(|found| &found.value.groups);
        let keys: Vec<&[u8]> =
            groups.flat_map(|group| &group.keys).map(|key| key.hash.as_slice()).collect();
        assert_eq!(keys.iter().collect::<BTreeSet<_>>().len(), keys.len(), "accepted twice");
        assert_eq!(keys.len(), accepted.count());
    }

    /// Every record lies with its learner, under the time at which its event was accepted.
    #[track_caller]
    fn assert_placed(&self) {
        for Found { position, timestamp, key, value } in &self.awards {
            let expected = learner_key(&value.tenant, &value.user_key);
            assert_eq!(key.as_deref(), Some(expected.as_bytes()));
            assert_eq!(position.partition.number, place_of(&expected));
            assert_eq!(*timestamp, value.decided_at);
        }
        for Found { position, timestamp, key, value } in &self.decisions {
            let expected = learner_key(&value.tenant, &value.user_key);
            assert_eq!(key.as_deref(), Some(expected.as_bytes()));
            assert_eq!(position.partition.number, value.partition);
            assert_eq!(*timestamp, value.decided_at);
        }
        for Found { position, timestamp, value, .. } in &self.dedup {
            assert_eq!(position.partition.number, value.partition);
            // Event keys age from when they are written, not from when their events were accepted.
            // Activations are of now, and take a learner's shard with them here and there.
            let with_keys = value.groups.iter().filter(|group| !group.keys.is_empty());
            let oldest = with_keys.map(|group| group.log_time).min();
            assert!(oldest.is_none_or(|oldest| timestamp.since(oldest) > DAY), "{value:?}");
        }
        for Found { position, timestamp, key, value } in &self.letters {
            assert_eq!((position.partition.number, key), (value.partition, &value.key));
            assert_eq!(*timestamp, value.first_seen);
        }
    }

    /// Every record of processes that did all of this was counted, with one outcome each.
    #[track_caller]
    pub(crate) fn assert_counted(&self, processes: &[&Process]) {
        let count = |name: &str, label: &str| -> u64 {
            processes.iter().map(|process| metric(process, name, label)).sum()
        };
        let outcome =
            |name: &str| count("kleos_rules_events_total", &format!("outcome=\"{name}\""));
        assert_eq!(count("kleos_rules_events_total", ""), count("kleos_worker_records_total", ""));
        assert_eq!(outcome("dead_letter"), self.letters.len() as u64);
        assert_eq!(count("kleos_rules_dead_letters_total", ""), self.letters.len() as u64);
        let [all, system] =
            ["", "outcome=\"system\""].map(|label| count("kleos_rules_events_total", label));
        assert_eq!(all - system - outcome("dead_letter"), self.decisions.len() as u64);
        for found in &self.decisions {
            assert!(outcome(&found.value.outcome) > 0, "{}", found.value.outcome);
        }
        assert_eq!(count("kleos_rules_awards_total", ""), self.awards.len() as u64);
        let points: i64 = self.awards.iter().map(|found| found.value.points).sum();
        assert_eq!(count("kleos_rules_points_total", "") as i64, points);
    }
}

fn place_of(key: &str) -> i32 {
    partition_of(key.as_bytes(), PARTITIONS)
}
