//! Which partitions this process owns, and who owns the others.
//!
//! The process writes into `kleos.rules-processor.owners.v1` which partitions it took, and follows
//! the topic to know who answers for the others.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kleos_contracts::class::Class;
use kleos_contracts::state::PartitionOwner;
use kleos_contracts::topic::Topic;
use kleos_event_log::{
    Address, Batch, Codec, EventLog, LogError, Outbox, Partition, Reader, Start,
};
use kleos_service_kit::clock::SharedClock;
use kleos_service_kit::lifecycle::Shutdown;

/// How long the follower waits for news before it looks whether to stop.
const FOLLOW_WAIT: Duration = Duration::from_millis(200);

/// Who owns which partition.
#[derive(Debug)]
pub(crate) struct Ownership {
    instance: String,
    url: String,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    own: BTreeSet<i32>,
    /// Own partitions that the topic does not tell of yet.
    untold: BTreeSet<i32>,
    owners: BTreeMap<i32, PartitionOwner>,
}

/// Who answers for a partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    /// This process.
    Here,
    /// Another one, at this address.
    At(String),
    /// Nobody that is known.
    Unknown,
}

impl Ownership {
    pub(crate) fn new(instance: &str, url: String) -> Self {
        Self {
            instance: instance.to_owned(),
            url,
            state: Mutex::new(State::default()),
            changed: Condvar::new(),
        }
    }

    /// The partition's state is complete here.
    pub(crate) fn take(&self, partition: i32) {
        let mut state = self.lock();
        state.own.insert(partition);
        state.untold.insert(partition);
        drop(state);
        self.changed.notify_all();
    }

    /// The partition is another's.
    pub(crate) fn give(&self, partition: i32) {
        let mut state = self.lock();
        state.own.remove(&partition);
        state.untold.remove(&partition);
    }

    /// Who answers for a partition.
    pub(crate) fn of(&self, partition: i32) -> Owner {
        let state = self.lock();
        if state.own.contains(&partition) {
            return Owner::Here;
        }
        match state.owners.get(&partition) {
            // What the topic says of this process is out of date if the process does not own it.
            Some(owner) if owner.instance != self.instance => Owner::At(owner.url.clone()),
            Some(_) | None => Owner::Unknown,
        }
    }

    /// Tells of the partitions that were taken, until the process stops.
    pub(crate) fn tell(
        &self,
        log: &EventLog,
        clock: &SharedClock,
        shutdown: &Shutdown,
    ) -> Result<(), LogError> {
        while !shutdown.is_requested() {
            let untold = self.wait_for_untold();
            if untold.is_empty() {
                continue;
            }
            match self.publish(log, clock, &untold) {
                Ok(()) => self.lock().untold.retain(|partition| !untold.contains(partition)),
                Err(error) if error.class() == Class::Retriable => {
                    tracing::debug!(%error, "the owners of partitions could not be told");
                    let _is_stopping: bool = shutdown.wait(Duration::from_secs(1));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn wait_for_untold(&self) -> BTreeSet<i32> {
        let nothing = |state: &mut State| state.untold.is_empty();
        let (state, _) = self
            .changed
            .wait_timeout_while(self.lock(), FOLLOW_WAIT, nothing)
            .unwrap_or_else(PoisonError::into_inner);
        state.untold.clone()
    }

    fn publish(
        &self,
        log: &EventLog,
        clock: &SharedClock,
        partitions: &BTreeSet<i32>,
    ) -> Result<(), LogError> {
        let codec: Codec<PartitionOwner> = log.codec(Topic::Owners)?;
        let mut outbox = Outbox::default();
        let now = clock.now();
        for partition in partitions.iter().copied() {
            let owner = PartitionOwner {
                partition,
                instance: self.instance.clone(),
                url: self.url.clone(),
                since: now,
            };
            let key = partition.to_string();
            let address = Address {
                partition: Partition::new(Topic::Owners, 0),
                timestamp: now,
                key: Some(key.as_bytes()),
            };
            outbox.send(&codec, address, &owner).map_err(|error| LogError::Misconfigured {
                what: "telling of partitions".to_owned(),
                cause: error.to_string(),
            })?;
        }
        log.publisher(&format!("owners.{}", self.instance))?.publish(&outbox).map(drop)
    }

    /// Follows what others tell, until the process stops.
    pub(crate) fn follow(&self, log: &EventLog, shutdown: &Shutdown) -> Result<(), LogError> {
        let mut open: Option<(Box<dyn Reader>, Codec<PartitionOwner>)> = None;
        let mut batch = Batch::default();
        while !shutdown.is_requested() {
            let followed = match &mut open {
                Some((reader, codec)) => self.read(reader.as_mut(), codec, &mut batch),
                None => log.reader(Topic::Owners, Start::Earliest).and_then(|reader| {
                    open = Some((reader, log.codec(Topic::Owners)?));
                    Ok(())
                }),
            };
            match followed {
                Err(error) if error.class() == Class::Retriable => {
                    tracing::debug!(%error, "the owners of partitions are not known for now");
                    let _is_stopping: bool = shutdown.wait(Duration::from_secs(1));
                }
                followed => followed?,
            }
        }
        Ok(())
    }

    fn read(
        &self,
        reader: &mut dyn Reader,
        codec: &Codec<PartitionOwner>,
        batch: &mut Batch,
    ) -> Result<(), LogError> {
        batch.clear();
        reader.read(batch, FOLLOW_WAIT)?;
        let mut state = self.lock();
        for record in batch.iter() {
            // A record that cannot be read tells of nobody.
            if let Ok(owner) = codec.decode(record.value.unwrap_or_default()) {
                state.owners.insert(owner.partition, owner);
            }
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ownership() -> Ownership {
        let ownership = Ownership::new("a", "http://a".into());
        for (partition, instance) in [(1, "a"), (2, "b")] {
            let owner = PartitionOwner {
                partition,
                instance: instance.into(),
                url: format!("http://{instance}"),
                ..PartitionOwner::default()
            };
            ownership.lock().owners.insert(partition, owner);
        }
        ownership
    }

    #[test]
    fn what_is_owned_here_is_answered_here_and_the_rest_by_who_told_of_it() {
        let ownership = ownership();
        assert_eq!(ownership.of(1), Owner::Unknown, "told once, but not owned any more");
        ownership.take(1);
        ownership.take(2);
        assert_eq!((ownership.of(1), ownership.of(2)), (Owner::Here, Owner::Here));
        ownership.give(2);
        assert_eq!(ownership.of(2), Owner::At("http://b".into()));
        assert_eq!(ownership.of(3), Owner::Unknown);
    }

    #[test]
    fn a_partition_that_was_given_away_is_not_told_of() {
        let ownership = ownership();
        ownership.take(4);
        ownership.take(5);
        ownership.give(4);
        assert_eq!(ownership.wait_for_untold(), BTreeSet::from([5]));
    }
}
