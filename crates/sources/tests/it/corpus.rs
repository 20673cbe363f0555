//! Realistic bodies and what they come to. `UPDATE_GOLDEN=1` rewrites what is expected.
#![allow(clippy::disallowed_methods, reason = "the corpus lies in files")]

use std::collections::BTreeSet;
use std::fs;

use kleos_contracts::{event_name, reason};
use kleos_sources::{Item, SOURCES};

use crate::kit::{cases, lines};

#[test]
fn every_body_comes_to_what_is_expected() {
    let updates = std::env::var_os("UPDATE_GOLDEN").is_some();
    let mut differing = Vec::new();
    for case in SOURCES.iter().flat_map(|source| cases(source)) {
        let found = lines(&case.items());
        let golden = case.path.with_extension("expected");
        if updates {
            fs::write(&golden, found).unwrap();
        } else if fs::read_to_string(&golden).unwrap_or_default() != found {
            differing.push(format!("{}:\n{found}", case.path.display()));
        }
    }
    assert!(differing.is_empty(), "{}", differing.join("\n"));
}

#[test]
fn the_corpus_is_not_thin() {
    for (source, least) in [
        ("custom", 45),
        ("learnault", 40),
        ("learnworlds", 60),
        ("moodle", 35),
        ("openlms", 15),
        ("teachfloor", 40),
        ("test", 5),
        ("thinkific", 45),
    ] {
        assert!(cases(source).len() >= least, "{source}");
    }
}

#[test]
fn items_are_numbered_in_the_order_of_the_body() {
    for case in SOURCES.iter().flat_map(|source| cases(source)) {
        let indexes: Vec<i32> = case.items().iter().map(Item::index).collect();
        let expected: Vec<i32> = (0..).take(indexes.len()).collect();
        assert_eq!(indexes, expected, "{}", case.path.display());
    }
}

#[test]
fn every_verdict_has_a_registered_reason_and_every_event_a_good_name() {
    for case in SOURCES.iter().flat_map(|source| cases(source)) {
        for item in case.items() {
            match item {
                Item::Event(event) => {
                    assert!(event_name::is_well_formed(&event.event), "{}", event.event);
                    assert_eq!(event_name::canonical(&event.event), event.event);
                    // Senders of the canonical form may have names of their own.
                    let is_free = matches!(event.source.as_str(), "custom" | "test");
                    let entry = event_name::entry(&event.event);
                    assert!(is_free || entry.is_some(), "{}", event.event);
                    assert!(!event.is_system());
                    assert!(!event.event_id.is_empty() && !event.user.key.is_empty());
                }
                Item::Rejected { reason, .. } => assert!(reason::of_code(reason).is_some()),
                Item::Unmapped { .. } | Item::Ignored { .. } => {}
            }
        }
    }
}

#[test]
fn no_secret_of_a_body_is_in_any_item() {
    let mut bodies_with_secrets = 0;
    for case in SOURCES.iter().flat_map(|source| cases(source)) {
        bodies_with_secrets +=
            i32::from(String::from_utf8_lossy(&case.webhook.body).contains("hush"));
        let found = lines(&case.items());
        assert!(!found.contains("hush"), "{}: {found}", case.path.display());
    }
    assert!(bodies_with_secrets > 20);
}

#[test]
fn every_mapped_event_of_moodle_is_in_the_corpus() {
    let found: BTreeSet<String> = cases("moodle")
        .iter()
        .flat_map(|case| case.items())
        .filter_map(|item| match item {
            Item::Event(event) => event.trace.lms_eventname,
            _ => None,
        })
        .map(|name| name.trim_start_matches('\\').replace("\\event\\", " "))
        .collect();
    for expected in [
        "assignsubmission_file submission_created",
        "assignsubmission_onlinetext submission_created",
        "core badge_awarded",
        "core badge_revoked",
        "core course_completed",
        "core course_module_completion_updated",
        "core user_created",
        "core user_enrolment_created",
        "core user_enrolment_deleted",
        "core user_graded",
        "core user_loggedin",
        "core user_loggedinas",
        "mod_assign assessable_submitted",
        "mod_assign submission_graded",
        "mod_forum discussion_created",
        "mod_forum post_created",
        "mod_hsuforum post_created",
        "mod_quiz attempt_submitted",
        "mod_scorm scoreraw_submitted",
        "tool_certificate certificate_issued",
        "tool_certificate certificate_revoked",
    ] {
        assert!(found.contains(expected), "{expected}");
    }
}
