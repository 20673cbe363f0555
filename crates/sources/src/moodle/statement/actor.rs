//! The people of a statement.

use serde_json::Value;

use super::super::is_real;
use crate::draft::Learner;
use crate::read::{id, text};

/// The person that an actor stands for; none for groups, for the system, and where nothing tells.
///
/// By account, which the plugin makes of Moodle's user id, or of the user name if it is set to;
/// otherwise by the address, its hash, or an `OpenID`. Only the user id is what channels A and B
/// send: where the plugin is set to send anything else, the instance's identity must be the address
/// for the channels to tell of the same learners.
pub(super) fn person(actor: &Value) -> Option<Learner> {
    if field(actor, "objectType").and_then(text::scalar) == Some("Group") {
        return None;
    }
    let email = field(actor, "mbox").and_then(text::scalar).map(address);
    let account = field(actor, "account").and_then(|account| field(account, "name"));
    let id = [account, field(actor, "mbox_sha1sum"), field(actor, "openid")]
        .into_iter()
        .flatten()
        .find_map(|value| id::id(value).ok().flatten())
        .or_else(|| email.clone())
        .filter(|id| is_real(id))?;
    Some(Learner { id: Some(id), email, ..Learner::default() })
}

/// A field's value. Old senders wrap each value into a list of one.
fn field<'a>(fields: &'a Value, name: &str) -> Option<&'a Value> {
    let unwrapped = |value: &'a Value| match value {
        Value::Array(items) => items.first(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => {
            Some(value)
        }
    };
    unwrapped(unwrapped(fields)?.get(name)?)
}

/// The address without `mailto:`, its domain in lower case.
fn address(mbox: &str) -> String {
    let address = match mbox.split_at_checked(7) {
        Some((scheme, address)) if scheme.eq_ignore_ascii_case("mailto:") => address,
        _ => mbox,
    };
    match address.rsplit_once('@') {
        Some((local, domain)) => format!("{local}@{}", domain.to_lowercase()),
        None => address.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(actor: &Value, expected: Option<(&str, Option<&str>)>) {
        let person = person(actor);
        let found = person
            .as_ref()
            .map(|person| (person.id.as_deref().unwrap_or_default(), person.email.as_deref()));
        assert_eq!(found, expected, "{actor}");
    }

    #[test]
    fn an_actor_is_a_person_by_one_of_four_forms() {
        let account = json!({"homePage": "https://lms.example.edu", "name": "8774"});
        check(&json!({"account": account, "name": "Jane"}), Some(("8774", None)));
        check(
            &json!({"mbox": "mailto:Jane@Example.EDU"}),
            Some(("Jane@example.edu", Some("Jane@example.edu"))),
        );
        check(&json!({"mbox_sha1sum": "ab12"}), Some(("ab12", None)));
        check(
            &json!({"openid": "https://jane.example.edu"}),
            Some(("https://jane.example.edu", None)),
        );
        check(
            &json!({"name": ["Jane"], "mbox": ["mailto:jane@example.edu"]}),
            Some(("jane@example.edu", Some("jane@example.edu"))),
        );
        check(&json!({"account": [{"name": ["8774"]}]}), Some(("8774", None)));
    }

    #[test]
    fn groups_the_system_and_nobody_are_no_persons() {
        check(&json!({"objectType": "Group", "account": {"name": "8774"}}), None);
        for nobody in ["0", "-1", ""] {
            check(&json!({"account": {"name": nobody}}), None);
        }
        for nothing in [json!("System"), json!(null), json!({}), json!([]), json!({"mbox": 5})] {
            assert!(person(&nothing).is_none_or(|person| person.id.as_deref() == Some("5")));
        }
    }
}
