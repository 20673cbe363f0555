//! What Thinkific tells of an event, beside its envelope.

use kleos_contracts::decimal::Percent;
use kleos_contracts::event::{Context, Metrics, Object, Place};
use serde_json::Value;

use super::table::Kind;
use crate::draft::Learner;
use crate::read::fields::Fields;
use crate::read::percent;
use crate::verdict::Verdict;

/// What people's names and addresses begin with in deliveries that try a webhook.
const TEST_MARK: &str = "[TEST]";

/// Roles of those who run a site. An affiliate only sells for it.
const STAFF: &[&str] = &["site_admin", "course_admin", "group_analyst", "partner"];

/// A payload, of a kind.
#[derive(Debug)]
pub(super) struct Payload<'a> {
    kind: Kind,
    fields: Fields<'a>,
    user: Fields<'a>,
}

impl<'a> Payload<'a> {
    pub(super) fn of(envelope: &Fields<'a>, kind: Kind) -> Result<Self, Verdict> {
        let fields = envelope.object("payload", "payload.")?;
        let user = user(&fields, kind)?;
        Ok(Self { kind, fields, user })
    }

    pub(super) fn learner(&self, r#type: &str) -> Result<Learner, Verdict> {
        let id = match self.user.id("id")? {
            Some(id) => Some(id),
            None => self.fields.id("user_id")?,
        };
        let email = match self.user.lenient_text("email") {
            Some(email) => Some(email),
            None => self.fields.lenient_text("user_email"),
        };
        let email = email.map(|email| email.trim_start_matches(TEST_MARK).trim().to_owned());
        Learner { id, email, ..Learner::default() }.known(&self.user.path_of("id"), r#type)
    }

    pub(super) fn is_test(&self) -> bool {
        ["email", "first_name", "last_name", "full_name"].into_iter().any(|name| {
            self.user.lenient_text(name).is_some_and(|text| text.starts_with(TEST_MARK))
        })
    }

    /// Whether the user is one of those who run the site. Only payloads that are the user tell.
    pub(super) fn is_staff(&self) -> bool {
        let roles = self.user.get("roles").and_then(Value::as_array);
        roles
            .into_iter()
            .flatten()
            .any(|role| role.as_str().is_some_and(|role| STAFF.contains(&role)))
    }

    /// Lessons tell of their course and chapter, quizzes of neither.
    pub(super) fn context(&self) -> Result<Context, Verdict> {
        if !matches!(self.kind, Kind::Enrollment | Kind::Lesson | Kind::Quiz) {
            return Ok(Context::default());
        }
        let course = self.fields.object("course", "payload.course.")?;
        let chapter = self.fields.object("chapter", "payload.chapter.")?;
        let lesson = self.fields.object("lesson", "payload.lesson.")?;
        Ok(Context {
            course: self.place(&course, "course_id", "course_name")?,
            section: self.place(&chapter, "chapter_id", "chapter_name")?,
            lesson: self.place(&lesson, "lesson_id", "lesson_name")?,
            ..Context::default()
        })
    }

    /// The place in an object of its own, or by the payload's flat fields.
    fn place(&self, nested: &Fields<'_>, id: &str, title: &str) -> Result<Option<Place>, Verdict> {
        match nested.place("id", "name")? {
            Some(place) => Ok(Some(place)),
            None => self.fields.place(id, title),
        }
    }

    pub(super) fn object(&self) -> Result<Option<Object>, Verdict> {
        let object_type = match self.kind {
            Kind::Quiz => {
                let quiz = self.fields.object("quiz", "payload.quiz.")?;
                let (id, attempt) = (quiz.id("id")?, self.result_id()?);
                return Ok(Some(Object { r#type: "quiz".to_owned(), id, attempt }));
            }
            Kind::Enrollment => "enrollment",
            Kind::Order => "order",
            Kind::Payment => "payment",
            Kind::Subscription => "subscription",
            Kind::Lesson | Kind::Account => return Ok(None),
        };
        let id = self.fields.id("id")?;
        Ok(id.map(|id| Object { r#type: object_type.to_owned(), id: Some(id), attempt: None }))
    }

    /// The id of a quiz attempt's result.
    pub(super) fn result_id(&self) -> Result<Option<String>, Verdict> {
        if self.kind == Kind::Quiz { self.fields.id("result_id") } else { Ok(None) }
    }

    pub(super) fn metrics(&self) -> Metrics {
        // Of this product's documentation, which says the scale.
        let progress_pct = self.fields.clamped_percent("progress_percentage");
        match self.kind {
            Kind::Quiz => {
                let score_pct = self.fields.clamped_percent("grade");
                Metrics { score_pct, ..Metrics::default() }
            }
            Kind::Enrollment => Metrics {
                progress_pct: progress_pct.or_else(|| progress(&self.fields)),
                ..Metrics::default()
            },
            Kind::Lesson => Metrics { progress_pct, ..Metrics::default() },
            Kind::Account | Kind::Order | Kind::Payment | Kind::Subscription => Metrics::default(),
        }
    }
}

/// The user: in the payload, in its order, or the payload itself.
fn user<'a>(payload: &Fields<'a>, kind: Kind) -> Result<Fields<'a>, Verdict> {
    let order = match kind {
        Kind::Payment | Kind::Subscription => payload.object("order", "payload.order.")?,
        Kind::Account if !payload.has("user") => return Ok(*payload),
        Kind::Account | Kind::Enrollment | Kind::Lesson | Kind::Quiz | Kind::Order => *payload,
    };
    if payload.has("user") || !order.has("user") {
        payload.object("user", "payload.user.")
    } else {
        order.object("user", "payload.order.user.")
    }
}

/// `percentage_completed`, whose scale is told in the parent's documentation.
fn progress(enrollment: &Fields<'_>) -> Option<Percent> {
    let value = enrollment.get("percentage_completed")?;
    let one = Percent::whole(1).units();
    let percent = percent::percent(value)?;
    if percent.units() < one {
        return percent::share(value, &Value::from(0), &Value::from(1));
    }
    let is_completed = enrollment.get("completed_at").is_some();
    match percent.units() == one {
        true if is_completed => Some(Percent::whole(100)),
        true => None,
        false => Some(percent.clamped()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(value: &Value, completed_at: &Value, expected: Option<&str>) {
        let enrollment = json!({"percentage_completed": value, "completed_at": completed_at});
        let found = progress(&Fields::of(enrollment.as_object().unwrap()));
        assert_eq!(found.map(|percent| percent.to_string()).as_deref(), expected, "{enrollment}");
    }

    #[test]
    fn progress_is_a_share_below_one_and_percent_above() {
        let never = Value::Null;
        check(&json!("0"), &never, Some("0"));
        check(&json!("0.0"), &never, Some("0"));
        check(&json!("0.24"), &never, Some("24"));
        check(&json!(0.333_333), &never, Some("33.3333"));
        check(&json!("24.0"), &never, Some("24"));
        check(&json!("100.0"), &never, Some("100"));
        check(&json!("101"), &never, Some("100"));
        check(&json!("-3"), &never, Some("0"));
        check(&json!("1.0"), &never, None);
        check(&json!("1.0"), &json!(""), None);
        check(&json!("1"), &json!("2025-08-21T10:15:30.000Z"), Some("100"));
        check(&json!("all"), &never, None);
        check(&never, &never, None);
    }
}
