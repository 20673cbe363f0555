//! The log's records in RocksDB.

use std::collections::BTreeMap;
use std::path::Path;

use kleos_contracts::key::is_partition_count;
use kleos_contracts::time::Timestamp;
use kleos_contracts::topic::{Cleanup, Topic};
use rocksdb::{
    BlockBasedOptions, Cache, ColumnFamily, ColumnFamilyDescriptor, DB, DBCompressionType,
    Direction, IteratorMode, Options, ReadOptions, WriteBatch, WriteOptions,
};

use super::keys::{self, Meta};
use crate::error::LogError;
use crate::record::{Batch, Partition, Position};
use crate::worker::BatchLimits;

/// The records of a partition that there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(super) struct Range {
    /// Offset of the oldest.
    pub(super) low: i64,
    /// Offset after the newest.
    pub(super) next: i64,
}

/// A batch that is being put together.
#[derive(Default)]
pub(super) struct Staging {
    pub(super) batch: WriteBatch,
    /// Newest offsets of compacted keys in this batch, which the store cannot see yet.
    latest: BTreeMap<Vec<u8>, i64>,
}

/// What the store knows besides records, read once on opening.
#[derive(Debug, Default)]
pub(super) struct Catalogue {
    pub(super) partitions: BTreeMap<Topic, i32>,
    pub(super) ranges: BTreeMap<Partition, Range>,
    pub(super) committed: BTreeMap<(String, Partition), i64>,
    pub(super) schemas: BTreeMap<u32, String>,
    /// Empty in a log that is being made.
    pub(super) identity: String,
}

pub(super) struct Store {
    db: DB,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Store").field("path", &self.db.path()).finish_non_exhaustive()
    }
}

impl Store {
    /// Opens the log, and makes it on the first start.
    pub(super) fn open(path: &Path) -> Result<Self, LogError> {
        let mut options = Options::default();
        options.create_if_missing(true);
        options.create_missing_column_families(true);
        options.set_max_background_jobs(2);
        options.set_keep_log_file_num(4);
        // One file of the write-ahead log for all families: bounded, whichever of them is quiet.
        options.set_max_total_wal_size(256 << 20);
        let db = DB::open_cf_descriptors(&options, path, families())
            .map_err(|error| LogError::storage(opening(path), error))?;
        Ok(Self { db })
    }

    /// Opens a log that another process writes, for reading.
    pub(super) fn open_view(path: &Path, scratch: &Path) -> Result<Self, LogError> {
        let mut options = Options::default();
        options.set_max_open_files(-1);
        let db = DB::open_cf_descriptors_as_secondary(&options, path, scratch, families())
            .map_err(|error| LogError::storage(opening(path), error))?;
        Ok(Self { db })
    }

    /// Sees what the writing process has written since.
    pub(super) fn catch_up(&self) -> Result<(), LogError> {
        self.db
            .try_catch_up_with_primary()
            .map_err(|error| LogError::unavailable("reading the log of a running process", error))
    }

    pub(super) fn catalogue(&self) -> Result<Catalogue, LogError> {
        let mut catalogue = Catalogue::default();
        for entry in self.db.iterator(IteratorMode::Start) {
            let (key, value) = entry.map_err(|error| LogError::storage(READING, error))?;
            let offset = || keys::read_offset(&value).unwrap_or_default();
            match keys::read_meta(&key) {
                Some(Meta::Next(place)) => {
                    catalogue.ranges.entry(place).or_default().next = offset();
                }
                Some(Meta::Low(place)) => {
                    catalogue.ranges.entry(place).or_default().low = offset();
                }
                Some(Meta::Committed(group, place)) => {
                    catalogue.committed.insert((group, place), offset());
                }
                Some(Meta::Partitions(topic)) => {
                    let partitions = i32::try_from(offset()).unwrap_or_default();
                    catalogue.partitions.insert(topic, partitions);
                }
                Some(Meta::Schema(id)) => {
                    let text = String::from_utf8_lossy(&value).into_owned();
                    catalogue.schemas.insert(id, text);
                }
                Some(Meta::Identity) => {
                    catalogue.identity = String::from_utf8_lossy(&value).into_owned();
                }
                None => return Err(LogError::storage(READING, "a key of no known form")),
            }
        }
        Ok(catalogue)
    }

    /// Makes a topic.
    pub(super) fn create_topic(&self, topic: Topic, partitions: i32) -> Result<(), LogError> {
        debug_assert!(is_partition_count(partitions));
        let mut batch = WriteBatch::default();
        batch.put(keys::partitions(topic), keys::offset(i64::from(partitions)));
        self.write(batch)
    }

    pub(super) fn put_identity(&self, identity: &str) -> Result<(), LogError> {
        let mut batch = WriteBatch::default();
        batch.put(keys::IDENTITY, identity);
        self.write(batch)
    }

    pub(super) fn put_schema(&self, id: u32, text: &str) -> Result<(), LogError> {
        let mut batch = WriteBatch::default();
        batch.put(keys::schema(id), text);
        self.write(batch)
    }

