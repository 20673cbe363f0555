//! The loop that moves records through a stage: the same for every backend.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use kleos_contracts::class::Class;
use kleos_contracts::topic::Topic;

use crate::error::{CommitError, LogError};
use crate::host::{Event, Host};
use crate::link::{Change, Link};
use crate::outbox::Outbox;
use crate::reader::{Progress, Reader};
use crate::record::{Batch, Extent, Partition};
use crate::stage::{Stage, StageError};

/// How long a worker waits for a record before it looks at its other duties.
const POLL_WAIT: Duration = Duration::from_millis(100);
/// After so many polls without a change the group is taken to have settled.
const POLLS_IN_VAIN_MAX: u32 = 50;
/// How long a step of a restore waits for a record.
const RESTORE_WAIT: Duration = Duration::from_millis(20);
const PAUSE_MIN: Duration = Duration::from_millis(50);
const PAUSE_MAX: Duration = Duration::from_secs(10);

/// Which worker this is and what it reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerSpec {
    /// The service; names the group.
    pub service: &'static str,
    /// The process, by a name that stays over restarts and that no other process has.
    pub instance: String,
    /// Which of the instance's workers, from 0.
    pub index: usize,
    /// Topics to read; if several, partition n of all goes to one worker where the log can do it.
    pub inputs: Vec<Topic>,
    /// Changelogs of the stage's state, partitioned as the input.
    pub changelogs: Vec<Topic>,
    /// When a batch is closed.
    pub limits: BatchLimits,
}

impl WorkerSpec {
    /// The consumer group: one for each service.
    #[must_use]
    pub fn group(&self) -> String {
        group_of(self.service)
    }

    /// The member's name in the group and the name of its transactions.
    #[must_use]
    pub fn member(&self) -> String {
        format!("kleos.{}.{}.{}", self.service, self.instance, self.index)
    }
}

/// The consumer group of a service.
pub(crate) fn group_of(service: &str) -> String {
    format!("kleos.{service}")
}

/// When a batch is closed, whichever comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchLimits {
    /// Records.
    pub records: usize,
    /// Bytes of keys and values.
    pub bytes: usize,
}

impl Default for BatchLimits {
    fn default() -> Self {
        Self { records: 4_000, bytes: 4 << 20 }
    }
}

/// Why a worker ended before it was told to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WorkerError {
    /// The log.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The stage.
    #[error(transparent)]
    Stage(#[from] StageError),
}

impl WorkerError {
    /// What to do.
    #[must_use]
    pub const fn class(&self) -> Class {
        match self {
            Self::Log(error) => error.class(),
            Self::Stage(error) => error.class(),
        }
    }
}

