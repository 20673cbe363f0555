package kleos.bench;

import java.io.IOException;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.LocalDate;
import java.time.temporal.IsoFields;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.Map;
import java.util.function.Consumer;
import kleos.v1.Award;
import kleos.v1.LearningEvent;
import kleos.v1.Place;

/** The seven rules that Kleos ships with, in their order. */
final class Rules {
    static final long DAY = 86_400_000_000L;
    private static final long TEN_MINUTES = 600_000_000L;
    private static final long EIGHTY_PERCENT = 80_0000;

    private final Wire.Writer writer;
    private final Award award = new Award();
    private final MessageDigest sha;
    private final Map<Integer, String> dayLabels = new HashMap<>(), weekLabels = new HashMap<>();

    Rules(Wire.Writer writer) {
        this.writer = writer;
        try {
            sha = MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException error) {
            throw new IllegalStateException(error);
        }
        award.setKind("granted");
        award.setReason("");
        award.setStatus("final");
    }

    static int day(long micros) {
        return (int) Math.floorDiv(micros, DAY);
    }

    /** 1970-01-01 was a Thursday. */
    private static int week(int day) {
        return Math.floorDiv(day + 3, 7);
    }

    void decide(LearningEvent event, Learner learner, Consumer<byte[]> out) throws IOException {
        String name = event.getEvent();
        int day = day(event.getOccurredAt());
        if (name.equals("enrollment.created")) enrol(event, learner);
        if (name.equals("lesson.completed") && learner.lessons.of(day) < 3) {
            learner.lessons.increase(day);
            grant(event, learner, new Grant("lesson_completion", 10, null, slot(event), dayLabel(day), null), out);
        }
        if (isMastery(event)) once(Learner.SECTION, section(event), "section_mastery", 10, event, learner, out);
        if (name.equals("course.completed") && isInTime(event, learner))
            once(Learner.TIMEBOXED, course(event), "timeboxed_completion", 15, event, learner, out);
        if (isLearning(name)) streak(event, learner, week(day), out);
        if (name.equals("forum.posted")) post(event, learner, day, out);
        if (name.equals("course.completed")) {
            ByteBuffer progress = event.getMetrics().getProgressPct();
            if (progress == null || percent(progress) >= EIGHTY_PERCENT)
                once(Learner.COURSE, course(event), "course_completion", 50, event, learner, out);
        }
        if (name.equals("programme.completed"))
            once(Learner.PROGRAMME, scope("programme", event, event.getContext().getProgramme()), "programme_completion", 100,
                    event, learner, out);
    }

    private void enrol(LearningEvent event, Learner learner) {
        String course = course(event);
        if (course != null) learner.enrol(course, event.getOccurredAt());
    }

    private static boolean isMastery(LearningEvent event) {
        if (event.getEvent().equals("section.mastered")) return true;
        ByteBuffer score = event.getMetrics().getScorePct();
        return event.getEvent().equals("quiz.completed") && score != null && percent(score) >= EIGHTY_PERCENT
                && event.getContext().getSection() != null;
    }

    private static boolean isInTime(LearningEvent event, Learner learner) {
        String course = course(event);
        if (course == null) return false;
        long enrolled = learner.enrolledAt(course);
        return enrolled <= event.getOccurredAt() && event.getOccurredAt() - enrolled <= 30 * DAY;
    }

    private static boolean isLearning(String name) {
        if (name.endsWith(".uncompleted") || name.endsWith(".failed") || name.endsWith(".deleted")) return false;
        return switch (name.substring(0, name.indexOf('.'))) {
            case "lesson", "section", "quiz", "assignment", "forum", "course", "programme" -> true;
            default -> false;
        };
    }

    /** A late event can complete the pair of its own week or that of the week after. */
    private void streak(LearningEvent event, Learner learner, int week, Consumer<byte[]> out) throws IOException {
        if (!learner.activeWeeks.contains(week)) learner.activeWeeks.add(week);
        for (int paid = week; paid <= week + 1; paid++) {
            boolean isPair = learner.activeWeeks.contains(paid) && learner.activeWeeks.contains(paid - 1);
            if (!isPair || learner.paidWeeks.contains(paid)) continue;
            learner.paidWeeks.add(paid);
            String label = weekLabel(paid);
            grant(event, learner, new Grant("weekly_streak", 20, "week=" + label, "", label, null), out);
        }
    }

