//! What to do after an error.

/// Every error of the workspace answers which of these it is, and the shell acts on that alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// The same attempt can succeed later: wait and try again.
    Retriable,
    /// The record is at fault: set it aside and go on.
    Poison,
    /// The process is at fault: stop it and say why.
    Fatal,
}

impl Class {
    /// For metrics and records.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Retriable => "retriable",
            Self::Poison => "poison",
            Self::Fatal => "fatal",
        }
    }
}
