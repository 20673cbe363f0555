//! How RocksDB is set for the state.

use std::path::Path;

use rocksdb::{
    BlockBasedOptions, Cache, ColumnFamilyDescriptor, DB, DBCompressionType, Options,
    WriteBufferManager,
};

use super::keys;
use crate::error::StoreError;

/// Ten bits a key: one look-up in a hundred for a key that is not there reads a block in vain.
const BLOOM_BITS: f64 = 10.0;

/// Opens the database with one budget for all its memory: half for what was read, half for what is
/// not on the disk yet.
pub(super) fn open(path: &Path, memory_bytes: usize) -> Result<DB, StoreError> {
    let cache = Cache::new_lru_cache(memory_bytes);
    let mut options = Options::default();
    options.create_if_missing(true);
    options.create_missing_column_families(true);
    // Offsets and what they stand for must come to the disk together.
    options.set_atomic_flush(true);
    options.set_max_background_jobs(2);
    options.set_keep_log_file_num(4);
    options.set_write_buffer_manager(&WriteBufferManager::new_write_buffer_manager_with_cache(
        memory_bytes / 2,
        false,
        cache.clone(),
    ));
    let families = ["default", keys::LEARNERS, keys::DEDUP, keys::SHARD_TIMES]
        .into_iter()
        .map(|name| ColumnFamilyDescriptor::new(name, family(name, &cache, memory_bytes)));
    DB::open_cf_descriptors(&options, path, families)
        .map_err(|error| StoreError::opening(path, &error))
}

fn family(name: &str, cache: &Cache, memory_bytes: usize) -> Options {
    let mut table = BlockBasedOptions::default();
    table.set_block_cache(cache);
    table.set_block_size(8 << 10);
    table.set_cache_index_and_filter_blocks(true);
    table.set_pin_l0_filter_and_index_blocks_in_cache(true);
    table.set_bloom_filter(BLOOM_BITS, false);
    table.set_whole_key_filtering(true);
    let mut options = Options::default();
    options.set_compression_type(DBCompressionType::Lz4);
    options.set_write_buffer_size((memory_bytes / 8).max(1 << 20));
    options.set_max_write_buffer_number(3);
    if name == keys::DEDUP {
        // Nearly every look-up is for a key that is not there.
        options.set_memtable_prefix_bloom_ratio(0.1);
        options.set_memtable_whole_key_filtering(true);
    }
    options.set_block_based_table_factory(&table);
    options
}
