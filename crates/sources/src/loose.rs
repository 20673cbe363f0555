//! The canonical fields as people write them by hand: in objects or flat, in either case.
//!
//! Where a platform lets its admins type the body, or a sender has an envelope of its own around
//! data of its own, these spellings are understood and no others:
//!
//! | what | in an object | flat |
//! | --- | --- | --- |
//! | learner | `user`, `learner`, `member`, `student`: `id`, `uuid`, `user_id`, `user_uuid`; `email`, `username`, `external_ids` | `user_id`, `learner_id`, `member_id`, `student_id`; `user_email`, `learner_email`, `email` |
//! | who caused it | | `actor_id` |
//! | course | `course` | `course_id`, `course_title`, `course_name` |
//! | section | `section`, `module`, `chapter` | the same |
//! | lesson | `lesson`, `unit`, `activity` | the same |
//! | programme | `programme`, `program`, `learning_program` | the same |
//! | thread | `thread`, `discussion` | the same |
//! | quiz | `quiz`, `assessment` | the same |
//! | object | `object`: `type`, `id`, `attempt` | |
//! | progress, 0 to 100 | `metrics.progress_pct` | `progress_pct`, `progress`, `progress_percentage` |
//! | score, 0 to 100 | `metrics.score_pct` | `score_pct`, `score`, `grade` |
//! | seconds spent | `metrics.time_on_task_sec` | `time_on_task_sec`, `time_spent` |
//! | time | | `occurred_at`, `completed_at`, `completion_time`, `timestamp`, `date` |
//! | flags | `flags.is_test`, `flags.is_privileged` | `is_test`, `test` |
//!
//! A place's object has `id` or `uuid`, also with the place's name before it, and `title` or `name`. Every
//! name may be in camel case too. A percentage that is none from 0 to 100 is on a scale that nobody
//! knows, and left out.

use std::borrow::Cow;
use std::collections::BTreeMap;

use kleos_contracts::decimal::Percent;
use kleos_contracts::event::{Context, Metrics, Object, Place};
use kleos_contracts::time::Timestamp;
use serde_json::Value;

use crate::draft::Learner;
use crate::read::fields::Fields;
use crate::read::{number, percent, text};
use crate::verdict::Verdict;

/// An object whose fields are in the spellings of people.
#[derive(Debug)]
pub(crate) struct Loose<'a>(pub(crate) Fields<'a>);

/// A kind of place: its names with the paths of their objects. The first is the canonical one.
type Names = &'static [(&'static str, &'static str)];

const COURSE: Names = &[("course", "course.")];
const SECTION: Names = &[("section", "section."), ("module", "module."), ("chapter", "chapter.")];
const LESSON: Names = &[("lesson", "lesson."), ("unit", "unit."), ("activity", "activity.")];
const PROGRAMME: Names = &[
    ("programme", "programme."),
    ("program", "program."),
    ("learning_program", "learning_program."),
];
const THREAD: Names = &[("thread", "thread."), ("discussion", "discussion.")];
const QUIZ: Names = &[("quiz", "quiz."), ("assessment", "assessment.")];
const LEARNER: Names =
    &[("user", "user."), ("learner", "learner."), ("member", "member."), ("student", "student.")];

impl<'a> Loose<'a> {
    pub(crate) fn learner(&self) -> Result<Learner, Verdict> {
        for (name, path) in LEARNER {
            let person = self.object(name, path)?;
            let ids = ["id", "uuid", "user_id", "user_uuid", "learner_id", "learner_uuid"];
            let external_ids = external_ids(&person)?;
            let flat_email = first_text(&self.0, &[&format!("{name}_email")]);
            let (id, email) = (first_id(&person, &ids)?, first_text(&person, &["email"]));
            if id.is_some() || email.is_some() || !external_ids.is_empty() {
                return Ok(Learner { id, email: email.or(flat_email), external_ids });
            }
            let id = first_id(&self.0, &[&format!("{name}_id"), &format!("{name}_uuid")])?;
            if id.is_some() || flat_email.is_some() {
                let email = flat_email.or_else(|| first_text(&self.0, &["email"]));
                return Ok(Learner { id, email, external_ids });
            }
        }
        Ok(Learner { email: first_text(&self.0, &["email"]), ..Learner::default() })
    }

    pub(crate) fn actor_id(&self) -> Result<Option<String>, Verdict> {
        first_id(&self.0, &["actor_id"])
    }

