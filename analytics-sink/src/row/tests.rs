use std::collections::BTreeMap;

use kleos_contracts::event::{Context, Flags, Metrics, Object, Trace, User};
use serde_json::json;

use super::*;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn award() -> Award {
    Award {
        entry_id: "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef".to_owned(),
        award_id: "a1".to_owned(),
        kind: "granted".into(),
        status: "final".into(),
        tenant: "acme".to_owned(),
        user_key: "campus-a/8774".to_owned(),
        user_id: "8774".to_owned(),
        source: "moodle".to_owned(),
        instance: "campus-a".to_owned(),
        rule_id: "course_completion".to_owned(),
        rule_set_version: 7,
        points: -50,
        badge: Some("course_master".to_owned()),
        event: "course.completed".into(),
        event_id: "9194694".to_owned(),
        occurred_at: at("2025-08-21T10:15:30.482913Z"),
        decided_at: at("2025-08-21T10:15:31Z"),
        scope: Some("course=campus-a/987".to_owned()),
        balance_after: 120,
        ..Award::default()
    }
}

fn event() -> LearningEvent {
    let place = |id: &str| Some(Place { id: id.to_owned(), title: Some("PPE basics".to_owned()) });
    LearningEvent {
        event: "lesson.completed".into(),
        source: "moodle".to_owned(),
        instance: "campus-a".to_owned(),
        tenant: "acme".to_owned(),
        event_id: "9194694".to_owned(),
        occurred_at: at("2025-08-21T10:15:30Z"),
        accepted_at: at("2025-08-21T10:15:31Z"),
        user: User {
            id: "8774".to_owned(),
            key: "campus-a/8774".to_owned(),
            email: Some("learner@example.edu".to_owned()),
            external_ids: BTreeMap::from([("sis".to_owned(), "S-1".to_owned())]),
        },
        context: Context { course: place("987"), lesson: place("l-12"), ..Context::default() },
        object: Some(Object { r#type: "quiz".to_owned(), ..Object::default() }),
        metrics: Metrics {
            progress_pct: Some(Percent::whole(100)),
            score_pct: "87.5".parse().ok(),
            time_on_task_sec: Some(1_420),
        },
        flags: Flags { is_test: true, ..Flags::default() },
        trace: Trace { lms_event_id: Some("9194694".to_owned()), ..Trace::default() },
        ..LearningEvent::default()
    }
}

fn json_of(row: &Row<'_>) -> serde_json::Value {
    serde_json::from_slice(&serde_json::to_vec(row).unwrap()).unwrap()
}

#[test]
fn an_award_is_an_event_with_its_ledger_line() {
    let expected = json!({
        "event": "award.granted",
        "properties": {
            "time": 1_755_771_330_482_i64,
            "distinct_id": "campus-a/8774",
            "$insert_id": "0123456789abcdef0123456789abcdef",
            "ip": 0,
            "tenant": "acme",
            "source": "moodle",
            "instance": "campus-a",
            "event_id": "9194694",
            "user_id": "8774",
            "entry_id": "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
            "award_id": "a1",
            "trigger_event": "course.completed",
            "rule_id": "course_completion",
            "rule_set_version": 7,
            "points": -50,
            "balance_after": 120,
            "badge": "course_master",
            "status": "final",
            "scope": "course=campus-a/987",
            "decided_at": "2025-08-21T10:15:31Z",
        },
    });
    assert_eq!(json_of(&of_award(&award(), DistinctId::UserKey).unwrap()), expected);
    let reversed = Award { kind: "reversed".into(), ..award() };
    assert_eq!(of_award(&reversed, DistinctId::UserKey).unwrap().event, "award.reversed");
}

#[test]
fn an_event_keeps_its_name_and_leaves_addresses_and_foreign_ids_at_home() {
    let expected = json!({
        "event": "lesson.completed",
        "properties": {
            "time": 1_755_771_330_000_i64,
            "distinct_id": "campus-a/8774",
            "$insert_id": "ebafbfde3c146d5f423f0d7f07f01c85",
            "ip": 0,
            "tenant": "acme",
            "source": "moodle",
            "instance": "campus-a",
            "event_id": "9194694",
            "user_id": "8774",
            "course_id": "987",
            "course_title": "PPE basics",
            "lesson_id": "l-12",
            "lesson_title": "PPE basics",
            "object_type": "quiz",
            "progress_pct": 100,
            "score_pct": serde_json::from_str::<serde_json::Value>("87.5").unwrap(),
            "time_on_task_sec": 1_420,
            "is_test": true,
            "lms_event_id": "9194694",
        },
    });
    assert_eq!(json_of(&of_event(&event(), DistinctId::UserKey).unwrap()), expected);
}

#[test]
fn the_id_of_an_event_is_of_tenant_source_instance_event_id_and_name() {
    let id = |event: &LearningEvent| of_event(event, DistinctId::UserKey).unwrap().insert_id;
    let same = LearningEvent {
        accepted_at: at("2026-01-01T00:00:00Z"),
        metrics: Metrics::default(),
        ..event()
    };
    assert_eq!(id(&same), id(&event()));
    let other = || "other".to_owned();
    for different in [
        LearningEvent { tenant: other(), ..event() },
        LearningEvent { source: other(), ..event() },
        LearningEvent { instance: other(), ..event() },
        LearningEvent { event_id: other(), ..event() },
        LearningEvent { event: other().into(), ..event() },
    ] {
        assert_ne!(id(&different), id(&event()), "{different:?}");
    }
}

#[test]
fn who_a_learner_is_can_be_chosen() {
    assert_eq!(of_award(&award(), DistinctId::UserId).unwrap().distinct_id, "8774");
    assert_eq!(of_event(&event(), DistinctId::UserId).unwrap().distinct_id, "8774");
}

#[test]
fn ids_that_the_vendor_refuses_are_refused() {
    let longest = "ü".repeat(255);
    for good in ["campus-a/0", "1", "NULL", longest.as_str()] {
        let award = Award { user_key: good.to_owned(), ..award() };
        assert_eq!(of_award(&award, DistinctId::UserKey).unwrap().distinct_id, good);
    }
    let too_long = "ü".repeat(256);
    for bad in PLACEHOLDERS.into_iter().chain(["", too_long.as_str()]) {
        let award = Award { user_id: bad.to_owned(), ..award() };
        let refusal = of_award(&award, DistinctId::UserId).unwrap_err();
        assert_eq!(refusal.reason(), "forbidden_distinct_id", "{bad}");
        assert!(of_award(&award, DistinctId::UserKey).is_ok());
        let user = User { id: bad.to_owned(), ..event().user };
        let event = LearningEvent { user, ..event() };
        assert_eq!(of_event(&event, DistinctId::UserId).unwrap_err(), refusal);
    }
}

#[test]
fn a_time_in_the_future_becomes_the_time_when_it_was_known() {
    let known = "2025-08-21T10:15:31Z";
    for (occurred_at, known_at, expected) in [
        ("2025-08-21T10:15:30Z", known, Some("2025-08-21T10:15:30Z")),
        ("2025-08-21T10:20:00Z", known, Some(known)),
        ("2025-08-21T10:20:00Z", "1970-01-01T00:00:00Z", Some("2025-08-21T10:20:00Z")),
        ("1971-01-01T00:00:00Z", known, Some("1971-01-01T00:00:00Z")),
        ("1970-12-31T23:59:59.999999Z", known, None),
        ("1969-12-31T23:59:59Z", known, None),
    ] {
        let (occurred_at, known_at) = (at(occurred_at), at(known_at));
        let award = Award { occurred_at, decided_at: known_at, ..award() };
        let event = LearningEvent { occurred_at, accepted_at: known_at, ..event() };
        let rows = [of_award(&award, DistinctId::UserKey), of_event(&event, DistinctId::UserKey)];
        for row in rows {
            let is_moved = row.as_ref().is_ok_and(|row| row.time_millis != occurred_at.millis());
            let text = Value::Text(occurred_at.to_string().into());
            let is_told =
                row.as_ref().is_ok_and(|row| row.properties.contains(&("occurred_at", text)));
            assert_eq!(is_told, is_moved);
            match (row, expected) {
                (Ok(row), Some(expected)) => assert_eq!(row.time_millis, at(expected).millis()),
                (Err(refusal), None) => assert_eq!(refusal.reason(), "time_too_old"),
                (row, _) => panic!("{row:?}"),
            }
        }
    }
}

#[test]
fn what_a_row_cannot_do_without_is_refused_where_it_is_missing() {
    let short = Award { entry_id: "e1".to_owned(), ..award() };
    let strange = Award { entry_id: "_".repeat(64), ..award() };
    let unnamed = Award { kind: "".into(), ..award() };
    for award in [short, strange, unnamed] {
        let refusal = of_award(&award, DistinctId::UserKey).unwrap_err();
        assert_eq!(refusal.reason(), "invalid_field");
    }
    let unnamed = LearningEvent { event: "".into(), ..event() };
    assert_eq!(of_event(&unnamed, DistinctId::UserKey).unwrap_err().reason(), "invalid_field");
}

#[test]
fn texts_are_cut_at_a_character_and_the_largest_row_is_far_below_what_the_vendor_takes() {
    assert_eq!(cut(&"ü".repeat(256)), "ü".repeat(255));
    assert_eq!(cut(&"ü".repeat(255)), "ü".repeat(255));
    assert_eq!(cut(&"a".repeat(256)), "a".repeat(255));
    // A control character takes six bytes in JSON.
    let longest = || "\u{1}".repeat(1_000);
    let place = || Some(Place { id: longest(), title: Some(longest()) });
    let event = LearningEvent {
        event: longest().into(),
        source: longest(),
        instance: longest(),
        tenant: longest(),
        event_id: longest(),
        actor_id: Some(longest()),
        user: User { key: "k".repeat(255), id: longest(), ..User::default() },
        context: Context {
            course: place(),
            section: place(),
            lesson: place(),
            programme: place(),
            thread: place(),
        },
        object: Some(Object { r#type: longest(), id: Some(longest()), attempt: Some(longest()) }),
        flags: Flags { is_test: true, is_privileged: true, time_was_guessed: true },
        trace: Trace {
            lms_event_id: Some(longest()),
            lms_eventname: Some(longest()),
            ..Trace::default()
        },
        ..event()
    };
    let row = of_event(&event, DistinctId::UserKey).unwrap();
    let bytes = serde_json::to_vec(&row).unwrap().len();
    assert!(bytes > 255 * 6 * 20 && bytes < 64 << 10, "{bytes}");
    assert!(row.properties.len() + 4 < 255);
}
