//! The log in a directory of one machine: topics, partitions, groups, offsets and transactions in
//! one RocksDB, written by one thread that shares each fsync among all who wait.

mod groups;
mod keys;
mod link;
mod reader;
mod retention;
mod sequencer;
mod store;
mod tail;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kleos_contracts::schema::RecordSchema;
use kleos_contracts::time::Timestamp;
use kleos_contracts::topic::Topic;
use kleos_service_kit::clock::SharedClock;
use tokio::sync::oneshot;
use uuid::Uuid;

use self::groups::Groups;
use self::link::EmbeddedLink;
use self::reader::StoreReader;
use self::sequencer::{Fence, NewRecord, Refusal, Sequencer, Shared, Write, Written};
use self::store::{Catalogue, Range, Store};
use self::tail::Tail;
use crate::error::LogError;
use crate::link::Link;
use crate::log::{Append, Backend, Durable, EventLog, Kind, Publish, Standing};
use crate::outbox::{Outbox, Outgoing};
use crate::reader::{Reader, Start};
use crate::record::{Partition, Position};
use crate::registry::{Registry, SchemaStore, compact};
use crate::worker::{WorkerSpec, group_of};

/// Records of one appender that go to the same partition before it turns to the next.
const STICKY_RECORDS: u64 = 64;

/// How an embedded log is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EmbeddedConfig {
    /// Partitions of the topics that share their number: a power of two. Fixed on the first start.
    pub partitions: i32,
    /// A worker that has not polled for so long loses its partitions.
    pub poll_interval_max: Duration,
}

impl Default for EmbeddedConfig {
    fn default() -> Self {
        Self { partitions: 4, poll_interval_max: Duration::from_secs(300) }
    }
}

/// A log in a directory. The caller has made sure that no other process writes there.
#[derive(Debug)]
pub struct EmbeddedLog {
    inner: Arc<Inner>,
    registry: Arc<Registry>,
}

/// What links, readers and appenders share.
#[derive(Debug)]
struct Inner {
    // The sequencer's thread ends before the store closes.
    sequencer: Sequencer,
    store: Arc<Store>,
    tail: Arc<Tail>,
    shared: Arc<Mutex<Shared>>,
    partitions: BTreeMap<Topic, i32>,
    clock: SharedClock,
    identity: String,
    /// Another process writes; this one looks.
    is_view: bool,
}

impl EmbeddedLog {
    /// Opens the log in `path`, and makes it on the first start.
    ///
    /// # Errors
    /// [`LogError::Storage`] if the directory does not hold a log or cannot be written.
    pub fn open(path: &Path, config: EmbeddedConfig, clock: SharedClock) -> Result<Self, LogError> {
        let store = Arc::new(Store::open(path)?);
        let mut catalogue = store.catalogue()?;
        create_missing(&store, &mut catalogue, config.partitions)?;
        Self::over(store, catalogue, config, clock, false)
    }

    /// Opens a log for reading while another process writes it. `scratch` is a directory for notes
    /// of the reader's own.
    ///
    /// # Errors
    /// [`LogError::Storage`] if the directory does not hold a log.
    pub fn open_view(path: &Path, scratch: &Path, clock: SharedClock) -> Result<Self, LogError> {
        let store = Arc::new(Store::open_view(path, scratch)?);
        store.catch_up()?;
        let catalogue = store.catalogue()?;
        Self::over(store, catalogue, EmbeddedConfig::default(), clock, true)
    }

    fn over(
        store: Arc<Store>,
        catalogue: Catalogue,
        config: EmbeddedConfig,
        clock: SharedClock,
        is_view: bool,
    ) -> Result<Self, LogError> {
        let next = catalogue.ranges.iter().map(|(place, range)| (*place, range.next)).collect();
        let shared = Arc::new(Mutex::new(Shared {
            groups: Groups::new(config.poll_interval_max),
            committed: catalogue.committed,
            next,
            publishers: BTreeMap::new(),
        }));
        let tail = Arc::new(Tail::new(catalogue.ranges));
        let sequencer =
            Sequencer::start(Arc::clone(&store), Arc::clone(&tail), Arc::clone(&shared))?;
        let (partitions, identity) = (catalogue.partitions, catalogue.identity);
        let inner = Inner { sequencer, store, tail, shared, partitions, clock, identity, is_view };
        let registry = Registry::new(Box::new(EmbeddedSchemas(catalogue.schemas)), String::new());
        Ok(Self { inner: Arc::new(inner), registry: Arc::new(registry) })
    }

