//! `LearnWorlds`' types of webhooks.

use kleos_contracts::event_name as name;

use crate::item::ignored as why;
use crate::read::fields::Fields;
use crate::table::{Row, ignored, row};

/// What is particular to a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A course or a programme was completed.
    Completion,
    Certificate,
    /// Somebody enrolled in, or looked into, a course.
    Course,
    /// Somebody bought a product; if it is a course, they are enrolled in it.
    Purchase,
    Payment,
    /// Somebody is not enrolled in a product any more.
    Unenrolment,
    Subscription,
    /// The user registered, or the profile changed.
    Profile,
    /// The user's tags changed: the data is the user.
    Tags,
}

pub(super) const TYPES: &[Row<Kind>] = &[
    row("courseCompleted", name::COURSE_COMPLETED, Kind::Completion),
    row("learningProgramCompleted", name::PROGRAMME_COMPLETED, Kind::Completion),
    row("awardedCertificate", name::CERTIFICATE_ISSUED, Kind::Certificate),
    row("enrolledFreeCourse", name::ENROLLMENT_CREATED, Kind::Course),
    row("previewedFree", name::COURSE_VIEWED, Kind::Course),
    row("productBought", name::ORDER_CREATED, Kind::Purchase),
    row("paymentCreated", name::PAYMENT_SUCCEEDED, Kind::Payment),
    row("userUnenrolledFromProduct", name::ENROLLMENT_DELETED, Kind::Unenrolment),
    row("subscriptionPaymentPlanBought", name::SUBSCRIPTION_STARTED, Kind::Subscription),
    row("subscriptionPaymentPlanCanceled", name::SUBSCRIPTION_CANCELLED, Kind::Subscription),
    row("subscriptionTrialStarted", name::SUBSCRIPTION_TRIAL_STARTED, Kind::Subscription),
    row("subscriptionUpdated", name::SUBSCRIPTION_UPDATED, Kind::Subscription),
    row("userUpdated", name::USER_UPDATED, Kind::Profile),
    row("userTagAdded", name::USER_UPDATED, Kind::Tags),
    row("userTagDeleted", name::USER_UPDATED, Kind::Tags),
    // Three days before it does.
    ignored("subscriptionTrialWillEnd", why::ANNOUNCEMENT),
    // Somebody who left an address and is no user.
    ignored("leadCreated", why::NOT_ABOUT_A_LEARNER),
];

/// Triggers and the types that they are of. `new_purchase` is `paymentCreated`'s too.
const TRIGGERS: &[(&str, &str)] = &[
    ("course_completed", "courseCompleted"),
    ("learning_program_completed", "learningProgramCompleted"),
    ("certificate_awarded", "awardedCertificate"),
    ("enrolled_free", "enrolledFreeCourse"),
    ("free_section_previewed", "previewedFree"),
    ("new_purchase", "productBought"),
    ("unenrolled_from_product", "userUnenrolledFromProduct"),
    ("subscription_started", "subscriptionPaymentPlanBought"),
    ("subscription_cancelled", "subscriptionPaymentPlanCanceled"),
    ("subscription_trial_started", "subscriptionTrialStarted"),
    ("subscription_trial_will_end", "subscriptionTrialWillEnd"),
    // Spelled so by LearnWorlds.
    ("subsription_changed", "subscriptionUpdated"),
    ("user_updated", "userUpdated"),
    ("user_tag_added", "userTagAdded"),
    ("user_tag_deleted", "userTagDeleted"),
    ("email_register", "leadCreated"),
];

/// The type of what `LearnWorlds` itself wrote; none of what somebody typed.
pub(super) fn native_type<'a>(fields: &Fields<'a>) -> Option<&'a str> {
    let of_trigger = |trigger: &str| {
        TRIGGERS.iter().find(|(name, _)| *name == trigger).map(|(_, r#type)| *r#type)
    };
    let r#type = fields.lenient_text("type");
    let is_known = |r#type: &&str| TYPES.iter().any(|row| row.name == *r#type);
    // A type that came after this was written still stands in the envelope of all others.
    let is_enveloped = fields.has("version") && fields.has("trigger");
    r#type
        .filter(|r#type| is_known(r#type) || is_enveloped)
        .or_else(|| fields.lenient_text("trigger").and_then(of_trigger))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_is_there_once_and_leads_to_a_registered_name() {
        crate::table::check(TYPES);
        for (trigger, r#type) in TRIGGERS {
            assert!(TYPES.iter().any(|row| row.name == *r#type), "{type}");
            assert_eq!(TRIGGERS.iter().filter(|(other, _)| other == trigger).count(), 1);
        }
    }
}