    pub(crate) fn context(&self) -> Result<Context, Verdict> {
        let around = self.object("context", "context.")?;
        let place = |names| match Loose(around).place(names)? {
            Some(place) => Ok(Some(place)),
            None => self.place(names),
        };
        Ok(Context {
            course: place(COURSE)?,
            section: place(SECTION)?,
            lesson: place(LESSON)?,
            programme: place(PROGRAMME)?,
            thread: place(THREAD)?,
        })
    }

    pub(crate) fn object_of_event(&self) -> Result<Option<Object>, Verdict> {
        let object = self.object("object", "object.")?;
        if let Some(r#type) = first_text(&object, &["type"]) {
            let (id, attempt) = (object.id("id")?, object.id("attempt")?);
            return Ok(Some(Object { r#type, id, attempt }));
        }
        let quiz = self.place(QUIZ)?;
        let attempt = first_id(&self.0, &["attempt_id", "attempt"])?;
        Ok(quiz.map(|quiz| Object { r#type: "quiz".to_owned(), id: Some(quiz.id), attempt }))
    }

    pub(crate) fn metrics(&self) -> Result<Metrics, Verdict> {
        // Whoever writes these names means their scale.
        let metrics = self.object("metrics", "metrics.")?;
        let flat = |names: &[&str]| first(&self.0, names);
        Ok(Metrics {
            progress_pct: metrics.percent("progress_pct")?.or_else(|| {
                flat(&["progress_pct", "progress", "progress_percentage"]).and_then(hundred)
            }),
            score_pct: metrics
                .percent("score_pct")?
                .or_else(|| flat(&["score_pct", "score", "grade"]).and_then(hundred)),
            time_on_task_sec: metrics
                .seconds("time_on_task_sec")?
                .or_else(|| flat(&["time_on_task_sec", "time_spent"]).and_then(seconds)),
        })
    }

    pub(crate) fn occurred_at(&self) -> Option<Timestamp> {
        ["occurred_at", "completed_at", "completion_time", "timestamp", "date"]
            .into_iter()
            .find_map(|name| first(&self.0, &[name]).and_then(crate::read::time::instant))
    }

    /// Whether it is a test, and whether it is privileged.
    pub(crate) fn flags(&self) -> Result<(bool, bool), Verdict> {
        let flags = self.object("flags", "flags.")?;
        let is_test = flags.flag("is_test")? || self.0.flag("is_test")? || self.0.flag("test")?;
        Ok((is_test, flags.flag("is_privileged")? || self.0.flag("is_privileged")?))
    }

    fn place(&self, names: Names) -> Result<Option<Place>, Verdict> {
        for (name, path) in names {
            let place = self.object(name, path)?;
            let (flat_id, flat_uuid) = (format!("{name}_id"), format!("{name}_uuid"));
            let id = match first_id(&place, &["id", "uuid", &flat_id, &flat_uuid])? {
                Some(id) => Some(id),
                None => first_id(&self.0, &[&flat_id, &flat_uuid])?,
            };
            if let Some(id) = id {
                let flat = [&*format!("{name}_title"), &*format!("{name}_name")];
                let title =
                    first_text(&place, &["title", "name"]).or_else(|| first_text(&self.0, &flat));
                return Ok(Some(Place { id, title }));
            }
        }
        Ok(None)
    }

    fn object(&self, name: &str, path: &'static str) -> Result<Fields<'a>, Verdict> {
        self.0.object(&spelled(&self.0, name), path)
    }
}

/// The name as the object has it: in snake or in camel case.
fn spelled<'n>(fields: &Fields<'_>, name: &'n str) -> Cow<'n, str> {
    if !name.contains('_') || fields.has(name) {
        return Cow::Borrowed(name);
    }
    let mut parts = name.split('_');
    let mut camel = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let mut letters = part.chars();
        camel.extend(letters.next().map(|letter| letter.to_ascii_uppercase()));
        camel.push_str(letters.as_str());
    }
    Cow::Owned(camel)
}

fn first<'a>(fields: &Fields<'a>, names: &[&str]) -> Option<&'a Value> {
    names.iter().find_map(|name| fields.get(&spelled(fields, name)))
}

fn first_text(fields: &Fields<'_>, names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| fields.lenient_text(&spelled(fields, name))).map(str::to_owned)
}

fn first_id(fields: &Fields<'_>, names: &[&str]) -> Result<Option<String>, Verdict> {
    for name in names {
        if let Some(id) = fields.id(&spelled(fields, name))? {
            return Ok(Some(id));
        }
    }
    Ok(None)
}

fn external_ids(person: &Fields<'_>) -> Result<BTreeMap<String, String>, Verdict> {
    let ids = person.object("external_ids", "external_ids.")?;
    let mut found = BTreeMap::new();
    if let Some(username) = first_text(person, &["username"]) {
        found.insert("username".to_owned(), username);
    }
    for (system, _) in ids.each() {
        if let Some(id) = ids.id(system)? {
            found.insert(system.clone(), id);
        }
    }
    Ok(found)
}

/// A percentage, if it is one.
fn hundred(value: &Value) -> Option<Percent> {
    let number = number::decimal(text::scalar(value)?)?;
    number.is_from_0_to_100().then(|| percent::percent(value)).flatten()
}

/// Whole seconds, if it is a number of them.
fn seconds(value: &Value) -> Option<i64> {
    let number = number::decimal(text::scalar(value)?)?;
    i64::try_from(number.scaled(0)?).ok().filter(|seconds| *seconds >= 0)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn learner(fields: &Value) -> (Option<String>, Option<String>) {
        let learner = Loose(Fields::of(fields.as_object().unwrap())).learner().unwrap();
        (learner.id, learner.email)
    }

    #[track_caller]
    fn check_learner(fields: &Value, id: Option<&str>, email: Option<&str>) {
        let expected = (id.map(str::to_owned), email.map(str::to_owned));
        assert_eq!(learner(fields), expected, "{fields}");
    }

    #[test]
    fn a_learner_is_spelled_in_many_ways_and_never_mixed_of_two() {
        let (id, email) = (Some("7"), Some("jane@example.edu"));
        check_learner(&json!({"user": {"id": 7, "email": "jane@example.edu"}}), id, email);
        check_learner(&json!({"member": {"uuid": "7"}}), id, None);
        check_learner(&json!({"user": {"user_uuid": "7"}}), id, None);
        check_learner(&json!({"user_id": 7, "user_email": "jane@example.edu"}), id, email);
        check_learner(&json!({"userId": 7, "email": "jane@example.edu"}), id, email);
        check_learner(&json!({"learnerId": "7", "learnerEmail": "jane@example.edu"}), id, email);
        check_learner(&json!({"email": "jane@example.edu"}), None, email);
        check_learner(&json!({"user": {"id": 7}, "email": "of@the.teacher"}), id, None);
        check_learner(&json!({"user_id": 7, "learner": {"email": "of@another.one"}}), id, None);
        check_learner(&json!({"id": 7, "actor_id": 8, "teacher_id": 9}), None, None);
    }

    #[track_caller]
    fn check_course(fields: &Value, id: Option<&str>, title: Option<&str>) {
        let context = Loose(Fields::of(fields.as_object().unwrap())).context().unwrap();
        let found =
            context.course.as_ref().map(|place| (place.id.as_str(), place.title.as_deref()));
        assert_eq!(found, id.map(|id| (id, title)), "{fields}");
    }

    #[test]
    fn a_place_is_spelled_in_many_ways() {
        let title = Some("PPE");
        check_course(&json!({"course": {"id": "c", "title": "PPE"}}), Some("c"), title);
        check_course(&json!({"course": {"course_uuid": "c", "name": "PPE"}}), Some("c"), title);
        check_course(&json!({"context": {"course": {"id": "c"}}}), Some("c"), None);
        check_course(&json!({"course_id": "c", "course_title": "PPE"}), Some("c"), title);
        check_course(&json!({"courseId": "c", "courseName": "PPE"}), Some("c"), title);
        check_course(&json!({"course": {"title": "PPE"}}), None, None);
        check_course(&json!({"id": "c"}), None, None);
    }

    #[test]
    fn numbers_on_unknown_scales_are_left_out_and_named_ones_refused() {
        let metrics = |fields: Value| Loose(Fields::of(fields.as_object().unwrap())).metrics();
        let score =
            |fields: Value| metrics(fields).unwrap().score_pct.map(|score| score.to_string());
        assert_eq!(score(json!({"score": "92.5"})).as_deref(), Some("92.5"));
        assert_eq!(score(json!({"metrics": {"score_pct": 80}, "score": 7})).as_deref(), Some("80"));
        for unknown in [json!(850), json!(-1), json!("B+"), json!(null), json!([80])] {
            assert_eq!(score(json!({"grade": unknown})), None);
        }
        assert!(metrics(json!({"metrics": {"score_pct": 850}})).is_err());
        assert_eq!(metrics(json!({"timeSpent": "320.9"})).unwrap().time_on_task_sec, Some(320));
        assert_eq!(metrics(json!({"time_spent": -1})).unwrap().time_on_task_sec, None);
    }
}
