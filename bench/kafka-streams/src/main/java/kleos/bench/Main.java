package kleos.bench;

import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.errors.TopicExistsException;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.StoreBuilder;
import org.apache.kafka.streams.state.Stores;

/** Events in, awards out, exactly once, in Kafka Streams. */
public final class Main {
    private final Map<String, String> options = new HashMap<>();

    private Main(String[] arguments) {
        for (int i = 0; i + 1 < arguments.length; i += 2) options.put(arguments[i], arguments[i + 1]);
    }

    public static void main(String[] arguments) throws Exception {
        new Main(arguments).run();
    }

    private String option(String name) {
        String value = options.get("--" + name);
        if (value == null) throw new IllegalArgumentException("--" + name + " is missing");
        return value;
    }

    private int number(String name) {
        return Integer.parseInt(option(name));
    }

    private void run() throws Exception {
        makeOutput();
        CountDownLatch failed = new CountDownLatch(1);
        KafkaStreams streams = new KafkaStreams(topology(), settings());
        streams.setUncaughtExceptionHandler(error -> {
            error.printStackTrace();
            failed.countDown();
            return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
        });
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            tell(streams);
            streams.close(Duration.ofSeconds(20));
        }));
        streams.start();
        while (!failed.await(1, TimeUnit.SECONDS)) tell(streams);
        System.exit(1);
    }

    private void makeOutput() throws Exception {
        // Awards have the times of their events, which are weeks old.
        NewTopic output = new NewTopic(option("output"), number("partitions"), (short) 1).configs(Map.of("retention.ms", "-1"));
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", option("bootstrap")))) {
            admin.createTopics(List.of(output)).all().get();
        } catch (ExecutionException error) {
            if (!(error.getCause() instanceof TopicExistsException)) throw error;
        }
    }

    private Topology topology() {
        var raw = Serdes.ByteArray();
        Wire wire = new Wire(number("event-schema"), number("award-schema"));
        return new Topology()
                .addSource("events", raw.deserializer(), raw.deserializer(), option("input"))
                .addProcessor("rewards", () -> new Rewards(wire), "events")
                .addStateStore(store(Rewards.LEARNERS), "rewards")
                .addStateStore(store(Rewards.SEEN), "rewards")
                .addSink("awards", option("output"), raw.serializer(), raw.serializer(), "rewards");
    }

    /** With a changelog. Without a record cache commits are short, and the throughput is the same. */
    private static StoreBuilder<KeyValueStore<Bytes, byte[]>> store(String name) {
        return Stores.keyValueStoreBuilder(Stores.persistentKeyValueStore(name), Serdes.Bytes(), Serdes.ByteArray())
                .withLoggingEnabled(Map.of())
                .withCachingDisabled();
    }

    private Properties settings() {
        Properties set = new Properties();
        set.put(StreamsConfig.APPLICATION_ID_CONFIG, option("application"));
        set.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, option("bootstrap"));
        set.put(StreamsConfig.STATE_DIR_CONFIG, Path.of(option("state")).toString());
        set.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
        set.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, 100);
        set.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, 1);
        set.put(StreamsConfig.REPLICATION_FACTOR_CONFIG, 1);
        set.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, 0);
        set.put(StreamsConfig.ROCKSDB_CONFIG_SETTER_CLASS_CONFIG, RocksSettings.class);
        set.put(StreamsConfig.BUFFERED_RECORDS_PER_PARTITION_CONFIG, 5_000);
        set.put(StreamsConfig.POLL_MS_CONFIG, 20);
        consumer(set, ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest");
        consumer(set, ConsumerConfig.MAX_POLL_RECORDS_CONFIG, 2_000);
        consumer(set, ConsumerConfig.GROUP_INSTANCE_ID_CONFIG, "only");
        producer(set, ProducerConfig.LINGER_MS_CONFIG, 5);
        producer(set, ProducerConfig.COMPRESSION_TYPE_CONFIG, "lz4");
        producer(set, ProducerConfig.BATCH_SIZE_CONFIG, 128 << 10);
        producer(set, ProducerConfig.BUFFER_MEMORY_CONFIG, 64L << 20);
        return set;
    }

    private static void consumer(Properties set, String name, Object value) {
        set.put(StreamsConfig.mainConsumerPrefix(name), value);
    }

    private static void producer(Properties set, String name, Object value) {
        set.put(StreamsConfig.producerPrefix(name), value);
    }

    private static void tell(KafkaStreams streams) {
        StringBuilder line = new StringBuilder("figures ");
        streams.metrics().forEach((name, metric) -> {
            if (!name.group().equals("stream-thread-metrics")) return;
            if (name.name().equals("commit-latency-avg")) line.append("commit_avg_ms=").append(metric.metricValue()).append(' ');
            if (name.name().equals("commit-latency-max")) line.append("commit_max_ms=").append(metric.metricValue()).append(' ');
        });
        System.out.println(line);
    }
}
