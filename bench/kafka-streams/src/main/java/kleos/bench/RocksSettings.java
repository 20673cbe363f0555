package kleos.bench;

import java.util.Map;
import org.apache.kafka.streams.state.RocksDBConfigSetter;
import org.rocksdb.BlockBasedTableConfig;
import org.rocksdb.BloomFilter;
import org.rocksdb.CompressionType;
import org.rocksdb.LRUCache;
import org.rocksdb.Options;
import org.rocksdb.WriteBufferManager;

/** One budget for the memory of all stores, and filters also in the last level, where most look-ups of event keys end. */
public final class RocksSettings implements RocksDBConfigSetter {
    private static final LRUCache BLOCKS = new LRUCache(256L << 20, -1, false, 0.1);
    private static final WriteBufferManager BUFFERS = new WriteBufferManager(192L << 20, BLOCKS);
    private static final BloomFilter FILTER = new BloomFilter(10, false);

    @Override
    public void setConfig(String store, Options options, Map<String, Object> settings) {
        BlockBasedTableConfig table = (BlockBasedTableConfig) options.tableFormatConfig();
        table.setBlockCache(BLOCKS)
                .setCacheIndexAndFilterBlocks(true)
                .setPinTopLevelIndexAndFilter(true)
                .setFilterPolicy(FILTER)
                .setWholeKeyFiltering(true)
                .setBlockSize(8 << 10);
        options.setTableFormatConfig(table)
                .setWriteBufferManager(BUFFERS)
                .setWriteBufferSize(16 << 20)
                .setMaxWriteBufferNumber(3)
                .setOptimizeFiltersForHits(false)
                .setCompressionType(CompressionType.LZ4_COMPRESSION);
    }

    /** What is shared lives as long as the process. */
    @Override
    public void close(String store, Options options) {}
}
