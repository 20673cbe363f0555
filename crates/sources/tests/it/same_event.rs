//! What is one event and what is another, for platforms that give an event no id or too many.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::kit::event;

/// The id of the body's event with one of its values replaced; null takes the value out.
fn id(source: &str, body: &Value, change: Option<&(&str, Value)>) -> String {
    let mut body = body.clone();
    if let Some((pointer, value)) = change {
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        let fields = body.pointer_mut(parent).unwrap().as_object_mut().unwrap();
        fields.insert(name.to_owned(), value.clone());
    }
    event(source, &body.to_string()).event_id
}

/// Changes that make another event of it, and those that do not.
#[track_caller]
fn check(source: &str, body: &Value, others: &[(&str, Value)], same: &[(&str, Value)]) {
    let own = id(source, body, None);
    let mut ids: BTreeSet<String> =
        others.iter().map(|change| id(source, body, Some(change))).collect();
    ids.insert(own.clone());
    assert_eq!(ids.len(), others.len() + 1, "{source}: {body}");
    for change in same {
        assert_eq!(id(source, body, Some(change)), own, "{source}: {change:?}");
    }
}

#[test]
fn of_thinkific_the_id_within_its_type_and_of_quizzes_the_result() {
    let lesson = json!({
        "id": "20250821061530482914773", "resource": "lesson", "action": "completed",
        "created_at": "2025-08-21T10:15:30.482Z",
        "payload": {"user": {"id": 7}, "course": {"id": 1}, "lesson": {"id": 2}},
    });
    let others = [("/id", json!("20250821061530482914774"))];
    check("thinkific", &lesson, &others, &[("/timestamp", json!(5)), ("/hmac", json!("x"))]);
    let progress = json!({
        "id": lesson["id"], "resource": "enrollment", "action": "progress",
        "payload": {"user": {"id": 7}},
    });
    assert_ne!(id("thinkific", &lesson, None), id("thinkific", &progress, None));

    let quiz = json!({
        "id": "20250821061530482914773", "resource": "quiz", "action": "attempted",
        "payload": {"user": {"id": 7}, "quiz": {"id": 3}, "result_id": 12511},
    });
    let others = [("/payload/result_id", json!(12512))];
    check("thinkific", &quiz, &others, &[("/id", json!("20250821061530482914779"))]);

    let documented = json!({
        "topic": "lesson.completed", "created_at": "2025-08-21T10:15:30Z",
        "payload": {"user": {"id": 7}, "course_id": 1, "lesson_id": 2}, "hmac": "x",
    });
    let others = [
        ("/topic", json!("course.completed")),
        ("/created_at", json!("2025-08-21T10:15:30.000001Z")),
        ("/payload/user", json!({"id": 8})),
        ("/payload/course_id", json!(3)),
        ("/payload/lesson_id", json!(3)),
    ];
    let same = [
        ("/hmac", json!("y")),
        ("/payload/lesson_id", json!("2")),
        ("/payload/progress_percentage", json!(50)),
        ("/created_at", json!("2025-08-21T12:15:30+02:00")),
    ];
    check("thinkific", &documented, &others, &same);
}

#[test]
fn of_learnworlds_type_user_object_and_time_to_the_microsecond() {
    let completed = json!({
        "version": 2, "type": "courseCompleted", "trigger": "course_completed",
        "data": {
            "completed_at": 1_755_771_330.482_913, "manually_completed": false,
            "course": {"id": "ppe"}, "user": {"id": "a", "last_login": 5, "tags": []},
        },
    });
    let others = [
        ("/type", json!("awardedCertificate")),
        ("/data/completed_at", json!(1_755_771_330.482_914)),
        ("/data/course", json!({"id": "ppe-2"})),
        ("/data/user", json!({"id": "b"})),
    ];
    let same = [
        ("/version", json!(1)),
        ("/trigger", json!("x")),
        ("/signature", json!("x")),
        ("/data/completed_at", json!("1755771330.482913")),
        ("/data/ip_address", json!("203.0.113.9")),
        ("/data/user", json!({"id": "a", "last_login": 9, "tags": ["new"]})),
        ("/data/course", json!({"id": "ppe", "title": "PPE", "modified": 7})),
    ];
    check("learnworlds", &completed, &others, &same);

    let payment = json!({
        "type": "productBought", "trigger": "new_purchase",
        "data": {"user": {"id": "a"}, "payment": {"id": "p", "created": 1_755_771_330.5}},
    });
    let others = [
        ("/type", json!("paymentCreated")),
        ("/data/payment", json!({"id": "q", "created": 1_755_771_330.5})),
    ];
    check("learnworlds", &payment, &others, &[]);

    let tagged = json!({"type": "userTagAdded", "data": {"id": "a", "tags": ["x", "y"]}});
    let others = [("/type", json!("userTagDeleted")), ("/data/tags", json!(["x"]))];
    let same = [("/data/tags", json!(["y", "x"])), ("/data/created", json!(5))];
    check("learnworlds", &tagged, &others, &same);

    let month = json!({"type": "subscriptionPaymentPlanBought", "data": {
        "date": 1_755_771_330, "user": {"user": {"id": "a"}},
        "payment": {"id": "p", "product": {"id": "s"}},
    }});
    let next = json!({"id": "q", "product": {"id": "s"}});
    check("learnworlds", &month, &[("/data/payment", next)], &[]);
}

