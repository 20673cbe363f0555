//! The pages of `docs/sources`: every sample in them comes to what they say.
//!
//! | in a page | is |
//! | --- | --- |
//! | a block of `json lesson.completed` | a body, and what its items come to: names of events, or `ignored`, `unmapped`, `dead_letter` |
//! | a block of `json gives` | what stands in the event of the block before |
//! | `body='…'` in a block of `sh` | a body that comes to an event, sent with the headers of the `curl` in that block |
#![allow(clippy::disallowed_methods, reason = "the pages lie in files")]

use std::fs;
use std::path::{Path, PathBuf};

use kleos_contracts::raw::{Header, RawWebhook};
use kleos_sources::{InstanceProfile, Item, SOURCES, normalize};
use serde_json::Value;

use crate::kit;

/// A fenced block: what stands beside its fence, and its text.
struct Block {
    info: String,
    text: String,
}

fn blocks(page: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        // Blocks in lists are indented.
        if let Some(info) = line.trim_start().strip_prefix("```") {
            let text: Vec<&str> =
                lines.by_ref().take_while(|line| line.trim_start() != "```").collect();
            blocks.push(Block { info: info.to_owned(), text: text.join("\n") });
        }
    }
    blocks
}

fn outcome(item: &Item) -> &str {
    match item {
        Item::Event(event) => &event.event,
        Item::Ignored { .. } => "ignored",
        Item::Unmapped { .. } => "unmapped",
        Item::Rejected { .. } => "dead_letter",
    }
}

/// Whether the expected value is in the found one: objects may have more.
fn is_in(expected: &Value, found: &Value) -> bool {
    match (expected, found) {
        (Value::Object(expected), Value::Object(found)) => expected
            .iter()
            .all(|(name, value)| found.get(name).is_some_and(|found| is_in(value, found))),
        _ => expected == found,
    }
}

/// A webhook that arrived after whatever the samples tell of.
fn webhook(source: &str, body: &[u8]) -> RawWebhook {
    let received_at = "2025-12-31T00:00:00Z".parse().unwrap();
    RawWebhook { received_at, ..kit::webhook(source, body) }
}

/// The text between two others.
fn between<'a>(text: &'a str, start: &str, end: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(start)?;
    rest.split_once(end).map(|(between, _)| between)
}

/// The webhook that a block of shell sends, as the shell would fill it in.
fn sent(source: &str, block: &str) -> Option<RawWebhook> {
    let block = block
        .replace("'\"$(date -u +%FT%TZ)\"'", "2025-08-21T10:15:30Z")
        .replace("'\"$(date +%s)\"'", "1755771330");
    let mut webhook = webhook(source, between(&block, "body='", "'")?.as_bytes());
    let headers = block.split("-H '").skip(1).filter_map(|rest| rest.split_once("'"));
    for (name, value) in headers.filter_map(|(header, _)| header.split_once(": ")) {
        let (name, value) = (name.to_lowercase(), value.to_owned());
        if name == "content-type" {
            webhook.content_type.clone_from(&value);
        }
        webhook.headers.push(Header { name, value });
    }
    Some(webhook)
}

fn pages() -> Vec<(String, PathBuf)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/sources");
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    paths.map(|path| (path.file_stem().unwrap().to_str().unwrap().to_owned(), path)).collect()
}

#[test]
fn every_sample_of_every_page_comes_to_what_the_page_says() {
    let profile = InstanceProfile::default();
    for (source, path) in pages() {
        assert!(SOURCES.contains(&source.as_str()), "{}", path.display());
        let page = fs::read_to_string(&path).unwrap();
        let (mut sent_by_shell, mut before) = (0, Vec::new());
        for Block { info, text } in blocks(&page) {
            match info.split_once(' ').unwrap_or((&info, "")) {
                ("json", "gives") => {
                    let Some(Item::Event(event)) = before.first() else {
                        panic!("{source}: {before:?} before {text}");
                    };
                    let found = serde_json::to_value(event).unwrap();
                    let expected = serde_json::from_str(&text).unwrap();
                    assert!(is_in(&expected, &found), "{source}: {found}\ninstead of {text}");
                }
                ("json", expected) => {
                    before = normalize(&webhook(&source, text.as_bytes()), &profile);
                    let found: Vec<&str> = before.iter().map(outcome).collect();
                    assert_eq!(found.join(" "), expected, "{source}: {before:?}\nfrom {text}");
                }
                ("sh", _) => {
                    if let Some(webhook) = sent(&source, &text) {
                        let items = normalize(&webhook, &profile);
                        assert!(
                            matches!(items.as_slice(), [Item::Event(_)]),
                            "{source}: {items:?}\nfrom {text}"
                        );
                        sent_by_shell += 1;
                    }
                }
                // Templates are no samples: their variables are not filled in.
                _ => assert!(
                    !text.trim_start().starts_with('{') || text.contains("{{"),
                    "{source}: a sample that is not said to be JSON: {text}"
                ),
            }
        }
        assert!(sent_by_shell > 0, "{source}: no copy-paste test in the page");
    }
}
