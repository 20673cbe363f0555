//! What the vendor has stored and counted.

use std::collections::{BTreeMap, VecDeque};

use kleos_contracts::time::{DAY, SECOND, Timestamp};
use serde_json::{Value, json};

use super::event::StoredEvent;
use super::judge::Spent;

const MINUTE: i64 = 60 * SECOND;
/// What events of a learner are called who has too many in a day.
pub const HOT_SHARD: &str = "$hotshard_events";

/// What the vendor has stored and counted.
#[derive(Debug, Default)]
pub struct Ledger {
    stored: Vec<StoredEvent>,
    answers: BTreeMap<u16, u64>,
    recent: VecDeque<(Timestamp, Spent)>,
    shards: BTreeMap<(String, i64), usize>,
}

/// Numbers of a [`Ledger`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Events as they came.
    pub stored: usize,
    /// Events that queries show.
    pub deduplicated: usize,
    /// Answers, by status; 499 where there was none.
    pub answers: BTreeMap<u16, u64>,
    /// Events that queries show, by name.
    pub by_event: BTreeMap<String, usize>,
}

impl Ledger {
    /// Counts an answer.
    pub(super) fn note(&mut self, status: u16) {
        *self.answers.entry(status).or_default() += 1;
    }

    /// What was sent in the minute before `now`.
    pub(super) fn spent(&mut self, now: Timestamp) -> Spent {
        while self.recent.front().is_some_and(|(at, _)| now.since(*at) >= MINUTE) {
            self.recent.pop_front();
        }
        self.recent.iter().fold(Spent::default(), |sum, (_, spent)| Spent {
            events: sum.events + spent.events,
            bytes: sum.bytes + spent.bytes,
        })
    }

    /// Keeps events that arrived in one request.
    pub(super) fn store(
        &mut self,
        now: Timestamp,
        events: Vec<StoredEvent>,
        bytes: usize,
        hot_shard_events: usize,
    ) {
        self.recent.push_back((now, Spent { events: events.len(), bytes }));
        for mut event in events {
            let day = event.time_millis.div_euclid(DAY / 1_000);
            let count = self.shards.entry((event.distinct_id.clone(), day)).or_default();
            *count += 1;
            if *count > hot_shard_events {
                HOT_SHARD.clone_into(&mut event.event);
                event.distinct_id.clear();
            }
            self.stored.push(event);
        }
    }

    /// As they came.
    #[must_use]
    pub fn stored(&self) -> &[StoredEvent] {
        &self.stored
    }

    /// Of equal events the latest.
    #[must_use]
    pub fn deduplicated(&self) -> Vec<&StoredEvent> {
        let latest: BTreeMap<_, _> =
            self.stored.iter().map(|event| (event.identity(), event)).collect();
        latest.into_values().collect()
    }

    /// Numbers.
    #[must_use]
    pub fn summary(&self) -> Summary {
        let shown = self.deduplicated();
        let mut by_event = BTreeMap::new();
        for event in &shown {
            *by_event.entry(event.event.clone()).or_default() += 1;
        }
        Summary {
            stored: self.stored.len(),
            deduplicated: shown.len(),
            answers: self.answers.clone(),
            by_event,
        }
    }
}

impl Summary {
    /// Answers of a status.
    #[must_use]
    pub fn answered(&self, status: u16) -> u64 {
        self.answers.get(&status).copied().unwrap_or_default()
    }

    /// For people and scripts.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let answers: BTreeMap<String, u64> =
            self.answers.iter().map(|(status, count)| (status.to_string(), *count)).collect();
        json!({
            "stored": self.stored,
            "deduplicated": self.deduplicated,
            "answers": answers,
            "by_event": self.by_event,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Map;

    use super::*;
    use crate::mixpanel::event::Location;

    fn event(insert_id: &str, time_millis: i64) -> StoredEvent {
        StoredEvent {
            event: "award.granted".to_owned(),
            distinct_id: "campus-a/1".to_owned(),
            time_millis,
            insert_id: insert_id.to_owned(),
            located_by: Location::Nobody,
            properties: Map::new(),
        }
    }

    #[test]
    fn equal_events_are_shown_once_and_the_latest_of_them() {
        let mut ledger = Ledger::default();
        let now = Timestamp::EPOCH;
        let mut again = event("a", 1);
        again.properties.insert("points".to_owned(), json!(7));
        ledger.store(now, vec![event("a", 1), event("b", 1), event("a", 2)], 0, 10);
        ledger.store(now, vec![again.clone()], 0, 10);
        assert_eq!(ledger.deduplicated(), [&again, &event("b", 1), &event("a", 2)]);
        ledger.note(200);
        let summary = ledger.summary();
        assert_eq!((summary.stored, summary.deduplicated, summary.answered(200)), (4, 3, 1));
    }

    #[test]
    fn a_minute_rolls() {
        let mut ledger = Ledger::default();
        let at = |seconds: i64| Timestamp::from_micros(seconds * SECOND);
        ledger.store(at(0), vec![event("a", 0)], 100, 10);
        ledger.store(at(30), vec![event("b", 0)], 10, 10);
        assert_eq!(ledger.spent(at(59)), Spent { events: 2, bytes: 110 });
        assert_eq!(ledger.spent(at(60)), Spent { events: 1, bytes: 10 });
        assert_eq!(ledger.spent(at(90)), Spent::default());
    }

    #[test]
    fn a_learner_with_too_many_events_in_a_day_loses_them() {
        let mut ledger = Ledger::default();
        let day = DAY / 1_000;
        let events = vec![event("a", 0), event("a", 0), event("b", 1), event("c", day)];
        ledger.store(Timestamp::EPOCH, events, 0, 2);
        let names: Vec<_> = ledger.stored().iter().map(|event| event.event.as_str()).collect();
        assert_eq!(names, ["award.granted", "award.granted", HOT_SHARD, "award.granted"]);
        assert_eq!(ledger.stored()[2].distinct_id, "");
    }
}
