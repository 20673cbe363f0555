//! What rules can ask of an event: a registry, one entry a field.

use kleos_contracts::event::{LearningEvent, Object, Place};
use kleos_contracts::time::Timestamp;

use crate::decimal::Decimal;

/// What kind of value a field has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Number,
    Time,
    Flag,
}

impl Kind {
    /// The kind in words, with an example.
    pub(crate) fn described(self) -> &'static str {
        match self {
            Self::Text => "text, as \"987\"",
            Self::Number => "a number, as 80",
            Self::Time => "a time in RFC 3339, as \"2026-11-22T10:15:30Z\"",
            Self::Flag => "true or false",
        }
    }
}

/// What an event has in a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Observed<'e> {
    Text(&'e str),
    Number(Decimal),
    Time(Timestamp),
    Flag(bool),
}

impl std::fmt::Display for Observed<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Text(text) => formatter.write_str(text),
            Self::Number(number) => write!(formatter, "{number}"),
            Self::Time(time) => write!(formatter, "{time}"),
            Self::Flag(flag) => write!(formatter, "{flag}"),
        }
    }
}

macro_rules! fields {
    ($event:ident; $($name:ident $path:literal $kind:ident $read:expr;)+) => {
        /// One field of the canonical event.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub(crate) enum Field { $($name),+ }

        impl Field {
            /// Every field.
            pub(crate) const ALL: &[Self] = &[$(Self::$name),+];

            /// The field's path in the canonical event.
            pub(crate) const fn path(self) -> &'static str {
                match self { $(Self::$name => $path),+ }
            }

            /// The kind of its values.
            pub(crate) const fn kind(self) -> Kind {
                match self { $(Self::$name => Kind::$kind),+ }
            }

            /// What the event has there; none if it does not say.
            pub(crate) fn read(self, $event: &LearningEvent) -> Option<Observed<'_>> {
                match self { $(Self::$name => $read.map(Observed::$kind)),+ }
            }
        }
    };
}

fields! {
    event;
    Event "event" Text Some(event.event.as_ref());
    Source "source" Text Some(event.source.as_str());
    Instance "instance" Text Some(event.instance.as_str());
    Tenant "tenant" Text Some(event.tenant.as_str());
    EventId "event_id" Text Some(event.event_id.as_str());
    IdOrigin "id_origin" Text Some(event.id_origin.as_ref());
    OccurredAt "occurred_at" Time Some(event.occurred_at);
    AcceptedAt "accepted_at" Time Some(event.accepted_at);
    UserId "user.id" Text Some(event.user.id.as_str());
    UserKey "user.key" Text Some(event.user.key.as_str());
    UserEmail "user.email" Text event.user.email.as_deref();
    ActorId "actor_id" Text event.actor_id.as_deref();
    CourseId "context.course.id" Text id(&event.context.course);
    CourseTitle "context.course.title" Text title(&event.context.course);
    SectionId "context.section.id" Text id(&event.context.section);
    SectionTitle "context.section.title" Text title(&event.context.section);
    LessonId "context.lesson.id" Text id(&event.context.lesson);
    LessonTitle "context.lesson.title" Text title(&event.context.lesson);
    ProgrammeId "context.programme.id" Text id(&event.context.programme);
    ProgrammeTitle "context.programme.title" Text title(&event.context.programme);
    ThreadId "context.thread.id" Text id(&event.context.thread);
    ThreadTitle "context.thread.title" Text title(&event.context.thread);
    ObjectType "object.type" Text event.object.as_ref().map(|object| object.r#type.as_str());
    ObjectId "object.id" Text of_object(event, |object| &object.id);
    ObjectAttempt "object.attempt" Text of_object(event, |object| &object.attempt);
    ProgressPct "metrics.progress_pct" Number event.metrics.progress_pct.map(Decimal::from);
    ScorePct "metrics.score_pct" Number event.metrics.score_pct.map(Decimal::from);
    TimeOnTaskSec "metrics.time_on_task_sec" Number
        event.metrics.time_on_task_sec.map(Decimal::from);
    IsTest "flags.is_test" Flag Some(event.flags.is_test);
    IsPrivileged "flags.is_privileged" Flag Some(event.flags.is_privileged);
    TimeWasGuessed "flags.time_was_guessed" Flag Some(event.flags.time_was_guessed);
    LmsEventId "trace.lms_event_id" Text event.trace.lms_event_id.as_deref();
    LmsEventname "trace.lms_eventname" Text event.trace.lms_eventname.as_deref();
}

/// Short names that rules may use instead of a path.
pub(crate) const ALIASES: &[(&str, Field)] = &[
    ("progress_pct", Field::ProgressPct),
    ("score_pct", Field::ScorePct),
    ("time_on_task_sec", Field::TimeOnTaskSec),
    ("course_id", Field::CourseId),
    ("section_id", Field::SectionId),
    ("lesson_id", Field::LessonId),
    ("programme_id", Field::ProgrammeId),
    ("program_id", Field::ProgrammeId),
    ("thread_id", Field::ThreadId),
    ("object_type", Field::ObjectType),
    ("object_id", Field::ObjectId),
    ("attempt", Field::ObjectAttempt),
    ("user_id", Field::UserId),
    ("user_key", Field::UserKey),
    ("email", Field::UserEmail),
    ("lms_event_id", Field::LmsEventId),
    ("lms_eventname", Field::LmsEventname),
    ("time_was_guessed", Field::TimeWasGuessed),
];

impl Field {
    /// The field of a path or alias.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let by_path = Self::ALL.iter().find(|field| field.path() == name);
        let by_alias = || ALIASES.iter().find(|(alias, _)| *alias == name).map(|(_, field)| field);
        by_path.or_else(by_alias).copied()
    }

    /// Every name that [`Self::named`] knows.
    pub(crate) fn names() -> impl Iterator<Item = &'static str> {
        let paths = Self::ALL.iter().map(|field| field.path());
        paths.chain(ALIASES.iter().map(|(alias, _)| *alias))
    }
}

fn id(place: &Option<Place>) -> Option<&str> {
    place.as_ref().map(|place| place.id.as_str())
}

fn title(place: &Option<Place>) -> Option<&str> {
    place.as_ref().and_then(|place| place.title.as_deref())
}

fn of_object(event: &LearningEvent, part: fn(&Object) -> &Option<String>) -> Option<&str> {
    event.object.as_ref().and_then(|object| part(object).as_deref())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_leads_to_one_field() {
        let mut names: Vec<_> = Field::names().collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
        for field in Field::ALL {
            assert_eq!(Field::named(field.path()), Some(*field));
        }
        assert_eq!(Field::named("progress_pct"), Some(Field::ProgressPct));
        assert_eq!(Field::named("progress"), None);
    }

    #[test]
    fn what_an_event_has_is_of_the_kind_of_the_field() {
        let event = LearningEvent {
            actor_id: Some("2".to_owned()),
            object: Some(Object { r#type: "quiz".to_owned(), ..Object::default() }),
            ..LearningEvent::default()
        };
        for field in Field::ALL {
            let kind = match field.read(&event) {
                Some(Observed::Text(_)) => Kind::Text,
                Some(Observed::Number(_)) => Kind::Number,
                Some(Observed::Time(_)) => Kind::Time,
                Some(Observed::Flag(_)) => Kind::Flag,
                None => continue,
            };
            assert_eq!(kind, field.kind(), "{}", field.path());
        }
        assert_eq!(Field::ObjectType.read(&event), Some(Observed::Text("quiz")));
        assert_eq!(Field::ObjectId.read(&event), None);
        assert_eq!(Field::CourseId.read(&event), None);
    }
}
