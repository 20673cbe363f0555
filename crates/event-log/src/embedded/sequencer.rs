//! The one thread that writes: it gives offsets and commits many writers' batches at once.
//!
//! All that waits is written as one batch of RocksDB with one fsync, so that the cost of the disk
//! is shared, and answered when it is on the disk. Whether a worker still owns what it commits is
//! looked at in the order of the writes: a partition's next owner goes on from offsets that
//! everything accepted before is counted in.

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use kleos_contracts::time::Timestamp;
use tokio::sync::oneshot;

use super::groups::{Groups, Session};
use super::keys;
use super::store::{Staging, Store};
use super::tail::Tail;
use crate::error::LogError;
use crate::outbox::Outgoing;
use crate::record::{Extent, Partition, Position};

/// Requests written with one fsync.
const REQUESTS_MAX: usize = 1_024;
/// Bytes written with one fsync.
const BYTES_MAX: usize = 16 << 20;

/// Something to write, all of it or nothing.
#[derive(Debug)]
pub(super) struct Write {
    pub(super) records: Vec<NewRecord>,
    pub(super) fence: Fence,
}

/// What must still hold when it is written.
#[derive(Clone, Debug)]
pub(super) enum Fence {
    /// Nothing.
    None,
    /// The session owns the partitions of the offsets that are committed with it.
    Session { session: Session, inputs: Vec<Extent> },
    /// No later publisher has the name.
    Publisher { name: String, number: u64 },
}

#[derive(Debug)]
pub(super) struct NewRecord {
    partition: Partition,
    key: Option<Vec<u8>>,
    stored: Vec<u8>,
}

impl NewRecord {
    pub(super) fn new(outgoing: Outgoing<'_>) -> Self {
        Self::of(outgoing.partition, outgoing.timestamp, outgoing.key, outgoing.value)
    }

    fn of(partition: Partition, at: Timestamp, key: Option<&[u8]>, value: &[u8]) -> Self {
        let stored = keys::encode(at, key, Some(value));
        Self { partition, key: key.map(<[u8]>::to_vec), stored }
    }
}

/// Why nothing was written.
#[derive(Debug)]
pub(super) enum Refusal {
    /// The partitions, or the name, are another's by now.
    Fenced,
    /// The log takes nothing any more.
    Log(LogError),
}

/// Where the records lie, in their order.
pub(super) type Written = Result<Vec<Position>, Refusal>;

struct Request {
    write: Write,
    bytes: usize,
    reply: oneshot::Sender<Written>,
}

enum Message {
    Write(Request),
    Stop,
}

/// State that is decided in the order of the writes.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) groups: Groups,
    pub(super) committed: BTreeMap<(String, Partition), i64>,
    /// Offsets given, whether or not they are on the disk yet.
    pub(super) next: BTreeMap<Partition, i64>,
    /// The number of the last publisher of each name.
    pub(super) publishers: BTreeMap<String, u64>,
}

