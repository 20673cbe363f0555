//! `/metrics` of a process that runs all services, against the page that describes it.

use std::collections::{BTreeMap, BTreeSet};

use crate::exposition::{Family, Sample, parse};
use crate::home::{Home, free_port, lesson};
use crate::process::until;
use crate::reference;
use crate::web;

/// A sink that is on, and finds nobody at its address.
fn with_sink() -> Home {
    let closed = free_port();
    Home::with(&format!("[sink]\nurl = \"http://127.0.0.1:{closed}\"\ntoken = \"any\"\n"))
}

#[track_caller]
fn scrape(home: &Home) -> BTreeMap<String, Family> {
    let answer = web::get(home.ports.admin, "/metrics");
    assert_eq!(answer.status, 200);
    let kind = answer.headers["content-type"].to_str().unwrap();
    assert!(kind.starts_with("text/plain; version=0.0.4"), "{kind}");
    parse(&answer.body).unwrap_or_else(|error| panic!("{error}\n{}", answer.body))
}

/// The samples of a family that carry these labels.
fn samples<'f>(
    families: &'f BTreeMap<String, Family>,
    name: &str,
    labels: &[(&str, &str)],
) -> Vec<&'f Sample> {
    let has = |sample: &&Sample| {
        labels.iter().all(|(label, value)| sample.labels.get(*label).is_some_and(|v| v == value))
    };
    families.get(name).map(|family| family.samples.iter().filter(has).collect()).unwrap_or_default()
}

#[test]
fn what_is_shown_is_the_format_and_is_what_the_page_describes() {
    let home = with_sink();
    let mut up = home.start(&["up", "--config", "kleos.toml"]);
    up.wait_for("Kleos is up.");
    assert_eq!(home.post(&lesson(1, 1)).status, 202);
    assert_eq!(home.post_of_moodle("{").status, 200);
    home.wait_for_balance("custom-demo/1", 10);
    let shown = until("the sink has tried", || {
        let shown = scrape(&home);
        let tried = samples(&shown, "kleos_sink_requests_total", &[("answer", "unavailable")]);
        tried.iter().any(|sample| sample.value > 0.0).then_some(shown)
    });
    let page = reference::metrics_in_page();
    for (name, family) in &shown {
        let Some(described) = page.get(name) else { panic!("{name} is not in the page") };
        assert_eq!((&family.kind, &family.help), (&described.kind, &described.help), "{name}");
        for label in family.samples.iter().flat_map(|sample| sample.labels.keys()) {
            let is_known =
                described.labels.contains(label) || ["service", "le"].contains(&label.as_str());
            assert!(is_known, "{name} has the label {label}");
        }
    }
    // A metric that is split by a label is there from its first count on.
    let missing: BTreeSet<&String> = page
        .iter()
        .filter(|(name, described)| described.labels.is_empty() && !shown.contains_key(*name))
        .map(|(name, _)| name)
        .collect();
    assert!(missing.is_empty(), "in the page alone: {missing:?}");
    up.stop();
}

#[test]
fn every_webhook_is_counted_in_exactly_one_outcome_of_each_service() {
    let home = Home::new();
    let up = home.up();
    let good = lesson(1, 1);
    // The same bytes are a duplicate to the gateway, the same event in others to the rules alone.
    let written_anew = format!("{good} ");
    for (body, status) in
        [(good.as_str(), 202), (&good, 200), (&written_anew, 202), (&lesson(2, 1), 202), ("{", 400)]
    {
        assert_eq!(home.post(body).status, status);
    }
    assert_eq!(home.post_of_moodle("{").status, 200);
    assert_eq!(web::post(home.ports.gateway, "custom", None, &good).status, 401);
    let count = |name: &str, labels: &[(&str, &str)]| -> u64 {
        let found = scrape(&home);
        let sum: f64 = samples(&found, name, labels).iter().map(|sample| sample.value).sum();
        format!("{sum}").parse().unwrap()
    };
    let events = "kleos_rules_events_total";
    until("both learners and the duplicate", || {
        (count(events, &[("outcome", "duplicate")]) == 1
            && count(events, &[("outcome", "decided")]) == 2)
            .then_some(())
    });
    let requests = "kleos_gateway_requests_total";
    assert_eq!(count(requests, &[("outcome", "accepted"), ("source", "custom")]), 3);
    assert_eq!(count(requests, &[("outcome", "accepted"), ("source", "moodle")]), 1);
    assert_eq!(count(requests, &[("outcome", "validation_failed")]), 1);
    assert_eq!(count(requests, &[("outcome", "duplicate")]), 1);
    assert_eq!(count(requests, &[("outcome", "authentication_failed")]), 1);
    assert_eq!(count("kleos_gateway_refused_credentials_total", &[("reason", "missing")]), 1);
    let items = "kleos_normalizer_items_total";
    assert_eq!(count(items, &[("outcome", "event")]), 3);
    assert_eq!(count(items, &[("outcome", "dead_letter")]), 1);
    assert_eq!(count("kleos_normalizer_reasons_total", &[("reason", "malformed_json")]), 1);
    assert_eq!(count("kleos_worker_records_total", &[("service", "normalizer")]), 4);
    assert_eq!(count("kleos_rules_points_total", &[("rule", "lesson_completion")]), 20);
    up.stop();
}

#[test]
fn the_admin_port_says_that_the_process_lives_and_what_it_waits_for() {
    let home = with_sink();
    let mut up = home.start(&["up", "--config", "kleos.toml"]);
    up.wait_for("Kleos is up.");
    until("the gateway takes events", || (home.post(&lesson(1, 1)).status == 202).then_some(()));
    let report = until("the sink is not ready", || {
        let answer = web::get(home.ports.admin, "/ready");
        answer.body.contains("Mixpanel does not answer as it should").then_some(answer)
    });
    assert_eq!(report.status, 503);
    let conditions = report.json()["conditions"].as_array().unwrap().clone();
    let waiting: Vec<&str> = conditions
        .iter()
        .filter(|condition| condition["ready"] == false)
        .map(|condition| condition["name"].as_str().unwrap())
        .collect();
    assert!(waiting.iter().all(|name| name.starts_with("analytics-sink/")), "{conditions:?}");
    assert_eq!(web::get(home.ports.admin, "/live").body, "live\n");
    // The vendor's absence is nobody else's affair.
    home.wait_for_balance("custom-demo/1", 10);
    up.stop();
}
