//! The canonical form itself, as integrators send it: one event or a list of them, as they are or in
//! an envelope: see [`envelope`].
//!
//! | field | |
//! | --- | --- |
//! | `event` | `domain.action`; aliases lead to the canonical name; not of the domain `kleos.` |
//! | `occurred_at` | any form of an instant; without one, the arrival, flagged |
//! | `user` | `id`, `email`, `external_ids` |
//! | `actor_id` | who caused it, if not the learner |
//! | `context` | `course`, `section`, `lesson`, `programme` (or `program`), `thread`: each `id`, `title` |
//! | `object` | `type`, `id`, `attempt` |
//! | `metrics` | `progress_pct` and `score_pct` from 0 to 100, `time_on_task_sec` |
//! | `flags` | `is_test` (or `test` beside `event`), `is_privileged` |
//! | `trace` | `request_id`, `lms_event_id` (or `event_id` beside `event`), `lms_eventname` |
//!
//! Tenant, source and instance are those of the credential. What the body says of them, or of
//! anything that this product adds to an event, is not read. A flag can only keep an event from
//! being paid, so the sender is believed.
//!
//! The source `test` takes the same, and flags every event as a test.

mod envelope;

use kleos_contracts::event::{Context, Metrics, Object, Place};
use kleos_contracts::event_name;
use kleos_contracts::raw::RawWebhook;
use kleos_contracts::reason;
use serde_json::Value;

use crate::draft::{self, Draft, Learner};
use crate::platform::Platform;
use crate::read::fields::Fields;
use crate::read::text;
use crate::verdict::Verdict;

/// Senders of the canonical form.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Custom;

impl Platform for Custom {
    fn expected(&self) -> &'static str {
        "an event object"
    }

    fn max_items(&self) -> usize {
        1_000
    }

    fn split(&self, body: Value, webhook: &RawWebhook) -> Result<Vec<Value>, Verdict> {
        self.listed(envelope::completed(body, webhook))
    }

    fn map(&self, item: &Value, webhook: &RawWebhook) -> Result<Draft, Verdict> {
        let Value::Object(fields) = item else {
            return Err(Verdict::unexpected_shape(self.expected(), text::kind(item)));
        };
        let fields = Fields::of(fields);
        if envelope::is_envelope(&fields) {
            return envelope::map(&fields, webhook);
        }
        let trace = fields.object("trace", "trace.")?;
        let flags = fields.object("flags", "flags.")?;
        Ok(Draft {
            event: event_name(&fields)?.into(),
            learner: learner(&fields)?,
            actor_id: fields.id("actor_id")?,
            context: context(&fields)?,
            object: object(&fields)?,
            metrics: metrics(&fields)?,
            is_test: flags.flag("is_test")? || fields.flag("test")?,
            is_privileged: flags.flag("is_privileged")?,
            occurred_at: fields.instant("occurred_at"),
            request_id: trace.text("request_id")?.or_else(|| draft::request_id(webhook)),
            lms_event_id: trace.id("lms_event_id")?.or(fields.id("event_id")?),
            lms_eventname: trace.text("lms_eventname")?,
            ..Draft::default()
        })
    }
}

/// Senders that try things out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Test;

impl Platform for Test {
    fn expected(&self) -> &'static str {
        Custom.expected()
    }

    fn max_items(&self) -> usize {
        Custom.max_items()
    }

    fn split(&self, body: Value, webhook: &RawWebhook) -> Result<Vec<Value>, Verdict> {
        Custom.split(body, webhook)
    }

    fn map(&self, item: &Value, webhook: &RawWebhook) -> Result<Draft, Verdict> {
        Ok(Draft { is_test: true, ..Custom.map(item, webhook)? })
    }
}

fn event_name(fields: &Fields<'_>) -> Result<String, Verdict> {
    let Some(written) = fields.text("event")? else {
        return Err(fields.missing("event", "a name of the form domain.action"));
    };
    let name = event_name::canonical(&written);
    if event_name::is_well_formed(name) && !name.starts_with(event_name::SYSTEM_PREFIX) {
        return Ok(name.to_owned());
    }
    let message = format!(
        "event: expected domain.action of a-z, 0-9 and _, not of the domain kleos; found {:?}",
        text::shortened(&written)
    );
    Err(Verdict::rejected(reason::INVALID_EVENT_NAME, message))
}

fn learner(fields: &Fields<'_>) -> Result<Learner, Verdict> {
    let user = fields.object("user", "user.")?;
    let external_ids = user.object("external_ids", "user.external_ids.")?;
    Ok(Learner {
        id: user.id("id")?,
        email: user.text("email")?,
        external_ids: external_ids
            .each()
            .filter_map(|(system, _)| {
                Some(external_ids.id(system).transpose()?.map(|id| (system.clone(), id)))
            })
            .collect::<Result<_, _>>()?,
    })
}

fn context(fields: &Fields<'_>) -> Result<Context, Verdict> {
    let context = fields.object("context", "context.")?;
    Ok(Context {
        course: place(&context, "course", "context.course.")?,
        section: place(&context, "section", "context.section.")?,
        lesson: place(&context, "lesson", "context.lesson.")?,
        programme: match place(&context, "programme", "context.programme.")? {
            Some(place) => Some(place),
            None => place(&context, "program", "context.program.")?,
        },
        thread: place(&context, "thread", "context.thread.")?,
    })
}

fn place(context: &Fields<'_>, name: &str, path: &'static str) -> Result<Option<Place>, Verdict> {
    let place = context.object(name, path)?;
    match (place.id("id")?, place.text("title")?) {
        (Some(id), title) => Ok(Some(Place { id, title })),
        (None, None) => Ok(None),
        (None, Some(_)) => Err(place.missing("id", "the id of the place that has a title")),
    }
}

fn object(fields: &Fields<'_>) -> Result<Option<Object>, Verdict> {
    let object = fields.object("object", "object.")?;
    let (id, attempt) = (object.id("id")?, object.id("attempt")?);
    match object.id("type")? {
        Some(r#type) => Ok(Some(Object { r#type, id, attempt })),
        None if id.is_none() && attempt.is_none() => Ok(None),
        None => Err(object.missing("type", "the type of the object that has an id")),
    }
}

fn metrics(fields: &Fields<'_>) -> Result<Metrics, Verdict> {
    let metrics = fields.object("metrics", "metrics.")?;
    Ok(Metrics {
        progress_pct: metrics.percent("progress_pct")?,
        score_pct: metrics.percent("score_pct")?,
        time_on_task_sec: metrics.seconds("time_on_task_sec")?,
    })
}
