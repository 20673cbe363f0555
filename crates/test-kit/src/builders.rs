//! Records with a dull value in every field; a test changes what it is about.
//!
//! ```
//! use kleos_contracts::award::Award;
//! use kleos_test_kit::builders::award;
//!
//! let reversed = Award { points: -50, kind: "reversed".into(), ..award(7) };
//! assert_eq!(reversed.user_key, "campus-a/7");
//! ```

use kleos_contracts::award::{Award, kind, status};
use kleos_contracts::event::{Context, LearningEvent, Place, Trace, User, id_origin};
use kleos_contracts::event_name::COURSE_COMPLETED;
use kleos_contracts::identity;
use kleos_contracts::time::Timestamp;

/// The tenant of all records.
pub const TENANT: &str = "acme";
/// The source of all records.
pub const SOURCE: &str = "moodle";
/// The instance of all records.
pub const INSTANCE: &str = "campus-a";

/// When record 0 occurred; each further one a second later. It is accepted a second after that.
pub const EPOCH: Timestamp = Timestamp::from_millis(1_755_771_330_000);

const SECOND: i64 = kleos_contracts::time::SECOND;

/// Learner `number` is granted 50 points for a course.
#[must_use]
pub fn award(number: u32) -> Award {
    let user_key = user_key(number);
    let scope = format!("course={INSTANCE}/987");
    let award_id = identity::award_id(TENANT, &user_key, "course_completion", &scope, "");
    Award {
        entry_id: identity::entry_id(&award_id, 1),
        award_id,
        kind: kind::GRANTED.into(),
        reason: "".into(),
        status: status::FINAL.into(),
        tenant: TENANT.to_owned(),
        user_key,
        user_id: number.to_string(),
        source: SOURCE.to_owned(),
        instance: INSTANCE.to_owned(),
        rule_id: "course_completion".to_owned(),
        rule_set_version: 1,
        points: 50,
        badge: Some("course_master".to_owned()),
        event: COURSE_COMPLETED.into(),
        event_id: number.to_string(),
        occurred_at: occurred_at(number),
        decided_at: occurred_at(number).plus_micros(SECOND),
        scope: Some(scope),
        window: None,
        available_at: None,
        expires_at: None,
        restatement_id: None,
        balance_after: 50,
    }
}

/// Learner `number` completes a course.
#[must_use]
pub fn learning_event(number: u32) -> LearningEvent {
    let course = Place { id: "987".to_owned(), title: Some("Health & Safety".to_owned()) };
    LearningEvent {
        event: COURSE_COMPLETED.into(),
        source: SOURCE.to_owned(),
        instance: INSTANCE.to_owned(),
        tenant: TENANT.to_owned(),
        event_id: number.to_string(),
        id_origin: id_origin::NATIVE.into(),
        occurred_at: occurred_at(number),
        accepted_at: occurred_at(number).plus_micros(SECOND),
        user: User { id: number.to_string(), key: user_key(number), ..User::default() },
        context: Context { course: Some(course), ..Context::default() },
        trace: Trace { lms_event_id: Some(number.to_string()), ..Trace::default() },
        ..LearningEvent::default()
    }
}

fn user_key(number: u32) -> String {
    format!("{INSTANCE}/{number}")
}

fn occurred_at(number: u32) -> Timestamp {
    EPOCH.plus_micros(i64::from(number) * SECOND)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_of_different_numbers_are_of_different_learners() {
        assert_ne!(award(1).entry_id, award(2).entry_id);
        assert_eq!(award(1), award(1));
        assert_eq!(learning_event(1).user.key, award(1).user_key);
    }
}
