//! Teachfloor's types, of both envelopes.

use kleos_contracts::event_name as name;

use crate::item::ignored as why;
use crate::table::{Row, ignored, row};

/// What the data is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A member of a course.
    Course,
    /// A member's activity at an element.
    Element,
    /// A member.
    Login,
}

pub(super) const TYPES: &[Row<Kind>] = &[
    row("element.completed", name::LESSON_COMPLETED, Kind::Element),
    row("course.completed", name::COURSE_COMPLETED, Kind::Course),
    row("course.join", name::ENROLLMENT_CREATED, Kind::Course),
    // Of the old envelope.
    row("member.joined", name::ENROLLMENT_CREATED, Kind::Course),
    row("member.login", name::USER_LOGGED_IN, Kind::Login),
    ignored("course.created", why::NOT_ABOUT_A_LEARNER),
    ignored("course.updated", why::NOT_ABOUT_A_LEARNER),
    ignored("course.deleted", why::NOT_ABOUT_A_LEARNER),
    ignored("module.created", why::NOT_ABOUT_A_LEARNER),
    ignored("module.updated", why::NOT_ABOUT_A_LEARNER),
    ignored("module.deleted", why::NOT_ABOUT_A_LEARNER),
    ignored("element.created", why::NOT_ABOUT_A_LEARNER),
    ignored("element.updated", why::NOT_ABOUT_A_LEARNER),
    ignored("element.deleted", why::NOT_ABOUT_A_LEARNER),
    // Can hold the organisation's tokens: nothing of its data goes on.
    ignored("app.installed", why::NOT_ABOUT_A_LEARNER),
    ignored("app.uninstalled", why::NOT_ABOUT_A_LEARNER),
    ignored("test.event", why::TEST),
];

#[cfg(test)]
mod tests {
    #[test]
    fn every_type_is_there_once_and_leads_to_a_registered_name() {
        crate::table::check(super::TYPES);
    }
}
