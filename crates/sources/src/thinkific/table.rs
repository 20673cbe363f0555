//! Thinkific's topics, as `resource.action`.

use kleos_contracts::event_name as name;

use crate::item::ignored as why;
use crate::table::{Row, ignored, row};

/// What the payload is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// An enrolment.
    Enrollment,
    /// A lesson that was completed in an enrolment.
    Lesson,
    /// A result of a quiz.
    Quiz,
    /// The user.
    Account,
    Order,
    /// A transaction of an order.
    Payment,
    Subscription,
}

pub(super) const TYPES: &[Row<Kind>] = &[
    row("lesson.completed", name::LESSON_COMPLETED, Kind::Lesson),
    row("enrollment.progress", name::COURSE_PROGRESSED, Kind::Enrollment),
    row("enrollment.completed", name::COURSE_COMPLETED, Kind::Enrollment),
    row("quiz.attempted", name::QUIZ_COMPLETED, Kind::Quiz),
    row("user.signin", name::USER_LOGGED_IN, Kind::Account),
    row("enrollment.created", name::ENROLLMENT_CREATED, Kind::Enrollment),
    row("enrollment.trial", name::ENROLLMENT_TRIAL_STARTED, Kind::Enrollment),
    row("user.signup", name::USER_CREATED, Kind::Account),
    row("user.updated", name::USER_UPDATED, Kind::Account),
    row("user.deleted", name::USER_DELETED, Kind::Account),
    row("order.created", name::ORDER_CREATED, Kind::Order),
    row("order_transaction.succeeded", name::PAYMENT_SUCCEEDED, Kind::Payment),
    row("order_transaction.failed", name::PAYMENT_FAILED, Kind::Payment),
    row("order_transaction.refunded", name::PAYMENT_REFUNDED, Kind::Payment),
    row("subscription.cancelled", name::SUBSCRIPTION_CANCELLED, Kind::Subscription),
    // The topic has two l, the action in its body one.
    row("subscription.canceled", name::SUBSCRIPTION_CANCELLED, Kind::Subscription),
    row("subscription.past_due", name::SUBSCRIPTION_PAST_DUE, Kind::Subscription),
    row("subscription.unpaid", name::SUBSCRIPTION_UNPAID, Kind::Subscription),
    // Of this product's documentation; Thinkific has no such topic.
    row("course.completed", name::COURSE_COMPLETED, Kind::Enrollment),
    // Somebody who left an address and is no user.
    ignored("lead.created", why::NOT_ABOUT_A_LEARNER),
    ignored("course.created", why::NOT_ABOUT_A_LEARNER),
    ignored("course.updated", why::NOT_ABOUT_A_LEARNER),
    ignored("course.deleted", why::NOT_ABOUT_A_LEARNER),
    ignored("product.created", why::NOT_ABOUT_A_LEARNER),
    ignored("product.updated", why::NOT_ABOUT_A_LEARNER),
    ignored("product.deleted", why::NOT_ABOUT_A_LEARNER),
    ignored("app.uninstalled", why::NOT_ABOUT_A_LEARNER),
    ignored("plan.updated", why::NOT_ABOUT_A_LEARNER),
];

#[cfg(test)]
mod tests {
    #[test]
    fn every_topic_is_there_once_and_leads_to_a_registered_name() {
        crate::table::check(super::TYPES);
    }
}