#[test]
fn of_teachfloor_its_id_or_what_the_old_envelope_tells() {
    let own = json!({
        "id": "evt_1", "type": "element.completed", "created_at": "2025-08-21T10:15:30.000000Z",
        "data": {"id": "act_1", "member": {"id": "m"}, "context": {"id": "e"}},
    });
    check("teachfloor", &own, &[("/id", json!("evt_2"))], &[("/created_at", json!(null))]);
    let old = json!({
        "event": "element.completed", "timestamp": "2025-08-21T10:15:30Z",
        "data": {"member": {"id": "m"}, "element": {"id": "e"}, "course": {"id": "c"}},
    });
    let others = [
        ("/timestamp", json!("2025-08-21T10:15:31Z")),
        ("/data/member", json!({"id": "n"})),
        ("/data/element", json!({"id": "f"})),
        ("/data/element", json!({"id": "e", "type": "quiz"})),
        ("/data/course", json!({"id": "d"})),
        ("/data/completion", json!({"status": "failed"})),
    ];
    let same = [
        ("/data/member", json!({"id": "m", "name": "Jane"})),
        ("/data/completion", json!({"score": 5})),
    ];
    check("teachfloor", &old, &others, &same);
}

#[test]
fn of_learnault_the_documented_id_but_never_that_of_an_endpoint() {
    let documented = json!({"id": "evt_1", "type": "module.completed", "data": {"userId": "u"}});
    let same = [("/data", json!({"userId": "v"}))];
    check("learnault", &documented, &[("/id", json!("evt_2"))], &same);
    let sent = json!({
        "eventId": "1", "eventType": "reward.issued", "timestamp": "2025-08-21T10:15:30.482Z",
        "data": {"userId": "u", "amount": "0.25", "sourceId": "m"},
    });
    let others = [
        ("/eventType", json!("reward.failed")),
        ("/timestamp", json!("2025-08-21T10:15:30.483Z")),
        ("/data", json!({"userId": "v", "amount": "0.25", "sourceId": "m"})),
        ("/data", json!({"userId": "u", "amount": "0.50", "sourceId": "m"})),
        ("/data", json!({"userId": "u", "amount": "0.25", "sourceId": "n"})),
    ];
    check("learnault", &sent, &others, &[("/eventId", json!("2"))]);
}

#[test]
fn of_envelopes_their_id_and_of_cloudevents_with_its_source() {
    let cloud = json!({
        "specversion": "1.0", "id": "1", "source": "/a", "type": "course.completed",
        "data": {"user": {"id": "u"}},
    });
    let others = [("/id", json!("2")), ("/source", json!("/b"))];
    check("custom", &cloud, &others, &[("/time", json!("2025-08-21T10:15:30Z"))]);
    let webhook = json!({
        "type": "course.completed", "timestamp": "2025-08-21T10:15:30Z",
        "data": {"user_id": "u", "course_id": "c"},
    });
    let others = [
        ("/type", json!("course.viewed")),
        ("/timestamp", json!("2025-08-21T10:15:31Z")),
        ("/data", json!({"user_id": "v", "course_id": "c"})),
        ("/data", json!({"user_id": "u", "course_id": "d"})),
        ("/id", json!("1")),
    ];
    let same = [
        ("/data", json!({"user": {"id": "u"}, "course": {"id": "c", "name": "PPE"}})),
        ("/timestamp", json!(1_755_771_330)),
    ];
    check("custom", &webhook, &others, &same);
}
