//! What a head shows of secrets: the places where credentials are looked for.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::HeaderMap;
use hyper::header::{AUTHORIZATION, HeaderName, HeaderValue};
use hyper::http::request::Parts;

use crate::error::Doubt;

const BEARER: &[u8] = b"bearer";
const BASIC: &[u8] = b"basic";

/// Where in a head a proof stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Carrier {
    /// `Authorization: Bearer`.
    Bearer,
    /// `Authorization: Basic`.
    Basic,
    /// A header, and what may stand before the proof in its value.
    Header(HeaderName, String),
    /// A parameter of the query, as it stands there.
    Query(String),
}

/// What a head has in a place.
pub(super) type Shown<'h> = Result<Cow<'h, [u8]>, Doubt>;

impl Carrier {
    /// What stands there.
    pub(super) fn look<'h>(&self, head: &'h Parts) -> Shown<'h> {
        let headers = &head.headers;
        match self {
            Self::Bearer => authorization(headers, BEARER).map(Cow::Borrowed),
            Self::Basic => {
                let encoded = authorization(headers, BASIC)?;
                STANDARD.decode(encoded).map(Cow::Owned).map_err(|_| Doubt::Malformed)
            }
            Self::Header(name, prefix) => {
                let value = only(headers, name)?.as_bytes().trim_ascii();
                let proof = value.strip_prefix(prefix.as_bytes()).unwrap_or(value);
                if proof.is_empty() { Err(Doubt::Malformed) } else { Ok(Cow::Borrowed(proof)) }
            }
            Self::Query(name) => {
                parameter(head.uri.query().unwrap_or_default(), name).map(Cow::Borrowed)
            }
        }
    }
}

/// The one line of a header. Of several nobody can tell which a proxy in between has looked at.
pub(super) fn only<'h>(
    headers: &'h HeaderMap,
    name: &HeaderName,
) -> Result<&'h HeaderValue, Doubt> {
    let mut lines = headers.get_all(name).iter();
    let line = lines.next().ok_or(Doubt::Missing)?;
    if lines.next().is_some() { Err(Doubt::Malformed) } else { Ok(line) }
}

/// The one value of a parameter.
fn parameter<'h>(query: &'h str, name: &str) -> Result<&'h [u8], Doubt> {
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let mut values = pairs.filter_map(|(found, value)| (found == name).then_some(value));
    let value = values.next().ok_or(Doubt::Missing)?;
    let is_one = values.next().is_none() && !value.is_empty();
    if is_one { Ok(value.as_bytes()) } else { Err(Doubt::Malformed) }
}

/// What follows the scheme in the one `Authorization` line.
fn authorization<'h>(headers: &'h HeaderMap, scheme: &[u8]) -> Result<&'h [u8], Doubt> {
    let line = only(headers, &AUTHORIZATION)?.as_bytes();
    let (found, rest) = line.split_at_checked(scheme.len()).ok_or(Doubt::Malformed)?;
    let proof = rest.trim_ascii();
    let is_of_scheme = found.eq_ignore_ascii_case(scheme) && rest.starts_with(b" ");
    if is_of_scheme && !proof.is_empty() { Ok(proof) } else { Err(Doubt::Malformed) }
}

