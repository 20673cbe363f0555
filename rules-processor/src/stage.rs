//! The shell: gathers facts, has each event decided, writes what follows.

mod gather;
mod seal;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use kleos_contracts::class::Class;
use kleos_contracts::dead_letter::DeadLetter;
use kleos_contracts::event::LearningEvent;
use kleos_contracts::event_name::RULES_ACTIVATED;
use kleos_contracts::key::{SHARDS, Shard, shards_of_partition};
use kleos_contracts::state::{ActiveRuleSet, PartitionState};
use kleos_contracts::time::Timestamp;
use kleos_contracts::topic::Topic;
use kleos_event_log::{
    Address, Batch, LogError, Outbox, Partition, Receipt, Record, SendError, Stage, StageError,
};
use kleos_rules_engine::{Facts, Position, Seen, awards, decision};
use kleos_service_kit::clock::SharedClock;

use crate::SERVICE;
use crate::cache::LearnerCache;
use crate::codecs::Codecs;
use crate::config::Settings;
use crate::decide::{carry_out, is_wanted, leave_details_out, pass, seen};
use crate::intake::{self, Incoming, Item, Refused};
use crate::memory::{Accepted, Memory};
use crate::metrics::{Counts, ProcessorMetrics};
use crate::ownership::Ownership;
use crate::rules::{RuleTable, Versioned};
use crate::store::keys::Remembered;
use crate::store::{Changes, Store};

/// How often the oldest event keys are looked at.
const EXPIRY_EVERY: Duration = Duration::from_secs(3_600);

/// What the workers of a process share.
#[derive(Clone, Debug)]
pub(crate) struct Shared {
    pub(crate) store: Arc<Store>,
    pub(crate) table: Arc<RuleTable>,
    pub(crate) ownership: Arc<Ownership>,
    pub(crate) settings: Arc<Settings>,
    pub(crate) metrics: ProcessorMetrics,
    pub(crate) clock: SharedClock,
}

/// One worker of the rules-processor.
pub(crate) struct RulesStage {
    shared: Shared,
    codecs: Codecs,
    partitions: i32,
    cache: LearnerCache,
    /// Log times of the shards of this worker's partitions.
    log_times: Vec<Option<Timestamp>>,
    held: BTreeMap<i32, PartitionState>,
    /// The sets that hold, by partition and tenant.
    active: BTreeMap<i32, BTreeMap<String, Versioned>>,
    memory: Memory,
    changes: Changes,
    counts: Counts,
    scratch: Vec<u8>,
    expired_at: Duration,
}

impl RulesStage {
    pub(crate) fn new(shared: Shared, codecs: Codecs, partitions: i32) -> Self {
        let cache = LearnerCache::new(shared.settings.cache_bytes);
        Self {
            shared,
            codecs,
            partitions,
            cache,
            log_times: vec![None; usize::from(SHARDS)],
            held: BTreeMap::new(),
            active: BTreeMap::new(),
            memory: Memory::default(),
            changes: Changes::default(),
            counts: Counts::default(),
            scratch: Vec::new(),
            expired_at: Duration::ZERO,
        }
    }

    fn step(
        &mut self,
        record: &Record<'_>,
        item: Item,
        outbox: &mut Outbox,
    ) -> Result<(), StageError> {
        match item {
            Item::Learner(incoming) => self.learner(record, *incoming, outbox),
            Item::System(event, shard) => {
                self.system(record, &event, shard);
                Ok(())
            }
            Item::Refused(refused) => self.set_aside(record, &refused, None, outbox),
        }
    }

