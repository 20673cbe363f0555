//! One full and one empty value of every record.

use std::collections::BTreeMap;

use kleos_contracts::award::Award;
use kleos_contracts::counters::Counter;
use kleos_contracts::dead_letter::{CLASS_POISON, DeadLetter, UnmappedEvent};
use kleos_contracts::decimal::Percent;
use kleos_contracts::decision::{CounterChange, Decision, RuleVerdict};
use kleos_contracts::event::{
    Context, Flags, LearningEvent, Metrics, Object, Place, RuleSetRef, Trace, User,
};
use kleos_contracts::period::Period;
use kleos_contracts::raw::{Authentication, Header, RawWebhook};
use kleos_contracts::rule::RuleDefinition;
use kleos_contracts::state::{
    ActiveRuleSet, DayCount, DedupBatch, DedupGroup, DedupKey, HeldBadge, LearnerState, Mark,
    PartitionOwner, PartitionState, ProcessorState, RecentAward, RuleState,
};
use kleos_contracts::time::Timestamp;

fn at(micros: i64) -> Timestamp {
    Timestamp::from_micros(1_755_771_330_482_913 + micros)
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn place(id: &str) -> Option<Place> {
    Some(Place { id: id.to_owned(), title: some("PPE basics") })
}

pub(crate) fn raw_webhook() -> RawWebhook {
    RawWebhook {
        delivery_id: "0198c9d4-76f2-7c1e-8a30-5d2f6b7c8d9e".into(),
        tenant: "acme".into(),
        source: "moodle".into(),
        instance: "campus-a".into(),
        received_at: at(0),
        client_ip: "192.0.2.7".into(),
        method: "POST".into(),
        path: "/api/public/hook/moodle/event".into(),
        query: "a=1".into(),
        content_type: "application/json".into(),
        headers: vec![Header { name: "user-agent".into(), value: "MoodleBot/1.0".into() }],
        body: b"{\"id\":1}\xff".to_vec(),
        auth: Authentication { strategy: "bearer".into(), secret_id: "first".into() },
    }
}

pub(crate) fn learning_event() -> LearningEvent {
    LearningEvent {
        event: "course.completed".into(),
        source: "moodle".into(),
        instance: "campus-a".into(),
        tenant: "acme".into(),
        event_id: "9194694".into(),
        id_origin: "native".into(),
        occurred_at: at(-1),
        accepted_at: at(0),
        user: User {
            id: "8774".into(),
            key: "campus-a/8774".into(),
            email: some("learner@example.edu"),
            external_ids: BTreeMap::from([("moodle".into(), "8774".into())]),
        },
        actor_id: some("2"),
        context: Context {
            course: place("987"),
            section: place("sec-3"),
            lesson: place("l-12"),
            programme: place("p-1"),
            thread: place("t-9"),
        },
        object: Some(Object { r#type: "quiz_attempt".into(), id: some("5"), attempt: some("2") }),
        metrics: Metrics {
            progress_pct: Some(Percent::whole(100)),
            score_pct: "-87.5".parse().ok(),
            time_on_task_sec: Some(1420),
        },
        flags: Flags { is_test: true, is_privileged: true, time_was_guessed: true },
        trace: Trace {
            request_id: some("c37c3e"),
            delivery_id: some("0198c9d4-76f2-7c1e-8a30-5d2f6b7c8d9e"),
            lms_event_id: some("9194694"),
            lms_eventname: some("\\core\\event\\course_completed"),
            index: 3,
        },
        rule_set: Some(RuleSetRef { version: 7, digest: "ab".into() }),
    }
}

pub(crate) fn award() -> Award {
    Award {
        entry_id: "e1".into(),
        award_id: "a1".into(),
        kind: "granted".into(),
        reason: "because".into(),
        status: "final".into(),
        tenant: "acme".into(),
        user_key: "campus-a/8774".into(),
        user_id: "8774".into(),
        source: "moodle".into(),
        instance: "campus-a".into(),
        rule_id: "course_completion".into(),
        rule_set_version: 7,
        points: -50,
        badge: some("course_master"),
        event: "course.completed".into(),
        event_id: "9194694".into(),
        occurred_at: at(-1),
        decided_at: at(0),
        scope: some("course=campus-a/987"),
        window: some("2025-W34"),
        available_at: Some(at(1)),
        expires_at: Some(at(2)),
        restatement_id: some("r1"),
        balance_after: 120,
    }
}

pub(crate) fn decision() -> Decision {
    Decision {
        tenant: "acme".into(),
        user_key: "campus-a/8774".into(),
        event_id: "9194694".into(),
        event: "course.completed".into(),
        source: "moodle".into(),
        instance: "campus-a".into(),
        occurred_at: at(-1),
        decided_at: at(0),
        partition: 3,
        offset: 1_234,
        outcome: "decided".into(),
        rule_set_version: 7,
        rule_set_digest: "ab".into(),
        engine: "1".into(),
        verdicts: vec![RuleVerdict {
            rule_id: "course_completion".into(),
            verdict: "condition_false".into(),
            leaf: some("metrics.progress_pct gte 80"),
            observed: some("79.5"),
            points: 50,
            award_id: some("a1"),
            counters: vec![CounterChange {
                per: "day".into(),
                window: "2025-08-21".into(),
                scope: some("course=campus-a/987"),
                before: 1,
                after: 2,
                max: 3,
            }],
            next_eligible_at: Some(at(9)),
        }],
    }
}

pub(crate) fn rule_definition() -> RuleDefinition {
    RuleDefinition {
        kind: "manifest".into(),
        tenant: "acme".into(),
        version: 7,
        rule_id: "course_completion".into(),
        definition: "{}".into(),
        digest: "ab".into(),
        rule_ids: vec!["course_completion".into()],
        published_at: at(0),
        published_by: "admin".into(),
        engine: "1".into(),
    }
}

pub(crate) fn unmapped_event() -> UnmappedEvent {
    UnmappedEvent {
        tenant: "acme".into(),
        source: "moodle".into(),
        instance: "campus-a".into(),
        r#type: "\\mod_chat\\event\\message_sent".into(),
        delivery_id: "0198c9d4-76f2-7c1e-8a30-5d2f6b7c8d9e".into(),
        index: 1,
        accepted_at: at(0),
        content_type: "application/json".into(),
        body: b"{}".to_vec(),
        partition: 3,
        offset: 9,
    }
}

pub(crate) fn dead_letter() -> DeadLetter {
    DeadLetter {
        stage: "normalizer".into(),
        class: CLASS_POISON.into(),
        reason: "malformed_json".into(),
        message: "line 1 column 2: expected a value".into(),
        tenant: "acme".into(),
        topic: "kleos.raw.v1".into(),
        partition: 3,
        offset: 9,
        key: Some(b"k".to_vec()),
        value: vec![0, 0, 0, 0, 1, 255],
        index: 2,
        first_seen: at(0),
        attempts: 1,
    }
}

pub(crate) fn learner_state() -> ProcessorState {
    let rule = RuleState {
        rule_id: "lesson_completion".into(),
        counters: [("987", 2), ("988", 300)]
            .map(|(course, count)| Counter {
                per: Period::Day,
                window: 20_321,
                scope: format!("course=campus-a/{course}"),
                count,
            })
            .into_iter()
            .collect(),
        award_times: vec![at(-5).micros()],
        active_weeks: vec![2_902, 2_903],
        paid_weeks: vec![2_903],
    };
    let learner = LearnerState {
        tenant: "acme".into(),
        user_key: "campus-a/8774".into(),
        user_id: "8774".into(),
        balance: 120,
        events: 9,
        awards: 4,
        last_event_at: at(-1),
        badges: vec![HeldBadge {
            badge: "course_master".into(),
            rule_id: "course_completion".into(),
            granted_at: at(-1),
        }],
        days: vec![DayCount { day: 20_321, count: 9 }],
        marks: vec![Mark {
            event: "enrollment.created".into(),
            scope: "course=campus-a/987".into(),
            earliest_at: at(-9),
        }],
        rules: vec![rule],
        recent: vec![RecentAward {
            rule_id: "course_completion".into(),
            points: 50,
            badge: some("course_master"),
            event: "course.completed".into(),
            event_id: "9194694".into(),
            occurred_at: at(-1),
            scope: some("course=campus-a/987"),
            window: some("2025-08-21"),
        }],
    };
    ProcessorState {
        learner: Some(learner),
        partition: Some(PartitionState {
            partition: 3,
            rule_sets: vec![ActiveRuleSet {
                tenant: "acme".into(),
                version: 7,
                digest: "ab".into(),
                since_offset: 12,
            }],
        }),
    }
}

pub(crate) fn dedup_batch() -> DedupBatch {
    DedupBatch {
        partition: 3,
        groups: vec![DedupGroup {
            shard: 4_095,
            log_time: at(0),
            keys: vec![DedupKey { hash: vec![7; 16], digest: i64::MIN, day: 20_321 }],
        }],
    }
}

pub(crate) fn partition_owner() -> PartitionOwner {
    PartitionOwner {
        partition: 3,
        instance: "rules-0".into(),
        url: "http://rules-0:8090".into(),
        since: at(0),
    }
}
