//! Ids of events that their platform gives none.

use std::collections::BTreeSet;

use kleos_contracts::event::id_origin;
use kleos_sources::{InstanceProfile, Item, SOURCES, normalize};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::kit::{cases, event, webhook};

fn lesson_completion() -> Map<String, Value> {
    let fields = json!({
        "eventname": "\\core\\event\\course_module_completion_updated",
        "objectid": 55210, "contextinstanceid": 4471, "userid": 8774, "courseid": 987,
        "relateduserid": 8774, "anonymous": 0, "timecreated": 1_755_771_330,
        "other": {"relateduserid": 8774, "overrideby": null, "completionstate": 1},
    });
    fields.as_object().unwrap().clone()
}

#[track_caller]
fn name_of(fields: &Map<String, Value>) -> String {
    let event = event("moodle", &Value::Object(fields.clone()).to_string());
    assert_eq!(event.id_origin, id_origin::DERIVED);
    event.event_id
}

/// How a sender writes the same event.
#[derive(Clone, Debug)]
struct Dress {
    order: Vec<String>,
    texts: Vec<bool>,
    other: u8,
    time: u8,
    with_backslash: bool,
    space: &'static str,
    is_form: bool,
}

fn dress() -> impl Strategy<Value = Dress> {
    let keys: Vec<String> = lesson_completion().keys().cloned().collect();
    let texts = proptest::collection::vec(any::<bool>(), keys.len());
    let space = prop_oneof![Just(""), Just(" "), Just("\r\n\t")];
    (Just(keys).prop_shuffle(), texts, 0_u8..4, 0_u8..5, any::<bool>(), space, any::<bool>())
        .prop_map(|(order, texts, other, time, with_backslash, space, is_form)| Dress {
            order,
            texts,
            other,
            time,
            with_backslash,
            space,
            is_form,
        })
}

impl Dress {
    fn body(&self, fields: &Map<String, Value>) -> String {
        let pairs: Vec<(String, Value)> = self
            .order
            .iter()
            .zip(&self.texts)
            .flat_map(|(key, is_text)| self.written(key, &fields[key], *is_text))
            .collect();
        if self.is_form {
            let mut form = form_urlencoded::Serializer::new(String::new());
            for (key, value) in &pairs {
                match value {
                    Value::Null => form.append_pair(key, ""),
                    Value::String(text) => form.append_pair(key, text),
                    Value::Object(nested) => {
                        for (name, value) in nested {
                            let value =
                                if value.is_null() { String::new() } else { value.to_string() };
                            form.append_pair(&format!("{key}[{name}]"), &value);
                        }
                        &mut form
                    }
                    other => form.append_pair(key, &other.to_string()),
                };
            }
            return form.finish();
        }
        let space = self.space;
        let members: Vec<String> = pairs
            .iter()
            .map(|(key, value)| format!("{space}{}{space}:{space}{value}", json!(key)))
            .collect();
        format!("{{{}{space}}}", members.join(","))
    }

    fn written(&self, key: &str, value: &Value, is_text: bool) -> Vec<(String, Value)> {
        let one = |value: Value| vec![(key.to_owned(), value)];
        match key {
            "eventname" if !self.with_backslash => {
                one(json!(value.as_str().unwrap().trim_start_matches('\\')))
            }
            "eventname" => one(value.clone()),
            "timecreated" => one(match self.time {
                0 => json!("2025-08-21T10:15:30Z"),
                1 => json!("2025-08-21 12:15:30.000+0200"),
                2 => json!(1_755_771_330_000_i64),
                3 => json!("1755771330.0"),
                _ => value.clone(),
            }),
            "other" => match self.other {
                0 => one(json!(value.to_string())),
                1 => one(json!(
                    "a:3:{s:10:\"overrideby\";N;s:15:\"completionstate\";i:1;\
                     s:13:\"relateduserid\";s:4:\"8774\";}"
                )),
                2 => {
                    let nested = value.as_object().unwrap();
                    nested
                        .iter()
                        .map(|(key, value)| (format!("other_{key}"), value.clone()))
                        .collect()
                }
                _ => one(value.clone()),
            },
            _ if is_text => one(json!(value.to_string())),
            _ => one(value.clone()),
        }
    }
}

