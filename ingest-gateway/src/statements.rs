//! What a client of xAPI is answered: the ids of the statements that it sent.
//!
//! Only the ids are read, and nothing is refused for what else the body is: what comes of it is
//! decided downstream.

use std::collections::BTreeMap;

use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

/// A statement, unread.
type Statement<'b> = BTreeMap<String, &'b RawValue>;

/// The ids of a delivery's statements, in their order; a statement without one is given one, the
/// same whenever the delivery is asked for. None for what are no statements.
pub(crate) fn ids(delivery_id: &str, body: &[u8]) -> Vec<String> {
    let is_list = body.trim_ascii_start().starts_with(b"[");
    let statements: Vec<Statement<'_>> = if is_list {
        serde_json::from_slice(body).unwrap_or_default()
    } else {
        serde_json::from_slice(body).into_iter().collect()
    };
    let id = |(index, statement): (u64, Statement<'_>)| {
        let own = statement.get("id").and_then(|id| serde_json::from_str(id.get()).ok());
        own.unwrap_or_else(|| given(delivery_id, index))
    };
    (0..).zip(statements).map(id).collect()
}

fn given(delivery_id: &str, index: u64) -> String {
    let hash = Sha256::new().chain_update(delivery_id).chain_update(index.to_be_bytes());
    let whole: [u8; 32] = hash.finalize().into();
    let half = std::array::from_fn(|index| whole[index]);
    uuid::Builder::from_custom_bytes(half).into_uuid().to_string()
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn every_statement_has_an_id_its_own_or_one_that_it_is_given() {
        let first = given("delivery", 0);
        assert_eq!(first.parse::<Uuid>().unwrap().get_version_num(), 8);
        assert_ne!(first, given("delivery", 1));
        assert_ne!(first, given("other", 0));
        for (body, expected) in [
            (r#"{"id":"a","actor":{}}"#, vec!["a".to_owned()]),
            (r#"[{"id":"a"},{"id":"b"}]"#, vec!["a".to_owned(), "b".to_owned()]),
            (r#"{"actor":{}}"#, vec![first.clone()]),
            (r#"{"id":7}"#, vec![first.clone()]),
            (r#"[{"id":"a"},{}]"#, vec!["a".to_owned(), given("delivery", 1)]),
            ("[]", vec![]),
            ("[1]", vec![]),
            (r#"[["a"]]"#, vec![]),
            (r#" [{"id":"a"}]"#, vec!["a".to_owned()]),
            ("{", vec![]),
            ("", vec![]),
        ] {
            assert_eq!(ids("delivery", body.as_bytes()), expected, "{body}");
        }
    }
}
