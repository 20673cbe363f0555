package kleos.bench;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import kleos.v1.LearningEvent;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.processor.PunctuationType;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueIterator;
import org.apache.kafka.streams.state.KeyValueStore;

/** Lets each event count once, and has the rules decide about it. */
final class Rewards implements Processor<byte[], byte[], byte[], byte[]> {
    static final String LEARNERS = "learners";
    static final String SEEN = "seen";
    private static final int REMEMBERED_DAYS = 35;
    private static final int EVENTS_A_DAY = 1_000;
    /** Event keys that are looked at in one go, so that events do not have to wait for long. */
    private static final int LOOKED_AT = 20_000;

    private final Wire.Reader reader;
    private final Rules rules;
    private final Learner learner = new Learner();
    private ProcessorContext<byte[], byte[]> context;
    private KeyValueStore<Bytes, byte[]> learners;
    private KeyValueStore<Bytes, byte[]> seen;
    private Bytes lookedUpTo;

    Rewards(Wire wire) {
        reader = wire.reader();
        rules = new Rules(wire.writer());
    }

    @Override
    public void init(ProcessorContext<byte[], byte[]> given) {
        context = given;
        learners = given.getStateStore(LEARNERS);
        seen = given.getStateStore(SEEN);
        given.schedule(Duration.ofMinutes(1), PunctuationType.WALL_CLOCK_TIME, now -> forgetSome());
    }

    @Override
    public void process(Record<byte[], byte[]> record) {
        try {
            LearningEvent event = reader.read(record.value());
            if (!event.getEvent().startsWith("kleos.")) accept(record, event);
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        }
    }

    private void accept(Record<byte[], byte[]> record, LearningEvent event) throws IOException {
        long logTime = context.currentStreamTimeMs();
        if (logTime * 1_000 - event.getOccurredAt() > REMEMBERED_DAYS * Rules.DAY) return;
        Bytes name = name(record.key(), event);
        byte[] known = seen.get(name);
        if (known != null && !isForgotten(known, logTime)) return;
        seen.put(name, ByteBuffer.allocate(8).putLong(logTime).array());
        Bytes key = Bytes.wrap(record.key());
        learner.read(learners.get(key));
        int today = learner.events.increase(Rules.day(event.getOccurredAt()));
        if (today <= EVENTS_A_DAY && !event.getFlags().getIsTest() && !event.getFlags().getIsPrivileged())
            rules.decide(event, learner, award -> context.forward(record.withValue(award)));
        learners.put(key, learner.write());
    }

    /** What tells one event from all others: its learner, source, instance and id. */
    private static Bytes name(byte[] key, LearningEvent event) {
        byte[] id = (event.getSource() + '|' + event.getInstance() + '|' + event.getEventId()).getBytes(StandardCharsets.UTF_8);
        return Bytes.wrap(ByteBuffer.allocate(key.length + 1 + id.length).put(key).put((byte) 0).put(id).array());
    }

    private static boolean isForgotten(byte[] known, long logTime) {
        long days = Rules.day(logTime * 1_000) - Rules.day(ByteBuffer.wrap(known).getLong() * 1_000);
        return days > REMEMBERED_DAYS;
    }

    private void forgetSome() {
        long logTime = context.currentStreamTimeMs();
        int looked = 0;
        try (KeyValueIterator<Bytes, byte[]> entries = seen.range(lookedUpTo, null)) {
            while (entries.hasNext() && looked++ < LOOKED_AT) {
                KeyValue<Bytes, byte[]> entry = entries.next();
                if (isForgotten(entry.value, logTime)) seen.delete(entry.key);
                lookedUpTo = entry.key;
            }
            if (!entries.hasNext()) lookedUpTo = null;
        }
    }
}