proptest! {
    #[test]
    fn the_dress_does_not_change_the_id(dress in dress()) {
        let fields = lesson_completion();
        let body = dress.body(&fields);
        prop_assert_eq!(event("moodle", &body).event_id, name_of(&fields), "{}", body);
    }

    #[test]
    fn an_identifying_field_changes_the_id_with_every_value(
        field in proptest::sample::select(vec![
            "objectid", "contextinstanceid", "courseid", "relateduserid", "timecreated",
        ]),
        values in proptest::collection::btree_set(1_200_000_000_u32..1_700_000_000, 2..6)
    ) {
        let names: BTreeSet<String> = values
            .iter()
            .map(|value| {
                let mut fields = lesson_completion();
                fields.insert(field.to_owned(), json!(value));
                name_of(&fields)
            })
            .collect();
        prop_assert_eq!(names.len(), values.len());
    }

    #[test]
    fn what_only_a_delivery_has_does_not_change_the_id(
        field in proptest::sample::select(vec![
            "token", "host", "extra", "ip", "origin", "wwwroot", "user_email", "contextid", "crud",
        ]),
        value in "[a-z0-9@.]{0,20}",
        micros in 1_755_771_330_000_000_i64..1_855_771_330_000_000,
    ) {
        let mut fields = lesson_completion();
        fields.insert(field.to_owned(), json!(value));
        let body = Value::Object(fields).to_string();
        let mut webhook = webhook("moodle", body.as_bytes());
        webhook.delivery_id = value.clone();
        webhook.client_ip = value;
        webhook.received_at = kleos_contracts::time::Timestamp::from_micros(micros);
        let items = normalize(&webhook, &InstanceProfile::default());
        let [Item::Event(event)] = items.as_slice() else { panic!("{items:?}") };
        prop_assert_eq!(&event.event_id, &name_of(&lesson_completion()));
    }
}

#[test]
fn every_identifying_field_changes_the_id() {
    let changes: &[fn(&mut Map<String, Value>)] = &[
        |_| {},
        |fields| fields["other"]["completionstate"] = json!(2),
        |fields| fields["other"]["completionstate"] = json!(0),
        |fields| fields["other"]["completionstate"] = json!(3),
        |fields| fields["other"]["completionstate"] = json!(4),
        |fields| fields["eventname"] = json!("mod_quiz\\event\\attempt_submitted"),
        |fields| fields["relateduserid"] = json!(8775),
        |fields| fields["courseid"] = json!(988),
        |fields| fields["contextinstanceid"] = json!(4472),
        |fields| fields["objectid"] = json!(55211),
        |fields| fields["timecreated"] = json!(1_755_771_331),
        |fields| fields["timecreated"] = json!("1755771330.000001"),
        |fields| fields["timecreated"] = json!(null),
    ];
    let names: BTreeSet<String> = changes
        .iter()
        .map(|change| {
            let mut fields = lesson_completion();
            change(&mut fields);
            name_of(&fields)
        })
        .collect();
    assert_eq!(names.len(), changes.len());

    let mut elsewhere =
        webhook("moodle", Value::Object(lesson_completion()).to_string().as_bytes());
    elsewhere.instance = "campus-b".to_owned();
    let items = normalize(&elsewhere, &InstanceProfile::default());
    let [Item::Event(event)] = items.as_slice() else { panic!("{items:?}") };
    assert!(!names.contains(&event.event_id));
}

#[test]
fn equal_events_without_a_time_are_one_event_whenever_they_arrive() {
    let mut fields = lesson_completion();
    fields.remove("timecreated");
    let body = Value::Object(fields).to_string();
    let mut later = webhook("moodle", body.as_bytes());
    later.received_at = later.received_at.plus_micros(86_400_000_000);
    let items = normalize(&later, &InstanceProfile::default());
    let [Item::Event(second)] = items.as_slice() else { panic!("{items:?}") };
    let first = event("moodle", &body);
    assert!(first.flags.time_was_guessed && second.flags.time_was_guessed);
    assert_eq!(first.event_id, second.event_id);
}

/// The JSON with the fields of each object in reverse order and space between everything.
fn reversed(value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            let fields: Vec<String> = fields
                .iter()
                .rev()
                .map(|(name, value)| format!("{} :\n {}", json!(name), reversed(value)))
                .collect();
            format!("{{ {} }}", fields.join(" , "))
        }
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(reversed).collect();
            format!("[ {} ]", items.join(" , "))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.to_string(),
    }
}