    fn learner(
        &mut self,
        record: &Record<'_>,
        incoming: Incoming,
        outbox: &mut Outbox,
    ) -> Result<(), StageError> {
        let Incoming { event, key, shard, hash, digest } = incoming;
        let number = record.position.partition.number;
        let log_time = self.advance(shard, event.accepted_at);
        let versioned = self.rules_of(number, &event.tenant)?;
        let tenant = self.shared.settings.tenant(&event.tenant).clone();
        // The batch's learners were gathered before.
        let Some(learner) = self.memory.learners.get_mut(&key) else {
            return Err(StageError::fatal(format!("learner {key} was not gathered")));
        };
        if let Err(refused) = pass(&event, &learner.state, log_time) {
            return self.set_aside(record, &refused, Some(event.accepted_at), outbox);
        }
        let seen = seen(self.memory.seen.get(&hash).copied(), digest, log_time);
        let facts = Facts {
            rules: &versioned.rules,
            rule_set_version: versioned.version,
            zone: &tenant.zone,
            seen,
        };
        let decided = carry_out(&facts, &mut learner.state, &event, log_time);
        self.counts.decided(&decided);
        if seen == Seen::New {
            learner.is_changed = true;
            learner.timestamp = event.accepted_at;
            let remembered = Remembered { digest, day: log_time.utc_day() };
            self.memory.seen.insert(hash, remembered);
            self.memory.accepted.push(Accepted { partition: number, shard, hash, remembered });
        }
        let address = |topic| Address {
            partition: Partition::new(topic, number),
            timestamp: event.accepted_at,
            key: Some(key.as_bytes()),
        };
        for award in awards(&facts, &event, &decided) {
            self.counts.award(&award);
            send(outbox.send(&self.codecs.awards, address(Topic::Awards), &award))?;
        }
        if is_wanted(tenant.decisions, &decided) {
            let position = Position { partition: number, offset: record.position.offset };
            let mut decision = decision(&facts, &event, &decided, position);
            let codec = &self.codecs.decisions;
            let mut sent = outbox.send(codec, address(Topic::Decisions), &decision);
            if let Err(SendError::TooLarge(_)) = sent {
                leave_details_out(&mut decision);
                sent = outbox.send(codec, address(Topic::Decisions), &decision);
            }
            send(sent)?;
        }
        Ok(())
    }

    /// From the next record of the partition on, another set holds.
    fn system(&mut self, record: &Record<'_>, event: &LearningEvent, shard: Shard) {
        self.counts.system();
        self.advance(shard, event.accepted_at);
        let number = record.position.partition.number;
        let Some(rule_set) = event.rule_set.as_ref().filter(|_| event.event == RULES_ACTIVATED)
        else {
            return;
        };
        let held = &self.held;
        let known = || held.get(&number).cloned().unwrap_or_default();
        let state = self.memory.partitions.entry(number).or_insert_with(known);
        state.partition = number;
        let active = ActiveRuleSet {
            tenant: event.tenant.clone(),
            version: rule_set.version,
            digest: rule_set.digest.clone(),
            since_offset: record.position.offset,
        };
        let place = state.rule_sets.binary_search_by(|known| known.tenant.cmp(&event.tenant));
        match place {
            Ok(place) => state.rule_sets[place] = active,
            Err(place) => state.rule_sets.insert(place, active),
        }
        self.active.remove(&number);
    }

    /// The log time of a shard, with a record that was accepted then.
    fn advance(&mut self, shard: Shard, accepted_at: Timestamp) -> Timestamp {
        let known = self.log_times.get(usize::from(shard)).copied().flatten();
        let log_time = self.memory.log_times.entry(shard).or_insert(known.unwrap_or(accepted_at));
        *log_time = (*log_time).max(accepted_at);
        *log_time
    }

    /// The set that holds for a tenant at this place of a partition.
    fn rules_of(&mut self, number: i32, tenant: &str) -> Result<Versioned, StageError> {
        let of_partition = self.active.entry(number).or_default();
        if let Some(versioned) = of_partition.get(tenant) {
            return Ok(versioned.clone());
        }
        let state = self.memory.partitions.get(&number).or_else(|| self.held.get(&number));
        let sets = state.map(|state| state.rule_sets.as_slice()).unwrap_or_default();
        let versioned = self.shared.table.active(sets.iter().find(|set| set.tenant == tenant))?;
        of_partition.insert(tenant.to_owned(), versioned.clone());
        Ok(versioned)
    }

    fn set_aside(
        &mut self,
        record: &Record<'_>,
        refused: &Refused,
        accepted_at: Option<Timestamp>,
        outbox: &mut Outbox,
    ) -> Result<(), StageError> {
        self.counts.refused(refused.reason);
        let first_seen = accepted_at.unwrap_or(record.timestamp);
        let letter = DeadLetter {
            stage: SERVICE.into(),
            class: Class::Poison.as_str().into(),
            reason: refused.reason.into(),
            message: refused.message.clone(),
            tenant: refused.tenant.clone(),
            topic: record.position.partition.topic.name().into(),
            partition: record.position.partition.number,
            offset: record.position.offset,
            key: record.key.map(<[u8]>::to_vec),
            value: record.value.unwrap_or_default().to_vec(),
            index: 0,
            first_seen,
            attempts: 1,
        };
        let address = Address {
            partition: Partition::new(Topic::DeadLetters, record.position.partition.number),
            timestamp: first_seen,
            key: record.key,
        };
        send(outbox.send(&self.codecs.dead_letters, address, &letter))
    }

