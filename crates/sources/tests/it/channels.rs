//! What Moodle sends over its three channels, and whose it is.

use kleos_contracts::event::{LearningEvent, Place};
use kleos_contracts::reason;
use kleos_sources::{InstanceProfile, Item, normalize};
use serde_json::{Value, json};

use crate::kit::{cases, event, webhook};

fn first_event(case_name: &str) -> LearningEvent {
    let cases = cases("moodle");
    let case = cases.iter().find(|case| case.path.ends_with(format!("{case_name}.body")));
    match case.unwrap().items().swap_remove(0) {
        Item::Event(event) => *event,
        other => panic!("{case_name}: {other:?}"),
    }
}

fn id(place: &Option<Place>) -> Option<&str> {
    place.as_ref().map(|place| place.id.as_str())
}

#[test]
fn one_event_is_the_same_over_every_channel() {
    for names in [
        &["a-course-completed", "b-course-completed", "c-course-completed"][..],
        &["a-lesson-completed-nested-form", "b-lesson-completed", "c-lesson-completed"],
        &["b-quiz-submitted-by-cron", "c-quiz-submitted"],
        &["b-assignment-handed-in", "c-assignment-handed-in"],
        &["b-assignment-graded", "c-assignment-graded"],
        &["b-forum-reply", "c-forum-reply"],
        &["b-forum-discussion", "c-forum-discussion"],
        &["b-logged-in", "c-logged-in"],
        &["a-logged-in-as", "c-logged-in-as"],
        &["b-enrolled", "c-enrolled"],
        &["b-badge-awarded", "c-badge-awarded"],
        &["b-certificate-issued", "c-certificate-issued"],
        &["b-scorm-score", "c-scorm-score"],
    ] {
        let events: Vec<LearningEvent> = names.iter().map(|name| first_event(name)).collect();
        for (one, other) in events.iter().zip(&events[1..]) {
            assert_eq!(one.event, other.event, "{names:?}");
            assert_eq!(one.user.key, other.user.key, "{names:?}");
            assert_eq!(one.occurred_at, other.occurred_at, "{names:?}");
            assert_eq!(id(&one.context.course), id(&other.context.course), "{names:?}");
            assert_eq!(id(&one.context.lesson), id(&other.context.lesson), "{names:?}");
            assert_eq!(id(&one.context.thread), id(&other.context.thread), "{names:?}");
            assert_eq!(one.flags.is_privileged, other.flags.is_privileged, "{names:?}");
            let (one, other) = (one.object.as_ref(), other.object.as_ref());
            assert_eq!(one.map(|object| &object.r#type), other.map(|object| &object.r#type));
            let ids = one.and_then(|one| one.id.as_ref()).zip(other.and_then(|o| o.id.as_ref()));
            assert!(ids.is_none_or(|(one, other)| one == other), "{names:?}");
        }
    }
}

/// Learner and actor, or the reason why there are none.
fn people(body: &Value) -> Result<(String, Option<String>), &'static str> {
    let webhook = webhook("moodle", body.to_string().as_bytes());
    match normalize(&webhook, &InstanceProfile::default()).swap_remove(0) {
        Item::Event(event) => Ok((event.user.id, event.actor_id)),
        Item::Rejected { reason, .. } => Err(reason),
        other => panic!("{body}: {other:?}"),
    }
}

#[track_caller]
fn check(name: &str, fields: &Value, expected: Result<(&str, Option<&str>), &'static str>) {
    let mut body = json!({"eventname": name, "timecreated": 1_755_771_330, "courseid": 987});
    body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    let expected = expected.map(|(learner, actor)| (learner.to_owned(), actor.map(str::to_owned)));
    assert_eq!(people(&body), expected, "{body}");
}

#[test]
fn the_learner_stands_where_the_event_puts_them() {
    let missing = Err(reason::MISSING_LEARNER);
    let completed = "\\core\\event\\course_completed";
    let submitted = "\\mod_assign\\event\\assessable_submitted";
    let posted = "\\mod_forum\\event\\post_created";
    for (name, fields, expected) in [
        (completed, json!({"userid": 0, "relateduserid": 8774}), Ok(("8774", None))),
        (completed, json!({"userid": 2, "relateduserid": "8774"}), Ok(("8774", Some("2")))),
        (completed, json!({"userid": 8774, "relateduserid": 8774}), Ok(("8774", None))),
        (
            completed,
            json!({"userid": 2, "other": {"relateduserid": 8774}}),
            Ok(("8774", Some("2"))),
        ),
        (completed, json!({"userid": 2, "other_relateduserid": "8774"}), Ok(("8774", Some("2")))),
        (completed, json!({"userid": 8774, "relateduserid": null}), missing),
        (completed, json!({"userid": 8774, "relateduserid": 0}), missing),
        (completed, json!({"userid": 8774, "relateduserid": ""}), missing),
        (completed, json!({"userid": 8774, "relateduserid": "{relateduserid}"}), missing),
        (submitted, json!({"userid": 8774, "relateduserid": null}), Ok(("8774", None))),
        (submitted, json!({"userid": 8774}), Ok(("8774", None))),
        (submitted, json!({"userid": 17, "relateduserid": 8774}), Ok(("8774", Some("17")))),
        (submitted, json!({"userid": 0}), missing),
        (posted, json!({"userid": 8774, "relateduserid": 17}), Ok(("8774", None))),
        (posted, json!({"userid": 8774, "realuserid": 2}), Ok(("8774", Some("2")))),
        (posted, json!({"userid": -1}), missing),
        (posted, json!({"relateduserid": 8774}), missing),
    ] {
        check(name, &fields, expected);
    }
}

#[test]
fn userid_is_the_learner_only_in_the_documented_form_of_a_course_completion() {
    let missing = Err(reason::MISSING_LEARNER);
    let completed = "\\core\\event\\course_completed";
    check(completed, &json!({"userid": 8774}), Ok(("8774", None)));
    check(completed, &json!({"userid": 8774, "other": {"completiontime": 1}}), Ok(("8774", None)));
    check(completed, &json!({"userid": "8774"}), missing);
    check(completed, &json!({"userid": 0}), missing);
    check("%5Ccore%5Cevent%5Ccourse_completed", &json!({"userid": 8774}), missing);
    for moodles_own in ["edulevel", "contextid", "anonymous", "wwwroot", "token", "realuserid"] {
        check(completed, &json!({"userid": 8774, moodles_own: null}), missing);
    }
    for other in [
        "\\core\\event\\course_module_completion_updated",
        "\\core\\event\\user_graded",
        "\\core\\event\\user_enrolment_created",
        "\\mod_quiz\\event\\attempt_submitted",
    ] {
        check(other, &json!({"userid": 8774, "other": {"completionstate": 1}}), missing);
    }
}

#[test]
fn acts_that_were_not_the_learners_own_are_privileged() {
    let is_privileged = |body: Value| event("moodle", &body.to_string()).flags.is_privileged;
    let posted = |more: Value| {
        let mut body = json!({"eventname": "mod_forum\\event\\post_created", "userid": 8774});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        is_privileged(body)
    };
    for own in [
        json!({}),
        json!({"anonymous": 0, "realuserid": null, "edulevel": 2}),
        json!({"anonymous": "0", "realuserid": "0", "edulevel": "2"}),
        json!({"realuserid": "{realuserid}"}),
    ] {
        assert!(!posted(own.clone()), "{own}");
    }
    for not_own in [
        json!({"anonymous": "1"}),
        json!({"anonymous": true}),
        json!({"realuserid": "2"}),
        json!({"edulevel": 1}),
    ] {
        assert!(posted(not_own.clone()), "{not_own}");
    }
    let graded =
        json!({"eventname": "core\\event\\user_graded", "relateduserid": 1, "edulevel": 1});
    assert!(!is_privileged(graded));
}
