#!/usr/bin/env python3
"""An independent account of what must have come of a run, held against what lies in the topics.

  oracle.py DIRECTORY

DIRECTORY holds one JSON line a record: raw, events, awards, unmapped, dead-letters and owners as `kleos tail --all --end`
prints them, state-NAME as `kleos state` prints it for each instance, and receipts as the sender wrote them. Nothing of Kleos'
code is used: the rules, the names of awards and the partitioner are written down here a second time, from their definitions.

Prints one JSON object; exit code 0 only if nothing is lost, doubled, foreign or different.
"""
import hashlib
import json
import struct
import sys
from collections import Counter, defaultdict
from datetime import datetime, timedelta, timezone
from pathlib import Path

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
DAY = 86_400_000_000
LEARNING = {"lesson", "section", "quiz", "assignment", "forum", "course", "programme"}
TAKEN_BACK = (".uncompleted", ".failed", ".deleted")
REMEMBERED_DAYS = 35
RECENT = 5


def lines(path):
    if not path.exists():
        return
    with open(path, encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def micros(text):
    stamp = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return (stamp - EPOCH) // timedelta(microseconds=1)


def named(*parts):
    hasher = hashlib.sha256()
    for part in parts:
        data = part.encode()
        hasher.update(struct.pack(">I", len(data)) + data)
    return hasher.hexdigest()


def murmur2(data):
    mask, m = 0xFFFFFFFF, 0x5BD1E995
    h = (0x9747B28C ^ len(data)) & mask
    whole = len(data) // 4 * 4
    for i in range(0, whole, 4):
        k = int.from_bytes(data[i:i + 4], "little")
        k = k * m & mask
        k ^= k >> 24
        k = k * m & mask
        h = h * m & mask ^ k
    rest = data[whole:]
    if rest:
        h ^= int.from_bytes(rest, "little")
        h = h * m & mask
    h ^= h >> 13
    h = h * m & mask
    return h ^ h >> 15


def day_of(at):
    return at // DAY


def week_of(at):
    return (day_of(at) + 3) // 7


def day_label(day):
    return (EPOCH + timedelta(days=day)).date().isoformat()


def week_label(week):
    monday = (EPOCH + timedelta(days=week * 7 - 3)).date()
    year, number, _ = monday.isocalendar()
    return "%04d-W%02d" % (year, number)


def place(event, kind):
    found = event["context"][kind]
    return found["id"] if found and found["id"] else None


def scope(event, *kinds):
    ids = [(kind, place(event, kind)) for kind in kinds]
    if any(found is None for _, found in ids):
        return None
    escaped = [(kind, found.replace("%", "%25").replace(";", "%3B")) for kind, found in ids]
    return ";".join("%s=%s/%s" % (kind, event["instance"], found) for kind, found in escaped)


def content(event):
    """What tells two events of one id apart."""
    at = None if event["flags"]["time_was_guessed"] else event["occurred_at"]
    places = tuple(place(event, kind) for kind in ("course", "section", "lesson", "programme", "thread"))
    return json.dumps([event["event"], event["actor_id"], at, places, event["object"], event["metrics"],
                       event["flags"]["is_test"], event["flags"]["is_privileged"]], sort_keys=True)


class Learner:
    def __init__(self, tenant, key):
        self.tenant, self.key, self.user_id = tenant, key, ""
        self.balance = self.events = self.awards = 0
        self.last_event_at = 0
        self.badges, self.days, self.marks, self.recent = {}, Counter(), {}, []
        self.counters, self.times = defaultdict(Counter), defaultdict(list)
        self.active, self.paid = set(), set()
        self.streak_known = False
        self.lines = []

    def grant(self, event, rule, points, scope_text, slot, window, badge=None):
        award = named(self.tenant, self.key, rule, scope_text, slot)
        self.balance += points
        self.awards += 1
        self.lines.append({
            "entry_id": named(award, "1"), "award_id": award, "kind": "granted", "tenant": self.tenant,
            "user_key": self.key, "rule_id": rule, "points": points, "badge": badge, "event": event["event"],
            "event_id": event["event_id"], "occurred_at": event["occurred_at"], "decided_at": event["accepted_at"],
            "scope": scope_text or None, "window": window, "balance_after": self.balance})
        if badge and badge not in self.badges:
            self.badges[badge] = (rule, event["occurred_at"])
        self.recent.append((rule, points, event["event_id"]))
        del self.recent[:-RECENT]


def decide(learner, event):
    """The default rules, in their order."""
    at, name = micros(event["occurred_at"]), event["event"]
    slot = "|".join((event["source"], event["instance"], event["event_id"]))
    day, week = day_of(at), week_of(at)

    def used(rule, per, where, window):
        return learner.counters[rule][(per, where, window)]

    def count(rule, *counters):
        for counter in counters:
            learner.counters[rule][counter] += 1

    def once(rule, points, where, badge=None):
        if where is not None and not used(rule, "lifetime", where, 0):
            count(rule, ("lifetime", where, 0))
            learner.grant(event, rule, points, where, "", None, badge)

    course = scope(event, "course")
    if name == "enrollment.created" and course is not None:
        mark = ("enrollment.created", course)
        learner.marks[mark] = min(at, learner.marks.get(mark, at))
    if name == "lesson.completed" and used("lesson_completion", "day", "", day) < 3:
        count("lesson_completion", ("day", "", day))
        learner.grant(event, "lesson_completion", 10, "", slot, day_label(day))
    score = event["metrics"]["score_pct"]
    mastered = name == "section.mastered" or (name == "quiz.completed" and score is not None and score >= 80
                                              and place(event, "section") is not None)
    if mastered:
        once("section_mastery", 10, scope(event, "course", "section"))
    if name == "course.completed" and course is not None:
        begun = learner.marks.get(("enrollment.created", course))
        if begun is not None and begun <= at and at - begun <= 30 * DAY:
            once("timeboxed_completion", 15, course)
    if name.split(".")[0] in LEARNING and not name.endswith(TAKEN_BACK):
        learner.active.add(week)
        learner.streak_known = True
        for number in (week, week + 1):
            if number in learner.active and number - 1 in learner.active and number not in learner.paid:
                learner.paid.add(number)
                learner.grant(event, "weekly_streak", 20, "week=" + week_label(number), "", week_label(number))
    thread = scope(event, "thread")
    if name == "forum.posted" and thread is not None:
        free = not used("forum_post", "lifetime", thread, 0) and used("forum_post", "day", "", day) < 3
        if free and all(abs(at - other) >= 600_000_000 for other in learner.times["forum_post"]):
            count("forum_post", ("day", "", day), ("lifetime", thread, 0))
            learner.times["forum_post"].append(at)
            learner.grant(event, "forum_post", 5, thread, "", day_label(day))
    if name == "course.completed":
        progress = event["metrics"]["progress_pct"]
        if progress is None or progress >= 80:
            once("course_completion", 50, course, "course_master")
    if name == "programme.completed":
        once("programme_completion", 100, scope(event, "programme"))


def fold(events):
    """Awards, learners, duplicates and refusals that the events must lead to."""
    learners, seen, log_time = {}, {}, {}
    outcomes, refused = Counter(), Counter()
    for record in events:
        event = record["value"]
        key = (event["tenant"], event["user"]["key"])
        shard = murmur2(record["key"].encode()) & 4095
        log_time[shard] = max(micros(event["accepted_at"]), log_time.get(shard, 0))
        if event["event"].startswith("kleos."):
            outcomes["system"] += 1
            continue
        learner = learners.get(key)
        if learner is None:
            learner = learners[key] = Learner(*key)
        at = micros(event["occurred_at"])
        if log_time[shard] - at > 35 * DAY:
            refused[(record["partition"], record["offset"])] += 1
            outcomes["dead_letter"] += 1
            continue
        identity = (key, event["source"], event["instance"], event["event_id"])
        known = seen.get(identity)
        if known is not None and known[1] >= day_of(log_time[shard]) - REMEMBERED_DAYS:
            outcomes["duplicate" if known[0] == content(event) else "conflict"] += 1
            continue
        seen[identity] = (content(event), day_of(log_time[shard]))
        learner.user_id = learner.user_id or event["user"]["id"]
        learner.events += 1
        learner.last_event_at = max(at, learner.last_event_at) if learner.events > 1 else at
        learner.days[day_of(at)] += 1
        if learner.days[day_of(at)] > 1000:
            outcomes["daily_limit"] += 1
        elif event["flags"]["is_test"]:
            outcomes["test"] += 1
        elif event["flags"]["is_privileged"]:
            outcomes["privileged"] += 1
        else:
            outcomes["decided"] += 1
            decide(learner, event)
    return learners, outcomes, refused


def in_order(records):
    return sorted(records, key=lambda record: (record["partition"], record["offset"]))


def compare_awards(learners, records, problems):
    """How many lines are missing, there twice, or not to be there at all."""
    found = defaultdict(list)
    for record in in_order(records):
        found[(record["value"]["tenant"], record["value"]["user_key"])].append(record["value"])
    missing = doubled = foreign = 0
    for key in set(found) | set(learners):
        wanted = learners[key].lines if key in learners else []
        got = found.get(key, [])
        names = Counter(line["entry_id"] for line in got)
        doubled += sum(count - 1 for count in names.values())
        want_names = {line["entry_id"]: line for line in wanted}
        for name in want_names:
            if name not in names:
                missing += 1
                note(problems, "missing", want_names[name])
        for line in got:
            want = want_names.get(line["entry_id"])
            if want is None or any(want[field] != line[field] for field in want):
                foreign += 1
                note(problems, "foreign", line)
        if len(got) == len(wanted) and [line["entry_id"] for line in got] != [line["entry_id"] for line in wanted]:
            foreign += 1
            note(problems, "order", {"learner": key})
    return missing, doubled, foreign


def note(problems, kind, what):
    if len(problems[kind]) < 5:
        problems[kind].append(what)


def state_of(learner):
    """A learner as the processor keeps it, lists sorted."""
    rules = {}

    def rule(name):
        return rules.setdefault(name, {"counters": [], "award_times": [], "active_weeks": [], "paid_weeks": []})

    for name, counters in learner.counters.items():
        for (per, where, window), count in counters.items():
            if count:
                rule(name)["counters"].append((per, where, window, count))
    for name, times in learner.times.items():
        if times:
            rule(name)["award_times"] = sorted(times)
    if learner.streak_known:
        rule("weekly_streak")["active_weeks"] = sorted(learner.active)
        rule("weekly_streak")["paid_weeks"] = sorted(learner.paid)
    for kept in rules.values():
        kept["counters"].sort()
    return {
        "user_id": learner.user_id, "balance": learner.balance, "events": learner.events, "awards": learner.awards,
        "last_event_at": learner.last_event_at, "days": sorted(learner.days.items()),
        "badges": sorted((badge, rule, at) for badge, (rule, at) in learner.badges.items()),
        "marks": sorted((event, where, at) for (event, where), at in learner.marks.items()),
        "rules": rules, "recent": learner.recent}


def state_found(state):
    return {
        "user_id": state["user_id"], "balance": state["balance"], "events": state["events"], "awards": state["awards"],
        "last_event_at": micros(state["last_event_at"]), "days": sorted((d["day"], d["count"]) for d in state["days"]),
        "badges": sorted((b["badge"], b["rule_id"], b["granted_at"]) for b in state["badges"]),
        "marks": sorted((m["event"], m["scope"], micros(m["earliest_at"])) for m in state["marks"]),
        "rules": {rule["rule_id"]: {
            "counters": sorted((c["per"], c["scope"], c["window"], c["count"]) for c in rule["counters"]),
            "award_times": rule["award_times"], "active_weeks": rule["active_weeks"],
            "paid_weeks": rule["paid_weeks"]} for rule in state["rules"]},
        "recent": [(a["rule_id"], a["points"], a["event_id"]) for a in state["recent"]]}


def compare_state(directory, learners, partitions, owners, problems):
    """How many learners the owners' local states do not have as they must be."""
    files = sorted(directory.glob("state-*.jsonl"))
    if not files:
        return None
    found = {}
    for path in files:
        instance = path.name[len("state-"):-len(".jsonl")]
        for state in lines(path):
            key = "%s|%s" % (state["tenant"], state["user_key"])
            number = (murmur2(key.encode()) & 4095) % partitions
            if owners.get(number, instance) == instance:
                found[(state["tenant"], state["user_key"])] = state_found(state)
    mismatches = 0
    for key in set(found) | {key for key, learner in learners.items() if learner.events}:
        wanted = state_of(learners[key]) if key in learners else None
        got = found.get(key)
        # A tuple becomes a list in JSON, nothing else differs.
        if json.dumps(wanted, sort_keys=True) != json.dumps(got, sort_keys=True):
            mismatches += 1
            note(problems, "state", {"learner": key, "wanted": wanted, "found": got})
    return mismatches


def compare_intake(directory, raw, events, problems):
    """Receipts against raw records, raw records against what came of them."""
    lost = doubled = 0
    at = {record["value"]["delivery_id"]: (record["partition"], record["offset"]) for record in raw}
    doubled += len(raw) - len(at)
    receipts = list(lines(directory / "receipts.jsonl"))
    for receipt in receipts:
        if at.get(receipt["delivery_id"]) != (receipt["partition"], receipt["offset"]):
            lost += 1
            note(problems, "receipt", receipt)
    doubled += len(receipts) - len({receipt["delivery_id"] for receipt in receipts})
    outcomes = Counter()
    for record in events:
        if not record["value"]["event"].startswith("kleos."):
            outcomes[record["value"]["trace"]["delivery_id"]] += 1
    places = {where: delivery for delivery, where in at.items()}
    for record in lines(directory / "unmapped.jsonl"):
        outcomes[record["value"]["delivery_id"]] += 1
    letters = list(lines(directory / "dead-letters.jsonl"))
    for record in letters:
        if record["value"]["stage"] == "normalizer":
            where = (record["value"]["partition"], record["value"]["offset"])
            outcomes[places.get(where)] += 1
    for delivery in at:
        if outcomes[delivery] == 0:
            lost += 1
            note(problems, "lost", delivery)
        doubled += max(0, outcomes[delivery] - 1)
    foreign = sum(count for delivery, count in outcomes.items() if delivery not in at)
    if foreign:
        note(problems, "foreign event", [delivery for delivery in outcomes if delivery not in at][:5])
    return receipts, letters, lost, doubled, foreign


def main():
    directory = Path(sys.argv[1])
    problems = defaultdict(list)
    raw = list(lines(directory / "raw.jsonl"))
    events = in_order(lines(directory / "events.jsonl"))
    awards = list(lines(directory / "awards.jsonl"))
    partitions = json.loads((directory / "run.json").read_text())["partitions"]
    owners = {record["value"]["partition"]: record["value"]["instance"]
              for record in in_order(lines(directory / "owners.jsonl"))}
    receipts, letters, lost, doubled, foreign = compare_intake(directory, raw, events, problems)
    learners, outcomes, refused = fold(events)
    told = Counter((record["value"]["partition"], record["value"]["offset"])
                   for record in letters if record["value"]["stage"] == "rules-processor")
    lost += sum((refused - told).values())
    foreign += sum((told - refused).values())
    missing, lines_doubled, lines_foreign = compare_awards(learners, awards, problems)
    mismatch = compare_state(directory, learners, partitions, owners, problems)
    result = {
        "receipts": len(receipts), "raw": len(raw), "events": len(events) - outcomes["system"],
        "dead_letters": len(letters), "duplicates": outcomes["duplicate"], "outcomes": dict(sorted(outcomes.items())),
        "awards": len(awards), "points": sum(record["value"]["points"] for record in awards),
        "rules": dict(sorted(Counter(record["value"]["rule_id"] for record in awards).items())),
        "missing": missing + lost, "doubled": doubled + lines_doubled, "foreign": foreign + lines_foreign,
        "state_mismatch": mismatch or 0, "learners": sum(1 for learner in learners.values() if learner.events)}
    if problems:
        print(json.dumps(problems, indent=1, default=str), file=sys.stderr)
    print(json.dumps(result))
    wrong = result["missing"] or result["doubled"] or result["foreign"] or result["state_mismatch"]
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