/// Moves records until the host stops or something fatal happens.
pub(crate) fn run(
    open: &dyn Fn() -> Result<Box<dyn Link>, LogError>,
    spec: &WorkerSpec,
    stage: &mut dyn Stage,
    host: &dyn Host,
) -> Result<(), WorkerError> {
    let mut pause = Pause::new(host);
    let mut link = loop {
        match open() {
            Ok(link) => break link,
            Err(_) if host.stopping() => return Ok(()),
            Err(error) if error.class() == Class::Retriable => pause.wait_out(&error.to_string()),
            Err(error) => return Err(error.into()),
        }
    };
    let mut worker = Worker {
        link: link.as_mut(),
        stage,
        host,
        changelogs: &spec.changelogs,
        batch: Batch::default(),
        changelog: Batch::default(),
        outbox: Outbox::default(),
        running: BTreeSet::new(),
        waiting: BTreeMap::new(),
        restore: None,
        pause,
        polls_in_vain: 0,
    };
    while !host.stopping() {
        match worker.step() {
            Ok(()) => {}
            Err(WorkerError::Log(error)) if error.class() == Class::Retriable => {
                worker.pause.wait_out(&error.to_string());
                worker.polls_in_vain = 0;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

struct Worker<'a> {
    link: &'a mut dyn Link,
    stage: &'a mut dyn Stage,
    host: &'a dyn Host,
    changelogs: &'a [Topic],
    batch: Batch,
    changelog: Batch,
    outbox: Outbox,
    /// Whose records are processed.
    running: BTreeSet<Partition>,
    /// Whose restore has not begun, with the offset their records go on from.
    waiting: BTreeMap<Partition, i64>,
    restore: Option<Restore>,
    pause: Pause<'a>,
    /// Polls since the start, or since the last trouble, that brought no change.
    polls_in_vain: u32,
}

/// Partitions whose state is being restored together.
struct Restore {
    partitions: BTreeMap<Partition, i64>,
    remaining: VecDeque<Topic>,
    reader: Option<Box<dyn Reader>>,
    records: u64,
}

impl Worker<'_> {
    fn step(&mut self) -> Result<(), WorkerError> {
        self.batch.clear();
        let is_restoring = self.restore.is_some() || !self.waiting.is_empty();
        let wait = if is_restoring { Duration::ZERO } else { POLL_WAIT };
        let changes = self.link.poll(&mut self.batch, wait)?;
        if changes.is_empty() && self.polls_in_vain < POLLS_IN_VAIN_MAX {
            self.polls_in_vain += 1;
            if self.polls_in_vain == POLLS_IN_VAIN_MAX {
                // The group has settled, perhaps without a partition for this worker; or trouble
                // is over, and there is no record by which that would show.
                self.pause.reset();
                self.report();
            }
        }
        for change in &changes {
            self.apply(change);
        }
        if !self.batch.is_empty() {
            self.transact()?;
        } else if !is_restoring {
            self.stage.idle()?;
        }
        self.restore_some()
    }

    fn apply(&mut self, change: &Change) {
        match *change {
            Change::Assigned(assigned) => {
                self.waiting.insert(assigned.partition, assigned.next);
            }
            Change::Revoked(partition) => {
                self.running.remove(&partition);
                self.waiting.remove(&partition);
                if let Some(restore) = &mut self.restore {
                    restore.partitions.remove(&partition);
                }
                self.stage.revoked(partition);
            }
        }
        self.report();
    }

    /// One transaction: process, write, commit.
    fn transact(&mut self) -> Result<(), WorkerError> {
        self.outbox.clear();
        let inputs = self.batch.extents();
        let started = self.host.elapsed();
        if let Err(error) = self.stage.process(&self.batch, &mut self.outbox) {
            if error.class() == Class::Retriable {
                return self.roll_back(&inputs, &error.to_string());
            }
            return Err(error.into());
        }
        let processed = self.host.elapsed();
        match self.link.commit(&self.outbox, &inputs) {
            Ok(receipt) => {
                self.stage.committed(&receipt)?;
                self.pause.reset();
                self.host.observe(Event::Committed {
                    records: self.batch.len(),
                    processing: processed.saturating_sub(started),
                    commit: self.host.elapsed().saturating_sub(processed),
                });
                Ok(())
            }
            Err(CommitError::RolledBack(cause)) => self.roll_back(&inputs, &cause),
            Err(CommitError::Unknown(cause)) => self.resolve(&cause),
            Err(CommitError::Fatal(error)) => Err(error.into()),
        }
    }

    /// Nothing was written: the same records come again.
    fn roll_back(&mut self, inputs: &[Extent], cause: &str) -> Result<(), WorkerError> {
        self.stage.rolled_back();
        self.host.observe(Event::RolledBack);
        self.pause.wait_out(cause);
        // If the position cannot be moved back, a new session begins at what is committed.
        if self.link.rewind(inputs).is_err() { self.renew() } else { Ok(()) }
    }

    /// Nobody can tell whether it was written: a new session finds out from the log.
    fn resolve(&mut self, cause: &str) -> Result<(), WorkerError> {
        self.stage.rolled_back();
        self.host.observe(Event::UnknownOutcome);
        self.pause.wait_out(cause);
        self.renew()
    }

    fn renew(&mut self) -> Result<(), WorkerError> {
        while !self.host.stopping() {
            match self.link.renew() {
                Ok(partitions) => {
                    self.running.clear();
                    self.restore = None;
                    self.waiting = partitions
                        .into_iter()
                        .map(|assigned| (assigned.partition, assigned.next))
                        .collect();
                    self.report();
                    return Ok(());
                }
                Err(error) if error.class() == Class::Retriable => {
                    self.pause.wait_out(&error.to_string());
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Brings the partitions that are not running yet a step nearer to it.
    fn restore_some(&mut self) -> Result<(), WorkerError> {
        let mut restore = match self.restore.take() {
            Some(restore) => restore,
            None if self.waiting.is_empty() => return Ok(()),
            None => Restore {
                partitions: std::mem::take(&mut self.waiting),
                remaining: self.changelogs.iter().copied().collect(),
                reader: None,
                records: 0,
            },
        };
        let done = self.restore_step(&mut restore);
        if !matches!(done, Ok(true)) {
            self.restore = Some(restore);
            return done.map(drop);
        }
        while let Some((partition, next)) = restore.partitions.pop_first() {
            if let Err(error) = self.link.resume(partition) {
                // The next step goes on with this one and with those behind it.
                restore.partitions.insert(partition, next);
                self.restore = Some(restore);
                return Err(error.into());
            }
            self.stage.assigned(partition, next)?;
            self.running.insert(partition);
        }
        self.host.observe(Event::Restored { records: restore.records });
        self.report();
        Ok(())
    }

    /// Whether the state of the partitions is complete.
    fn restore_step(&mut self, restore: &mut Restore) -> Result<bool, WorkerError> {
        let Some(topic) = restore.remaining.front().copied() else { return Ok(true) };
        let mut reader = match restore.reader.take() {
            Some(reader) => reader,
            None => match self.open_changelog(topic, &restore.partitions)? {
                Some(reader) => reader,
                None => {
                    restore.remaining = self.changelogs.iter().copied().collect();
                    return Ok(false);
                }
            },
        };
        self.changelog.clear();
        let progress = reader.read(&mut self.changelog, RESTORE_WAIT)?;
        // A partition that went may be another worker's by now: its copy is not ours to touch.
        let numbers: BTreeSet<i32> = restore.partitions.keys().map(|place| place.number).collect();
        self.changelog.retain(|partition| numbers.contains(&partition.number));
        if !self.changelog.is_empty() {
            restore.records += self.changelog.len() as u64;
            self.stage.restore(&self.changelog)?;
        }
        match progress {
            Progress::Behind => restore.reader = Some(reader),
            Progress::CaughtUp => {
                restore.remaining.pop_front();
            }
        }
        Ok(restore.remaining.is_empty())
    }

    /// None if a local copy could not be continued and was thrown away: all begins again.
    fn open_changelog(
        &mut self,
        topic: Topic,
        partitions: &BTreeMap<Partition, i64>,
    ) -> Result<Option<Box<dyn Reader>>, WorkerError> {
        let mut starts = Vec::with_capacity(partitions.len());
        for partition in partitions.keys() {
            let from = self.stage.restore_from(*partition, topic)?;
            starts.push((Partition::new(topic, partition.number), from));
        }
        match self.link.changelog(&starts) {
            Ok(reader) => Ok(Some(reader)),
            Err(LogError::OutOfRange { partition: gone, .. }) => {
                for partition in partitions.keys().filter(|place| place.number == gone.number) {
                    self.stage.forget(*partition)?;
                }
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }

    fn report(&self) {
        let restoring = self.restore.as_ref().map_or(0, |restore| restore.partitions.len());
        self.host.observe(Event::Partitions {
            running: self.running.len(),
            restoring: restoring + self.waiting.len(),
        });
    }
}

/// A pause that grows with every failure in a row.
struct Pause<'a> {
    host: &'a dyn Host,
    next: Duration,
}

impl<'a> Pause<'a> {
    fn new(host: &'a dyn Host) -> Self {
        Self { host, next: PAUSE_MIN }
    }

    fn wait_out(&mut self, cause: &str) {
        self.host.observe(Event::Trouble(cause));
        self.host.pause(self.next);
        self.next = (self.next * 2).min(PAUSE_MAX);
    }

    fn reset(&mut self) {
        self.next = PAUSE_MIN;
    }
}
