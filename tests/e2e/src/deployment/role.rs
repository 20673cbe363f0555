//! What a process of a deployment does.

/// What a process does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Everything, on the embedded log.
    Up,
    /// One service on the cluster.
    Gateway,
    /// One service on the cluster.
    Normalizer,
    /// One service on the cluster.
    Rules,
    /// One service on the cluster.
    Sink,
}

impl Role {
    pub(super) const fn command(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Gateway => "gateway",
            Self::Normalizer => "normalizer",
            Self::Rules => "rules",
            Self::Sink => "sink",
        }
    }

    /// The name under which it reads a topic; none if it reads several or nothing.
    pub(crate) const fn reader(self) -> Option<&'static str> {
        match self {
            Self::Up | Self::Gateway => None,
            Self::Normalizer => Some("normalizer"),
            Self::Rules => Some("rules-processor"),
            Self::Sink => Some("analytics-sink"),
        }
    }
}
