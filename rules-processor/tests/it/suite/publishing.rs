//! Rule sets that are published while the processor runs.

use kleos_contracts::event::LearningEvent;
use kleos_contracts::rule::RuleDefinition;
use kleos_contracts::topic::Topic;
use kleos_event_log::EventLog;
use kleos_rules_processor::state_directory;
use kleos_test_kit::log::TestLog;
use kleos_test_kit::records::{Found, read};
use serde_json::json;
use tempfile::tempdir;

use crate::bench::{
    COURSE_POINTS, PUBLISH_TOKEN, QUERY_TOKEN, a_learner_of_each_partition, course, feed, settings,
};
use crate::books::Books;
use crate::service::{Answer, Service};

const SEVEN: &str = r#"[{"rule_id": "seven", "trigger": {"event": "course.completed"},
  "actions": {"award_points": 7}}]"#;

/// A learner of each partition completes course `number`.
fn everywhere(number: u32) -> Vec<LearningEvent> {
    let learners = a_learner_of_each_partition();
    learners.iter().flat_map(|learner| course(*learner..learner + 1, number)).collect()
}

/// Places of the records that activate a version, by partition.
fn activations(log: &EventLog, version: i64) -> Vec<(i32, i64)> {
    let events = read::<LearningEvent>(log, Topic::Events);
    let activating = events.into_iter().filter(|found| {
        let rule_set = found.value.rule_set.as_ref();
        rule_set.is_some_and(|rule_set| rule_set.version == version)
    });
    let place =
        |found: Found<LearningEvent>| (found.position.partition.number, found.position.offset);
    activating.map(place).collect()
}

pub(crate) fn a_published_set_holds_from_its_place_in_each_partition_on(bench: &mut dyn TestLog) {
    let (log, data) = (bench.log(), tempdir().unwrap());
    let service = Service::start(&log, settings(data.path(), ""));
    service.wait_until_it_has(4);
    feed(&log, &everywhere(0));
    // Whether or not these are decided by now, they lie before the activation.
    let published = service.publish(SEVEN);
    let body = &published.body;
    assert_eq!(
        (published.status, &body["version"], &body["is_new"], &body["rules"]),
        (200, &2.into(), &true.into(), &json!(["seven"]))
    );
    feed(&log, &everywhere(1));
    service.wait_for(8);
    let same = service.publish(&SEVEN.replace(' ', "  "));
    assert_eq!(
        (same.status, &same.body["version"], &same.body["is_new"]),
        (200, &2.into(), &false.into())
    );
    assert_eq!(same.body["digest"], body["digest"]);
    let first = service.stop();

    // It holds in a process that restores what it knows, too.
    std::fs::remove_dir_all(state_directory(data.path())).unwrap();
    let service = Service::start(&log, settings(data.path(), ""));
    feed(&log, &everywhere(2));
    service.wait_for(4);
    let shown = service.learner(a_learner_of_each_partition()[0]).body;
    assert_eq!(
        (&shown["rule_set_version"], &shown["rule_set_digest"]),
        (&2.into(), &body["digest"])
    );
    let second = service.stop();

    let books = Books::read(&log);
    books.assert_agree();
    books.assert_counted(&[&first, &second]);
    let places = activations(&log, 2);
    assert_eq!(places.len(), 4);
    for found in &books.decisions {
        let (_, activated) = places[found.value.partition as usize];
        let expected = if found.value.offset < activated { 1 } else { 2 };
        assert_eq!(found.value.rule_set_version, expected, "{:?}", found.value);
    }
    for number in a_learner_of_each_partition() {
        let lines = books.lines(&format!("campus-a/{number}"));
        let paid = [("course_completion", COURSE_POINTS, 50), ("seven", 7, 57), ("seven", 7, 64)];
        assert_eq!(lines, paid);
    }
}

pub(crate) fn rules_with_a_mistake_are_refused_whole_and_the_set_that_holds_stays(
    bench: &mut dyn TestLog,
) {
    let (log, data) = (bench.log(), tempdir().unwrap());
    let service = Service::start(&log, settings(data.path(), ""));
    service.wait_until_it_has(4);
    let published = || read::<RuleDefinition>(&log, Topic::Rules).len();
    let before = published();
    // The first rule is good, the second has two mistakes.
    let wrong = SEVEN.replace(
        "]",
        ",\n {\"rule_id\": \"eight\", \"trigger\": {\"event\": \"course.completed\"},\n  \
         \"actions\": {\"award_points\": -8}, \"constrains\": {}}]",
    );
    let refused = service.publish(&wrong);
    assert_eq!((refused.status, &refused.body["error_code"]), (422, &"INVALID_PAYLOAD".into()));
    let message = "the rules are refused as a whole; the set that holds stays";
    assert_eq!(refused.body["message"], message);
    let problems = refused.body["details"]["problems"].as_array().unwrap();
    let places: Vec<_> = problems
        .iter()
        .map(|problem| (&problem["line"], &problem["column"], problem["path"].as_str().unwrap()))
        .collect();
    let expected = [
        (&4.into(), &31.into(), "rules[1].actions.award_points"),
        (&4.into(), &36.into(), "rules[1].constrains"),
    ];
    assert_eq!(places, expected);
    assert!(problems[0]["message"].as_str().unwrap().starts_with("expected a whole number"));

    for (tenant, token, status) in [
        ("acme", Some(QUERY_TOKEN), 401),
        ("acme", None, 401),
        ("nobody", None, 401),
        ("nobody", Some(PUBLISH_TOKEN), 404),
    ] {
        let answer = put(&service, tenant, token);
        assert_eq!(answer.status, status, "{tenant} {token:?} {answer:?}");
    }
    assert_eq!((published(), activations(&log, 2).len()), (before, 0));
    feed(&log, &everywhere(0));
    service.wait_for(4);
    service.stop();
    let books = Books::read(&log);
    assert!(books.decisions.iter().all(|found| found.value.rule_set_version == 1));
    assert!(books.awards.iter().all(|found| found.value.rule_id == "course_completion"));
    assert_eq!(books.awards.len(), 4);
}

fn put(service: &Service, tenant: &str, token: Option<&str>) -> Answer {
    let request = service.client().put(format!("{}/v1/tenants/{tenant}/rules", service.url()));
    let request = token.into_iter().fold(request, |request, token| request.bearer_auth(token));
    service.send(request.body(SEVEN))
}
