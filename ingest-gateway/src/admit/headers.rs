//! Header lines and the query as a record keeps them: without secrets.

use hyper::HeaderMap;
use hyper::header::{HeaderName, HeaderValue};
use kleos_contracts::raw::Header;

/// How the names of headers that carry secrets end.
const SECRET_ENDS: &[&str] =
    &["authorization", "cookie", "api-key", "apikey", "token", "secret", "password"];

/// What stands for a credential that was taken out.
const TAKEN_OUT: &str = "***";

/// Where the senders of an instance show secrets, besides `Authorization`. What stands there is a
/// secret also where another has proven the sender, and where it is good no more.
#[derive(Clone, Debug, Default)]
pub(super) struct Places {
    pub(super) headers: Vec<HeaderName>,
    pub(super) parameters: Vec<String>,
}

/// The lines in the order received, those of one name together, without those that carry secrets:
/// by their name, by their place, or because the credential itself is in them.
pub(super) fn kept(headers: &HeaderMap, places: &Places, credential: &[u8]) -> Vec<Header> {
    let is_kept = |name: &HeaderName| !is_secret(name) && !places.headers.contains(name);
    headers
        .iter()
        .filter(|(name, value)| is_kept(name) && !holds(value.as_bytes(), credential))
        .map(|(name, value)| Header { name: name.as_str().to_owned(), value: text(value) })
        .collect()
}

/// A value's bytes read as ISO 8859-1.
pub(super) fn text(value: &HeaderValue) -> String {
    match value.to_str() {
        Ok(ascii) => ascii.to_owned(),
        Err(_) => value.as_bytes().iter().copied().map(char::from).collect(),
    }
}

/// The query without what stands in the places of secrets, and without the credential.
pub(super) fn without(query: &str, places: &Places, credential: &[u8]) -> String {
    let is_hidden = |name: &str| places.parameters.iter().any(|hidden| hidden == name);
    let shown = |pair: &str| match pair.split_once('=') {
        Some((name, _)) if is_hidden(name) => format!("{name}={TAKEN_OUT}"),
        Some(_) | None => pair.to_owned(),
    };
    let query = if query.is_empty() || places.parameters.is_empty() {
        query.to_owned()
    } else {
        query.split('&').map(shown).collect::<Vec<_>>().join("&")
    };
    match std::str::from_utf8(credential) {
        Ok(credential) if !credential.is_empty() => query.replace(credential, TAKEN_OUT),
        Ok(_) | Err(_) => query,
    }
}

fn is_secret(name: &HeaderName) -> bool {
    SECRET_ENDS.iter().any(|end| name.as_str().ends_with(end))
}

fn holds(value: &[u8], credential: &[u8]) -> bool {
    !credential.is_empty() && value.windows(credential.len()).any(|part| part == credential)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CREDENTIAL: &[u8] = b"sesame-open";

    fn kept_of(lines: &[(&'static str, &[u8])]) -> Vec<(String, String)> {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            let value = HeaderValue::from_bytes(value).unwrap();
            headers.append(HeaderName::from_static(name), value);
        }
        let places =
            Places { headers: vec![HeaderName::from_static("x-site")], ..Places::default() };
        let kept = kept(&headers, &places, CREDENTIAL).into_iter();
        kept.map(|header| (header.name, header.value)).collect()
    }

    #[test]
    fn lines_stay_in_their_order_and_bytes_become_characters() {
        let lines: [(&str, &[u8]); 4] =
            [("z-last", b"1"), ("a-first", b"\xe4\xff"), ("x-event", b""), ("host", b"kleos")];
        let expected =
            [("z-last", "1"), ("a-first", "\u{e4}\u{ff}"), ("x-event", ""), ("host", "kleos")];
        assert_eq!(kept_of(&lines), expected.map(|(n, v)| (n.to_owned(), v.to_owned())));
    }

    #[test]
    fn lines_of_one_name_are_all_kept() {
        let lines: [(&str, &[u8]); 3] = [("via", b"1"), ("host", b"kleos"), ("via", b"2")];
        let expected = [("via", "1"), ("via", "2"), ("host", "kleos")];
        assert_eq!(kept_of(&lines), expected.map(|(n, v)| (n.to_owned(), v.to_owned())));
    }

    #[test]
    fn lines_that_carry_secrets_are_left_out() {
        for name in [
            "authorization",
            "proxy-authorization",
            "x-forwarded-authorization",
            "cookie",
            "set-cookie",
            "x-api-key",
            "apikey",
            "x-auth-token",
            "x-webhook-secret",
            "x-site",
        ] {
            assert_eq!(kept_of(&[(name, b"anything")]), [], "{name}");
        }
        let holding: [&[u8]; 3] = [CREDENTIAL, b"Bearer sesame-open", b"a=sesame-open;b=1"];
        for value in holding {
            assert_eq!(kept_of(&[("x-original", value)]), []);
        }
        assert_eq!(kept_of(&[("x-original", b"sesame-ope")]).len(), 1);
        assert_eq!(kept_of(&[("idempotency-key", b"7")]).len(), 1);
    }

    #[test]
    fn credentials_are_taken_out_of_the_query() {
        let places = Places { parameters: vec!["key".to_owned()], ..Places::default() };
        for (query, credential, expected) in [
            ("a=1&token=sesame-open&b=2", CREDENTIAL, "a=1&token=***&b=2"),
            ("key=old&a&token=sesame-open", CREDENTIAL, "key=***&a&token=***"),
            ("key=old&key=%6fld&keys=1&a=key=2", b"", "key=***&key=***&keys=1&a=key=2"),
            ("a=%20&&", CREDENTIAL, "a=%20&&"),
            ("a=1", b"\xff", "a=1"),
            ("", b"", ""),
        ] {
            assert_eq!(without(query, &places, credential), expected);
        }
    }
}
