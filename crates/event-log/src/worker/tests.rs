use std::cell::RefCell;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use kleos_contracts::topic::Topic;

use super::*;
use crate::link::Assigned;
use crate::stage::Receipt;

/// A link that gives partitions once and refuses to resume some of them, each once.
struct Refusing {
    gives: Vec<Change>,
    refuses: BTreeSet<Partition>,
}

impl Link for Refusing {
    fn poll(&mut self, _: &mut Batch, _: Duration) -> Result<Vec<Change>, LogError> {
        Ok(std::mem::take(&mut self.gives))
    }

    fn resume(&mut self, partition: Partition) -> Result<(), LogError> {
        if self.refuses.remove(&partition) {
            return Err(LogError::unavailable("resuming a partition", "no answer"));
        }
        Ok(())
    }

    fn commit(&mut self, _: &Outbox, inputs: &[Extent]) -> Result<Receipt, CommitError> {
        Ok(Receipt { inputs: inputs.to_vec(), changelogs: Vec::new() })
    }

    fn rewind(&mut self, _: &[Extent]) -> Result<(), LogError> {
        Ok(())
    }

    fn renew(&mut self) -> Result<Vec<Assigned>, LogError> {
        Ok(Vec::new())
    }

    fn changelog(&mut self, _: &[(Partition, Option<i64>)]) -> Result<Box<dyn Reader>, LogError> {
        Err(LogError::unavailable("reading a changelog", "there is none"))
    }
}

/// Remembers which partitions it was given.
#[derive(Default)]
struct Given(RefCell<Vec<(Partition, i64)>>);

impl Stage for &Given {
    fn assigned(&mut self, partition: Partition, next: i64) -> Result<(), StageError> {
        self.0.borrow_mut().push((partition, next));
        Ok(())
    }

    fn process(&mut self, _: &Batch, _: &mut Outbox) -> Result<(), StageError> {
        Ok(())
    }
}

/// Stops after some steps.
struct Steps(AtomicU32);

impl Host for Steps {
    fn stopping(&self) -> bool {
        self.0.fetch_sub(1, Ordering::Relaxed) == 0
    }

    fn pause(&self, _: Duration) {}

    fn elapsed(&self) -> Duration {
        Duration::ZERO
    }

    fn observe(&self, _: Event<'_>) {}
}

fn spec() -> WorkerSpec {
    WorkerSpec {
        service: "test",
        instance: "a".to_owned(),
        index: 0,
        inputs: vec![Topic::Events],
        changelogs: Vec::new(),
        limits: BatchLimits::default(),
    }
}

#[test]
fn partitions_behind_one_that_could_not_be_resumed_go_on_with_the_next_try() {
    let places = [0, 1, 2].map(|number| Partition::new(Topic::Events, number));
    let link = || -> Result<Box<dyn Link>, LogError> {
        let gives = places.map(|partition| Change::Assigned(Assigned { partition, next: 7 }));
        Ok(Box::new(Refusing { gives: gives.to_vec(), refuses: BTreeSet::from([places[1]]) }))
    };
    let given = Given::default();

    run(&link, &spec(), &mut &given, &Steps(AtomicU32::new(5))).unwrap();

    assert_eq!(given.0.into_inner(), places.map(|place| (place, 7)));
}
