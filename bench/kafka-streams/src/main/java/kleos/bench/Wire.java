package kleos.bench;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import kleos.v1.Award;
import kleos.v1.LearningEvent;
import org.apache.avro.io.BinaryDecoder;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.DecoderFactory;
import org.apache.avro.io.EncoderFactory;
import org.apache.avro.specific.SpecificDatumReader;
import org.apache.avro.specific.SpecificDatumWriter;

/** Confluent's wire format: a zero byte, the schema's id in four bytes, the Avro datum. */
record Wire(int eventSchema, int awardSchema) {
    private static final int HEADER = 5;

    static {
        // Generated code instead of a walk over the schema.
        new LearningEvent().getSpecificData().setCustomCoders(true);
        new Award().getSpecificData().setCustomCoders(true);
    }

    Reader reader() {
        return new Reader();
    }

    Writer writer() {
        return new Writer();
    }

    /** For one thread; every event that it returns is the same object. */
    final class Reader {
        private final SpecificDatumReader<LearningEvent> reader = new SpecificDatumReader<>(LearningEvent.class);
        private final LearningEvent event = new LearningEvent();
        private BinaryDecoder decoder;

        LearningEvent read(byte[] value) throws IOException {
            int id = value.length < HEADER || value[0] != 0 ? -1
                    : (value[1] & 255) << 24 | (value[2] & 255) << 16 | (value[3] & 255) << 8 | value[4] & 255;
            if (id != eventSchema) throw new IOException("a value of schema " + id + ", expected " + eventSchema);
            decoder = DecoderFactory.get().binaryDecoder(value, HEADER, value.length - HEADER, decoder);
            return reader.read(event, decoder);
        }
    }

    /** For one thread. */
    final class Writer {
        private final SpecificDatumWriter<Award> writer = new SpecificDatumWriter<>(Award.class);
        private final ByteArrayOutputStream bytes = new ByteArrayOutputStream(512);
        private BinaryEncoder encoder;

        byte[] write(Award award) throws IOException {
            bytes.reset();
            bytes.write(0);
            for (int shift = 24; shift >= 0; shift -= 8) bytes.write(awardSchema >>> shift);
            encoder = EncoderFactory.get().directBinaryEncoder(bytes, encoder);
            writer.write(award, encoder);
            return bytes.toByteArray();
        }
    }
}
