//! Envelopes that senders of their own put around an event.
//!
//! | envelope | attributes | the event |
//! | --- | --- | --- |
//! | Standard Webhooks | `type`, `timestamp`; the id in the header `webhook-id` | `data` |
//! | `CloudEvents`, structured | `specversion`, `id`, `source`, `type`, `time` | `data` |
//! | `CloudEvents`, binary | the same as headers: `ce-id` and so on | the body |
//! | like the first | `event` or `type`; `id`, `event_id` or `delivery_id`; any of the times | `data` |
//!
//! What is in the event may be spelled as [`crate::loose`] says. A type may have a reversed domain
//! before it and a version after it, as `com.example.course.completed.v1`: the longest registered
//! name in it counts.

use std::collections::BTreeMap;

use kleos_contracts::event_name;
use kleos_contracts::raw::RawWebhook;
use kleos_contracts::reason;
use serde_json::{Map, Value};

use crate::draft::{self, Draft, Naming};
use crate::loose::Loose;
use crate::read::fields::Fields;
use crate::read::{text, time};
use crate::verdict::Verdict;

/// What headers of the binary mode of `CloudEvents` begin with.
const BINARY: &str = "ce-";
/// Headers with the id of a message that is the same however often it is sent.
const MESSAGE_IDS: &[&str] = &["webhook-id", "svix-id"];
/// Where an envelope may have its id.
const IDS: &[&str] = &["id", "event_id", "delivery_id"];

/// The body with what its headers say about it: a body in binary mode as the structured mode would
/// have it, and a single message with its id.
pub(super) fn completed(body: Value, webhook: &RawWebhook) -> Value {
    let attributes = binary_attributes(webhook);
    if attributes.contains_key("type") && attributes.contains_key("specversion") {
        let mut envelope: Map<String, Value> =
            attributes.into_iter().map(|(name, value)| (name, Value::String(value))).collect();
        envelope.insert("data".to_owned(), body);
        return Value::Object(envelope);
    }
    let header = |name: &&str| webhook.headers.iter().find(|header| header.name == **name);
    match (body, MESSAGE_IDS.iter().find_map(header)) {
        (Value::Object(mut message), Some(header)) => {
            let is_envelope = is_envelope(&Fields::of(&message));
            let trace_id = message.get("trace").and_then(|trace| trace.get("lms_event_id"));
            let is_named = trace_id.is_some_and(|id| !text::is_nothing(id))
                || IDS.iter().any(|name| Fields::of(&message).get(name).is_some());
            if !is_named {
                let name = if is_envelope { "id" } else { "event_id" };
                message.insert(name.to_owned(), Value::String(header.value.clone()));
            }
            Value::Object(message)
        }
        (body, _) => body,
    }
}

/// Whether an object is an envelope rather than an event.
pub(super) fn is_envelope(fields: &Fields<'_>) -> bool {
    let is_around_data = fields.has("data") || fields.has("data_base64");
    let is_event = fields.has("event") && (fields.has("user") || !is_around_data);
    fields.has("specversion") || (!is_event && is_around_data)
}

