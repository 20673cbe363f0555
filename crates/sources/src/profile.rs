//! What a source instance is configured to.

use std::time::Duration;

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

/// What a learner's key is made of. All instances of a tenant are set alike: a key does not tell
/// which kind it is of.
///
/// | identity | key | equal if |
/// | --- | --- | --- |
/// | `UserId` | `instance/id` | the ids have the same characters; `a` and `A` are two learners |
/// | `Email` | the address, trimmed, in lower case | the addresses differ in case only |
/// | `ExternalId` | the id, trimmed | the ids have the same characters |
///
/// Lower case is Unicode's, of no particular language, for the part before the `@` as well: no
/// mail provider in use tells `Jane@` from `jane@`, but people type both. No other normalisation
/// is done, so the composed and the decomposed spelling of an accented letter are two addresses.
///
/// An event that lacks what its instance is set to has no learner and is refused. It never falls
/// back to another id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Identity {
    /// The platform's id, in the instance.
    #[default]
    UserId,
    /// The e-mail address, the same learner on every instance.
    Email,
    /// The id in another system, by the system's name in `user.external_ids`.
    ExternalId(String),
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
