//! Learnault.
//!
//! | envelope | an item is | types |
//! | --- | --- | --- |
//! | documented | `id`, `type`, `created`, `version`, `data` | all of the table |
//! | that its code sends | `eventId`, `eventType`, `timestamp`, `data` | four of them |
//!
//! # What it is called
//!
//! The code makes an `eventId` for each endpoint that an event goes to, so that two endpoints of one
//! site would be two events. Such an event is called by its digest: time and data are the same for
//! all endpoints. A documented `id` is the event's own.
//!
//! # Modules
//!
//! A module is a lesson that ends in a quiz. Completing it means to pass the quiz; to fail the quiz
//! is an attempt that did not pass, at the same lesson.

mod data;
mod table;

use kleos_contracts::raw::RawWebhook;
use serde_json::Value;

use self::data::Data;
use crate::draft::{self, Draft, Naming};
use crate::platform::Platform;
use crate::read::fields::Fields;
use crate::read::text;
use crate::verdict::Verdict;

/// Learnault, mainnet or testnet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Learnault;

impl Platform for Learnault {
    fn expected(&self) -> &'static str {
        "an event with type and data, or with eventType and data"
    }

    fn max_items(&self) -> usize {
        1_000
    }

    fn map(&self, item: &Value, webhook: &RawWebhook) -> Result<Draft, Verdict> {
        let Value::Object(fields) = item else {
            return Err(Verdict::unexpected_shape(self.expected(), text::kind(item)));
        };
        let fields = Fields::of(fields);
        let Some(r#type) = fields.text("type")?.or(fields.text("eventType")?) else {
            return Err(fields.missing("type", "the event's type, as module.completed"));
        };
        let (canonical, kind) = crate::table::find(table::TYPES, &r#type)?;
        let data = Data::of(&fields, kind)?;
        let own_id = fields.id("id")?;
        let told_at = fields.instant("created").or_else(|| fields.instant("timestamp"));
        Ok(Draft {
            event: canonical.into(),
            learner: data.learner(&r#type)?,
            context: data.context()?,
            object: data.object()?,
            metrics: data.metrics(),
            occurred_at: told_at.or_else(|| data.occurred_at()),
            request_id: draft::request_id(webhook),
            naming: if own_id.is_some() { Naming::Platforms } else { Naming::Digest },
            lms_event_id: own_id.or(fields.id("eventId")?),
            lms_eventname: Some(r#type),
            discriminators: data.discriminators(),
            ..Draft::default()
        })
    }
}