    private void post(LearningEvent event, Learner learner, int day, Consumer<byte[]> out) throws IOException {
        String thread = scope("thread", event, event.getContext().getThread());
        if (thread == null || learner.posts.of(day) >= 3 || learner.isPaid(Learner.THREAD, thread)) return;
        long at = event.getOccurredAt();
        for (int i = 0; i < learner.postTimes.size(); i++) if (Math.abs(at - learner.postTimes.get(i)) < TEN_MINUTES) return;
        learner.posts.increase(day);
        learner.pay(Learner.THREAD, thread);
        learner.postTimes.add(at);
        grant(event, learner, new Grant("forum_post", 5, thread, "", dayLabel(day), null), out);
    }

    private void once(byte rule, String scope, String name, int points, LearningEvent event, Learner learner, Consumer<byte[]> out)
            throws IOException {
        if (scope == null || learner.isPaid(rule, scope)) return;
        learner.pay(rule, scope);
        grant(event, learner, new Grant(name, points, scope, "", null, rule == Learner.COURSE ? "course_master" : null), out);
    }

    private record Grant(String rule, int points, String scope, String slot, String window, String badge) {}

    private void grant(LearningEvent event, Learner learner, Grant grant, Consumer<byte[]> out) throws IOException {
        String tenant = event.getTenant(), user = event.getUser().getKey();
        String id = named(tenant, user, grant.rule, grant.scope == null ? "" : grant.scope, grant.slot);
        learner.balance += grant.points;
        award.setAwardId(id);
        award.setEntryId(named(id, "1"));
        award.setTenant(tenant);
        award.setUserKey(user);
        award.setUserId(event.getUser().getId());
        award.setSource(event.getSource());
        award.setInstance(event.getInstance());
        award.setRuleId(grant.rule);
        award.setPoints(grant.points);
        award.setBadge(grant.badge);
        award.setEvent(event.getEvent());
        award.setEventId(event.getEventId());
        award.setOccurredAt(event.getOccurredAt());
        award.setDecidedAt(event.getAcceptedAt());
        award.setScope(grant.scope);
        award.setWindow(grant.window);
        award.setBalanceAfter(learner.balance);
        out.accept(writer.write(award));
    }

    /** SHA-256 over the parts, each after its length. */
    private String named(String... parts) {
        for (String part : parts) {
            byte[] bytes = part.getBytes(StandardCharsets.UTF_8);
            sha.update(new byte[] {(byte) (bytes.length >>> 24), (byte) (bytes.length >>> 16), (byte) (bytes.length >>> 8), (byte) bytes.length});
            sha.update(bytes);
        }
        return HexFormat.of().formatHex(sha.digest());
    }

    private static String slot(LearningEvent event) {
        return event.getSource() + '|' + event.getInstance() + '|' + event.getEventId();
    }

    private static String course(LearningEvent event) {
        return scope("course", event, event.getContext().getCourse());
    }

    private static String section(LearningEvent event) {
        String course = course(event), section = scope("section", event, event.getContext().getSection());
        return course == null || section == null ? null : course + ';' + section;
    }

    private static String scope(String kind, LearningEvent event, Place place) {
        if (place == null || place.getId().isEmpty()) return null;
        String id = place.getId();
        if (id.indexOf('%') >= 0 || id.indexOf(';') >= 0) id = id.replace("%", "%25").replace(";", "%3B");
        return kind + '=' + event.getInstance() + '/' + id;
    }

    /** Ten-thousandths of a percent. */
    private static long percent(ByteBuffer decimal) {
        byte[] bytes = new byte[decimal.remaining()];
        decimal.duplicate().get(bytes);
        return new BigInteger(bytes).longValueExact();
    }

    private String dayLabel(int day) {
        return dayLabels.computeIfAbsent(day, number -> LocalDate.ofEpochDay(number).toString());
    }

    private String weekLabel(int week) {
        return weekLabels.computeIfAbsent(week, number -> {
            LocalDate monday = LocalDate.ofEpochDay(number * 7L - 3);
            return "%04d-W%02d".formatted(monday.get(IsoFields.WEEK_BASED_YEAR), monday.get(IsoFields.WEEK_OF_WEEK_BASED_YEAR));
        });
    }
}