#[test]
fn the_order_of_fields_changes_nothing_of_any_platform() {
    for mut case in SOURCES.iter().flat_map(|source| cases(source)) {
        let Ok(tree) = serde_json::from_slice::<Value>(&case.webhook.body) else {
            continue;
        };
        let as_sent = case.items();
        case.webhook.body = reversed(&tree).into_bytes();
        assert_eq!(case.items(), as_sent, "{}", case.path.display());
    }
}

fn statements(case_name: &str) -> Vec<Value> {
    let cases = cases("moodle");
    let case = cases.iter().find(|case| case.path.ends_with(case_name)).unwrap();
    serde_json::from_slice(&case.webhook.body).unwrap()
}

#[test]
fn a_statement_has_one_id_whatever_session_and_list_it_is_sent_in() {
    let together = statements("c-quiz-submitted.body");
    let names = |body: &Value| -> Vec<String> {
        let webhook = webhook("moodle", body.to_string().as_bytes());
        normalize(&webhook, &InstanceProfile::default())
            .into_iter()
            .map(|item| match item {
                Item::Event(event) => event.event_id,
                other => panic!("{other:?}"),
            })
            .collect()
    };
    let alone: Vec<String> = together
        .iter()
        .flat_map(|statement| {
            let mut statement = statement.clone();
            statement["context"]["registration"] = json!("0d4f9e44-0000-5000-8000-000000000000");
            statement["actor"]["name"] = json!("Jane Roe");
            names(&statement)
        })
        .collect();
    assert_eq!(names(&json!(together)), alone);
    assert_eq!(alone.iter().collect::<BTreeSet<_>>().len(), 3);
}

#[test]
fn states_of_one_lesson_in_one_second_have_different_ids() {
    let same_second: BTreeSet<String> = statements("c-lesson-states.body")
        .into_iter()
        .chain(statements("c-lesson-completed.body"))
        .map(|mut statement| {
            statement["timestamp"] = json!("2025-08-21T10:15:30Z");
            event("moodle", &statement.to_string()).event_id
        })
        .collect();
    assert_eq!(same_second.len(), 4);
}

#[test]
fn fields_of_the_canonical_form_change_the_id_and_numbers_do_not() {
    let body = |change: &dyn Fn(&mut Value)| {
        let mut body = json!({
            "event": "quiz.completed", "occurred_at": "2025-08-21T10:15:30.000001Z",
            "user": {"id": 7}, "context": {"course": {"id": "c"}, "lesson": {"id": "l"}},
            "object": {"type": "quiz_attempt", "id": "q", "attempt": 1},
        });
        change(&mut body);
        event("custom", &body.to_string()).event_id
    };
    let changes: &[&dyn Fn(&mut Value)] = &[
        &|_| {},
        &|body| body["event"] = json!("quiz.graded"),
        &|body| body["occurred_at"] = json!("2025-08-21T10:15:30.000002Z"),
        &|body| body["user"]["id"] = json!("8"),
        &|body| body["context"]["course"]["id"] = json!("d"),
        &|body| body["context"]["section"] = json!({"id": "c"}),
        &|body| body["context"]["programme"] = json!({"id": "c"}),
        &|body| body["context"]["thread"] = json!({"id": "c"}),
        &|body| body["object"]["type"] = json!("quiz"),
        &|body| body["object"]["id"] = json!("r"),
        &|body| body["object"]["attempt"] = json!(2),
        &|body| body["trace"] = json!({"lms_eventname": "quizDone"}),
    ];
    let names: BTreeSet<String> = changes.iter().map(|change| body(change)).collect();
    assert_eq!(names.len(), changes.len());

    for same in [
        (&|body: &mut Value| body["user"]["id"] = json!("7")) as &dyn Fn(&mut Value),
        &|body| body["occurred_at"] = json!("1755771330.000001"),
        &|body| body["context"]["course"]["title"] = json!("Health"),
        &|body| body["metrics"] = json!({"score_pct": 80}),
        &|body| body["trace"] = json!({"request_id": "again"}),
    ] {
        assert_eq!(body(same), body(&|_| {}));
    }
}