/// The handle to the writing thread.
#[derive(Debug)]
pub(super) struct Sequencer {
    sender: Sender<Message>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Sequencer {
    pub(super) fn start(
        store: Arc<Store>,
        tail: Arc<Tail>,
        shared: Arc<Mutex<Shared>>,
    ) -> Result<Self, LogError> {
        let (sender, receiver) = channel();
        let writer = Writer { store, tail, shared, failed: None };
        let thread = std::thread::Builder::new()
            .name("embedded-log".to_owned())
            .spawn(move || writer.run(&receiver))
            .map_err(|error| LogError::storage("starting the log's thread", error))?;
        Ok(Self { sender, thread: Mutex::new(Some(thread)) })
    }

    /// Writes; the answer comes when it is on the disk.
    pub(super) fn write(&self, write: Write) -> oneshot::Receiver<Written> {
        let (reply, answer) = oneshot::channel();
        let bytes = write.records.iter().map(|record| record.stored.len()).sum();
        // If the thread is gone the request is dropped with its reply, which the receiver sees.
        drop(self.sender.send(Message::Write(Request { write, bytes, reply })));
        answer
    }
}

impl Drop for Sequencer {
    /// Writes what was asked for before, then ends.
    fn drop(&mut self) {
        drop(self.sender.send(Message::Stop));
        if let Some(thread) = self.thread.get_mut().unwrap_or_else(PoisonError::into_inner).take() {
            drop(thread.join());
        }
    }
}

struct Writer {
    store: Arc<Store>,
    tail: Arc<Tail>,
    shared: Arc<Mutex<Shared>>,
    /// After a failed write memory and disk may differ, so nothing more is accepted.
    failed: Option<LogError>,
}

impl Writer {
    fn run(mut self, receiver: &Receiver<Message>) {
        while let Ok(Message::Write(first)) = receiver.recv() {
            let mut bytes = first.bytes;
            let mut requests = vec![first];
            let mut stop = false;
            while requests.len() < REQUESTS_MAX && bytes < BYTES_MAX {
                match receiver.try_recv() {
                    Ok(Message::Write(request)) => {
                        bytes += request.bytes;
                        requests.push(request);
                    }
                    Ok(Message::Stop) => {
                        stop = true;
                        break;
                    }
                    Err(_) => break,
                }
            }
            self.commit(requests);
            if stop {
                return;
            }
        }
    }

    fn commit(&mut self, requests: Vec<Request>) {
        let mut staging = Staging::default();
        let mut accepted = Vec::with_capacity(requests.len());
        for request in requests {
            match self.accept(&mut staging, &request.write) {
                Ok(positions) => accepted.push((request.reply, positions)),
                Err(refusal) => drop(request.reply.send(Err(refusal))),
            }
        }
        let written = match self.failed.clone() {
            Some(error) => Err(error),
            None => self.store.write(staging.batch),
        };
        if written.is_ok() {
            let positions = accepted.iter().flat_map(|(_, positions)| positions);
            self.tail.advance(positions.map(|position| (position.partition, position.offset + 1)));
        } else {
            self.failed = written.clone().err();
        }
        for (reply, positions) in accepted {
            // Nobody waits any more: it is written all the same.
            drop(reply.send(written.clone().map(|()| positions).map_err(Refusal::Log)));
        }
    }

    /// Gives offsets and adds all to the batch, or nothing.
    fn accept(&mut self, staging: &mut Staging, write: &Write) -> Written {
        if let Some(error) = &self.failed {
            return Err(Refusal::Log(error.clone()));
        }
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        pass(&mut shared, staging, &write.fence)?;
        let mut positions = Vec::with_capacity(write.records.len());
        let mut ends = BTreeMap::new();
        for record in &write.records {
            let next = shared.next.entry(record.partition).or_default();
            let position = Position { partition: record.partition, offset: *next };
            *next += 1;
            ends.insert(record.partition, *next);
            positions.push(position);
        }
        drop(shared);
        for (record, position) in write.records.iter().zip(&positions) {
            let key = record.key.as_deref();
            if let Err(error) = self.store.stage(staging, *position, key, &record.stored) {
                self.failed = Some(error.clone());
                return Err(Refusal::Log(error));
            }
        }
        for (partition, next) in ends {
            staging.batch.put(keys::next_offset(partition), keys::offset(next));
        }
        Ok(positions)
    }
}

/// Looks at the fence, and counts the offsets as committed if it holds.
fn pass(shared: &mut Shared, staging: &mut Staging, fence: &Fence) -> Result<(), Refusal> {
    match fence {
        Fence::None => Ok(()),
        Fence::Publisher { name, number } => {
            let holds = shared.publishers.get(name) == Some(number);
            if holds { Ok(()) } else { Err(Refusal::Fenced) }
        }
        Fence::Session { session, inputs } => {
            let partitions = inputs.iter().map(|extent| extent.partition);
            shared.groups.owns(session, partitions).map_err(|_| Refusal::Fenced)?;
            for Extent { partition, next, .. } in inputs {
                let key = keys::committed(&session.group, *partition);
                staging.batch.put(key, keys::offset(*next));
                shared.committed.insert((session.group.clone(), *partition), *next);
            }
            Ok(())
        }
    }
}
