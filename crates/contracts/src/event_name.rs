//! Names of canonical events, `domain.action`, and their aliases.

/// Prefix of system events, which no sender can produce.
pub const SYSTEM_PREFIX: &str = "kleos.";
/// From the next record of the partition on, another rule set holds.
pub const RULES_ACTIVATED: &str = "kleos.rules_activated";

/// Course completion milestone.
pub const COURSE_COMPLETED: &str = "course.completed";
/// A programme of several courses was completed.
pub const PROGRAMME_COMPLETED: &str = "programme.completed";
/// Lesson or activity completed.
pub const LESSON_COMPLETED: &str = "lesson.completed";
/// A completion was taken back.
pub const LESSON_UNCOMPLETED: &str = "lesson.uncompleted";
/// A lesson was completed without passing.
pub const LESSON_FAILED: &str = "lesson.failed";
/// Section or module mastered.
pub const SECTION_MASTERED: &str = "section.mastered";
/// Quiz attempt handed in.
pub const QUIZ_COMPLETED: &str = "quiz.completed";
/// Quiz graded.
pub const QUIZ_GRADED: &str = "quiz.graded";
/// One question of a quiz answered.
pub const QUESTION_ANSWERED: &str = "question.answered";
/// Assignment handed in.
pub const ASSIGNMENT_SUBMITTED: &str = "assignment.submitted";
/// Assignment graded.
pub const ASSIGNMENT_GRADED: &str = "assignment.graded";
/// Post in a discussion.
pub const FORUM_POSTED: &str = "forum.posted";
/// Sign-in.
pub const USER_LOGGED_IN: &str = "user.logged_in";
/// Somebody with the right to do so took the learner's place.
pub const USER_LOGGED_IN_AS: &str = "user.logged_in_as";
/// Account created.
pub const USER_CREATED: &str = "user.created";
/// Learner enrolled in a course.
pub const ENROLLMENT_CREATED: &str = "enrollment.created";
/// Enrolment taken back.
pub const ENROLLMENT_DELETED: &str = "enrollment.deleted";
/// The platform gave a badge of its own.
pub const BADGE_AWARDED: &str = "badge.awarded";
/// It took the badge back.
pub const BADGE_REVOKED: &str = "badge.revoked";
/// The platform issued a certificate.
pub const CERTIFICATE_ISSUED: &str = "certificate.issued";
/// It took the certificate back.
pub const CERTIFICATE_REVOKED: &str = "certificate.revoked";
/// Score of a content package.
pub const SCORE_REPORTED: &str = "score.reported";

/// Other spellings that senders and rules may use.
const ALIASES: [(&str, &str); 3] = [
    ("program.completed", PROGRAMME_COMPLETED),
    ("enrolment.created", ENROLLMENT_CREATED),
    ("user.loggedin", USER_LOGGED_IN),
];

/// The canonical spelling of a name.
#[must_use]
pub fn canonical(name: &str) -> &str {
    ALIASES.iter().find(|(alias, _)| *alias == name).map_or(name, |(_, canonical)| canonical)
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
    }
}