/// Why nobody is known by what a head has in all these places: the worst that can be said.
pub(super) fn doubt(shown: &[Shown<'_>]) -> Doubt {
    let is_there =
        |doubt: Option<Doubt>| shown.iter().any(|one| one.as_ref().err() == doubt.as_ref());
    if is_there(None) {
        Doubt::Unknown
    } else if is_there(Some(Doubt::Malformed)) {
        Doubt::Malformed
    } else {
        Doubt::Missing
    }
}

#[cfg(test)]
mod tests {
    use hyper::Request;

    use super::*;

    fn look(carrier: &Carrier, lines: &[(&'static str, &[u8])]) -> Result<Vec<u8>, Doubt> {
        let mut head = Request::new(()).into_parts().0;
        for (name, value) in lines {
            let value = HeaderValue::from_bytes(value).unwrap();
            head.headers.append(HeaderName::from_static(name), value);
        }
        carrier.look(&head).map(Cow::into_owned)
    }

    #[test]
    fn a_parameter_of_the_query_is_taken_as_it_stands() {
        for (query, expected) in [
            ("?token=sesame", Ok("sesame")),
            ("?a=1&token=sesame=&b", Ok("sesame=")),
            ("?token=%73esame", Ok("%73esame")),
            ("?token=", Err(Doubt::Malformed)),
            ("?token=a&token=a", Err(Doubt::Malformed)),
            ("?token", Err(Doubt::Missing)),
            ("?Token=sesame", Err(Doubt::Missing)),
            ("?a=token=sesame", Err(Doubt::Missing)),
            ("", Err(Doubt::Missing)),
        ] {
            let request = Request::builder().uri(format!("/{query}")).body(()).unwrap();
            let head = request.into_parts().0;
            let found = Carrier::Query("token".to_owned()).look(&head).map(Cow::into_owned);
            assert_eq!(found, expected.map(|text| text.as_bytes().to_vec()), "{query}");
        }
    }

    #[test]
    fn a_bearer_token_is_what_follows_the_scheme() {
        for (lines, token) in [
            (&[&b"Bearer sesame"[..]][..], Ok(&b"sesame"[..])),
            (&[b"bearer sesame"], Ok(b"sesame")),
            (&[b"BEARER   sesame "], Ok(b"sesame")),
            (&[b"Bearer two words"], Ok(b"two words")),
            (&[b"Bearer \xfcml\xe4ut"], Ok(b"\xfcml\xe4ut")),
            (&[], Err(Doubt::Missing)),
            (&[b""], Err(Doubt::Malformed)),
            (&[b"Bearer"], Err(Doubt::Malformed)),
            (&[b"Bearer "], Err(Doubt::Malformed)),
            (&[b"Bearersesame"], Err(Doubt::Malformed)),
            (&[b"Bearer\tsesame"], Err(Doubt::Malformed)),
            (&[b"Basic sesame"], Err(Doubt::Malformed)),
            (&[b"sesame"], Err(Doubt::Malformed)),
            (&[b"Bearer sesame", b"Bearer sesame"], Err(Doubt::Malformed)),
        ] {
            let lines: Vec<(&str, &[u8])> =
                lines.iter().map(|line| ("authorization", *line)).collect();
            assert_eq!(look(&Carrier::Bearer, &lines), token.map(<[u8]>::to_vec), "{lines:?}");
        }
    }

    #[test]
    fn basic_is_a_name_and_a_password_in_base64() {
        for (line, expected) in [
            (&b"Basic bW9vZGxlOm9wZW46c2VzYW1l"[..], Ok(&b"moodle:open:sesame"[..])),
            (b"basic bW9vZGxlOg==", Ok(b"moodle:")),
            (b"Basic bW9vZGxlOg", Err(Doubt::Malformed)),
            (b"Basic moodle:sesame", Err(Doubt::Malformed)),
            (b"Bearer bW9vZGxlOg==", Err(Doubt::Malformed)),
        ] {
            let found = look(&Carrier::Basic, &[("authorization", line)]);
            assert_eq!(found, expected.map(<[u8]>::to_vec), "{}", line.escape_ascii());
        }
    }

    #[test]
    fn a_header_is_taken_with_or_without_its_prefix() {
        let carrier = Carrier::Header(HeaderName::from_static("x-signature"), "sha256=".to_owned());
        for (lines, expected) in [
            (&[&b"sha256=abc"[..]][..], Ok(&b"abc"[..])),
            (&[b" abc "], Ok(b"abc")),
            // Once is enough.
            (&[b"sha256=sha256=abc"], Ok(b"sha256=abc")),
            (&[b"sha256="], Err(Doubt::Malformed)),
            (&[b""], Err(Doubt::Malformed)),
            (&[b"abc", b"abc"], Err(Doubt::Malformed)),
            (&[], Err(Doubt::Missing)),
        ] {
            let lines: Vec<(&str, &[u8])> =
                lines.iter().map(|line| ("x-signature", *line)).collect();
            assert_eq!(look(&carrier, &lines), expected.map(<[u8]>::to_vec), "{lines:?}");
        }
    }

    #[test]
    fn the_worst_of_all_places_is_the_doubt() {
        let shown = || Ok(Cow::Borrowed(&b"sesame"[..]));
        let (missing, malformed) = (|| Err(Doubt::Missing), || Err(Doubt::Malformed));
        assert_eq!(doubt(&[]), Doubt::Missing);
        assert_eq!(doubt(&[missing(), missing()]), Doubt::Missing);
        assert_eq!(doubt(&[missing(), malformed()]), Doubt::Malformed);
        assert_eq!(doubt(&[malformed(), shown()]), Doubt::Unknown);
    }
}
