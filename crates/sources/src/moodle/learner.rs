//! Who learned, and who caused it.
//!
//! # The form of this product's own documentation
//!
//! Moodle's events always have the key `relateduserid`, so a course completion without it comes
//! from a template that left it out, where `userid` would pay whoever caused the event, or from a
//! sender of our own documented sample, where `userid` is the learner. They are told apart by what
//! only Moodle can write: its templates fill in texts, never numbers, unless they are typed as JSON
//! with percent-encoded values; and every other field that the sample does not have. So `userid` is
//! the learner of a course completion if it is a JSON number above nought and nothing else in the
//! event is Moodle's.

use serde_json::Value;

use super::is_real;
use super::message::Message;
use super::table::{Entry, Kind, Whose};
use crate::draft::Learner;
use crate::verdict::Verdict;

/// The people of an event.
#[derive(Debug)]
pub(super) struct People {
    pub(super) learner_id: String,
    /// Who caused it, where that is somebody else.
    pub(super) actor_id: Option<String>,
    /// The actor did what the learner should have done.
    pub(super) is_on_behalf: bool,
}

/// Fields of Moodle's own events that the documented sample does not have.
const ONLY_MOODLES: &[&str] = &[
    "anonymous",
    "contextid",
    "contextinstanceid",
    "contextlevel",
    "crud",
    "edulevel",
    "host",
    "objecttable",
    "other_relateduserid",
    "realuserid",
    "relateduserid",
    "token",
    "wwwroot",
    "wwwroot_domain",
];

/// Who learned and who caused it.
pub(super) fn people(message: &Message<'_>, entry: &Entry) -> Result<People, Verdict> {
    let actor_id = message.real_id("userid")?;
    let whose = entry.kind.whose();
    let related_id = match whose {
        Whose::Actor => None,
        Whose::Related | Whose::ActorOrBehalf => related(message)?,
    };
    let learner_id = match (whose, related_id) {
        (Whose::Related | Whose::ActorOrBehalf, Some(related_id)) => related_id,
        (Whose::Actor | Whose::ActorOrBehalf, None) => {
            actor_id.clone().ok_or_else(|| missing("userid", entry))?
        }
        (Whose::Related, None) if is_documented_form(message, entry) => {
            actor_id.clone().ok_or_else(|| missing("relateduserid", entry))?
        }
        _ => return Err(missing("relateduserid", entry)),
    };
    let actor_id = actor_id.filter(|actor_id| *actor_id != learner_id);
    let is_on_behalf = whose == Whose::ActorOrBehalf && actor_id.is_some();
    // While somebody is logged in as somebody else, `userid` is the latter.
    let real_id = message.real_id("realuserid")?.filter(|real_id| *real_id != learner_id);
    let actor_id = real_id.or(actor_id);
    Ok(People { learner_id, actor_id, is_on_behalf })
}

fn related(message: &Message<'_>) -> Result<Option<String>, Verdict> {
    match message.real_id("relateduserid")? {
        Some(id) => Ok(Some(id)),
        None => Ok(message.other_id("other_relateduserid")?.filter(|id| is_real(id))),
    }
}

fn is_documented_form(message: &Message<'_>, entry: &Entry) -> bool {
    entry.kind == Kind::CourseCompleted
        && !message.was_encoded
        && matches!(message.fields.get("userid"), Some(Value::Number(_)))
        && !ONLY_MOODLES.iter().any(|name| message.fields.has(name))
}

fn missing(field: &str, entry: &Entry) -> Verdict {
    let message =
        format!("{field}: expected the id of the learner of {}, found nobody", entry.name);
    Verdict::missing_learner(message)
}

/// Where templates put what they looked up about a user: id, e-mail, number, name.
const LOOKUPS: [[&str; 4]; 2] = [
    ["user_id", "user_email", "user_idnumber", "user_username"],
    ["relateduser_id", "relateduser_email", "relateduser_idnumber", "relateduser_username"],
];

/// The learner with what a template looked up.
///
/// A template can look up the learner or the actor and calls either "user". What it found is the
/// learner's if it says so by the id, or if there is nobody else it could be.
///
/// None of it is needed to know the learner, so what cannot be read is left out.
pub(super) fn looked_up(message: &Message<'_>, people: &People) -> Learner {
    let mut learner = Learner { id: Some(people.learner_id.clone()), ..Learner::default() };
    for [id, email, number, username] in LOOKUPS {
        if ![email, number, username].iter().any(|name| message.fields.has(name)) {
            continue;
        }
        let is_learners = match message.fields.lenient_text(id) {
            Some(id) => id == people.learner_id,
            None => people.actor_id.is_none() || id == "relateduser_id",
        };
        if !is_learners {
            continue;
        }
        if let Some(address) = message.fields.lenient_text(email) {
            learner.email = Some(mended(address));
        }
        for (system, name) in [("idnumber", number), ("username", username)] {
            if let Some(id) = message.fields.lenient_text(name) {
                learner.external_ids.insert(system.to_owned(), id.to_owned());
            }
        }
    }
    learner
}

/// An address whose `+` became a space when PHP read the template as a query string. No address
/// has a space there.
fn mended(address: &str) -> String {
    match address.trim().rsplit_once('@') {
        Some((local, domain)) if local.contains(' ') => {
            format!("{}@{domain}", local.replace(' ', "+"))
        }
        _ => address.trim().to_owned(),
    }
}
