//! Channel C: an xAPI statement that the log store plugin made of one of Moodle's events.
//!
//! The statement names the event it was made of, which tells more than verb and object type: a
//! verb like "completed" is used for courses, lessons and attempts alike. Ids stand in the addresses
//! of pages. The statement does not tell who overrode a completion, whether somebody was logged in
//! as somebody else, or the event's own id.
//!
//! `context.registration` has no part in an event's name: the plugin makes it of the session that
//! sends, so that it differs when the same events are sent again.

mod actor;
mod places;

use kleos_contracts::event::{Metrics, Object};
use kleos_contracts::event_name as name;
use kleos_contracts::raw::RawWebhook;
use serde_json::{Map, Value};

use self::places::Places;
use super::event::is_own_work;
use super::iri::Page;
use super::table::{self, Entry, Kind};
use crate::draft::{self, Draft, Learner};
use crate::item::ignored;
use crate::read::fields::Fields;
use crate::read::{boolean, duration, percent, text};
use crate::verdict::Verdict;

/// Where the plugin names the event.
const INFO: &str = "http://lrs.learninglocker.net/define/extensions/info";
/// Where it names whose place an admin took.
const LOGGED_IN_AS: &str =
    "https://yetanalytics.com/profiles/prepositions/concepts/context-extensions/as";

/// One statement.
struct Statement<'a> {
    fields: Fields<'a>,
    /// The verb's whole id.
    verb: String,
    context: Option<&'a Value>,
    result: Option<&'a Value>,
    /// The object's address.
    object: &'a str,
    places: Places<'a>,
}

