package kleos.bench;

import java.util.Arrays;

/** Numbers in as few bytes as they need, and bytes as they are. What lies behind the end reads as zero. */
final class Pack {
    private byte[] buffer = new byte[1024];
    private byte[] given;
    private int at;

    void open(byte[] bytes) {
        given = bytes;
        at = 0;
    }

    long number() {
        long value = 0;
        for (int shift = 0; at < given.length; shift += 7) {
            byte next = given[at++];
            value |= (next & 127L) << shift;
            if (next >= 0) break;
        }
        return value >>> 1 ^ -(value & 1);
    }

    byte[] bytes(byte[] room, int length) {
        byte[] into = length <= room.length ? room : new byte[2 * length];
        System.arraycopy(given, at, into, 0, length);
        at += length;
        return into;
    }

    void begin() {
        at = 0;
    }

    void number(long value) {
        reserve(10);
        long left = value << 1 ^ value >> 63;
        while ((left & ~127L) != 0) {
            buffer[at++] = (byte) (left & 127 | 128);
            left >>>= 7;
        }
        buffer[at++] = (byte) left;
    }

    void put(byte[] bytes, int length) {
        reserve(length);
        System.arraycopy(bytes, 0, buffer, at, length);
        at += length;
    }

    byte[] end() {
        return Arrays.copyOf(buffer, at);
    }

    private void reserve(int more) {
        if (at + more > buffer.length) buffer = Arrays.copyOf(buffer, 2 * (at + more));
    }
}
