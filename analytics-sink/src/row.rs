//! From an award or an event to the vendor's form of it. Pure.
//!
//! What tells an event from another at the vendor, its name, `distinct_id`, `time` and
//! `$insert_id`, comes from the record alone: sent again, on any machine, it is the same event.

use std::borrow::Cow;

use kleos_contracts::award::Award;
use kleos_contracts::decimal::Percent;
use kleos_contracts::event::{LearningEvent, Place};
use kleos_contracts::identity;
use kleos_contracts::time::Timestamp;
use serde::ser::{Serialize, SerializeMap, SerializeStruct, Serializer};

use crate::config::DistinctId;
use crate::error::Refusal;

/// The vendor cuts longer texts.
const TEXT_CHARS_MAX: usize = 255;
const INSERT_ID_DIGITS: usize = 32;
const YEAR_1971: Timestamp = Timestamp::from_millis(31_536_000_000);

/// What the vendor refuses as an id because it is usually a mistake.
const PLACEHOLDERS: [&str; 17] = [
    "00000000-0000-0000-0000-000000000000",
    "anon",
    "anonymous",
    "nil",
    "none",
    "null",
    "n/a",
    "na",
    "undefined",
    "unknown",
    "<nil>",
    "0",
    "-1",
    "true",
    "false",
    "[]",
    "{}",
];

/// One event in the vendor's form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row<'a> {
    pub(crate) event: Cow<'a, str>,
    pub(crate) time_millis: i64,
    pub(crate) distinct_id: &'a str,
    pub(crate) insert_id: String,
    pub(crate) properties: Vec<(&'static str, Value<'a>)>,
}

/// The value of a property.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(untagged)]
pub(crate) enum Value<'a> {
    Text(Cow<'a, str>),
    Number(i64),
    Percent(Percent),
    Flag(bool),
}

/// The row of a ledger's line: the event `award.granted`, `award.reversed` or `award.reattributed`.
pub(crate) fn of_award(award: &Award, distinct_id: DistinctId) -> Result<Row<'_>, Refusal> {
    let distinct_id = match distinct_id {
        DistinctId::UserKey => checked(&award.user_key)?,
        DistinctId::UserId => checked(&award.user_id)?,
    };
    let time = time_of(award.occurred_at, award.decided_at)?;
    let digits = award.entry_id.get(..INSERT_ID_DIGITS);
    let insert_id = digits.filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let insert_id = insert_id
        .ok_or(Refusal::Field { field: "entry_id", expected: "a digest in hexadecimal digits" })?;
    if award.kind.is_empty() {
        return Err(Refusal::Field {
            field: "kind",
            expected: "granted, reversed or reattributed",
        });
    }
    let mut properties = Properties::of([&award.tenant, &award.source, &award.instance]);
    properties.text("event_id", &award.event_id);
    properties.text("user_id", &award.user_id);
    properties.text("entry_id", &award.entry_id);
    properties.text("award_id", &award.award_id);
    properties.text("trigger_event", &award.event);
    properties.text("rule_id", &award.rule_id);
    properties.number("rule_set_version", award.rule_set_version);
    properties.number("points", award.points);
    properties.number("balance_after", award.balance_after);
    properties.optional("badge", award.badge.as_deref());
    properties.text("reason", &award.reason);
    properties.text("status", &award.status);
    properties.optional("scope", award.scope.as_deref());
    properties.optional("window", award.window.as_deref());
    properties.optional("restatement_id", award.restatement_id.as_deref());
    properties.time("decided_at", Some(award.decided_at));
    properties.time("available_at", award.available_at);
    properties.time("expires_at", award.expires_at);
    properties.time("occurred_at", (time != award.occurred_at).then_some(award.occurred_at));
    Ok(Row {
        event: format!("award.{}", cut(&award.kind)).into(),
        time_millis: time.millis(),
        distinct_id,
        insert_id: insert_id.to_owned(),
        properties: properties.0,
    })
}

