//! Names of canonical events, `domain.action`, and their aliases: a registry, one entry a name.

/// Prefix of system events, which no sender can produce.
pub const SYSTEM_PREFIX: &str = "kleos.";
/// From the next record of the partition on, another rule set holds.
pub const RULES_ACTIVATED: &str = "kleos.rules_activated";

/// One canonical name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventName {
    /// As it stands in events.
    pub name: &'static str,
    /// What has happened.
    pub meaning: &'static str,
    /// Other spellings that senders and rules may use.
    pub aliases: &'static [&'static str],
}

macro_rules! names {
    ($($name:ident = $text:literal, $meaning:literal, [$($alias:literal),*];)+) => {
        $(#[doc = $meaning] pub const $name: &str = $text;)+

        /// The registry. Platforms' mappings lead to these and to no others; senders of the
        /// canonical form may use names of their own besides.
        pub const ALL: &[EventName] = &[
            $(EventName { name: $name, meaning: $meaning, aliases: &[$($alias),*] }),+
        ];
    };
}

names! {
    USER_CREATED = "user.created", "Account created.", [];
    USER_UPDATED = "user.updated", "Profile changed.", [];
    USER_VERIFIED = "user.verified", "Learner confirmed an address or a wallet.", [];
    USER_DELETED = "user.deleted", "Account deleted.", [];
    USER_LOGGED_IN = "user.logged_in", "Sign-in.", ["user.loggedin"];
    USER_LOGGED_IN_AS = "user.logged_in_as",
        "Somebody with the right to do so took the learner's place.", ["user.loggedinas"];

    ENROLLMENT_CREATED = "enrollment.created", "Learner enrolled in a course.",
        ["enrolment.created"];
    ENROLLMENT_TRIAL_STARTED = "enrollment.trial_started",
        "Learner may look into a course for a while.", ["enrolment.trial_started"];
    ENROLLMENT_DELETED = "enrollment.deleted", "Enrolment taken back.", ["enrolment.deleted"];

    COURSE_VIEWED = "course.viewed", "Learner looked at a course or at a free part of it.", [];
    COURSE_PROGRESSED = "course.progressed", "Learner went forward in a course.", [];
    COURSE_COMPLETED = "course.completed", "Course completion milestone.", [];
    COURSE_UNCOMPLETED = "course.uncompleted", "A course's completion was taken back.", [];
    COURSE_PASSED = "course.passed", "The mark of a course reached what it takes to pass.", [];
    COURSE_FAILED = "course.failed", "A course ended without passing.", [];
    PROGRAMME_COMPLETED = "programme.completed", "A programme of several courses was completed.",
        ["program.completed"];
    SECTION_MASTERED = "section.mastered", "Section or module mastered.", [];

    LESSON_STARTED = "lesson.started", "Lesson or activity begun.", [];
    LESSON_VIEWED = "lesson.viewed", "Learner looked at a lesson or activity.", [];
    LESSON_COMPLETED = "lesson.completed", "Lesson or activity completed.", [];
    LESSON_UNCOMPLETED = "lesson.uncompleted", "A completion was taken back.", [];
    LESSON_FAILED = "lesson.failed", "A lesson was completed without passing.", [];

    QUIZ_COMPLETED = "quiz.completed", "Quiz attempt handed in.", [];
    QUIZ_FAILED = "quiz.failed", "Quiz attempt handed in, and the platform says that it did not pass.",
        [];
    QUIZ_GRADED = "quiz.graded", "Quiz graded.", [];
    QUESTION_ANSWERED = "question.answered", "One question of a quiz answered.", [];
    ASSIGNMENT_SUBMITTED = "assignment.submitted", "Assignment handed in.", [];
    ASSIGNMENT_GRADED = "assignment.graded", "Assignment graded.", [];
    GRADE_DELETED = "grade.deleted", "A grade was taken back.", [];
    SCORE_REPORTED = "score.reported", "Score of a content package.", [];
    FORUM_POSTED = "forum.posted", "Post in a discussion.", [];

    BADGE_AWARDED = "badge.awarded", "The platform gave a badge of its own.", [];
    BADGE_REVOKED = "badge.revoked", "It took the badge back.", [];
    CERTIFICATE_ISSUED = "certificate.issued", "The platform issued a certificate.", [];
    CERTIFICATE_REVOKED = "certificate.revoked", "It took the certificate back.", [];
    MILESTONE_REACHED = "milestone.reached", "The platform counted up to a milestone of its own.", [];
    REWARD_ISSUED = "reward.issued", "The platform paid a reward of its own.", [];
    REWARD_FAILED = "reward.failed", "It could not pay the reward.", [];
    REWARD_WITHDRAWN = "reward.withdrawn", "Learner took rewards out of the platform.", [];
    REFERRAL_CREATED = "referral.created", "Learner brought somebody new.", [];
    REFERRAL_CONVERTED = "referral.converted", "Who was brought completed something.", [];
    REFERRAL_REWARDED = "referral.rewarded", "The platform paid the learner for it.", [];

    ORDER_CREATED = "order.created", "Learner bought something.", [];
    PAYMENT_SUCCEEDED = "payment.succeeded", "A payment went through.", [];
    PAYMENT_FAILED = "payment.failed", "A payment did not go through.", [];
    PAYMENT_REFUNDED = "payment.refunded", "A payment was given back.", [];
    SUBSCRIPTION_STARTED = "subscription.started", "A subscription began, or was paid again.", [];
    SUBSCRIPTION_TRIAL_STARTED = "subscription.trial_started", "A subscription's trial began.", [];
    SUBSCRIPTION_UPDATED = "subscription.updated", "A subscription changed.", [];
    SUBSCRIPTION_CANCELLED = "subscription.cancelled", "A subscription was ended.",
        ["subscription.canceled"];
    SUBSCRIPTION_PAST_DUE = "subscription.past_due", "A subscription's payment is late.", [];
    SUBSCRIPTION_UNPAID = "subscription.unpaid", "A subscription will not be paid any more.", [];

    STATEMENT_VOIDED = "statement.voided", "A statement is to count as never made.", [];
}

/// The entry of a name, in its canonical spelling.
#[must_use]
pub fn entry(name: &str) -> Option<&'static EventName> {
    ALL.iter().find(|entry| entry.name == name)
}

