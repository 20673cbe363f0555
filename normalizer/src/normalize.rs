//! From a record of `kleos.raw.v1` to the items that come of it. Pure.

use std::collections::BTreeMap;

use kleos_contracts::dead_letter::{DeadLetter, UnmappedEvent};
use kleos_contracts::raw::RawWebhook;
use kleos_event_log::Record;
use kleos_sources::Item;

use crate::SERVICE;
use crate::config::InstanceSettings;
use crate::error::NormalizeError;

/// Maps a webhook by its instance's settings.
pub(crate) fn items_of(
    webhook: &RawWebhook,
    instances: &BTreeMap<String, InstanceSettings>,
) -> Result<Vec<Item>, NormalizeError> {
    let unknown = || NormalizeError::UnknownInstance { instance: webhook.instance.clone() };
    let settings = instances.get(&webhook.instance).ok_or_else(unknown)?;
    if settings.tenant != webhook.tenant {
        return Err(unknown());
    }
    Ok(kleos_sources::normalize(webhook, &settings.profile))
}

/// Each item, and how many it stands for: of the items that are refused for the same reason the
/// first stands for all. A dead letter carries the whole webhook, so letters for each of thousands
/// of items would be thousands of times the webhook.
pub(crate) fn gathered(items: Vec<Item>) -> Vec<(Item, u64)> {
    let mut gathered: Vec<(Item, u64)> = Vec::with_capacity(items.len());
    let mut first_of: BTreeMap<&'static str, usize> = BTreeMap::new();
    for item in items {
        if let Item::Rejected { reason, .. } = item {
            if let Some((_, times)) = first_of.get(reason).and_then(|at| gathered.get_mut(*at)) {
                *times += 1;
                continue;
            }
            first_of.insert(reason, gathered.len());
        }
        gathered.push((item, 1));
    }
    gathered
}

/// The record for a type that nobody maps.
pub(crate) fn unmapped(
    webhook: &RawWebhook,
    record: &Record<'_>,
    (r#type, body, index): (String, Vec<u8>, i32),
) -> UnmappedEvent {
    UnmappedEvent {
        tenant: webhook.tenant.clone(),
        source: webhook.source.clone(),
        instance: webhook.instance.clone(),
        r#type,
        delivery_id: webhook.delivery_id.clone(),
        index,
        accepted_at: webhook.received_at,
        content_type: webhook.content_type.clone(),
        body,
        partition: record.position.partition.number,
        offset: record.position.offset,
    }
}

/// What a dead letter is about.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    pub(crate) record: &'a Record<'a>,
    /// None if the record could not be read.
    pub(crate) webhook: Option<&'a RawWebhook>,
    /// Which item of the webhook.
    pub(crate) index: i32,
    /// How many items it is about; the others come after the first.
    pub(crate) items: u64,
}

impl<'a> Place<'a> {
    /// The record as a whole.
    pub(crate) const fn of(record: &'a Record<'a>, webhook: Option<&'a RawWebhook>) -> Self {
        Self { record, webhook, index: 0, items: 1 }
    }
}

/// The dead letter of a webhook or of one of its items.
pub(crate) fn dead_letter(place: Place<'_>, error: &NormalizeError) -> DeadLetter {
    let Place { record, webhook, index, items } = place;
    let mut message = error.to_string();
    if items > 1 {
        let more = items - 1;
        message += &format!("; {more} more items of the webhook were refused for the same reason");
    }
    DeadLetter {
        stage: SERVICE.into(),
        class: error.class().as_str().into(),
        reason: error.reason().into(),
        message,
        tenant: webhook.map(|webhook| webhook.tenant.clone()).unwrap_or_default(),
        topic: record.position.partition.topic.name().into(),
        partition: record.position.partition.number,
        offset: record.position.offset,
        key: record.key.map(<[u8]>::to_vec),
        value: record.value.unwrap_or_default().to_vec(),
        index,
        first_seen: webhook.map_or(record.timestamp, |webhook| webhook.received_at),
        attempts: 1,
    }
}
