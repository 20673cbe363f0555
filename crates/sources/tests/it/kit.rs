//! Webhooks with dull defaults, the corpus's files, and items as JSON lines.
#![allow(clippy::disallowed_methods, reason = "the corpus lies in files")]

use std::fs;
use std::path::{Path, PathBuf};

use kleos_contracts::event::LearningEvent;
use kleos_contracts::learner::Identity;
use kleos_contracts::raw::{Header, RawWebhook};
use kleos_sources::{InstanceProfile, Item, normalize};
use serde_json::json;

/// A webhook that arrived on 2025-08-21 at 10:16, half a minute after the corpus's events.
pub(crate) fn webhook(source: &str, body: &[u8]) -> RawWebhook {
    RawWebhook {
        delivery_id: "0198cbb0-5c10-7a3b-9d5e-1f2a3b4c5d6e".to_owned(),
        tenant: "acme".to_owned(),
        source: source.to_owned(),
        instance: "campus-a".to_owned(),
        received_at: "2025-08-21T10:16:00Z".parse().unwrap(),
        method: "POST".to_owned(),
        body: body.to_vec(),
        ..RawWebhook::default()
    }
}

/// The one event of a JSON body.
#[track_caller]
pub(crate) fn event(source: &str, body: &str) -> LearningEvent {
    let mut items = normalize(&webhook(source, body.as_bytes()), &InstanceProfile::default());
    match (items.pop(), items.is_empty()) {
        (Some(Item::Event(event)), true) => *event,
        other => panic!("{body}: {other:?}"),
    }
}

/// One file of the corpus with its settings.
#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) path: PathBuf,
    pub(crate) webhook: RawWebhook,
    pub(crate) profile: InstanceProfile,
}

impl Case {
    /// Reads `<case>.body` and `<case>.headers`. A line `@identity: …` of the headers sets the
    /// instance's identity.
    fn read(path: PathBuf) -> Self {
        let source = path.parent().and_then(Path::file_name).unwrap().to_str().unwrap();
        let mut webhook = webhook(source, &fs::read(&path).unwrap());
        let mut profile = InstanceProfile::default();
        for line in fs::read_to_string(path.with_extension("headers")).unwrap().lines() {
            let (name, value) = line.split_once(": ").unwrap();
            match (name, value.split_once(' ')) {
                ("@identity", Some(("external", system))) => {
                    profile.identity = Identity::ExternalId(system.to_owned());
                }
                ("@identity", None) if value == "email" => profile.identity = Identity::Email,
                ("@identity", _) => panic!("{line}"),
                ("content-type", _) => value.clone_into(&mut webhook.content_type),
                _ => {
                    webhook.headers.push(Header { name: name.to_owned(), value: value.to_owned() })
                }
            }
        }
        Self { path, webhook, profile }
    }

    pub(crate) fn items(&self) -> Vec<Item> {
        normalize(&self.webhook, &self.profile)
    }
}

/// Every case of a platform, in the order of the names.
pub(crate) fn cases(platform: &str) -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus").join(platform);
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "body"))
        .collect();
    paths.sort();
    paths.into_iter().map(Case::read).collect()
}

/// Items as the command line prints them, one a line.
pub(crate) fn lines(items: &[Item]) -> String {
    items.iter().map(|item| line(item) + "\n").collect()
}

fn line(item: &Item) -> String {
    match item {
        Item::Event(event) => serde_json::to_string(event).unwrap(),
        Item::Unmapped { r#type, body, index } => {
            let body: serde_json::Value = serde_json::from_slice(body).unwrap();
            json!({"verdict": "unmapped", "type": r#type, "index": index, "body": body}).to_string()
        }
        Item::Ignored { r#type, why, index } => {
            json!({"verdict": "ignored", "type": r#type, "why": why, "index": index}).to_string()
        }
        Item::Rejected { reason, message, index } => {
            json!({"verdict": "dead_letter", "reason": reason, "message": message, "index": index})
                .to_string()
        }
    }
}
