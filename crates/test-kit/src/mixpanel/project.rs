//! A project of the vendor: who may import, and how much.

/// A project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Project {
    /// Its number.
    pub id: String,
    /// Its token.
    pub token: String,
    /// User and secret of a service account that may import.
    pub account: (String, String),
    /// How much it takes.
    pub limits: Limits,
}

/// How much a project takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Events of one request.
    pub request_events: usize,
    /// Bytes of one request, uncompressed.
    pub request_bytes: usize,
    /// Bytes that one event must stay below.
    pub event_bytes: usize,
    /// Events of a minute.
    pub minute_events: usize,
    /// Bytes of a minute, uncompressed.
    pub minute_bytes: usize,
    /// Events of a learner and day that keep their name.
    pub hot_shard_events: usize,
}

impl Default for Limits {
    /// As documented; of the two sizes that the vendor gives for a request, the smaller.
    fn default() -> Self {
        Self {
            request_events: 2_000,
            request_bytes: 2_097_152,
            event_bytes: 1_000_000,
            minute_events: 30_000 * 60,
            minute_bytes: 2_000_000_000,
            hot_shard_events: 200_000,
        }
    }
}

impl Default for Project {
    fn default() -> Self {
        Self {
            id: "1234567".to_owned(),
            token: "simulated-project-token".to_owned(),
            account: (
                "kleos.simulated.mp-service-account".to_owned(),
                "simulated-secret".to_owned(),
            ),
            limits: Limits::default(),
        }
    }
}
