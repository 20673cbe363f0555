//! The path of one webhook: read the body, split it, map each item, finish each event.

use kleos_contracts::raw::RawWebhook;
use kleos_contracts::reason;
use serde_json::Value;

use crate::body;
use crate::custom::{Custom, Test};
use crate::item::Item;
use crate::learnault::Learnault;
use crate::learnworlds::LearnWorlds;
use crate::moodle::Moodle;
use crate::platform::Platform;
use crate::profile::InstanceProfile;
use crate::secrets;
use crate::teachfloor::Teachfloor;
use crate::thinkific::Thinkific;
use crate::verdict::Verdict;

/// The names of the sources that can be mapped.
pub const SOURCES: &[&str] =
    &["moodle", "openlms", "learnworlds", "thinkific", "teachfloor", "learnault", "custom", "test"];

/// What a webhook comes to: at least one item, in the order of the body.
///
/// The same webhook and profile give the same items, on any machine, at any time.
#[must_use]
pub fn normalize(webhook: &RawWebhook, profile: &InstanceProfile) -> Vec<Item> {
    let Some(platform) = platform_of(&webhook.source) else {
        let message =
            format!("source {:?}: expected one of {}", webhook.source, SOURCES.join(", "));
        return vec![Item::Rejected { reason: reason::UNKNOWN_SOURCE, message, index: 0 }];
    };
    let items = body::read(&webhook.body).and_then(|body| platform.split(body, webhook));
    match items {
        Ok(items) => (0..)
            .zip(&items)
            .map(|(index, item)| {
                platform
                    .map(item, webhook)
                    .and_then(|draft| draft.finish(webhook, profile, index))
                    .map_or_else(
                        |verdict| concluded(verdict, item, index),
                        |event| Item::Event(Box::new(event)),
                    )
            })
            .collect(),
        Err(verdict) => vec![concluded(verdict, &Value::Null, 0)],
    }
}

fn platform_of(source: &str) -> Option<&'static dyn Platform> {
    match source {
        "moodle" | "openlms" => Some(&Moodle),
        "learnworlds" => Some(&LearnWorlds),
        "teachfloor" => Some(&Teachfloor),
        "thinkific" => Some(&Thinkific),
        "learnault" => Some(&Learnault),
        "custom" => Some(&Custom),
        "test" => Some(&Test),
        _ => None,
    }
}

fn concluded(verdict: Verdict, item: &Value, index: i32) -> Item {
    match verdict {
        Verdict::Unmapped { r#type } => {
            let body = secrets::removed(item).to_string().into_bytes();
            Item::Unmapped { r#type, body, index }
        }
        Verdict::Ignored { r#type, why } => Item::Ignored { r#type, why, index },
        Verdict::Rejected { reason, message } => Item::Rejected { reason, message, index },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_source_that_is_named_has_a_platform() {
        for source in SOURCES {
            assert!(platform_of(source).is_some(), "{source}");
        }
        assert!(platform_of("atari").is_none());
    }

    #[test]
    fn a_source_without_a_platform_is_refused() {
        let webhook = RawWebhook { source: "atari".to_owned(), ..RawWebhook::default() };
        let items = normalize(&webhook, &InstanceProfile::default());
        let [Item::Rejected { reason, message, index: 0 }] = items.as_slice() else {
            panic!("{items:?}");
        };
        assert_eq!(*reason, reason::UNKNOWN_SOURCE);
        assert_eq!(*message, format!("source \"atari\": expected one of {}", SOURCES.join(", ")));
    }
}
