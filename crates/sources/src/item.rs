//! What a webhook comes to.

use kleos_contracts::event::LearningEvent;

/// What one item of a webhook came to. A webhook comes to at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// A canonical event.
    Event(Box<LearningEvent>),
    /// Understood, but of a type that has no mapping.
    Unmapped {
        /// The type as the platform wrote it.
        r#type: String,
        /// The item as JSON, without secrets.
        body: Vec<u8>,
        /// Place among the items of the webhook.
        index: i32,
    },
    /// Understood, and there is nothing to tell: see [`ignored`].
    Ignored {
        /// The type as the platform wrote it.
        r#type: String,
        /// A code of [`ignored`].
        why: &'static str,
        /// Place among the items of the webhook.
        index: i32,
    },
    /// Not fit to become an event.
    Rejected {
        /// A code of [`kleos_contracts::reason`].
        reason: &'static str,
        /// What was wrong, where, what was expected. Never holds a secret.
        message: String,
        /// Place among the items of the webhook.
        index: i32,
    },
}

impl Item {
    /// Place among the items of the webhook.
    #[must_use]
    pub fn index(&self) -> i32 {
        match self {
            Self::Event(event) => event.trace.index,
            Self::Unmapped { index, .. }
            | Self::Ignored { index, .. }
            | Self::Rejected { index, .. } => *index,
        }
    }
}

/// Values of [`Item::Ignored::why`](Item::Ignored).
pub mod ignored {
    /// The webhook plugin tells of its own work.
    pub const OWN_EVENT: &str = "own_event";
    /// The learner saved work without handing it in.
    pub const NOT_HANDED_IN: &str = "not_handed_in";
    /// Content, products or the site changed: it is about no learner.
    pub const NOT_ABOUT_A_LEARNER: &str = "not_about_a_learner";
    /// Somebody else did something with what the learner has.
    pub const NOT_BY_THE_LEARNER: &str = "not_by_the_learner";
    /// It tells of what is going to happen.
    pub const ANNOUNCEMENT: &str = "announcement";
    /// A test delivery that names no learner.
    pub const TEST: &str = "test";
}
