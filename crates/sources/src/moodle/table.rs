//! A registry, one entry an event: which of Moodle's events are mapped, and to what.

use kleos_contracts::event_name as name;

/// One of Moodle's events.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    /// Moodle's name without the leading `\`.
    pub(super) name: &'static str,
    /// The canonical name. A completion's state decides on another one.
    pub(super) canonical: &'static str,
    pub(super) kind: Kind,
}

/// What is particular to an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    CourseCompleted,
    LessonCompletion,
    Grade,
    QuizAttempt,
    /// One part of the work, a file or a text, was saved.
    SubmissionPart,
    /// The work was handed in.
    Submission,
    AssignmentGrade,
    ForumPost,
    ForumDiscussion,
    LoggedIn,
    LoggedInAs,
    Account,
    Enrolment,
    Badge,
    Certificate,
    Score,
}

/// Where the learner stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whose {
    /// In `relateduserid`.
    Related,
    /// In `userid`.
    Actor,
    /// In `userid`, unless there is a `relateduserid` on whose behalf it was done.
    ActorOrBehalf,
}

impl Kind {
    pub(super) const fn whose(self) -> Whose {
        match self {
            Self::CourseCompleted
            | Self::LessonCompletion
            | Self::Grade
            | Self::QuizAttempt
            | Self::AssignmentGrade
            | Self::LoggedInAs
            | Self::Account
            | Self::Enrolment
            | Self::Badge
            | Self::Certificate => Whose::Related,
            Self::ForumPost | Self::ForumDiscussion | Self::LoggedIn | Self::Score => Whose::Actor,
            Self::SubmissionPart | Self::Submission => Whose::ActorOrBehalf,
        }
    }

    /// What `objectid` is the id of, where that is not a place of the context.
    pub(super) const fn object_type(self) -> Option<&'static str> {
        match self {
            Self::CourseCompleted => Some("course_completion"),
            Self::LessonCompletion => Some("lesson_completion"),
            Self::Grade => Some("grade"),
            Self::QuizAttempt => Some("quiz_attempt"),
            Self::SubmissionPart | Self::Submission => Some("assignment_submission"),
            Self::AssignmentGrade => Some("assignment_grade"),
            Self::ForumPost => Some("forum_post"),
            Self::ForumDiscussion => Some("forum_discussion"),
            Self::Enrolment => Some("enrolment"),
            Self::Badge => Some("badge"),
            Self::Certificate => Some("certificate"),
            Self::Score => Some("content_package"),
            Self::LoggedIn | Self::LoggedInAs | Self::Account => None,
        }
    }

    /// Whether it happens in an activity, so that `contextinstanceid` is the activity's id.
    pub(super) const fn is_in_activity(self) -> bool {
        match self {
            Self::LessonCompletion
            | Self::QuizAttempt
            | Self::SubmissionPart
            | Self::Submission
            | Self::AssignmentGrade
            | Self::ForumPost
            | Self::ForumDiscussion
            | Self::Score => true,
            Self::CourseCompleted
            | Self::Grade
            | Self::LoggedIn
            | Self::LoggedInAs
            | Self::Account
            | Self::Enrolment
            | Self::Badge
            | Self::Certificate => false,
        }
    }

    /// Whether the learner learns by it. Moodle gives such events the level "participating".
    pub(super) const fn is_act_of_learning(self) -> bool {
        matches!(self, Self::CourseCompleted)
            || (self.is_in_activity() && !matches!(self, Self::AssignmentGrade))
    }
}

/// The entry of a name without the leading `\`.
pub(super) fn entry(name: &str) -> Option<&'static Entry> {
    ENTRIES.iter().find(|entry| entry.name == name)
}

const fn row(name: &'static str, canonical: &'static str, kind: Kind) -> Entry {
    Entry { name, canonical, kind }
}

const ENTRIES: &[Entry] = &[
    row("core\\event\\course_completed", name::COURSE_COMPLETED, Kind::CourseCompleted),
    row(
        "core\\event\\course_module_completion_updated",
        name::LESSON_COMPLETED,
        Kind::LessonCompletion,
    ),
    row("core\\event\\user_graded", name::QUIZ_GRADED, Kind::Grade),
    row("mod_quiz\\event\\attempt_submitted", name::QUIZ_COMPLETED, Kind::QuizAttempt),
    row(
        "assignsubmission_file\\event\\submission_created",
        name::ASSIGNMENT_SUBMITTED,
        Kind::SubmissionPart,
    ),
    row(
        "assignsubmission_onlinetext\\event\\submission_created",
        name::ASSIGNMENT_SUBMITTED,
        Kind::SubmissionPart,
    ),
    row("mod_assign\\event\\assessable_submitted", name::ASSIGNMENT_SUBMITTED, Kind::Submission),
    row("mod_assign\\event\\submission_graded", name::ASSIGNMENT_GRADED, Kind::AssignmentGrade),
    row("mod_forum\\event\\post_created", name::FORUM_POSTED, Kind::ForumPost),
    row("mod_forum\\event\\discussion_created", name::FORUM_POSTED, Kind::ForumDiscussion),
    // Open LMS's own forum, with the fields of Moodle's.
    row("mod_hsuforum\\event\\post_created", name::FORUM_POSTED, Kind::ForumPost),
    row("mod_hsuforum\\event\\discussion_created", name::FORUM_POSTED, Kind::ForumDiscussion),
    row("core\\event\\user_loggedin", name::USER_LOGGED_IN, Kind::LoggedIn),
    row("core\\event\\user_loggedinas", name::USER_LOGGED_IN_AS, Kind::LoggedInAs),
    row("core\\event\\user_created", name::USER_CREATED, Kind::Account),
    row("core\\event\\user_enrolment_created", name::ENROLLMENT_CREATED, Kind::Enrolment),
    row("core\\event\\user_enrolment_deleted", name::ENROLLMENT_DELETED, Kind::Enrolment),
    row("core\\event\\badge_awarded", name::BADGE_AWARDED, Kind::Badge),
    row("core\\event\\badge_revoked", name::BADGE_REVOKED, Kind::Badge),
    row("tool_certificate\\event\\certificate_issued", name::CERTIFICATE_ISSUED, Kind::Certificate),
    row(
        "tool_certificate\\event\\certificate_revoked",
        name::CERTIFICATE_REVOKED,
        Kind::Certificate,
    ),
    row("mod_scorm\\event\\scoreraw_submitted", name::SCORE_REPORTED, Kind::Score),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_there_once_and_leads_to_a_well_formed_one() {
        for wanted in ENTRIES {
            assert_eq!(entry(wanted.name).unwrap().kind, wanted.kind);
            assert_eq!(ENTRIES.iter().filter(|other| other.name == wanted.name).count(), 1);
            assert!(name::is_well_formed(wanted.canonical));
        }
        assert!(entry("core\\event\\user_loggedout").is_none());
    }
}
