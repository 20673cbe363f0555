//! Why a record does not reach the vendor: its own fault for good, or trouble for a while.

use kleos_contracts::class::Class;
use kleos_contracts::reason;
use kleos_contracts::time::Timestamp;
use kleos_event_log::StageError;

/// The record's own fault: it becomes a dead letter.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    /// The bytes are not a record of the topic.
    #[error("not a record of its topic: {0}")]
    Undecodable(String),
    /// The record has no value.
    #[error("a record without a value")]
    Tombstone,
    /// The vendor takes no events of such a learner.
    #[error("distinct_id {0:?}: expected an id of at most 255 characters that is no placeholder")]
    DistinctId(String),
    /// The vendor takes no times before 1971.
    #[error("occurred_at {0}: expected a time from 1971 on")]
    TimeTooOld(Timestamp),
    /// A field that the row cannot do without is not as it must be.
    #[error("{field}: expected {expected}")]
    Field {
        /// The field.
        field: &'static str,
        /// What should stand there.
        expected: &'static str,
    },
    /// The vendor named the event and the field.
    #[error("the vendor refused {field}: {message}")]
    Rejected {
        /// The vendor's name of the field.
        field: String,
        /// The vendor's words.
        message: String,
    },
    /// The vendor refused the event when it came alone, and took others.
    #[error("the vendor refused the event alone without naming it: {0}")]
    Unnamed(String),
}

impl Refusal {
    /// The code that the dead letter carries.
    pub(crate) const fn reason(&self) -> &'static str {
        match self {
            Self::Undecodable(_) | Self::Tombstone => reason::UNDECODABLE,
            Self::DistinctId(_) => reason::FORBIDDEN_DISTINCT_ID,
            Self::TimeTooOld(_) => reason::TIME_TOO_OLD,
            Self::Field { .. } => reason::INVALID_FIELD,
            Self::Rejected { .. } | Self::Unnamed(_) => reason::REJECTED_BY_SINK,
        }
    }

    /// All of them stay as they are, however often the record is tried.
    pub(crate) const fn class(&self) -> Class {
        Class::Poison
    }
}

/// No record's fault: all of them wait.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind}: {message}")]
pub(crate) struct Trouble {
    /// Whose affair it is.
    pub(crate) kind: TroubleKind,
    /// What came back.
    pub(crate) message: String,
    /// The vendor's header of this name.
    pub(crate) retry_after: Option<String>,
}

/// Whose affair a trouble is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TroubleKind {
    /// The operator's.
    #[error("Mixpanel refuses the credentials: correct them in [sink]")]
    Denied,
    /// Time's.
    #[error("Mixpanel asks for a pause")]
    RateLimited,
    /// The network's or the vendor's.
    #[error("Mixpanel does not answer as it should")]
    Unavailable,
    /// The operator's: what answers there is not the vendor's import.
    #[error("this is not Mixpanel's import: correct url or region in [sink]")]
    Misdirected,
    /// The operator's: nothing gets through, and no record is to blame.
    #[error("Mixpanel refuses every event and names none")]
    Unexplained,
}

impl Trouble {
    /// Without a header.
    pub(crate) fn new(kind: TroubleKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), retry_after: None }
    }
}

impl From<Trouble> for StageError {
    /// The same attempt can succeed later.
    fn from(trouble: Trouble) -> Self {
        Self::retriable(trouble.to_string())
    }
}
