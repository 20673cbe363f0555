//! Channels A and B: one of Moodle's events by its own field names.

use kleos_contracts::event::{Context, Object, Place};
use kleos_contracts::raw::RawWebhook;
use serde_json::{Map, Value};

use super::message::Message;
use super::table::{self, Entry, Kind};
use super::{details, is_course, is_real, learner};
use crate::draft::{self, Draft};
use crate::item::ignored;
use crate::read::{id, text};
use crate::verdict::Verdict;

/// Moodle's own level for what teachers do.
const LEVEL_TEACHING: &str = "1";
/// The WebHooks plugin makes an event of each of its deliveries, which it then delivers.
const OWN_COMPONENT: &str = "local_webhooks";

/// The event that the fields tell of.
pub(super) fn map(fields: &Map<String, Value>, webhook: &RawWebhook) -> Result<Draft, Verdict> {
    let is_encoded =
        fields.get("eventname").and_then(text::scalar).is_some_and(|name| name.contains("%5C"));
    if is_encoded {
        return mapped(&Message::new(&decoded_fields(fields), true), webhook);
    }
    mapped(&Message::new(fields, false), webhook)
}

fn mapped(message: &Message<'_>, webhook: &RawWebhook) -> Result<Draft, Verdict> {
    let fields = &message.fields;
    let component = fields.lenient_text("component");
    if let Some(component) = component.filter(|component| *component == OWN_COMPONENT) {
        let r#type = fields.lenient_text("eventname").unwrap_or(component).to_owned();
        return Err(Verdict::Ignored { r#type, why: ignored::OWN_EVENT });
    }
    let Some(written) = fields.text("eventname")? else {
        let expected = "the event's name, as \\core\\event\\course_completed";
        return Err(fields.missing("eventname", expected));
    };
    let name = written.trim_start_matches('\\');
    if is_own_work(name) {
        return Err(Verdict::Ignored { r#type: written, why: ignored::OWN_EVENT });
    }
    let Some(entry) = table::entry(name) else {
        return Err(Verdict::Unmapped { r#type: written });
    };
    let people = learner::people(message, entry)?;
    let mut draft = Draft {
        event: entry.canonical.into(),
        learner: learner::looked_up(message, &people),
        is_test: message.says_yes("test"),
        is_privileged: people.is_on_behalf || is_privileged(message, entry)?,
        context: context(message, entry)?,
        object: object(message, entry)?,
        actor_id: people.actor_id,
        occurred_at: fields.instant("timecreated"),
        request_id: draft::request_id(webhook),
        lms_event_id: event_id(message)?,
        lms_eventname: Some(written),
        ..Draft::default()
    };
    details::add(message, entry.kind, &mut draft)?;
    Ok(draft)
}

/// Whether a name is of the WebHooks plugin's component.
pub(super) fn is_own_work(name: &str) -> bool {
    name.split_once('\\').is_some_and(|(component, _)| component == OWN_COMPONENT)
}

/// The id in the Event Trigger plugin's own table of events: the same for all runs and re-runs of
/// an event. Templates know it by two names.
fn event_id(message: &Message<'_>) -> Result<Option<String>, Verdict> {
    match message.real_id("id")? {
        Some(id) => Ok(Some(id)),
        None => message.real_id("eventid"),
    }
}

fn is_privileged(message: &Message<'_>, entry: &Entry) -> Result<bool, Verdict> {
    let level = message.fields.lenient_text("edulevel");
    Ok(entry.kind == Kind::LoggedInAs
        || message.says_yes("anonymous")
        || message.real_id("realuserid")?.is_some()
        || (entry.kind.is_act_of_learning() && level == Some(LEVEL_TEACHING)))
}

fn context(message: &Message<'_>, entry: &Entry) -> Result<Context, Verdict> {
    let fields = &message.fields;
    let mut context = Context::default();
    if let Some(id) = fields.id("courseid")?.filter(|id| is_course(id)) {
        let looked_up = fields.get("course_id").and_then(|value| id::id(value).ok().flatten());
        let is_the_course = looked_up.is_none_or(|looked_up| looked_up == id);
        let title = fields.lenient_text("course_fullname").filter(|_| is_the_course);
        context.course = Some(Place { id, title: title.map(str::to_owned) });
    }
    if entry.kind.is_in_activity() {
        let id = fields.id("contextinstanceid")?.filter(|id| is_real(id));
        context.lesson = id.map(|id| Place { id, title: None });
    }
    Ok(context)
}

fn object(message: &Message<'_>, entry: &Entry) -> Result<Option<Object>, Verdict> {
    let Some(object_type) = entry.kind.object_type() else {
        return Ok(None);
    };
    let id = message.real_id("objectid")?;
    Ok(Some(Object { r#type: object_type.to_owned(), id, attempt: None }))
}

/// The fields as they were before Moodle percent-encoded them.
fn decoded_fields(fields: &Map<String, Value>) -> Map<String, Value> {
    fields.iter().map(|(name, value)| (name.clone(), decoded(value))).collect()
}

fn decoded(value: &Value) -> Value {
    match value {
        Value::String(text) => {
            // What separates a form's fields was typed by the template's author, not encoded.
            let text = text.replace('&', "%26").replace('=', "%3D");
            let decoded = form_urlencoded::parse(text.as_bytes()).next();
            Value::String(decoded.map_or_else(String::new, |(text, _)| text.into_owned()))
        }
        Value::Object(fields) => Value::Object(decoded_fields(fields)),
        Value::Array(items) => items.iter().map(decoded).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn percent_encoded_values_are_decoded_at_any_depth() {
        let encoded =
            json!({"a": "%5Ccore", "b": {"c": ["jane%2Blms%40x", "a=b&c+d", "%zz", ""]}, "d": 5});
        let expected =
            json!({"a": "\\core", "b": {"c": ["jane+lms@x", "a=b&c d", "%zz", ""]}, "d": 5});
        assert_eq!(decoded(&encoded), expected);
    }
}
