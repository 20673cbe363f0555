//! Teachfloor.
//!
//! | envelope | an item is |
//! | --- | --- |
//! | of today | `id`, `type`, `created_at`, for apps `installation_id`, and `data` of typed objects |
//! | old | `event`, `timestamp`, `data` of `member`, `course`, `module`, `element`, `completion`; no id |
//!
//! The old one was published for a day, and is what others have copied since. Types that both have
//! mean the same.
//!
//! An element that is completed is a lesson, or a quiz. Of today's envelope it is the `context` of
//! the activity, and tells its module by id, its course not at all.

mod data;
mod table;

use kleos_contracts::event_name as name;
use kleos_contracts::raw::RawWebhook;
use serde_json::Value;

use self::data::Data;
use self::table::Kind;
use crate::draft::{self, Draft};
use crate::platform::Platform;
use crate::read::fields::Fields;
use crate::read::text;
use crate::verdict::Verdict;

/// Organisations on Teachfloor.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Teachfloor;

impl Platform for Teachfloor {
    fn expected(&self) -> &'static str {
        "an event with type and data, or with event and data"
    }

    fn max_items(&self) -> usize {
        1_000
    }

    fn map(&self, item: &Value, webhook: &RawWebhook) -> Result<Draft, Verdict> {
        let Value::Object(fields) = item else {
            return Err(Verdict::unexpected_shape(self.expected(), text::kind(item)));
        };
        let fields = Fields::of(fields);
        let Some(r#type) = fields.text("type")?.or(fields.text("event")?) else {
            return Err(fields.missing("type", "the event's type, as course.join"));
        };
        let is_test = fields.flag("test")?;
        mapped(&fields, &r#type, is_test, webhook)
            .map_err(|verdict| if is_test { verdict.of_test(&r#type) } else { verdict })
    }
}

fn mapped(
    fields: &Fields<'_>,
    r#type: &str,
    is_test: bool,
    webhook: &RawWebhook,
) -> Result<Draft, Verdict> {
    let (canonical, kind) = crate::table::find(table::TYPES, r#type)?;
    let data = Data::of(fields, kind)?;
    let learner = data.learner(r#type)?;
    let marked_by = data.marked_by(&learner)?;
    let event = match (kind, data.is_quiz(), data.has_failed()) {
        (Kind::Element, true, true) => name::QUIZ_FAILED,
        (Kind::Element, true, false) => name::QUIZ_COMPLETED,
        (Kind::Element, false, true) => name::LESSON_FAILED,
        _ => canonical,
    };
    let told_at = fields.instant("created_at").or_else(|| fields.instant("timestamp"));
    Ok(Draft {
        event: event.into(),
        learner,
        context: data.context()?,
        object: data.object()?,
        metrics: data.metrics(),
        is_test,
        is_privileged: marked_by.is_some(),
        actor_id: marked_by,
        occurred_at: told_at.or_else(|| data.occurred_at()),
        request_id: draft::request_id(webhook),
        lms_event_id: fields.id("id")?,
        lms_eventname: Some(r#type.to_owned()),
        ..Draft::default()
    })
}
