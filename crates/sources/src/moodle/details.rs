//! What is particular to one kind of event, over channels A and B.

use kleos_contracts::event::Place;
use kleos_contracts::event_name as name;

use super::is_real;
use super::message::{Message, nested_path};
use super::table::Kind;
use crate::draft::Draft;
use crate::item::ignored;
use crate::read::{percent, text};
use crate::verdict::Verdict;

/// Adds what only this kind of event tells.
pub(super) fn add(message: &Message<'_>, kind: Kind, draft: &mut Draft) -> Result<(), Verdict> {
    match kind {
        Kind::LessonCompletion => lesson_completion(message, draft),
        Kind::SubmissionPart => submission_part(message, draft),
        Kind::ForumPost => {
            let thread_id = message.other_id("other_discussionid")?.filter(|id| is_real(id));
            draft.context.thread = thread_id.map(|id| Place { id, title: None });
            Ok(())
        }
        Kind::ForumDiscussion => {
            let thread_id = message.real_id("objectid")?;
            draft.context.thread = thread_id.map(|id| Place { id, title: None });
            Ok(())
        }
        // One badge can be given to one learner more than once.
        Kind::Badge => told_apart_by(message.other_id("other_badgeissuedid")?, draft),
        Kind::Certificate => {
            // The code is the only id that the statements of channel C have too.
            if let (Some(code), Some(object)) =
                (message.other_id("other_code")?, draft.object.as_mut())
            {
                object.id = Some(code);
            }
            Ok(())
        }
        Kind::Score => score(message, draft),
        Kind::CourseCompleted
        | Kind::Grade
        | Kind::QuizAttempt
        | Kind::Submission
        | Kind::AssignmentGrade
        | Kind::LoggedIn
        | Kind::LoggedInAs
        | Kind::Account
        | Kind::Enrolment => Ok(()),
    }
}

fn told_apart_by(what: Option<String>, draft: &mut Draft) -> Result<(), Verdict> {
    draft.discriminators.extend(what);
    Ok(())
}

/// Moodle's completion states: 0 none, 1 done, 2 passed, 3 failed, 4 failed and the grade hidden.
fn lesson_completion(message: &Message<'_>, draft: &mut Draft) -> Result<(), Verdict> {
    const FIELD: &str = "other_completionstate";
    const EXPECTED: &str = "a completion state, 0 to 4";
    let Some(state) = message.other_id(FIELD)? else {
        return Err(Verdict::missing(&nested_path(FIELD), EXPECTED));
    };
    draft.event = match state.as_str() {
        "0" => name::LESSON_UNCOMPLETED,
        "1" | "2" => name::LESSON_COMPLETED,
        "3" | "4" => name::LESSON_FAILED,
        _ => return Err(Verdict::invalid(&nested_path(FIELD), EXPECTED, &state.into())),
    }
    .into();
    let overrider = message.other_id("other_overrideby")?.filter(|id| is_real(id));
    draft.is_privileged |= overrider.is_some();
    draft.actor_id = draft.actor_id.take().or(overrider);
    told_apart_by(Some(state), draft)
}

/// A part of the work is saved with every draft; only the status tells whether it was handed in.
fn submission_part(message: &Message<'_>, draft: &mut Draft) -> Result<(), Verdict> {
    const FIELD: &str = "other_submissionstatus";
    let status = message.other_id(FIELD)?;
    match status.as_deref() {
        Some("submitted") => {}
        Some(_) => {
            let r#type = draft.lms_eventname.take().unwrap_or_default();
            return Err(Verdict::Ignored { r#type, why: ignored::NOT_HANDED_IN });
        }
        None => return Err(Verdict::missing(&nested_path(FIELD), "submitted or draft")),
    }
    // `objectid` is the part's row; the submission is what the hand-in's own event names too.
    let part_id = draft.object.as_mut().and_then(|object| object.id.take());
    if let Some(object) = draft.object.as_mut() {
        object.id = message.other_id("other_submissionid")?.filter(|id| is_real(id));
        object.attempt = message.other_id("other_submissionattempt")?;
    }
    told_apart_by(part_id, draft)
}

/// SCORM 1.2 reports scores from 0 to 100, SCORM 2004 on the package's own scale, which the event
/// does not tell.
fn score(message: &Message<'_>, draft: &mut Draft) -> Result<(), Verdict> {
    const ELEMENT_2004: &str = "cmi.score.raw";
    let element = message.other("other_cmielement")?.and_then(text::scalar);
    if element != Some(ELEMENT_2004) {
        let value = message.other("other_cmivalue")?;
        let percent = value.and_then(percent::percent);
        draft.metrics.score_pct = percent.map(kleos_contracts::decimal::Percent::clamped);
    }
    if let Some(object) = draft.object.as_mut() {
        object.attempt = message.other_id("other_attemptid")?;
    }
    Ok(())
}
