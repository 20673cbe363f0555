//! Names for events that their platform gives no id.
//!
//! The name is a digest of what identifies the event, as parsed: the order of keys, the spelling of
//! numbers and times, and everything that differs from delivery to delivery have no part in it. So
//! every delivery of an event has the same name, and two events that differ in an identifying field
//! have different ones. Two bodies without any difference are one event.
//!
//! The place in a list is no part either: a sender that splits a list to find a bad item sends the
//! same items at other places.
//!
//! A guessed time tells nothing, so it is left out: of all equal events without a time, the first
//! counts and the rest are its duplicates. To count them would pay every retry.
//!
//! Nothing of this can change once a record has been written.

use kleos_contracts::event::{LearningEvent, Place};
use kleos_contracts::identity::{digest, to_hex};

/// Keeps these digests apart from those of other things.
const LABEL: &str = "kleos-event-id-1";

/// The name: SHA-256, hexadecimal, over
///
/// label · source · instance · canonical name · platform's name without leading `\` · learner's id ·
/// ids of course, section, lesson, programme, thread · object's type, id, attempt · microseconds
/// since 1970, empty if guessed · what else the platform's mapping names
pub(crate) fn of(event: &LearningEvent, discriminators: &[String]) -> String {
    let context = &event.context;
    let object = event.object.as_ref();
    let occurred_at = if event.flags.time_was_guessed {
        String::new()
    } else {
        event.occurred_at.micros().to_string()
    };
    let fixed = [
        LABEL,
        &event.source,
        &event.instance,
        &event.event,
        event.trace.lms_eventname.as_deref().unwrap_or("").trim_start_matches('\\'),
        &event.user.id,
        id_of(&context.course),
        id_of(&context.section),
        id_of(&context.lesson),
        id_of(&context.programme),
        id_of(&context.thread),
        object.map_or("", |object| &object.r#type),
        object.and_then(|object| object.id.as_deref()).unwrap_or(""),
        object.and_then(|object| object.attempt.as_deref()).unwrap_or(""),
        &occurred_at,
    ];
    let parts: Vec<&[u8]> = fixed
        .into_iter()
        .chain(discriminators.iter().map(String::as_str))
        .map(str::as_bytes)
        .collect();
    to_hex(&digest(&parts))
}

fn id_of(place: &Option<Place>) -> &str {
    place.as_ref().map_or("", |place| &place.id)
}

#[cfg(test)]
mod tests {
    use kleos_contracts::event::{Context, Object, Trace, User};
    use kleos_contracts::time::Timestamp;

    use super::*;

    fn place(id: &str) -> Option<Place> {
        Some(Place { id: id.to_owned(), title: Some("a title".to_owned()) })
    }

    fn event() -> LearningEvent {
        LearningEvent {
            event: "lesson.completed".into(),
            source: "moodle".to_owned(),
            instance: "campus-a".to_owned(),
            tenant: "acme".to_owned(),
            occurred_at: Timestamp::from_micros(1_755_771_330_482_913),
            user: User { id: "8774".to_owned(), ..User::default() },
            context: Context {
                course: place("1"),
                section: place("2"),
                lesson: place("3"),
                programme: place("4"),
                thread: place("5"),
            },
            object: Some(Object {
                r#type: "quiz_attempt".to_owned(),
                id: Some("6".to_owned()),
                attempt: Some("7".to_owned()),
            }),
            trace: Trace { lms_eventname: Some("\\a\\b".to_owned()), ..Trace::default() },
            ..LearningEvent::default()
        }
    }

    #[test]
    fn the_name_is_what_it_always_was() {
        // Computed with Python's hashlib from the definition in this module's documentation.
        assert_eq!(
            of(&event(), &["3".to_owned()]),
            "ea70c67c1971ce00edca774cbdfcf31c9dda29165e9464e065be3d8794073480"
        );
    }

    #[test]
    fn every_identifying_field_changes_the_name() {
        let changes: &[fn(&mut LearningEvent)] = &[
            |event| event.event = "lesson.failed".into(),
            |event| event.source.push('x'),
            |event| event.instance.push('x'),
            |event| event.trace.lms_eventname = None,
            |event| event.user.id.push('x'),
            |event| event.context.course = None,
            |event| event.context.section = place("3"),
            |event| event.context.lesson = place("2"),
            |event| event.context.programme = None,
            |event| event.context.thread = None,
            |event| event.object = None,
            |event| event.object.iter_mut().for_each(|object| object.id = None),
            |event| event.object.iter_mut().for_each(|object| object.attempt = None),
            |event| event.occurred_at = event.occurred_at.plus_micros(1),
            |event| event.flags.time_was_guessed = true,
        ];
        let mut names = vec![of(&event(), &[]), of(&event(), &["3".to_owned()])];
        for change in changes {
            let mut changed = event();
            change(&mut changed);
            names.push(of(&changed, &[]));
        }
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
    }

    #[test]
    fn what_a_second_delivery_changes_does_not_change_the_name() {
        let mut again = event();
        again.accepted_at = Timestamp::from_micros(9);
        again.trace.index = 3;
        again.trace.delivery_id = Some("other".to_owned());
        again.trace.request_id = Some("other".to_owned());
        again.trace.lms_eventname = Some("a\\b".to_owned());
        again.context.course = Some(Place { id: "1".to_owned(), title: None });
        again.user.email = Some("jane@example.edu".to_owned());
        assert_eq!(of(&event(), &[]), of(&again, &[]));

        let guessed = |micros| {
            let mut event = event();
            event.occurred_at = Timestamp::from_micros(micros);
            event.flags.time_was_guessed = true;
            of(&event, &[])
        };
        assert_eq!(guessed(1), guessed(2));
    }
}