    /// Throws away records that are older than their topics keep them; returns how many.
    ///
    /// # Errors
    /// [`LogError::Storage`] if the disk takes no more.
    pub fn expire(&self, now: Timestamp) -> Result<i64, LogError> {
        retention::expire(&self.inner, now)
    }

    /// Throws away a partition's records before `low`.
    ///
    /// # Errors
    /// [`LogError::Storage`] if the disk takes no more.
    pub fn truncate(&self, partition: Partition, low: i64) -> Result<(), LogError> {
        retention::truncate(&self.inner, partition, low)
    }

    /// The log for services.
    #[must_use]
    pub fn into_log(self: Arc<Self>) -> EventLog {
        EventLog::new(self)
    }
}

/// Topics and schemas are made on the first start, and those of a newer program on its first.
fn create_missing(
    store: &Store,
    catalogue: &mut Catalogue,
    stream_partitions: i32,
) -> Result<(), LogError> {
    let stream = catalogue.partitions.get(&Topic::Events).copied().unwrap_or(stream_partitions);
    for topic in Topic::ALL {
        if let Entry::Vacant(entry) = catalogue.partitions.entry(topic) {
            let partitions = topic.spec().partitions.resolve(stream);
            store.create_topic(topic, partitions)?;
            entry.insert(partitions);
        }
    }
    if catalogue.identity.is_empty() {
        catalogue.identity = Uuid::new_v4().simple().to_string();
        store.put_identity(&catalogue.identity)?;
    }
    for record in RecordSchema::ALL {
        for text in record.versions().iter().map(|text| compact(text)) {
            if !catalogue.schemas.values().any(|known| *known == text) {
                let id = catalogue.schemas.keys().last().map_or(1, |last| last + 1);
                store.put_schema(id, &text)?;
                catalogue.schemas.insert(id, text);
            }
        }
    }
    Ok(())
}

impl Inner {
    fn partitions(&self, topic: Topic) -> Result<i32, LogError> {
        let known = self.partitions.get(&topic).copied();
        known.ok_or_else(|| LogError::MissingTopic(topic.name().to_owned()))
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sees what another process has written, if this one only looks.
    fn refresh(&self) -> Result<(), LogError> {
        if self.is_view {
            self.store.catch_up()?;
            let catalogue = self.store.catalogue()?;
            self.tail.replace(catalogue.ranges);
            self.shared().committed = catalogue.committed;
        }
        Ok(())
    }

    fn committed(&self, group: &str, partition: Partition) -> Option<i64> {
        self.shared().committed.get(&(group.to_owned(), partition)).copied()
    }

    /// Waits for records behind one of the positions, or for so long.
    fn wait(&self, positions: &[(Partition, i64)], wait: Duration) -> Result<(), LogError> {
        self.tail.wait_beyond(positions, wait);
        self.refresh()
    }
}

impl Backend for EmbeddedLog {
    fn kind(&self) -> Kind {
        Kind::Embedded
    }

    fn partitions(&self, topic: Topic) -> Result<i32, LogError> {
        self.inner.partitions(topic)
    }

    fn identity(&self) -> Result<String, LogError> {
        Ok(format!("embedded:{}", self.inner.identity))
    }

    fn progress(&self, service: &str, topic: Topic) -> Result<Vec<Standing>, LogError> {
        self.inner.refresh()?;
        let group = group_of(service);
        let standings = (0..self.inner.partitions(topic)?).map(|number| {
            let partition = Partition::new(topic, number);
            let committed = self.inner.committed(&group, partition);
            let Range { low, next } = self.inner.tail.range(partition);
            let behind = (next - committed.unwrap_or(low)).max(0);
            Standing { partition, committed, stable: next, end: next, behind }
        });
        Ok(standings.collect())
    }

