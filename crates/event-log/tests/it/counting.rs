//! A stage whose output shows everything that can go wrong: it numbers the records of each key.
//!
//! A record lost leaves a gap, one processed twice or state restored wrongly repeats a number.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use kleos_contracts::time::Timestamp;
use kleos_contracts::topic::Topic;
use kleos_event_log::{Batch, Outbox, Outgoing, Partition, Receipt, Stage, StageError};

/// What goes otherwise than usual.
#[derive(Clone, Default)]
pub(crate) struct Plan {
    /// So many first batches fail after they have filled the outbox.
    pub(crate) failures: usize,
    /// Waited for in the middle of the first batch.
    pub(crate) gate: Option<Arc<Gate>>,
    /// Records with this value are poison.
    pub(crate) poison: Option<String>,
    /// Every batch takes so long.
    pub(crate) slowness: Duration,
}

/// Holds somebody up until it is opened.
#[derive(Default)]
pub(crate) struct Gate {
    state: Mutex<GateState>,
    changed: Condvar,
}

#[derive(Default)]
struct GateState {
    is_open: bool,
    is_reached: bool,
}

impl Gate {
    pub(crate) fn open(&self) {
        self.state.lock().unwrap().is_open = true;
        self.changed.notify_all();
    }

    /// Waits until somebody stands before the gate.
    #[track_caller]
    pub(crate) fn wait_until_reached(&self) {
        let not_yet = |state: &mut GateState| !state.is_reached;
        let timeout = Duration::from_secs(60);
        let state = self.state.lock().unwrap();
        let (state, _) = self.changed.wait_timeout_while(state, timeout, not_yet).unwrap();
        assert!(state.is_reached, "nobody came");
    }

    fn pass(&self) {
        let mut state = self.state.lock().unwrap();
        state.is_reached = true;
        self.changed.notify_all();
        drop(self.changed.wait_while(state, |state| !state.is_open).unwrap());
    }
}

/// What the stage has on its "disk".
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Disk {
    pub(crate) counts: BTreeMap<(i32, String), u64>,
    pub(crate) positions: BTreeMap<i32, i64>,
}

pub(crate) struct Counting {
    plan: Plan,
    pub(crate) disk: Disk,
    pub(crate) restored: usize,
    pub(crate) forgotten: Vec<Partition>,
    provisional: BTreeMap<(i32, String), u64>,
}

impl Counting {
    pub(crate) fn new(plan: Plan) -> Self {
        Self::over(Disk::default(), plan)
    }

    pub(crate) fn over(disk: Disk, plan: Plan) -> Self {
        Self { plan, disk, restored: 0, forgotten: Vec::new(), provisional: BTreeMap::new() }
    }
}

fn send(outbox: &mut Outbox, topic: Topic, number: i32, key: &[u8], value: &str) {
    outbox
        .push(Outgoing {
            partition: Partition::new(topic, number),
            timestamp: Timestamp::from_millis(1_700_000_000_000),
            key: Some(key),
            value: value.as_bytes(),
        })
        .unwrap();
}

impl Stage for Counting {
    fn restore_from(&mut self, partition: Partition, _: Topic) -> Result<Option<i64>, StageError> {
        Ok(self.disk.positions.get(&partition.number).copied())
    }

    fn restore(&mut self, changelog: &Batch) -> Result<(), StageError> {
        for record in changelog.iter() {
            let number = record.position.partition.number;
            let key = String::from_utf8(record.key.unwrap().to_vec()).unwrap();
            let count = std::str::from_utf8(record.value.unwrap()).unwrap().parse().unwrap();
            self.disk.counts.insert((number, key), count);
            self.disk.positions.insert(number, record.position.offset + 1);
            self.restored += 1;
        }
        Ok(())
    }

    fn forget(&mut self, partition: Partition) -> Result<(), StageError> {
        self.disk.counts.retain(|(number, _), _| *number != partition.number);
        self.disk.positions.remove(&partition.number);
        self.forgotten.push(partition);
        Ok(())
    }

    fn process(&mut self, batch: &Batch, outbox: &mut Outbox) -> Result<(), StageError> {
        std::thread::sleep(self.plan.slowness);
        for (index, record) in batch.iter().enumerate() {
            if index == batch.len() / 2
                && let Some(gate) = self.plan.gate.take()
            {
                gate.pass();
            }
            let number = record.position.partition.number;
            let key = record.key.unwrap();
            let value = std::str::from_utf8(record.value.unwrap()).unwrap();
            if self.plan.poison.as_deref() == Some(value) {
                send(outbox, Topic::DeadLetters, number, key, value);
                continue;
            }
            let place = (number, String::from_utf8(key.to_vec()).unwrap());
            let known = self.disk.counts.get(&place).copied().unwrap_or_default();
            let count = self.provisional.entry(place).or_insert(known);
            *count += 1;
            send(outbox, Topic::Events, number, key, &count.to_string());
        }
        for ((number, key), count) in &self.provisional {
            send(outbox, Topic::State, *number, key.as_bytes(), &count.to_string());
        }
        if self.plan.failures > 0 {
            self.plan.failures -= 1;
            return Err(StageError::retriable("as planned"));
        }
        Ok(())
    }

    fn committed(&mut self, receipt: &Receipt) -> Result<(), StageError> {
        self.disk.counts.append(&mut self.provisional);
        for (partition, next) in &receipt.changelogs {
            assert_eq!(partition.topic, Topic::State);
            self.disk.positions.insert(partition.number, *next);
        }
        Ok(())
    }

    fn rolled_back(&mut self) {
        self.provisional.clear();
    }
}
