//! From webhooks to canonical events.

use kleos_contracts::dead_letter::UnmappedEvent;
use kleos_contracts::event::{LearningEvent, id_origin};
use kleos_contracts::reason;
use kleos_test_kit::log::TestLog;
use serde_json::{Value, json};

use crate::bench::{Service, feed, metric, occurred_at, received_at, settings, webhook};
use crate::moodle::{event_trigger, statement, web_hooks};
use crate::output::Output;

const COURSE_COMPLETED: &str = "\\core\\event\\course_completed";
const LESSON_COMPLETED: &str = "\\core\\event\\course_module_completion_updated";
const QUIZ_SUBMITTED: &str = "\\mod_quiz\\event\\attempt_submitted";
const FORUM_POSTED: &str = "\\mod_forum\\event\\post_created";
const ENROLLED: &str = "\\core\\event\\user_enrolment_created";
const XAPI_COMPLETED: &str = "http://adlnet.gov/expapi/verbs/completed";
const XAPI_ENROLLED: &str = "https://xapi.edlm/profiles/edlm-lms/concepts/verbs/enrolled";

/// What comes of bodies that arrive at an instance, one webhook each.
#[track_caller]
fn normalized(bench: &dyn TestLog, webhooks: &[(&str, String)]) -> (Output, u64) {
    let log = bench.log();
    for (number, (instance, body)) in (0..).zip(webhooks) {
        let mut webhook = webhook(instance, body.as_str());
        webhook.delivery_id = format!("delivery-{number}");
        feed(&log, number % 4, &[webhook]);
    }
    let service = Service::start(&log, &settings(""));
    service.wait_for(webhooks.len());
    let process = service.stop();
    let output = Output::read(&log);
    output.assert_counted(&process, webhooks.len());
    output.assert_placed();
    let ignored = metric(&process, "kleos_normalizer_items_total", "outcome=\"ignored\"");
    (output, ignored)
}

/// The event that came of webhook `number`.
fn event_of(output: &Output, number: usize) -> Option<&LearningEvent> {
    let delivery = format!("delivery-{number}");
    let mut events = output.events.iter().map(|found| &found.value);
    events.find(|event| event.trace.delivery_id.as_deref() == Some(&delivery))
}

pub(crate) fn one_event_is_the_same_over_every_channel(bench: &mut dyn TestLog) {
    let fields = json!({"userid": "0", "relateduserid": "8774", "objectid": "5521"});
    let custom = json!({
        "event": "course.completed", "event_id": "77", "occurred_at": occurred_at(),
        "user": {"id": "8774"}, "context": {"course": {"id": 987, "title": "Health & Safety"}},
    });
    let webhooks = [
        ("campus-a", event_trigger(COURSE_COMPLETED, "userid=0&relateduserid=8774&courseid=987")),
        ("campus-a", web_hooks(COURSE_COMPLETED, &fields)),
        ("campus-a", statement(COURSE_COMPLETED, XAPI_COMPLETED, ("8774", "8774"))),
        ("partner", custom.to_string()),
    ];
    let (output, _) = normalized(bench, &webhooks);
    assert_eq!((output.events.len(), output.unmapped.len(), output.letters.len()), (4, 0, 0));
    for (number, (instance, _)) in webhooks.iter().enumerate() {
        let event = event_of(&output, number).unwrap();
        let source = if *instance == "campus-a" { "moodle" } else { "custom" };
        assert_eq!(
            (event.event.as_ref(), event.tenant.as_str(), event.source.as_str()),
            ("course.completed", "acme", source)
        );
        assert_eq!(event.user.key, format!("{instance}/8774"));
        assert_eq!(event.context.course.as_ref().unwrap().id, "987");
        assert_eq!(event.occurred_at, occurred_at());
        assert_eq!(event.accepted_at, received_at());
        assert_eq!((event.actor_id.as_deref(), event.flags.is_privileged), (None, false));
    }
    // Only the first and the last channel carry an id of the event's own.
    let origins = [0, 1, 2, 3].map(|number| event_of(&output, number).unwrap().id_origin.clone());
    let (native, derived) = (id_origin::NATIVE, id_origin::DERIVED);
    assert_eq!(origins, [native, derived, derived, native]);
}