    /// Writes a batch and waits until it is on the disk.
    pub(super) fn write(&self, batch: WriteBatch) -> Result<(), LogError> {
        let mut options = WriteOptions::default();
        options.set_sync(true);
        self.db.write_opt(batch, &options).map_err(|error| LogError::storage(WRITING, error))
    }

    /// Adds a record to a batch; of a compacted topic the record of the same key before it goes.
    pub(super) fn stage(
        &self,
        staging: &mut Staging,
        position: Position,
        key: Option<&[u8]>,
        stored: &[u8],
    ) -> Result<(), LogError> {
        let (records, latest) = (self.family(keys::RECORDS)?, self.family(keys::LATEST)?);
        if position.partition.topic.spec().cleanup == Cleanup::Compact
            && let Some(key) = key
        {
            let index = keys::latest(position.partition, key);
            let older = match staging.latest.get(&index) {
                Some(offset) => Some(*offset),
                None => self
                    .db
                    .get_pinned_cf(latest, &index)
                    .map_err(|error| LogError::storage(READING, error))?
                    .as_deref()
                    .and_then(keys::read_offset),
            };
            if let Some(offset) = older {
                staging.batch.delete_cf(records, keys::record(Position { offset, ..position }));
            }
            staging.batch.put_cf(latest, &index, keys::offset(position.offset));
            staging.latest.insert(index, position.offset);
        }
        staging.batch.put_cf(records, keys::record(position), stored);
        Ok(())
    }

    /// Adds records of a partition from `from` up to before `end`; returns where to go on.
    pub(super) fn read(
        &self,
        place: Partition,
        (from, end): (i64, i64),
        limits: BatchLimits,
        batch: &mut Batch,
    ) -> Result<i64, LogError> {
        for entry in self.scan(place, from, end)? {
            let (key, stored) = entry.map_err(|error| LogError::storage(READING, error))?;
            if batch.len() >= limits.records || batch.bytes() >= limits.bytes {
                return Ok(keys::read_offset(&key).unwrap_or(from));
            }
            let record = keys::read_offset(&key)
                .map(|offset| Position { partition: place, offset })
                .and_then(|position| keys::decode(position, &stored))
                .ok_or_else(|| LogError::storage(READING, format!("{place}: a torn record")))?;
            batch.push(record);
        }
        Ok(end)
    }

    /// The first offset whose record is not older than `cutoff`.
    pub(super) fn first_since(
        &self,
        place: Partition,
        range: Range,
        cutoff: Timestamp,
    ) -> Result<i64, LogError> {
        for entry in self.scan(place, range.low, range.next)? {
            let (key, stored) = entry.map_err(|error| LogError::storage(READING, error))?;
            if keys::read_timestamp(&stored).is_none_or(|timestamp| timestamp >= cutoff) {
                return Ok(keys::read_offset(&key).unwrap_or(range.low));
            }
        }
        Ok(range.next)
    }

    /// Throws away a partition's records before `low`.
    pub(super) fn expire(&self, place: Partition, range: Range, low: i64) -> Result<(), LogError> {
        let at = |offset| keys::record(Position { partition: place, offset });
        let mut batch = WriteBatch::default();
        batch.delete_range_cf(self.family(keys::RECORDS)?, at(range.low), at(low));
        batch.put(keys::low_offset(place), keys::offset(low));
        self.write(batch)
    }

    fn scan(
        &self,
        place: Partition,
        from: i64,
        end: i64,
    ) -> Result<rocksdb::DBIteratorWithThreadMode<'_, DB>, LogError> {
        let mut options = ReadOptions::default();
        options.set_iterate_upper_bound(keys::record(Position { partition: place, offset: end }));
        let start = keys::record(Position { partition: place, offset: from });
        let mode = IteratorMode::From(&start, Direction::Forward);
        Ok(self.db.iterator_cf_opt(self.family(keys::RECORDS)?, options, mode))
    }

    fn family(&self, name: &str) -> Result<&ColumnFamily, LogError> {
        self.db.cf_handle(name).ok_or_else(|| LogError::storage(READING, format!("no {name}")))
    }
}

const READING: &str = "reading the embedded log";
const WRITING: &str = "writing the embedded log";

fn opening(path: &Path) -> String {
    format!("opening the embedded log in {}", path.display())
}

fn families() -> Vec<ColumnFamilyDescriptor> {
    let cache = Cache::new_lru_cache(64 << 20);
    let mut table = BlockBasedOptions::default();
    table.set_block_cache(&cache);
    table.set_block_size(32 << 10);
    let mut options = Options::default();
    options.set_block_based_table_factory(&table);
    options.set_compression_type(DBCompressionType::Lz4);
    options.set_write_buffer_size(32 << 20);
    ["default", keys::RECORDS, keys::LATEST]
        .into_iter()
        .map(|name| ColumnFamilyDescriptor::new(name, options.clone()))
        .collect()
}
