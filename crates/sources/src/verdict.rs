//! Why an item of a body gave no event, before it is known which item it was.

use kleos_contracts::reason;
use serde_json::Value;

use crate::item::ignored;
use crate::read::text::shown;

/// What an item came to if not to an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Understood, but of a type that has no mapping.
    Unmapped {
        /// As the platform wrote it.
        r#type: String,
    },
    /// Understood, and nothing to tell.
    Ignored {
        /// As the platform wrote it.
        r#type: String,
        /// A code of [`crate::item::ignored`].
        why: &'static str,
    },
    /// Not fit to become an event.
    Rejected {
        /// A code of [`kleos_contracts::reason`].
        reason: &'static str,
        /// What was wrong, where, what was expected.
        message: String,
    },
}

impl Verdict {
    /// A refusal in own words.
    pub(crate) fn rejected(reason: &'static str, message: impl Into<String>) -> Self {
        Self::Rejected { reason, message: message.into() }
    }

    /// A field that the event needs says nothing.
    pub(crate) fn missing(path: &str, expected: &str) -> Self {
        Self::rejected(reason::MISSING_FIELD, format!("{path}: expected {expected}, found nothing"))
    }

    /// A field is of another type or form than expected.
    pub(crate) fn invalid(path: &str, expected: &str, found: &Value) -> Self {
        Self::rejected(
            reason::INVALID_FIELD,
            format!("{path}: expected {expected}, found {}", shown(found)),
        )
    }

    /// The body, or an item of it, is of a shape that the source does not send.
    pub(crate) fn unexpected_shape(expected: &str, found: impl std::fmt::Display) -> Self {
        Self::rejected(reason::UNEXPECTED_SHAPE, format!("expected {expected}, found {found}"))
    }

    /// The same of a part of the item: messages tell the whole path.
    pub(crate) fn inside(self, path: &str) -> Self {
        match self {
            Self::Rejected { reason, message } => {
                Self::Rejected { reason, message: format!("{path}{message}") }
            }
            Self::Unmapped { .. } | Self::Ignored { .. } => self,
        }
    }

    /// The same of a test delivery: that it has nothing in it that could be told is no fault.
    pub(crate) fn of_test(self, r#type: &str) -> Self {
        match self {
            Self::Unmapped { .. } | Self::Rejected { reason: reason::MISSING_LEARNER, .. } => {
                Self::Ignored { r#type: r#type.to_owned(), why: ignored::TEST }
            }
            Self::Rejected { .. } | Self::Ignored { .. } => self,
        }
    }

    /// The event does not say whose it is.
    pub(crate) fn missing_learner(message: impl Into<String>) -> Self {
        Self::rejected(reason::MISSING_LEARNER, message)
    }
}