/// The row of a canonical event, under its own name.
pub(crate) fn of_event(event: &LearningEvent, distinct_id: DistinctId) -> Result<Row<'_>, Refusal> {
    let distinct_id = match distinct_id {
        DistinctId::UserKey => checked(&event.user.key)?,
        DistinctId::UserId => checked(&event.user.id)?,
    };
    let time = time_of(event.occurred_at, event.accepted_at)?;
    if event.event.is_empty() {
        return Err(Refusal::Field { field: "event", expected: "a name, as course.completed" });
    }
    let mut properties = Properties::of([&event.tenant, &event.source, &event.instance]);
    properties.text("event_id", &event.event_id);
    properties.text("user_id", &event.user.id);
    properties.optional("actor_id", event.actor_id.as_deref());
    let context = &event.context;
    properties.place(["course_id", "course_title"], context.course.as_ref());
    properties.place(["section_id", "section_title"], context.section.as_ref());
    properties.place(["lesson_id", "lesson_title"], context.lesson.as_ref());
    properties.place(["programme_id", "programme_title"], context.programme.as_ref());
    properties.place(["thread_id", "thread_title"], context.thread.as_ref());
    if let Some(object) = &event.object {
        properties.text("object_type", &object.r#type);
        properties.optional("object_id", object.id.as_deref());
        properties.optional("object_attempt", object.attempt.as_deref());
    }
    properties.percent("progress_pct", event.metrics.progress_pct);
    properties.percent("score_pct", event.metrics.score_pct);
    properties.0.extend(
        event.metrics.time_on_task_sec.map(|time| ("time_on_task_sec", Value::Number(time))),
    );
    properties.flag("is_test", event.flags.is_test);
    properties.flag("is_privileged", event.flags.is_privileged);
    properties.flag("time_was_guessed", event.flags.time_was_guessed);
    properties.optional("lms_event_id", event.trace.lms_event_id.as_deref());
    properties.optional("lms_eventname", event.trace.lms_eventname.as_deref());
    properties.time("occurred_at", (time != event.occurred_at).then_some(event.occurred_at));
    Ok(Row {
        event: cut(&event.event).into(),
        time_millis: time.millis(),
        distinct_id,
        insert_id: insert_id_of(event),
        properties: properties.0,
    })
}

fn insert_id_of(event: &LearningEvent) -> String {
    let LearningEvent { tenant, source, instance, event_id, event, .. } = event;
    let parts = [tenant.as_str(), source, instance, event_id, event].map(str::as_bytes);
    let digest = identity::digest(&parts);
    identity::to_hex(&digest[..INSERT_ID_DIGITS / 2])
}

fn checked(id: &str) -> Result<&str, Refusal> {
    if id.is_empty() || PLACEHOLDERS.contains(&id) || cut(id).len() < id.len() {
        return Err(Refusal::DistinctId(cut(id).to_owned()));
    }
    Ok(id)
}

/// A sender's clock may run ahead, by minutes. The vendor replaces a time in the future by its own
/// now, so that the same event sent twice would be two: it gets the time when it became known.
fn time_of(occurred_at: Timestamp, known_at: Timestamp) -> Result<Timestamp, Refusal> {
    if occurred_at < YEAR_1971 {
        return Err(Refusal::TimeTooOld(occurred_at));
    }
    Ok(if known_at < YEAR_1971 { occurred_at } else { occurred_at.min(known_at) })
}

/// At most as many characters as the vendor keeps.
fn cut(text: &str) -> &str {
    if text.len() <= TEXT_CHARS_MAX {
        return text;
    }
    let end = text.char_indices().nth(TEXT_CHARS_MAX).map_or(text.len(), |(end, _)| end);
    text.get(..end).unwrap_or(text)
}

/// Absent values have no property.
struct Properties<'a>(Vec<(&'static str, Value<'a>)>);

impl<'a> Properties<'a> {
    fn of([tenant, source, instance]: [&'a str; 3]) -> Self {
        let mut properties = Self(Vec::with_capacity(24));
        properties.text("tenant", tenant);
        properties.text("source", source);
        properties.text("instance", instance);
        properties
    }

    fn text(&mut self, name: &'static str, text: &'a str) {
        if !text.is_empty() {
            self.0.push((name, Value::Text(cut(text).into())));
        }
    }

    fn optional(&mut self, name: &'static str, text: Option<&'a str>) {
        self.text(name, text.unwrap_or_default());
    }

    fn number(&mut self, name: &'static str, number: i64) {
        self.0.push((name, Value::Number(number)));
    }

    fn percent(&mut self, name: &'static str, percent: Option<Percent>) {
        self.0.extend(percent.map(|percent| (name, Value::Percent(percent))));
    }

    /// Only what is set: most events have none of the flags.
    fn flag(&mut self, name: &'static str, flag: bool) {
        if flag {
            self.0.push((name, Value::Flag(flag)));
        }
    }

    fn time(&mut self, name: &'static str, time: Option<Timestamp>) {
        self.0.extend(time.map(|time| (name, Value::Text(time.to_string().into()))));
    }

    fn place(&mut self, [id, title]: [&'static str; 2], place: Option<&'a Place>) {
        if let Some(place) = place {
            self.text(id, &place.id);
            self.optional(title, place.title.as_deref());
        }
    }
}

impl Serialize for Row<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut row = serializer.serialize_struct("Row", 2)?;
        row.serialize_field("event", &self.event)?;
        row.serialize_field("properties", &PropertiesOf(self))?;
        row.end()
    }
}

struct PropertiesOf<'r, 'a>(&'r Row<'a>);

impl Serialize for PropertiesOf<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Row { time_millis, distinct_id, insert_id, properties, .. } = self.0;
        let mut map = serializer.serialize_map(Some(properties.len() + 4))?;
        map.serialize_entry("time", time_millis)?;
        map.serialize_entry("distinct_id", distinct_id)?;
        map.serialize_entry("$insert_id", insert_id)?;
        // Else the vendor places the learner where this process runs.
        map.serialize_entry("ip", &0)?;
        for (name, value) in properties {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests;
