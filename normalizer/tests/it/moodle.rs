//! Bodies as Moodle's plugins send them.

use serde_json::{Value, json};

use crate::bench::occurred_at;

/// Channel A, Event Trigger: a form as the template was typed, without a content type.
pub(crate) fn event_trigger(eventname: &str, fields: &str) -> String {
    let eventname = eventname.replace('\\', "%5C");
    let seconds = occurred_at().seconds();
    format!("id=41878&eventname={eventname}&timecreated={seconds}&{fields}")
}

/// Channel B, WebHooks: Moodle's event as it is, and the plugin's own fields.
pub(crate) fn web_hooks(eventname: &str, fields: &Value) -> String {
    let mut event = json!({
        "eventname": eventname, "component": "core", "crud": "u", "edulevel": 2,
        "contextid": 48_213, "contextlevel": 70, "anonymous": 0, "courseid": "987",
        "timecreated": occurred_at().seconds(), "host": "lms.example.edu", "token": "hush-5f2b0c7d9e1a",
        "extra": "",
    });
    event.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    event.to_string()
}

/// Channel C, the xAPI log store: a list with one statement about a course.
pub(crate) fn statement(
    eventname: &str,
    verb: &str,
    (learner, instructor): (&str, &str),
) -> String {
    let account =
        |name: &str| json!({"account": {"homePage": "https://lms.example.edu", "name": name}});
    let info = "http://lrs.learninglocker.net/define/extensions/info";
    json!([{
        "actor": account(learner),
        "verb": {"id": verb},
        "object": {
            "id": "https://lms.example.edu/course/view.php?id=987",
            "definition": {"type": "https://w3id.org/xapi/cmi5/activitytype/course"},
        },
        "context": {
            "platform": "Moodle",
            "instructor": account(instructor),
            "extensions": {info: {"event_name": eventname}},
        },
        "timestamp": occurred_at(),
    }])
    .to_string()
}
