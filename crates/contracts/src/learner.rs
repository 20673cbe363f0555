//! What makes two users one learner.

use std::str::FromStr;

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

/// Why a text is no identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there are \"user_id\", \"email\" and \"external_id:<system>\"")]
pub struct IdentityError;

impl FromStr for Identity {
    type Err = IdentityError;

    fn from_str(text: &str) -> Result<Self, IdentityError> {
        match text {
            "user_id" => Ok(Self::UserId),
            "email" => Ok(Self::Email),
            other => match other.strip_prefix("external_id:") {
                Some(system) if !system.is_empty() => Ok(Self::ExternalId(system.to_owned())),
                Some(_) | None => Err(IdentityError),
            },
        }
    }
}
