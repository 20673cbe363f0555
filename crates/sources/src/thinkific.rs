//! Thinkific.
//!
//! | form | an item is |
//! | --- | --- |
//! | Thinkific's own | `id`, `resource`, `action`, `created_at`, `timestamp`, `payload`; its type is `resource.action` |
//! | of this product's documentation | `topic`, `created_at`, `payload`, with flat ids in the payload |
//!
//! # What it is called
//!
//! Thinkific's own samples show one `id` under two types, so that the type is part of the event's
//! id here. A quiz attempt is called by its result, which is the same however often it is told.
//!
//! # Progress
//!
//! `percentage_completed` is a text on one of two scales: Thinkific's interface for programs
//! documents a share of one, its webhooks' samples show `"24.0"`. What is below one is read as a
//! share, what is above as percent. One itself is either a hundredth or the whole: it is the whole
//! if the enrolment has a time of completion, and else nobody knows.
//!
//! # Test deliveries
//!
//! There is no flag: what is sent to try a webhook has people whose names and addresses begin with
//! `[TEST]`.

mod payload;
mod table;

use kleos_contracts::raw::RawWebhook;
use serde_json::Value;

use self::payload::Payload;
use crate::draft::{self, Draft, Naming};
use crate::platform::Platform;
use crate::read::fields::Fields;
use crate::read::text;
use crate::verdict::Verdict;

/// Thinkific's sites.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Thinkific;

impl Platform for Thinkific {
    fn expected(&self) -> &'static str {
        "an event with resource and action, or with topic"
    }

    fn max_items(&self) -> usize {
        1_000
    }

    fn map(&self, item: &Value, webhook: &RawWebhook) -> Result<Draft, Verdict> {
        let Value::Object(fields) = item else {
            return Err(Verdict::unexpected_shape(self.expected(), text::kind(item)));
        };
        let fields = Fields::of(fields);
        let r#type = event_type(&fields)?;
        let (canonical, kind) = crate::table::find(table::TYPES, &r#type)?;
        let payload = Payload::of(&fields, kind)?;
        let lms_event_id = fields.id("id")?;
        let name = match (payload.result_id()?, &lms_event_id) {
            (Some(result_id), _) => Some(format!("{type}/result/{result_id}")),
            (None, Some(id)) => Some(format!("{type}/{id}")),
            (None, None) => None,
        };
        Ok(Draft {
            event: canonical.into(),
            learner: payload.learner(&r#type)?,
            context: payload.context()?,
            object: payload.object()?,
            metrics: payload.metrics(),
            is_test: payload.is_test(),
            is_privileged: payload.is_staff(),
            occurred_at: fields.instant("created_at").or_else(|| fields.instant("timestamp")),
            request_id: draft::request_id(webhook),
            naming: name.map_or(Naming::Digest, Naming::Composed),
            lms_event_id,
            lms_eventname: Some(r#type),
            ..Draft::default()
        })
    }
}

fn event_type(fields: &Fields<'_>) -> Result<String, Verdict> {
    if let Some(topic) = fields.text("topic")? {
        return Ok(topic);
    }
    match (fields.text("resource")?, fields.text("action")?) {
        (Some(resource), Some(action)) => Ok(format!("{resource}.{action}")),
        (Some(_), None) => Err(fields.missing("action", "what happened to the resource")),
        (None, _) => Err(fields.missing("resource", "a text as lesson, beside action; or a topic")),
    }
}
