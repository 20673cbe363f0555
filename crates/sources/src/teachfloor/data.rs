//! The data of an event, in either envelope.

use kleos_contracts::event::{Context, Metrics, Object, Place};
use kleos_contracts::time::Timestamp;

use super::table::Kind;
use crate::draft::Learner;
use crate::read::boolean::boolean;
use crate::read::fields::Fields;
use crate::verdict::Verdict;

/// The data, with the objects in it that say what happened.
#[derive(Debug)]
pub(super) struct Data<'a> {
    kind: Kind,
    fields: Fields<'a>,
    member: Fields<'a>,
    course: Fields<'a>,
    element: Fields<'a>,
    /// Score and status: in the data itself, or in `completion` of the old envelope.
    completion: Fields<'a>,
}

impl<'a> Data<'a> {
    pub(super) fn of(envelope: &Fields<'a>, kind: Kind) -> Result<Self, Verdict> {
        let fields = envelope.object("data", "data.")?;
        let context = fields.object("context", "data.context.")?;
        let is = |object: &Fields<'_>, r#type| object.lenient_text("object") == Some(r#type);
        let is_member = kind == Kind::Login && !fields.has("member");
        let member = if is_member { fields } else { fields.object("member", "data.member.")? };
        let course = if fields.has("course") {
            fields.object("course", "data.course.")?
        } else if is(&fields, "course") {
            fields
        } else if is(&context, "course") {
            context
        } else {
            Fields::nothing("data.course.")
        };
        let element = if fields.has("element") {
            fields.object("element", "data.element.")?
        } else if kind == Kind::Element {
            context
        } else {
            Fields::nothing("data.element.")
        };
        let completion = if fields.has("completion") {
            fields.object("completion", "data.completion.")?
        } else {
            fields
        };
        Ok(Self { kind, fields, member, course, element, completion })
    }

    pub(super) fn learner(&self, r#type: &str) -> Result<Learner, Verdict> {
        let email = self.member.lenient_text("email").map(str::to_owned);
        let learner = Learner { id: self.member.id("id")?, email, ..Learner::default() };
        learner.known(&self.member.path_of("id"), r#type)
    }

    /// Who marked an element as completed, where that is not the learner.
    pub(super) fn marked_by(&self, learner: &Learner) -> Result<Option<String>, Verdict> {
        let completed_by = self.fields.id("completed_by")?;
        Ok(completed_by.filter(|id| learner.id.is_some() && Some(id) != learner.id.as_ref()))
    }

    pub(super) fn is_quiz(&self) -> bool {
        self.element.lenient_text("type") == Some("quiz")
    }

    pub(super) fn has_failed(&self) -> bool {
        self.completion.get("passed").and_then(boolean) == Some(false)
            || self.completion.lenient_text("status") == Some("failed")
    }

    pub(super) fn context(&self) -> Result<Context, Verdict> {
        Ok(Context {
            course: self.course.place("id", "name")?,
            section: self.module()?,
            lesson: titled(&self.element)?,
            ..Context::default()
        })
    }

    /// The module: an object of the data in the old envelope, an id in the element today.
    fn module(&self) -> Result<Option<Place>, Verdict> {
        if self.fields.has("module") {
            return titled(&self.fields.object("module", "data.module.")?);
        }
        match self.element.get("module") {
            Some(module) if module.is_object() => {
                titled(&self.element.object("module", "data.context.module.")?)
            }
            _ => self.element.place("module", ""),
        }
    }

    pub(super) fn object(&self) -> Result<Option<Object>, Verdict> {
        let id = self.fields.id("id")?;
        let object =
            |r#type: &str, id, attempt| Some(Object { r#type: r#type.to_owned(), id, attempt });
        Ok(match self.kind {
            Kind::Element if self.is_quiz() => object("quiz", self.element.id("id")?, id),
            Kind::Element => id.and_then(|id| object("activity", Some(id), None)),
            Kind::Course if self.fields.lenient_text("object") == Some("course_member") => {
                id.and_then(|id| object("course_member", Some(id), None))
            }
            Kind::Course | Kind::Login => None,
        })
    }

    pub(super) fn metrics(&self) -> Metrics {
        let score_pct = match self.kind {
            Kind::Element => self.completion.clamped_percent("score"),
            Kind::Course | Kind::Login => None,
        };
        Metrics { score_pct, ..Metrics::default() }
    }

    /// Where the envelope has no time.
    pub(super) fn occurred_at(&self) -> Option<Timestamp> {
        ["timestamp", "joined_at", "completed_at"]
            .into_iter()
            .find_map(|name| self.fields.instant(name).or_else(|| self.completion.instant(name)))
    }
}

/// A place that the old envelope names by `title`, today's by `name`.
fn titled(place: &Fields<'_>) -> Result<Option<Place>, Verdict> {
    place.place("id", if place.has("title") { "title" } else { "name" })
}
