package kleos.bench;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** What is remembered of one learner. One object serves all, so that an event allocates little. */
final class Learner {
    /** Of which rule something was once. */
    static final byte SECTION = 0, TIMEBOXED = 1, THREAD = 2, COURSE = 3, PROGRAMME = 4;

    long balance;
    /** Events, paid lessons and paid posts, by day. */
    final Counts events = new Counts(), lessons = new Counts(), posts = new Counts();
    final Numbers activeWeeks = new Numbers(), paidWeeks = new Numbers();
    final Numbers postTimes = new Numbers();
    /** Scopes that were paid, each as rule, length and bytes; looked for where they lie. */
    private byte[] paid = new byte[64];
    private int paidLength;
    /** Scopes of enrolments in the same form, and the earliest time of each. */
    private byte[] enrolled = new byte[64];
    private int enrolledLength;
    private final Numbers enrolledAt = new Numbers();
    private final Pack pack = new Pack();

    void read(byte[] bytes) {
        pack.open(bytes == null ? new byte[0] : bytes);
        balance = pack.number();
        for (Numbers list : lists()) list.read(pack);
        paidLength = Math.toIntExact(pack.number());
        paid = pack.bytes(paid, paidLength);
        enrolledLength = Math.toIntExact(pack.number());
        enrolled = pack.bytes(enrolled, enrolledLength);
    }

    byte[] write() {
        pack.begin();
        pack.number(balance);
        for (Numbers list : lists()) list.write(pack);
        pack.number(paidLength);
        pack.put(paid, paidLength);
        pack.number(enrolledLength);
        pack.put(enrolled, enrolledLength);
        return pack.end();
    }

    private Numbers[] lists() {
        return new Numbers[] {events, lessons, posts, activeWeeks, paidWeeks, postTimes, enrolledAt};
    }

    boolean isPaid(byte rule, String scope) {
        return find(paid, paidLength, rule, scope.getBytes(StandardCharsets.UTF_8)) >= 0;
    }

    void pay(byte rule, String scope) {
        byte[] name = scope.getBytes(StandardCharsets.UTF_8);
        paid = append(paid, paidLength, rule, name);
        paidLength += 3 + name.length;
    }

    void enrol(String course, long at) {
        byte[] name = course.getBytes(StandardCharsets.UTF_8);
        int place = find(enrolled, enrolledLength, (byte) 0, name);
        if (place >= 0) {
            enrolledAt.set(place, Math.min(at, enrolledAt.get(place)));
            return;
        }
        enrolled = append(enrolled, enrolledLength, (byte) 0, name);
        enrolledLength += 3 + name.length;
        enrolledAt.add(at);
    }

    /** The earliest enrolment in a course, or the end of all times. */
    long enrolledAt(String course) {
        int place = find(enrolled, enrolledLength, (byte) 0, course.getBytes(StandardCharsets.UTF_8));
        return place < 0 ? Long.MAX_VALUE : enrolledAt.get(place);
    }

    /** Which entry it is, or -1. */
    private static int find(byte[] entries, int end, byte rule, byte[] name) {
        int number = 0;
        for (int at = 0; at < end; number++) {
            int length = (entries[at + 1] & 255) << 8 | entries[at + 2] & 255;
            int begin = at + 3;
            if (entries[at] == rule && Arrays.equals(entries, begin, begin + length, name, 0, name.length)) return number;
            at = begin + length;
        }
        return -1;
    }

    private static byte[] append(byte[] entries, int end, byte rule, byte[] name) {
        int needed = end + 3 + name.length;
        byte[] room = needed <= entries.length ? entries : Arrays.copyOf(entries, 2 * needed);
        room[end] = rule;
        room[end + 1] = (byte) (name.length >>> 8);
        room[end + 2] = (byte) name.length;
        System.arraycopy(name, 0, room, end + 3, name.length);
        return room;
    }

    /** A short list of numbers. */
    static class Numbers {
        private long[] items = new long[8];
        private int size;

        final long get(int place) {
            return items[place];
        }

        final void set(int place, long value) {
            items[place] = value;
        }

        final int size() {
            return size;
        }

        final void add(long value) {
            if (size == items.length) items = Arrays.copyOf(items, 2 * size);
            items[size++] = value;
        }

        final boolean contains(long value) {
            for (int i = 0; i < size; i++) if (items[i] == value) return true;
            return false;
        }

        private void read(Pack pack) {
            size = 0;
            for (long left = pack.number(); left > 0; left--) add(pack.number());
        }

        private void write(Pack pack) {
            pack.number(size);
            for (int i = 0; i < size; i++) pack.number(items[i]);
        }
    }

    /** How much of something there was on which day: the day and the count take turns. */
    static final class Counts extends Numbers {
        int of(int day) {
            for (int i = 0; i < size(); i += 2) if (get(i) == day) return (int) get(i + 1);
            return 0;
        }

        int increase(int day) {
            for (int i = 0; i < size(); i += 2) {
                if (get(i) == day) {
                    set(i + 1, get(i + 1) + 1);
                    return (int) get(i + 1);
                }
            }
            add(day);
            add(1);
            return 1;
        }
    }
}
