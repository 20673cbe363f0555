//! Bodies that somebody typed: of user automations, and the form of this product's documentation.

use kleos_contracts::event_name;
use kleos_contracts::raw::RawWebhook;

use super::table::TYPES;
use crate::draft::{self, Draft, Naming};
use crate::loose::Loose;
use crate::read::fields::Fields;
use crate::verdict::Verdict;

/// Where the event's name may stand.
const NAMES: &[&str] = &["event", "topic", "event_name", "type", "trigger"];

/// The event that the fields tell of.
pub(super) fn map(fields: &Fields<'_>, webhook: &RawWebhook) -> Result<Draft, Verdict> {
    let Some(written) = NAMES.iter().find_map(|name| fields.lenient_text(name)) else {
        let expected =
            "the name of an event, as lesson.completed, typed into the automation's body";
        return Err(fields.missing("event", expected));
    };
    let canonical = canonical(written)?;
    if !fields.has("data") {
        return mapped(fields, canonical, written, webhook);
    }
    let data = fields.object("data", "data.")?;
    let mut draft =
        mapped(&data, canonical, written, webhook).map_err(|verdict| verdict.inside("data."))?;
    draft.occurred_at = Loose(*fields).occurred_at().or(draft.occurred_at);
    Ok(draft)
}

fn canonical(written: &str) -> Result<&'static str, Verdict> {
    match event_name::entry(event_name::canonical(written)) {
        Some(entry) => Ok(entry.name),
        None => crate::table::find(TYPES, written).map(|(canonical, _)| canonical),
    }
}

fn mapped(
    fields: &Fields<'_>,
    canonical: &'static str,
    written: &str,
    webhook: &RawWebhook,
) -> Result<Draft, Verdict> {
    let loose = Loose(*fields);
    let (is_test, is_privileged) = loose.flags()?;
    Ok(Draft {
        event: canonical.into(),
        learner: loose.learner()?.known("user.id", written)?,
        actor_id: loose.actor_id()?,
        context: loose.context()?,
        object: loose.object_of_event()?,
        metrics: loose.metrics()?,
        is_test,
        is_privileged,
        occurred_at: loose.occurred_at(),
        request_id: draft::request_id(webhook),
        lms_eventname: Some(written.to_owned()),
        naming: Naming::Digest,
        ..Draft::default()
    })
}