    fn tend_store(&mut self) -> Result<(), StageError> {
        let now = self.shared.clock.monotonic();
        self.shared.store.check()?;
        self.shared.store.flush_if_older(now, self.shared.settings.flush_interval)?;
        if now.saturating_sub(self.expired_at) > EXPIRY_EVERY {
            self.expired_at = now;
            self.shared.store.forget_old_keys()?;
        }
        Ok(())
    }
}

/// None of these records can be too large for their topics: what they hold is bounded before.
fn send(sent: Result<(), SendError>) -> Result<(), StageError> {
    sent.map_err(|error| StageError::fatal(error.to_string()))
}

impl Stage for RulesStage {
    fn restore_from(
        &mut self,
        partition: Partition,
        changelog: Topic,
    ) -> Result<Option<i64>, StageError> {
        Ok(self.shared.store.changelog_position(changelog, partition.number)?)
    }

    fn restore(&mut self, changelog: &Batch) -> Result<(), StageError> {
        self.cache.clear();
        if cfg!(feature = "without-restore") {
            return Ok(());
        }
        self.shared.store.apply_changelog(changelog, &self.codecs.dedup)?;
        Ok(())
    }

    fn forget(&mut self, partition: Partition) -> Result<(), StageError> {
        self.cache.clear();
        self.shared.store.forget(partition.number, self.partitions)?;
        Ok(())
    }

    fn assigned(&mut self, partition: Partition, _: i64) -> Result<(), StageError> {
        let number = partition.number;
        for shard in shards_of_partition(number, self.partitions) {
            self.log_times[usize::from(shard)] = self.shared.store.log_time(shard)?;
        }
        let stored = self.shared.store.partition(number)?;
        let state = stored.map(|bytes| self.codecs.state.decode(&bytes)).transpose()?;
        let state = state.and_then(|state| state.partition).unwrap_or_default();
        self.held.insert(number, state);
        self.active.remove(&number);
        self.shared.ownership.take(number);
        Ok(())
    }

    fn process(&mut self, batch: &Batch, outbox: &mut Outbox) -> Result<(), StageError> {
        let mut items = Vec::with_capacity(batch.len());
        for record in batch.iter() {
            items.push(intake::read(&record, &self.codecs.events, self.partitions)?);
        }
        self.gather(batch, &items)?;
        for (record, item) in batch.iter().zip(items) {
            self.step(&record, item, outbox)?;
        }
        self.seal(outbox)
    }

    fn committed(&mut self, receipt: &Receipt) -> Result<(), StageError> {
        let mut changes = std::mem::take(&mut self.changes);
        let store = &self.shared.store;
        for (partition, next) in &receipt.changelogs {
            store.put_changelog_position(&mut changes, partition.topic, partition.number, *next);
        }
        for extent in &receipt.inputs {
            store.put_input_position(&mut changes, extent.partition.number, extent.next);
        }
        store.write(changes)?;
        for (shard, log_time) in std::mem::take(&mut self.memory.log_times) {
            self.log_times[usize::from(shard)] = Some(log_time);
        }
        self.held.append(&mut self.memory.partitions);
        for (key, learner) in self.memory.learners.drain() {
            self.cache.put(key, learner.state);
        }
        self.memory.clear();
        std::mem::take(&mut self.counts).publish(&self.shared.metrics);
        self.tend_store()
    }

    fn rolled_back(&mut self) {
        self.memory.clear();
        self.changes = Changes::default();
        self.counts = Counts::default();
        self.active.clear();
    }

    fn revoked(&mut self, partition: Partition) {
        // Another worker changes these learners from now on.
        self.cache.clear();
        self.held.remove(&partition.number);
        self.active.remove(&partition.number);
        self.shared.ownership.give(partition.number);
    }

    fn idle(&mut self) -> Result<(), StageError> {
        self.tend_store()
    }
}

/// Everything the stage starts with.
pub(crate) fn open(
    log: &kleos_event_log::EventLog,
    shared: Shared,
) -> Result<RulesStage, LogError> {
    let partitions = log.partitions(Topic::Events)?;
    Ok(RulesStage::new(shared, Codecs::open(log)?, partitions))
}

#[cfg(test)]
mod tests;
