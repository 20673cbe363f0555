//! Keeping the secrets of a body out of what is written on.

use serde_json::Value;

/// Names of fields that hold secrets, in lower case and without `-` and `_`.
const NAMES: &[&str] = &[
    "accesstoken",
    "apikey",
    "apisecret",
    "authorization",
    "authtoken",
    "bearer",
    "clientsecret",
    "credential",
    "credentials",
    "hmac",
    "jwt",
    "password",
    "passwd",
    "privatekey",
    "privatetoken",
    "refreshtoken",
    "secret",
    "secretkey",
    "sesskey",
    "sessionid",
    "signature",
    "token",
    "webhooksecret",
    "wstoken",
];

/// The value without the fields that hold secrets, at any depth.
pub(crate) fn removed(value: &Value) -> Value {
    match value {
        Value::Object(fields) => fields
            .iter()
            .filter(|(name, _)| !is_secret(name))
            .map(|(name, value)| (name.clone(), removed(value)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        Value::Array(items) => items.iter().map(removed).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

fn is_secret(name: &str) -> bool {
    let plain: String = name
        .chars()
        .filter(|character| !matches!(character, '-' | '_'))
        .map(|character| character.to_ascii_lowercase())
        .collect();
    NAMES.contains(&plain.as_str())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn secrets_go_at_any_depth_and_the_rest_stays() {
        let body = json!({
            "token": "hush", "host": "lms", "extra": [{"Access_Token": "hush", "n": 1}],
            "data": {"client-secret": {"deep": "hush"}, "tokens": 3}
        });
        let expected = json!({"host": "lms", "extra": [{"n": 1}], "data": {"tokens": 3}});
        assert_eq!(removed(&body), expected);
    }
}