/// The attributes in the headers, decoded.
fn binary_attributes(webhook: &RawWebhook) -> BTreeMap<String, String> {
    let headers = webhook.headers.iter();
    headers
        .filter_map(|header| Some((header.name.strip_prefix(BINARY)?, decoded(&header.value))))
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

/// A header's value without percent-encoding. A plus sign is one.
fn decoded(value: &str) -> String {
    let escaped = value.replace('+', "%2B").replace('&', "%26").replace('=', "%3D");
    let decoded = form_urlencoded::parse(escaped.as_bytes()).next();
    decoded.map_or_else(String::new, |(text, _)| text.into_owned())
}

/// The event in an envelope.
pub(super) fn map(envelope: &Fields<'_>, webhook: &RawWebhook) -> Result<Draft, Verdict> {
    let Some(written) = envelope.text("type")?.or(envelope.text("event")?) else {
        return Err(envelope.missing("type", "a type as course.completed"));
    };
    match (envelope.get("data"), envelope.has("data_base64")) {
        // JSON in a text, as senders have it that know no other data than texts.
        (Some(Value::String(text)), _) => match serde_json::from_str(text) {
            Ok(Value::Object(data)) => mapped(envelope, &Fields::of(&data), &written, webhook),
            Ok(_) | Err(_) => Err(not_an_event("data", "a text that is none")),
        },
        (None, true) => Err(not_an_event("data", "data_base64")),
        _ => mapped(envelope, &envelope.object("data", "data.")?, &written, webhook),
    }
}

/// The data itself is not shown: nobody knows what it is.
fn not_an_event(path: &str, found: &str) -> Verdict {
    let message =
        format!("{path}: expected an object, or a text with the JSON of one; found {found}");
    Verdict::rejected(reason::INVALID_FIELD, message)
}

fn mapped(
    envelope: &Fields<'_>,
    data: &Fields<'_>,
    written: &str,
    webhook: &RawWebhook,
) -> Result<Draft, Verdict> {
    let unmapped = || Verdict::Unmapped { r#type: written.to_owned() };
    let in_data = data.lenient_text("event").and_then(registered);
    let name = match registered(written).or(in_data) {
        Some(name) => name.to_owned(),
        None => own_name(written).ok_or_else(unmapped)?,
    };
    let loose = Loose(*data);
    let inside = |verdict: Verdict| verdict.inside("data.");
    let learner = match loose.learner().map_err(inside)?.known("data.user.id", written) {
        // Somebody else's event, of nobody who learns.
        Err(_) if event_name::entry(&name).is_none() => return Err(unmapped()),
        known => known?,
    };
    let (is_test, is_privileged) = loose.flags().map_err(inside)?;
    let lms_event_id = id(envelope)?;
    Ok(Draft {
        event: name.into(),
        learner,
        actor_id: loose.actor_id().map_err(inside)?,
        context: loose.context().map_err(inside)?,
        object: loose.object_of_event().map_err(inside)?,
        metrics: loose.metrics().map_err(inside)?,
        is_test: is_test || Loose(*envelope).flags()?.0,
        is_privileged,
        occurred_at: envelope
            .get("time")
            .and_then(time::instant)
            .or_else(|| Loose(*envelope).occurred_at())
            .or_else(|| loose.occurred_at()),
        request_id: draft::request_id(webhook),
        naming: naming(envelope, lms_event_id.as_deref())?,
        lms_event_id,
        lms_eventname: Some(written.to_owned()),
        ..Draft::default()
    })
}

fn id(envelope: &Fields<'_>) -> Result<Option<String>, Verdict> {
    for name in IDS {
        if let Some(id) = envelope.id(name)? {
            return Ok(Some(id));
        }
    }
    Ok(None)
}

/// An id of `CloudEvents` is unique within its source.
fn naming(envelope: &Fields<'_>, id: Option<&str>) -> Result<Naming, Verdict> {
    if !envelope.has("specversion") {
        return Ok(Naming::Platforms);
    }
    match (envelope.id("source")?, id) {
        (Some(source), Some(id)) => Ok(Naming::Composed(format!("{source}#{id}"))),
        _ => Ok(Naming::Platforms),
    }
}

/// The longest registered name in a type: after a reversed domain, before a version.
fn registered(written: &str) -> Option<&'static str> {
    let is_version = |part: &str| {
        part.strip_prefix('v').is_some_and(|digits| {
            !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
        })
    };
    let name = match written.rsplit_once('.') {
        Some((name, version)) if is_version(version) => name,
        _ => written,
    };
    // No domain has more parts, and the work is bounded.
    let names = std::iter::successors(Some(name), |name| Some(name.split_once('.')?.1)).take(16);
    names
        .filter_map(|name| event_name::entry(event_name::canonical(name)))
        .map(|entry| entry.name)
        .next()
}

/// A name of the sender's own.
fn own_name(written: &str) -> Option<String> {
    let is_own =
        event_name::is_well_formed(written) && !written.starts_with(event_name::SYSTEM_PREFIX);
    is_own.then(|| written.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_may_have_a_domain_before_it_and_a_version_after_it() {
        for (written, expected) in [
            ("course.completed", Some("course.completed")),
            ("com.example.course.completed", Some("course.completed")),
            ("com.example.lms.course.completed.v2", Some("course.completed")),
            ("org.example.program.completed.v1", Some("programme.completed")),
            ("course.completed.v1.v1", None),
            ("course.completed.later", None),
            ("Course.Completed", None),
            ("completed", None),
            ("", None),
        ] {
            assert_eq!(registered(written), expected, "{written}");
        }
    }

    #[test]
    fn headers_are_decoded_and_keep_their_plus_signs() {
        assert_eq!(decoded("2025-08-21T12:15:30+02:00"), "2025-08-21T12:15:30+02:00");
        assert_eq!(decoded("/caf%C3%A9?a=b&c"), "/café?a=b&c");
        assert_eq!(decoded(""), "");
    }
}
