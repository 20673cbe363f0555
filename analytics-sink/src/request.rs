//! A request as it goes over the wire. Pure.

use std::io::{self, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use url::Url;

use crate::config::Destination;

/// What the body is.
pub(crate) const HEADERS: [(&str, &str); 2] =
    [("content-type", "application/x-ndjson"), ("content-encoding", "gzip")];

/// Where requests go.
pub(crate) fn endpoint(destination: &Destination) -> Url {
    let mut url = destination.url.clone();
    let path = format!("{}/import", url.path().trim_end_matches('/'));
    url.set_path(&path);
    url.set_query(Some("strict=1"));
    if let Some(project_id) = &destination.project_id {
        url.query_pairs_mut().append_pair("project_id", project_id);
    }
    url
}

/// The body: JSON lines repeat themselves so much that the fastest level is enough.
pub(crate) fn compress(lines: &[u8]) -> io::Result<Vec<u8>> {
    let body = Vec::with_capacity(lines.len() / 4);
    let mut encoder = GzEncoder::new(body, Compression::fast());
    encoder.write_all(lines)?;
    encoder.finish()
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use flate2::read::GzDecoder;
    use kleos_service_kit::config::Secret;

    use super::*;
    use crate::config::Credentials;

    #[test]
    fn the_endpoint_is_strict_and_names_the_project() {
        for (url, project_id, expected) in [
            (
                "https://api-eu.mixpanel.com",
                Some("12345"),
                "https://api-eu.mixpanel.com/import?strict=1&project_id=12345",
            ),
            ("http://127.0.0.1:9/", None, "http://127.0.0.1:9/import?strict=1"),
            ("http://proxy/a/b/", None, "http://proxy/a/b/import?strict=1"),
            ("http://proxy/a?b=c", Some("a&b"), "http://proxy/a/import?strict=1&project_id=a%26b"),
        ] {
            let destination = Destination {
                url: Url::parse(url).unwrap(),
                project_id: project_id.map(str::to_owned),
                credentials: Credentials::Token(Secret::new("t".to_owned())),
            };
            assert_eq!(endpoint(&destination).as_str(), expected);
        }
    }

    #[test]
    fn the_body_is_gzip_of_the_lines() {
        let lines = b"{\"event\":\"a\"}\n".repeat(1_000);
        let body = compress(&lines).unwrap();
        assert!(body.len() < lines.len() / 10);
        let mut read = Vec::new();
        GzDecoder::new(body.as_slice()).read_to_end(&mut read).unwrap();
        assert_eq!(read, lines);
    }
}
