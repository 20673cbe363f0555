//! The Avro texts, as they lie under `schemas/`.

/// A record's schema in all its versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RecordSchema {
    /// [`crate::raw::RawWebhook`]
    RawWebhook,
    /// [`crate::event::LearningEvent`]
    LearningEvent,
    /// [`crate::award::Award`]
    Award,
    /// [`crate::decision::Decision`]
    Decision,
    /// [`crate::rule::RuleDefinition`]
    RuleDefinition,
    /// [`crate::dead_letter::UnmappedEvent`]
    UnmappedEvent,
    /// [`crate::dead_letter::DeadLetter`]
    DeadLetter,
    /// [`crate::state::ProcessorState`]
    ProcessorState,
    /// [`crate::state::DedupBatch`]
    DedupBatch,
    /// [`crate::state::PartitionOwner`]
    PartitionOwner,
}

macro_rules! texts {
    ($($record:ident => $folder:literal [$($version:literal),+];)+) => {
        impl RecordSchema {
            /// Every record.
            pub const ALL: &[Self] = &[$(Self::$record),+];

            /// The record's folder under `schemas/`.
            #[must_use]
            pub const fn folder(self) -> &'static str {
                match self { $(Self::$record => $folder),+ }
            }

            /// All versions of the text, oldest first.
            #[must_use]
            pub const fn versions(self) -> &'static [&'static str] {
                match self {
                    $(Self::$record => &[$(include_str!(
                        concat!("../../../schemas/", $folder, "/", $version, ".avsc")
                    )),+]),+
                }
            }
        }
    };
}

texts! {
    RawWebhook => "raw-webhook" ["v1"];
    LearningEvent => "learning-event" ["v1"];
    Award => "award" ["v1"];
    Decision => "decision" ["v1"];
    RuleDefinition => "rule-definition" ["v1"];
    UnmappedEvent => "unmapped-event" ["v1"];
    DeadLetter => "dead-letter" ["v1"];
    ProcessorState => "processor-state" ["v1"];
    DedupBatch => "dedup-batch" ["v1"];
    PartitionOwner => "partition-owner" ["v1"];
}

impl RecordSchema {
    /// The text that records are written with.
    #[must_use]
    pub fn current(self) -> &'static str {
        self.versions().last().copied().unwrap_or_default()
    }

    /// The record of a folder under `schemas/`.
    #[must_use]
    pub fn of_folder(folder: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|record| record.folder() == folder)
    }
}