/// The canonical spelling of a name.
#[must_use]
pub fn canonical(name: &str) -> &str {
    ALL.iter().find(|entry| entry.aliases.contains(&name)).map_or(name, |entry| entry.name)
}

/// Whether a text has the form `domain.action`: two or more parts of `a-z`, `0-9` and `_`.
#[must_use]
pub fn is_well_formed(name: &str) -> bool {
    name.len() <= 100
        && name.contains('.')
        && name.split('.').all(|part| {
            !part.is_empty()
                && part.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_a_domain_and_an_action() {
        for good in ["course.completed", "user.logged_in", "grade.quiz.completed"] {
            assert!(is_well_formed(good), "{good}");
        }
        for bad in ["", "course", "course.", ".completed", "Course.completed", "a b.c"] {
            assert!(!is_well_formed(bad), "{bad}");
        }
    }

    #[test]
    fn aliases_lead_to_the_canonical_spelling() {
        assert_eq!(canonical("program.completed"), PROGRAMME_COMPLETED);
        assert_eq!(canonical("course.completed"), COURSE_COMPLETED);
        for entry in ALL {
            for alias in entry.aliases {
                assert_eq!(canonical(alias), entry.name);
            }
        }
    }

    #[test]
    fn every_spelling_is_there_once_and_well_formed() {
        let spellings = || ALL.iter().flat_map(|entry| entry.aliases.iter().chain([&entry.name]));
        for spelling in spellings() {
            assert!(is_well_formed(spelling) && !spelling.starts_with(SYSTEM_PREFIX), "{spelling}");
            assert_eq!(spellings().filter(|other| *other == spelling).count(), 1, "{spelling}");
        }
        assert_eq!(entry("user.loggedin"), None);
        assert_eq!(entry(COURSE_COMPLETED).map(|entry| entry.name), Some(COURSE_COMPLETED));
    }
}
