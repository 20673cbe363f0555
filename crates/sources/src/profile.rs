//! What a source instance is configured to.

use std::time::Duration;

use kleos_contracts::learner::Identity;
use kleos_contracts::time::Timestamp;

/// Settings of one source instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstanceProfile {
    /// What the learner's key is made of.
    pub identity: Identity,
    /// How long after its arrival an event may claim to have occurred.
    pub max_future: Duration,
    /// Before that, no event can have occurred.
    pub oldest: Timestamp,
}

/// 2005-01-01T00:00:00Z, before which no platform of today sent events.
const YEAR_2005: Timestamp = Timestamp::from_micros(1_104_537_600_000_000);

impl Default for InstanceProfile {
    fn default() -> Self {
        Self {
            identity: Identity::default(),
            max_future: Duration::from_secs(300),
            oldest: YEAR_2005,
        }
    }
}