/// The event that the statement was made of.
pub(super) fn map(fields: &Map<String, Value>, webhook: &RawWebhook) -> Result<Draft, Verdict> {
    let statement = Statement::of(fields)?;
    let Some(written) = statement.event_name() else {
        return Err(Verdict::Unmapped { r#type: statement.verb });
    };
    let name = written.trim_start_matches('\\');
    if is_own_work(name) {
        return Err(Verdict::Ignored { r#type: written.to_owned(), why: ignored::OWN_EVENT });
    }
    let mapped = table::entry(name).and_then(|entry| Some((entry, statement.canonical(entry)?)));
    let Some((entry, canonical)) = mapped else {
        return Err(Verdict::Unmapped { r#type: written.to_owned() });
    };
    let (learner, actor_id) = statement.people(entry, written)?;
    Ok(Draft {
        event: canonical.into(),
        learner,
        actor_id,
        context: statement.places.context(entry.kind),
        object: statement.object(entry.kind, canonical),
        metrics: statement.metrics(entry.kind, canonical),
        is_privileged: entry.kind == Kind::LoggedInAs,
        occurred_at: statement
            .fields
            .instant("timestamp")
            .or_else(|| statement.fields.instant("stored")),
        request_id: draft::request_id(webhook),
        lms_event_id: statement.fields.id("id")?,
        lms_eventname: Some(written.to_owned()),
        discriminators: statement.discriminators(entry.kind),
        ..Draft::default()
    })
}

impl<'a> Statement<'a> {
    fn of(map: &'a Map<String, Value>) -> Result<Self, Verdict> {
        let fields = Fields::of(map);
        let verb = fields.object("verb", "verb.")?;
        let Some(verb) = verb.text("id")? else {
            return Err(verb.missing("id", "the verb's IRI"));
        };
        let object = map.get("object").and_then(|object| object.get("id")).and_then(Value::as_str);
        let context = map.get("context");
        Ok(Self {
            fields,
            verb,
            context,
            result: map.get("result"),
            object: object.unwrap_or_default(),
            places: Places::of(map.get("object"), context),
        })
    }

    fn event_name(&self) -> Option<&'a str> {
        let name = self.extension(INFO)?.get("event_name")?;
        text::scalar(name)
    }

    fn extension(&self, name: &str) -> Option<&'a Value> {
        self.context?.get("extensions")?.get(name)
    }

    fn result(&self, name: &str) -> Option<&'a Value> {
        self.result?.get(name)
    }

    /// The canonical name; none for statements that the plugin does not make of this event.
    fn canonical(&self, entry: &Entry) -> Option<&'static str> {
        let verb = self.verb.rsplit('/').next().unwrap_or_default();
        match (entry.kind, verb) {
            (_, "voided") => None,
            (Kind::LessonCompletion, "uncompleted") => Some(name::LESSON_UNCOMPLETED),
            (Kind::LessonCompletion, "completed") => {
                match self.result("success").and_then(boolean::boolean) {
                    Some(false) => Some(name::LESSON_FAILED),
                    Some(true) | None => Some(name::LESSON_COMPLETED),
                }
            }
            // One statement for the attempt and one for each of its questions.
            (Kind::QuizAttempt, "answered") => Some(name::QUESTION_ANSWERED),
            (Kind::QuizAttempt, "completed") => Some(entry.canonical),
            (Kind::LessonCompletion | Kind::QuizAttempt, _) => None,
            _ => Some(entry.canonical),
        }
    }

    fn people(&self, entry: &Entry, written: &str) -> Result<(Learner, Option<String>), Verdict> {
        let actor = self.fields.get("actor").and_then(actor::person);
        let (learner, other) = if entry.kind == Kind::LoggedInAs {
            (self.extension(LOGGED_IN_AS).and_then(actor::person), actor)
        } else {
            let instructor = self.context.and_then(|context| context.get("instructor"));
            (actor, instructor.and_then(actor::person))
        };
        let Some(learner) = learner else {
            return Err(Verdict::missing_learner(format!(
                "actor: expected the learner of {written} by account, mbox, mbox_sha1sum or \
                 openid, found nobody"
            )));
        };
        let actor_id =
            other.and_then(|other| other.id).filter(|id| Some(id) != learner.id.as_ref());
        Ok((learner, actor_id))
    }

    /// Many statements can be made of one event; and a lesson can be completed and passed at once.
    fn discriminators(&self, kind: Kind) -> Vec<String> {
        let has_state = kind == Kind::LessonCompletion;
        let success = self.result("success").and_then(boolean::boolean).filter(|_| has_state);
        let success = success.map_or("", |success| if success { "success" } else { "failure" });
        vec![self.verb.clone(), self.object.to_owned(), success.to_owned()]
    }

    fn object(&self, kind: Kind, canonical: &str) -> Option<Object> {
        let page = Page::of(self.object);
        if canonical == name::QUESTION_ANSWERED {
            let id = page.parameter("/question/question.php", "id");
            let attempt = self.places.attempt();
            return Some(Object { r#type: "question".to_owned(), id, attempt });
        }
        let id = match kind {
            Kind::QuizAttempt => page.attempt(),
            Kind::ForumPost => page.post(),
            Kind::ForumDiscussion => page.parameter("/discuss.php", "d"),
            Kind::Badge => page.parameter("/badges/overview.php", "id"),
            Kind::Certificate => page.parameter("/certificate/index.php", "code"),
            Kind::CourseCompleted
            | Kind::LessonCompletion
            | Kind::Grade
            | Kind::SubmissionPart
            | Kind::Submission
            | Kind::AssignmentGrade
            | Kind::LoggedIn
            | Kind::LoggedInAs
            | Kind::Account
            | Kind::Enrolment
            | Kind::Score => None,
        };
        let object_type = kind.object_type()?.to_owned();
        Some(Object { r#type: object_type, id, attempt: None })
    }

    /// The score is the place between the ends of its scale, where the statement gives both. The
    /// plugin's `scaled` runs from -1 to 1 and adds nothing to them.
    fn metrics(&self, kind: Kind, canonical: &str) -> Metrics {
        if canonical == name::QUESTION_ANSWERED {
            return Metrics::default();
        }
        let score = self.result("score");
        let mark = |name| score.and_then(|score| score.get(name));
        let has_score = matches!(kind, Kind::QuizAttempt | Kind::AssignmentGrade | Kind::Score);
        let score_pct = match (mark("raw"), mark("min"), mark("max")) {
            (Some(raw), Some(min), Some(max)) if has_score => percent::share(raw, min, max),
            _ => None,
        };
        let duration = self.result("duration").and_then(text::scalar);
        Metrics {
            score_pct,
            time_on_task_sec: duration.and_then(duration::seconds),
            ..Metrics::default()
        }
    }
}