    fn link(&self, spec: &WorkerSpec) -> Result<Box<dyn Link>, LogError> {
        Ok(Box::new(EmbeddedLink::new(Arc::clone(&self.inner), spec)?))
    }

    fn appender(&self, topic: Topic) -> Result<Arc<dyn Append>, LogError> {
        let partitions = self.inner.partitions(topic)?;
        let log = Arc::clone(&self.inner);
        Ok(Arc::new(EmbeddedAppender { log, topic, partitions, appended: AtomicU64::new(0) }))
    }

    fn reader(&self, topic: Topic, start: Start) -> Result<Box<dyn Reader>, LogError> {
        let log = Arc::clone(&self.inner);
        let partitions = (0..log.partitions(topic)?)
            .map(|number| {
                let partition = Partition::new(topic, number);
                let low = log.tail.range(partition).low;
                let end = log.shared().next.get(&partition).copied().unwrap_or_default();
                let from = if start == Start::Earliest { low } else { end };
                (partition, from, end)
            })
            .collect();
        Ok(Box::new(StoreReader::new(log, partitions)))
    }

    fn publisher(&self, name: &str) -> Result<Box<dyn Publish>, LogError> {
        let mut shared = self.inner.shared();
        let number = shared.publishers.entry(name.to_owned()).or_default();
        *number += 1;
        let fence = Fence::Publisher { name: name.to_owned(), number: *number };
        drop(shared);
        Ok(Box::new(EmbeddedPublisher { log: Arc::clone(&self.inner), fence }))
    }

    fn registry(&self) -> &Arc<Registry> {
        &self.registry
    }
}

#[derive(Debug)]
struct EmbeddedAppender {
    log: Arc<Inner>,
    topic: Topic,
    partitions: i32,
    appended: AtomicU64,
}

impl Append for EmbeddedAppender {
    fn append(&self, timestamp: Timestamp, value: Vec<u8>) -> Durable<Position> {
        let turn = self.appended.fetch_add(1, Ordering::Relaxed) / STICKY_RECORDS;
        let partitions = u64::try_from(self.partitions).unwrap_or(1).max(1);
        let number = i32::try_from(turn % partitions).unwrap_or_default();
        let partition = Partition::new(self.topic, number);
        let record = NewRecord::new(Outgoing { partition, timestamp, key: None, value: &value });
        let write = Write { records: vec![record], fence: Fence::None };
        let answer = self.log.sequencer.write(write);
        Box::pin(async move {
            let positions = settle(answer.await)?;
            positions.first().copied().ok_or(LogError::Closed)
        })
    }
}

struct EmbeddedPublisher {
    log: Arc<Inner>,
    fence: Fence,
}

impl Publish for EmbeddedPublisher {
    fn publish(&mut self, outbox: &Outbox) -> Result<Vec<Position>, LogError> {
        let records = outbox.iter().map(NewRecord::new).collect();
        let write = Write { records, fence: self.fence.clone() };
        settle(self.log.sequencer.write(write).blocking_recv())
    }
}

fn settle(answer: Result<Written, oneshot::error::RecvError>) -> Result<Vec<Position>, LogError> {
    match answer {
        Ok(Ok(positions)) => Ok(positions),
        Ok(Err(Refusal::Fenced)) => {
            Err(LogError::unavailable("publishing", "another publisher took over"))
        }
        Ok(Err(Refusal::Log(error))) => Err(error),
        Err(_) => Err(LogError::Closed),
    }
}

/// The registry table as it was on opening; a running program makes no schemas.
#[derive(Debug)]
struct EmbeddedSchemas(BTreeMap<u32, String>);

impl SchemaStore for EmbeddedSchemas {
    fn id_of(&self, subject: &str, text: &str) -> Result<u32, LogError> {
        let found = self.0.iter().find(|(_, known)| *known == text);
        found.map(|(id, _)| *id).ok_or_else(|| LogError::MissingSchema(subject.to_owned()))
    }

    fn text_of(&self, id: u32) -> Result<String, LogError> {
        self.0.get(&id).cloned().ok_or_else(|| LogError::Misconfigured {
            what: format!("schema {id}"),
            cause: "the log has no such schema".to_owned(),
        })
    }
}
