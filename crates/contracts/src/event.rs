//! What learners do, in one form for all platforms.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::decimal::Percent;
use crate::time::Timestamp;

/// One canonical event; `schemas/learning-event`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LearningEvent {
    /// `domain.action`.
    pub event: Cow<'static, str>,
    /// The platform it came from.
    pub source: String,
    /// The site of that platform.
    pub instance: String,
    /// Who owns the site.
    pub tenant: String,
    /// Unique in (tenant, source, instance).
    pub event_id: String,
    /// [`id_origin::NATIVE`] or [`id_origin::DERIVED`].
    pub id_origin: Cow<'static, str>,
    /// When the learner did it.
    pub occurred_at: Timestamp,
    /// The raw record's `received_at`.
    pub accepted_at: Timestamp,
    /// The learner.
    pub user: User,
    /// Who caused the event, where that is not the learner.
    pub actor_id: Option<String>,
    /// Where it happened.
    pub context: Context,
    /// What it is about, where that is not a place of the context.
    pub object: Option<Object>,
    /// Numbers that the platform gave.
    pub metrics: Metrics,
    /// What keeps an event from being paid, and what had to be guessed.
    pub flags: Flags,
    /// Where it came from.
    pub trace: Trace,
    /// Only of `kleos.rules_activated`.
    pub rule_set: Option<RuleSetRef>,
}

/// Values of [`LearningEvent::id_origin`].
pub mod id_origin {
    /// The platform's own id.
    pub const NATIVE: &str = "native";
    /// Hashed from the identifying fields.
    pub const DERIVED: &str = "derived";
}

/// The learner.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// The platform's id, every digit kept.
    pub id: String,
    /// Who the learner is in the tenant.
    pub key: String,
    /// As the platform wrote it.
    pub email: Option<String>,
    /// Ids in other systems, by system.
    pub external_ids: BTreeMap<String, String>,
}

/// Where an event happened.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Context {
    /// Course.
    pub course: Option<Place>,
    /// Section or module of the course.
    pub section: Option<Place>,
    /// Lesson or activity.
    pub lesson: Option<Place>,
    /// Programme of several courses.
    pub programme: Option<Place>,
    /// Discussion thread.
    pub thread: Option<Place>,
}

/// One place of a platform.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The platform's id.
    pub id: String,
    /// Its name for people.
    pub title: Option<String>,
}

/// What an event is about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Object {
    /// As `quiz_attempt`.
    pub r#type: String,
    /// The platform's id.
    pub id: Option<String>,
    /// Which attempt.
    pub attempt: Option<String>,
}

/// Numbers that the platform gave; absent is unknown, never zero.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metrics {
    /// 0 to 100.
    pub progress_pct: Option<Percent>,
    /// 0 to 100.
    pub score_pct: Option<Percent>,
    /// Seconds.
    pub time_on_task_sec: Option<i64>,
}

/// What keeps an event from being paid, and what had to be guessed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flags {
    /// Test traffic: never paid.
    pub is_test: bool,
    /// By or for somebody who is not a learner here: never paid.
    pub is_privileged: bool,
    /// `occurred_at` is `accepted_at` because the source gave no readable time.
    pub time_was_guessed: bool,
}

/// Where an event came from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trace {
    /// The sender's request id.
    pub request_id: Option<String>,
    /// The raw record's.
    pub delivery_id: Option<String>,
    /// The platform's event id.
    pub lms_event_id: Option<String>,
    /// The platform's event name.
    pub lms_eventname: Option<String>,
    /// Place among the events of one webhook.
    pub index: i32,
}

/// A published set of rules.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleSetRef {
    /// Counted from 1 for each tenant.
    pub version: i64,
    /// SHA-256 of the set, hexadecimal.
    pub digest: String,
}

impl LearningEvent {
    /// Whether the event is of the reserved domain `kleos.`, not a learner's.
    #[must_use]
    pub fn is_system(&self) -> bool {
        self.event.starts_with(crate::event_name::SYSTEM_PREFIX)
    }
}
