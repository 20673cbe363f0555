//! Deeds in the shapes in which the platforms send them.

use serde_json::{Value, json};

use crate::world::{Deed, Kind, Sending};

/// A webhook to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    /// Whose token it is sent with.
    pub source: Source,
    /// The body.
    pub body: Vec<u8>,
}

/// A source instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// A Moodle site.
    Moodle,
    /// A custom sender.
    Custom,
}

impl Source {
    /// The name in the path.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Moodle => "moodle",
            Self::Custom => "custom",
        }
    }
}

/// The webhook of a sending.
#[must_use]
pub fn of(sending: &Sending) -> Webhook {
    match sending {
        Sending::Deed(deed) | Sending::Again(deed) => webhook(deed),
        Sending::Conflict(deed) => {
            // The same number with another time is another event.
            webhook(&Deed { at: deed.at - 60_000_000, ..deed.clone() })
        }
        Sending::Broken { number } => broken(*number),
    }
}

fn broken(number: u64) -> Webhook {
    let (source, body) = match number % 4 {
        0 => (Source::Moodle, br#"{"eventname": "\\core\\event\\course_completed", "#.to_vec()),
        1 => (Source::Moodle, br#"{"eventname":"\\core\\event\\course_completed"}"#.to_vec()),
        2 => (Source::Moodle, br#"["no event"]"#.to_vec()),
        _ => (Source::Moodle, moodle_chat(number)),
    };
    Webhook { source, body }
}

/// A type that nobody maps.
fn moodle_chat(number: u64) -> Vec<u8> {
    json!({
        "id": number.to_string(), "eventname": "\\mod_chat\\event\\message_sent",
        "component": "mod_chat", "userid": "7", "courseid": "12", "timecreated": "1755771330",
    })
    .to_string()
    .into_bytes()
}

fn webhook(deed: &Deed) -> Webhook {
    let is_custom_only = matches!(deed.kind, Kind::Section { .. } | Kind::Programme { .. });
    if deed.learner.is_multiple_of(2) && !is_custom_only {
        Webhook { source: Source::Moodle, body: moodle(deed).to_string().into_bytes() }
    } else {
        Webhook { source: Source::Custom, body: custom(deed).to_string().into_bytes() }
    }
}

/// The Event Trigger plugin's JSON mode: every value a text, `other` flattened.
fn moodle(deed: &Deed) -> Value {
    let user = (1_000 + deed.learner).to_string();
    let seconds = (deed.at / 1_000_000).to_string();
    let mut body = json!({ "id": deed.id.to_string(), "timecreated": seconds });
    let mut set = |name: &str, value: String| body[name] = value.into();
    let course = |course: &u64| (500 + course).to_string();
    // What others cause: the learner is the related user.
    let mut caused = |name: &str, by: &str, course: String| {
        set("eventname", name.to_owned());
        set("userid", by.to_owned());
        set("relateduserid", user.clone());
        set("courseid", course);
    };
    match &deed.kind {
        Kind::Enrolled { course: id } => {
            caused("\\core\\event\\user_enrolment_created", "2", course(id));
            set("other_enrol", "manual".to_owned());
        }
        Kind::Lesson { course: id, lesson } => {
            caused("\\core\\event\\course_module_completion_updated", &user, course(id));
            set("contextinstanceid", (9_000 + id * 12 + lesson).to_string());
            set("other_completionstate", "1".to_owned());
            set("other_overrideby", String::new());
        }
        Kind::Course { course: id } => {
            caused("\\core\\event\\course_completed", "0", course(id));
            set("objectid", (deed.id + 70_000).to_string());
        }
        Kind::Quiz { course: id, .. } => {
            caused("\\mod_quiz\\event\\attempt_submitted", &user, course(id));
            set("objectid", deed.id.to_string());
            set("other_quizid", (300 + id).to_string());
        }
        Kind::Post { course: id, thread } => {
            set("eventname", "\\mod_forum\\event\\post_created".to_owned());
            set("userid", user);
            set("courseid", course(id));
            set("objectid", deed.id.to_string());
            set("other_discussionid", (id * 40 + thread).to_string());
            set("other_forumid", id.to_string());
        }
        Kind::Assignment { course: id } => {
            set("eventname", "\\mod_assign\\event\\assessable_submitted".to_owned());
            set("userid", user);
            set("courseid", course(id));
            set("objectid", deed.id.to_string());
            set("other_submission_editable", "1".to_owned());
        }
        Kind::SignIn | Kind::Section { .. } | Kind::Programme { .. } => {
            set("eventname", "\\core\\event\\user_loggedin".to_owned());
            set("userid", user.clone());
            set("objectid", user);
        }
    }
    body
}

/// The canonical form.
fn custom(deed: &Deed) -> Value {
    let course = |id: &u64| json!({ "id": format!("c-{id}"), "title": "A course" });
    let section = |course: &u64, id: &u64| json!({ "id": format!("s-{course}-{id}") });
    let (event, context, metrics) = match &deed.kind {
        Kind::Enrolled { course: id } => {
            ("enrollment.created", json!({ "course": course(id) }), json!({}))
        }
        Kind::Lesson { course: id, lesson } => (
            "lesson.completed",
            json!({ "course": course(id), "lesson": { "id": format!("l-{id}-{lesson}") } }),
            json!({ "progress_pct": 100, "time_on_task_sec": 600 }),
        ),
        Kind::Quiz { course: id, section: part, score } => (
            "quiz.completed",
            json!({ "course": course(id), "section": section(id, part) }),
            json!({ "score_pct": score }),
        ),
        Kind::Section { course: id, section: part } => (
            "section.mastered",
            json!({ "course": course(id), "section": section(id, part) }),
            json!({}),
        ),
        Kind::Post { course: id, thread } => (
            "forum.posted",
            json!({ "course": course(id), "thread": { "id": format!("t-{id}-{thread}") } }),
            json!({}),
        ),
        Kind::Assignment { course: id } => {
            ("assignment.submitted", json!({ "course": course(id) }), json!({}))
        }
        Kind::Course { course: id } => (
            "course.completed",
            json!({ "course": course(id) }),
            json!({ "progress_pct": 70 + deed.id % 31 }),
        ),
        Kind::Programme { programme } => (
            "programme.completed",
            json!({ "programme": { "id": format!("p-{programme}") } }),
            json!({}),
        ),
        Kind::SignIn => ("user.logged_in", json!({}), json!({})),
    };
    json!({
        "event": event,
        "source": "custom",
        "occurred_at": rfc3339(deed.at),
        "user": { "id": format!("u-{}", deed.learner), "email": format!("u{}@example.edu", deed.learner) },
        "context": context,
        "metrics": metrics,
        "trace": { "lms_event_id": deed.id.to_string() },
    })
}

fn rfc3339(micros: i64) -> String {
    kleos_contracts::time::Timestamp::from_micros(micros).to_string()
}