pub(crate) fn the_learner_is_whom_the_event_concerns_and_not_who_caused_it(
    bench: &mut dyn TestLog,
) {
    let hooked = |name: &str, fields: Value| ("campus-a", web_hooks(name, &fields));
    let lesson = json!({
        "userid": "17", "relateduserid": "8774", "contextinstanceid": "4471",
        "other": {"completionstate": 1, "overrideby": "17"},
    });
    let post = json!({"userid": "8774", "relateduserid": null, "other": {"discussionid": "120"}});
    let nobody = json!({"userid": "17", "relateduserid": null});
    // What arrives; then the learner, who caused it, and whether it can be paid.
    let table = [
        (
            hooked(COURSE_COMPLETED, json!({"userid": 2, "relateduserid": 8774})),
            Some(("8774", Some("2"), true)),
        ),
        (
            hooked(QUIZ_SUBMITTED, json!({"userid": 0, "relateduserid": "8774"})),
            Some(("8774", None, true)),
        ),
        (hooked(LESSON_COMPLETED, lesson), Some(("8774", Some("17"), false))),
        (hooked(FORUM_POSTED, post), Some(("8774", None, true))),
        (
            ("campus-a", event_trigger(ENROLLED, "userid=2&relateduserid=8774&courseid=987")),
            Some(("8774", Some("2"), true)),
        ),
        (
            ("campus-a", statement(ENROLLED, XAPI_ENROLLED, ("8774", "2"))),
            Some(("8774", Some("2"), true)),
        ),
        // Who caused it is never taken for the learner.
        (hooked(COURSE_COMPLETED, nobody.clone()), None),
        (hooked(QUIZ_SUBMITTED, nobody), None),
    ];
    let webhooks: Vec<_> = table.iter().map(|(webhook, _)| webhook.clone()).collect();
    let (output, _) = normalized(bench, &webhooks);
    for (number, ((_, body), expected)) in table.iter().enumerate() {
        let people = event_of(&output, number).map(|event| {
            assert_eq!(event.user.key, format!("campus-a/{}", event.user.id));
            let can_be_paid = !event.flags.is_privileged;
            (event.user.id.as_str(), event.actor_id.as_deref(), can_be_paid)
        });
        assert_eq!(people, *expected, "{body}");
    }
    let reasons: Vec<_> = output.letters.iter().map(|letter| &letter.value.reason).collect();
    assert_eq!(reasons, [reason::MISSING_LEARNER; 2]);
}

pub(crate) fn learners_of_a_tenant_that_goes_by_address_have_the_address_as_key(
    bench: &mut dyn TestLog,
) {
    let body = r#"{"event":"lesson.completed","event_id":"1","user":{"id":"5","email":"Jane@Example.org"}}"#;
    let (output, _) = normalized(bench, &[("academy", body.to_owned())]);
    let event = event_of(&output, 0).unwrap();
    assert_eq!((event.tenant.as_str(), event.user.key.as_str()), ("umbrella", "jane@example.org"));
    assert_eq!(event.user.id, "5");
}

pub(crate) fn a_type_that_nobody_maps_is_kept_with_its_place_and_without_secrets(
    bench: &mut dyn TestLog,
) {
    let unknown = web_hooks("\\core\\event\\user_loggedout", &json!({"userid": "8774"}));
    let known = web_hooks(COURSE_COMPLETED, &json!({"userid": 2, "relateduserid": 8774}));
    let (output, _) = normalized(bench, &[("campus-a", known), ("campus-a", unknown.clone())]);
    assert_eq!((output.events.len(), output.unmapped.len(), output.letters.len()), (1, 1, 0));
    let found = output.unmapped[0].value.clone();
    let mut kept: Value = serde_json::from_slice(&found.body).unwrap();
    let mut sent: Value = serde_json::from_str(&unknown).unwrap();
    assert_eq!(sent.as_object_mut().unwrap().remove("token"), Some(json!("hush-5f2b0c7d9e1a")));
    assert_eq!(kept.take(), sent);
    let expected = UnmappedEvent {
        tenant: "acme".to_owned(),
        source: "moodle".to_owned(),
        instance: "campus-a".to_owned(),
        r#type: "\\core\\event\\user_loggedout".to_owned(),
        delivery_id: "delivery-1".to_owned(),
        accepted_at: received_at(),
        body: found.body.clone(),
        partition: 1,
        offset: 0,
        ..UnmappedEvent::default()
    };
    assert_eq!(found, expected);
}

pub(crate) fn what_the_plugin_tells_of_its_own_work_is_only_counted(bench: &mut dyn TestLog) {
    let own = json!({"component": "local_webhooks", "userid": "8774"});
    let own = web_hooks("\\local_webhooks\\event\\response_answer", &own);
    let (output, ignored) = normalized(bench, &[("campus-a", own.clone()), ("campus-a", own)]);
    assert_eq!((output.events.len(), output.unmapped.len(), output.letters.len()), (0, 0, 0));
    assert_eq!(ignored, 2);
}

pub(crate) fn each_item_of_a_list_has_an_outcome_of_its_own(bench: &mut dyn TestLog) {
    let item = |name: &str, fields: Value| -> Value {
        serde_json::from_str(&web_hooks(name, &fields)).unwrap()
    };
    let list = json!([
        item(FORUM_POSTED, json!({"userid": "8774", "other": {"discussionid": "120"}})),
        5,
        item(COURSE_COMPLETED, json!({"userid": "17", "relateduserid": null})),
        item("\\mod_wiki\\event\\page_created", json!({"userid": "8774"})),
        item(COURSE_COMPLETED, json!({"userid": "17", "relateduserid": "9001"})),
    ]);
    let (output, _) = normalized(bench, &[("campus-a", list.to_string())]);
    let events: Vec<_> = output
        .events
        .iter()
        .map(|found| (found.value.trace.index, found.value.user.id.as_str()))
        .collect();
    let unmapped: Vec<_> = output.unmapped.iter().map(|found| found.value.index).collect();
    let letters: Vec<_> = output
        .letters
        .iter()
        .map(|found| (found.value.index, found.value.reason.as_ref()))
        .collect();
    let mut sorted = events.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, [(0, "8774"), (4, "9001")]);
    assert_eq!(unmapped, [3]);
    assert_eq!(letters, [(1, reason::UNEXPECTED_SHAPE), (2, reason::MISSING_LEARNER)]);
}
