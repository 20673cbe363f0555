//! What becomes a dead letter.

use kleos_contracts::dead_letter::{CLASS_POISON, DeadLetter};
use kleos_contracts::raw::RawWebhook;
use kleos_contracts::reason;
use kleos_contracts::time::{SECOND, Timestamp};
use kleos_contracts::topic::Topic;
use kleos_event_log::{EventLog, Position};
use kleos_test_kit::log::TestLog;

use crate::bench::{Service, feed, feed_bytes, metric, numbered, received_at, settings, webhook};
use crate::moodle::{event_trigger, web_hooks};
use crate::output::Output;

/// Bytes that are not a webhook.
fn unreadable(log: &EventLog) -> Vec<Vec<u8>> {
    let codec = log.codec::<RawWebhook>(Topic::Raw).unwrap();
    let mut torn = Vec::new();
    codec.encode(&numbered(0), &mut torn).unwrap();
    torn.truncate(torn.len() / 2);
    vec![
        b"no record of ours".to_vec(),
        vec![],
        vec![0, 1],
        torn,
        // The framing of a schema that no registry has.
        vec![0, 0x7f, 0xff, 0xff, 0xff, 1, 2, 3],
    ]
}

/// Webhooks that come to nothing, with their reason and a part of what is said about them.
fn refused() -> Vec<(RawWebhook, &'static str, &'static str)> {
    let moodle = |body: &str| webhook("campus-a", body);
    let custom = |body: &str| webhook("partner", body);
    let of_nobody = web_hooks("\\core\\event\\course_completed", &serde_json::json!({"userid": 2}));
    let unknown = RawWebhook { instance: "campus-z".to_owned(), ..moodle("{}") };
    let of_others = RawWebhook { tenant: "umbrella".to_owned(), ..moodle("{}") };
    let atari = RawWebhook { source: "atari".to_owned(), ..moodle("{}") };
    let at = |time: Timestamp| {
        custom(&format!(
            r#"{{"event":"lesson.completed","user":{{"id":"1"}},"occurred_at":"{time}"}}"#
        ))
    };
    vec![
        (unknown, reason::UNKNOWN_INSTANCE, "add [instances.campus-z], then replay"),
        (of_others, reason::UNKNOWN_INSTANCE, "\"campus-a\" is not in the configuration"),
        (atari, reason::UNKNOWN_SOURCE, "expected one of moodle, "),
        (moodle(""), reason::EMPTY_BODY, ""),
        (custom("{\"event\":"), reason::MALFORMED_JSON, ""),
        (custom("5"), reason::UNEXPECTED_SHAPE, "expected an event object, found a number"),
        (custom("{}"), reason::MISSING_FIELD, "event: expected a name"),
        (
            custom(r#"{"event":"a.b","user":{"id":"1"},"metrics":{"score_pct":101}}"#),
            reason::INVALID_FIELD,
            "metrics.score_pct",
        ),
        (moodle(&of_nobody), reason::MISSING_LEARNER, "found nobody"),
        (
            custom(r#"{"event":"kleos.tick"}"#),
            reason::INVALID_EVENT_NAME,
            "not of the domain kleos",
        ),
        (
            at(Timestamp::from_millis(1_104_537_599_000)),
            reason::TIME_TOO_OLD,
            "no time before 2005",
        ),
        (
            at(received_at().plus_micros(301 * SECOND)),
            reason::TIME_IN_FUTURE,
            "300 s after the arrival",
        ),
    ]
}

/// Each bad record is followed by a good one in its partition.
pub(crate) fn what_cannot_be_understood_is_set_aside_and_its_partition_goes_on(
    bench: &mut dyn TestLog,
) {
    let log = bench.log();
    let codec = log.codec::<RawWebhook>(Topic::Raw).unwrap();
    let mut expected = Vec::new();
    let mut good = 0;
    let mut feed_good = |partition| {
        feed(&log, partition, &[numbered(good)]);
        good += 1;
    };
    for bytes in unreadable(&log) {
        let position = feed_bytes(&log, &bytes);
        let letter = letter(position, (Some(b"k".to_vec()), bytes), reason::UNDECODABLE);
        expected.push((letter, "not a record of kleos.raw.v1: "));
        feed_good(0);
    }
    for (number, (webhook, reason, message)) in (0..).zip(refused()) {
        let position = feed(&log, number % 4, std::slice::from_ref(&webhook))[0];
        let mut bytes = Vec::new();
        codec.encode(&webhook, &mut bytes).unwrap();
        let letter = letter(position, (None, bytes), reason);
        expected.push((DeadLetter { tenant: webhook.tenant, ..letter }, message));
        feed_good(number % 4);
    }
    let service = Service::start(&log, &settings(""));
    service.wait_for(expected.len() + good);
    let output = Output::read(&log);
    output.assert_counted(&service.stop(), expected.len() + good);
    output.assert_placed();
    assert_eq!(output.events.len(), good);
    expected.sort_by_key(|(letter, _)| (letter.partition, letter.offset));
    assert_eq!(output.letters.len(), expected.len());
    for (found, (letter, message)) in output.letters.iter().zip(expected) {
        assert!(found.value.message.contains(message), "{}", found.value.message);
        assert!(!found.value.message.is_empty());
        let letter = DeadLetter { message: found.value.message.clone(), ..letter };
        assert_eq!(found.value, letter);
    }
}

/// The dead letter of a record that lies there, but for its tenant and message.
fn letter(
    position: Position,
    (key, value): (Option<Vec<u8>>, Vec<u8>),
    reason: &'static str,
) -> DeadLetter {
    DeadLetter {
        stage: "normalizer".into(),
        class: CLASS_POISON.into(),
        reason: reason.into(),
        topic: "kleos.raw.v1".into(),
        partition: position.partition.number,
        offset: position.offset,
        key,
        value,
        first_seen: received_at(),
        attempts: 1,
        ..DeadLetter::default()
    }
}

/// A control character takes one byte in a form and six in JSON.
pub(crate) fn what_grows_too_large_is_set_aside(bench: &mut dyn TestLog) {
    let log = bench.log();
    let mut body = event_trigger("\\core\\event\\user_loggedout", "x=").into_bytes();
    body.resize(body.len() + 1_500_000, 1);
    let sent = webhook("campus-a", body);
    feed(&log, 0, &[sent.clone(), numbered(0)]);
    let service = Service::start(&log, &settings(""));
    service.wait_for(2);
    let output = Output::read(&log);
    output.assert_counted(&service.stop(), 2);
    assert_eq!((output.events.len(), output.unmapped.len(), output.letters.len()), (1, 0, 1));
    let letter = &output.letters[0].value;
    assert_eq!(letter.reason, reason::TOO_LARGE);
    assert!(letter.message.contains("for kleos.unmapped.v1: expected at most"), "{letter:?}");
    let codec = log.codec::<RawWebhook>(Topic::Raw).unwrap();
    assert_eq!(codec.decode(&letter.value), Ok(sent));
}

/// A letter carries the whole webhook, so a letter for each of many items would be many times the
/// webhook.
pub(crate) fn a_list_of_bad_items_is_set_aside_once_for_each_reason(bench: &mut dyn TestLog) {
    let log = bench.log();
    let padding = " ".repeat(200_000);
    let items = ["5"; 9_000].join(",");
    let of_nobody = web_hooks("\\core\\event\\course_completed", &serde_json::json!({"userid": 2}));
    feed(&log, 0, &[webhook("campus-a", format!("[{of_nobody},{items},{padding}5]"))]);
    let service = Service::start(&log, &settings(""));
    service.wait_for(1);
    let process = service.stop();
    let letters = Output::read(&log).letters;
    let found: Vec<_> = letters
        .iter()
        .map(|found| (found.value.index, found.value.reason.as_ref(), found.value.message.as_str()))
        .collect();
    let nobody = "relateduserid: expected the id of the learner of core\\event\\course_completed, \
                  found nobody";
    let number = "expected an event with eventname, or an xAPI statement, found a number; 9000 more \
                  items of the webhook were refused for the same reason";
    let expected = [(0, reason::MISSING_LEARNER, nobody), (1, reason::UNEXPECTED_SHAPE, number)];
    assert_eq!(found, expected);
    let dead = metric(&process, "kleos_normalizer_items_total", "outcome=\"dead_letter\"");
    assert_eq!(dead, 9_002);
}
