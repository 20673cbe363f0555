//! An event as a platform's mapping leaves it, and the last steps that all platforms share: whose
//! it is in the tenant, whether its time can be true, and what it is called.

use std::borrow::Cow;
use std::collections::BTreeMap;

use kleos_contracts::event::{
    Context, Flags, LearningEvent, Metrics, Object, Trace, User, id_origin,
};
use kleos_contracts::raw::RawWebhook;
use kleos_contracts::reason;
use kleos_contracts::time::Timestamp;

use crate::derive_id;
use crate::identity;
use crate::profile::InstanceProfile;
use crate::read::text;
use crate::verdict::Verdict;

/// An event that still lacks what the webhook and the instance's profile add.
#[derive(Debug, Default)]
pub(crate) struct Draft {
    /// The canonical name.
    pub(crate) event: Cow<'static, str>,
    pub(crate) learner: Learner,
    /// Who caused the event, where that is not the learner.
    pub(crate) actor_id: Option<String>,
    pub(crate) context: Context,
    pub(crate) object: Option<Object>,
    pub(crate) metrics: Metrics,
    pub(crate) is_test: bool,
    pub(crate) is_privileged: bool,
    /// None where the platform gave no readable time.
    pub(crate) occurred_at: Option<Timestamp>,
    pub(crate) request_id: Option<String>,
    /// The platform's own id of the event.
    pub(crate) lms_event_id: Option<String>,
    /// The event's name as the platform wrote it.
    pub(crate) lms_eventname: Option<String>,
    /// What else tells this event from others, where the platform gives no id.
    pub(crate) discriminators: Vec<String>,
    pub(crate) naming: Naming,
}

/// What an event is called.
#[derive(Debug, Default)]
pub(crate) enum Naming {
    /// What the platform calls it, if it does.
    #[default]
    Platforms,
    /// This, which is made of ids of the platform: its own id of the event is not unique.
    Composed(String),
    /// By its digest: the platform calls one event by different names.
    Digest,
}

/// The learner as the platform knows them.
#[derive(Debug, Default)]
pub(crate) struct Learner {
    pub(crate) id: Option<String>,
    pub(crate) email: Option<String>,
    pub(crate) external_ids: BTreeMap<String, String>,
}

impl Learner {
    /// The learner, if the event says who it is.
    pub(crate) fn known(self, path: &str, r#type: &str) -> Result<Self, Verdict> {
        if self.id.is_some() || self.email.is_some() || !self.external_ids.is_empty() {
            return Ok(self);
        }
        Err(Verdict::missing_learner(format!(
            "{path}: expected the id of the learner of {}, found nothing",
            text::shortened(r#type)
        )))
    }
}

impl Draft {
    /// The canonical event.
    pub(crate) fn finish(
        self,
        webhook: &RawWebhook,
        profile: &InstanceProfile,
        index: i32,
    ) -> Result<LearningEvent, Verdict> {
        let key = identity::key(&self.learner, &webhook.instance, &profile.identity)?;
        let accepted_at = webhook.received_at;
        let occurred_at = match self.occurred_at {
            Some(instant) => plausible(instant, accepted_at, profile)?,
            None => accepted_at,
        };
        let mut event = LearningEvent {
            event: self.event,
            source: webhook.source.clone(),
            instance: webhook.instance.clone(),
            tenant: webhook.tenant.clone(),
            occurred_at,
            accepted_at,
            user: User {
                // Only an instance that identifies learners by something else takes events
                // without the platform's id; that something then stands for it.
                id: self.learner.id.unwrap_or_else(|| key.clone()),
                key,
                email: self.learner.email,
                external_ids: self.learner.external_ids,
            },
            actor_id: self.actor_id,
            context: self.context,
            object: self.object,
            metrics: self.metrics,
            flags: Flags {
                is_test: self.is_test,
                is_privileged: self.is_privileged,
                time_was_guessed: self.occurred_at.is_none(),
            },
            trace: Trace {
                request_id: self.request_id,
                delivery_id: Some(webhook.delivery_id.clone()),
                lms_event_id: self.lms_event_id,
                lms_eventname: self.lms_eventname,
                index,
            },
            ..LearningEvent::default()
        };
        let name = match self.naming {
            Naming::Platforms => event.trace.lms_event_id.clone(),
            Naming::Composed(name) => Some(name),
            Naming::Digest => None,
        };
        (event.event_id, event.id_origin) = match name {
            Some(id) => (id, id_origin::NATIVE.into()),
            None => (derive_id::of(&event, &self.discriminators), id_origin::DERIVED.into()),
        };
        Ok(event)
    }
}

/// The instant, if an event that arrived then can have occurred at it.
fn plausible(
    instant: Timestamp,
    accepted_at: Timestamp,
    profile: &InstanceProfile,
) -> Result<Timestamp, Verdict> {
    let max_future = i64::try_from(profile.max_future.as_micros()).unwrap_or(i64::MAX);
    if instant < profile.oldest {
        let message = format!("{instant}: expected no time before {}", profile.oldest);
        return Err(Verdict::rejected(reason::TIME_TOO_OLD, message));
    }
    if instant > accepted_at.plus_micros(max_future) {
        let message = format!(
            "{instant}: expected no time over {} s after the arrival at {accepted_at}",
            profile.max_future.as_secs()
        );
        return Err(Verdict::rejected(reason::TIME_IN_FUTURE, message));
    }
    Ok(instant)
}

/// The sender's request id from the headers, for platforms that put none into the body.
pub(crate) fn request_id(webhook: &RawWebhook) -> Option<String> {
    let header = webhook.headers.iter().find(|header| header.name == "x-request-id")?;
    text::meant(&header.value).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(micros: i64) -> Result<Timestamp, Verdict> {
        let accepted_at = Timestamp::from_micros(1_755_771_330_000_000);
        plausible(Timestamp::from_micros(micros), accepted_at, &InstanceProfile::default())
    }

    #[track_caller]
    fn check(micros: i64, expected: &str) {
        match at(micros) {
            Err(Verdict::Rejected { reason, .. }) => assert_eq!(reason, expected),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn both_ends_of_the_window_are_inside() {
        assert!(at(1_104_537_600_000_000).is_ok());
        check(1_104_537_599_999_999, reason::TIME_TOO_OLD);
        assert!(at(1_755_771_630_000_000).is_ok());
        check(1_755_771_630_000_001, reason::TIME_IN_FUTURE);
    }
}
