//! Who a learner is in the tenant. The rules are told at [`Identity`].

use kleos_contracts::learner::Identity;

use crate::draft::Learner;
use crate::read::text;
use crate::verdict::Verdict;

/// No address is longer: 64 before the `@`, 255 after it.
const MAX_ADDRESS_BYTES: usize = 320;

/// The learner's key.
pub(crate) fn key(
    learner: &Learner,
    instance: &str,
    identity: &Identity,
) -> Result<String, Verdict> {
    match identity {
        Identity::UserId => match &learner.id {
            Some(id) => {
                let mut key = String::with_capacity(instance.len() + 1 + id.len());
                key.push_str(instance);
                key.push('/');
                key.push_str(id);
                Ok(key)
            }
            None => Err(Verdict::missing_learner(
                "user.id: expected the learner's id on the platform, found nothing",
            )),
        },
        Identity::Email => learner.email.as_deref().and_then(address).ok_or_else(|| {
            Verdict::missing_learner(
                "user.email: expected an e-mail address, which is what this instance identifies \
                 learners by; found none that is the learner's",
            )
        }),
        Identity::ExternalId(system) => {
            let id = learner.external_ids.get(system).and_then(|id| text::meant(id));
            id.map(str::to_owned).ok_or_else(|| {
                Verdict::missing_learner(format!(
                    "user.external_ids.{system}: expected the id that this instance identifies \
                     learners by, found nothing"
                ))
            })
        }
    }
}

/// The address in the one form that keys have; none if the text is no address.
fn address(text: &str) -> Option<String> {
    let text = text.trim();
    let (local, domain) = text.rsplit_once('@')?;
    let is_plain = |part: &str| {
        !part.is_empty() && !part.contains(|c: char| c.is_whitespace() || c.is_control())
    };
    (text.len() <= MAX_ADDRESS_BYTES && is_plain(local) && is_plain(domain))
        .then(|| text.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn learner() -> Learner {
        Learner {
            id: Some("8774".to_owned()),
            email: Some(" Jané@Example.EDU ".to_owned()),
            external_ids: [("sis".to_owned(), "S-17".to_owned())].into(),
        }
    }

    fn by(identity: &Identity, learner: &Learner) -> Option<String> {
        key(learner, "campus-a", identity).ok()
    }

    #[test]
    fn the_key_is_what_the_instance_is_set_to() {
        let sis = Identity::ExternalId("sis".to_owned());
        assert_eq!(by(&Identity::UserId, &learner()).as_deref(), Some("campus-a/8774"));
        assert_eq!(by(&Identity::Email, &learner()).as_deref(), Some("jané@example.edu"));
        assert_eq!(by(&sis, &learner()).as_deref(), Some("S-17"));
    }

    #[test]
    fn a_missing_identity_never_falls_back_to_another() {
        let only_id = Learner { id: Some("8774".to_owned()), ..Learner::default() };
        assert_eq!(by(&Identity::Email, &only_id), None);
        assert_eq!(by(&Identity::ExternalId("sis".to_owned()), &learner_without_sis()), None);
        assert_eq!(by(&Identity::UserId, &Learner { id: None, ..learner() }), None);
    }

    fn learner_without_sis() -> Learner {
        Learner { external_ids: [("hr".to_owned(), "9".to_owned())].into(), ..learner() }
    }

    #[test]
    fn only_addresses_are_addresses() {
        for wrong in ["", "jane", "@example.edu", "jane@", "ja ne@example.edu", "a@b\u{7}"] {
            assert_eq!(address(wrong), None, "{wrong:?}");
        }
        assert_eq!(address(&format!("{}@x", "a".repeat(320))), None);
    }
}
