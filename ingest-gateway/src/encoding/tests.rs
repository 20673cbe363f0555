use std::io::Write;

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
use hyper::header::HeaderValue;

use super::*;

const TEXT: &str = r#"{"event":"lesson.completed","event_copy":"lesson.completed"}"#;
/// `TEXT`, as another program has encoded it.
const BROTLI: &str =
    "1b3b00688cd462cd19eed4222e5f7b9345a70f36e0c03d095e37ba391f1451ce4e0610ab1764f92b18";

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn zlib(text: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn deflate(text: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn zstd(text: &[u8]) -> Vec<u8> {
    zstd::encode_all(text, 3).unwrap()
}

/// Every encoding of the text, with the name that a sender gives it.
fn encoded() -> Vec<(&'static str, Vec<u8>)> {
    let text = TEXT.as_bytes();
    vec![
        ("gzip", gzip(text)),
        ("X-GZip", gzip(text)),
        ("deflate", zlib(text)),
        ("deflate", deflate(text)),
        ("zstd", zstd(text)),
        ("br", hex::decode(BROTLI).unwrap()),
        ("identity, gzip", gzip(text)),
        // A second part follows the first, as the format allows.
        ("gzip", [gzip(&text[..20]), gzip(&text[20..])].concat()),
        ("zstd", [zstd(&text[..20]), zstd(&text[20..])].concat()),
    ]
}

fn content(names: &[&str], body: &[u8], limit: u64) -> Result<Content, Refusal> {
    let mut headers = HeaderMap::new();
    for name in names {
        headers.append(CONTENT_ENCODING, HeaderValue::from_str(name).unwrap());
    }
    Content::of(&headers, body.to_vec(), limit)
}

#[test]
fn the_list_is_that_of_the_names() {
    assert_eq!(UNDONE_LIST, UNDONE.join(", "));
}

#[test]
fn every_encoding_is_undone() {
    for (name, body) in encoded() {
        let content = content(&[name], &body, 1_000).unwrap();
        assert_eq!(content.decoded(), Some(TEXT.as_bytes()), "{name}");
        assert_eq!((&content.received, &content.trouble), (&body, &None), "{name}");
        assert_eq!(content.into_bytes(), TEXT.as_bytes());
    }
}

#[test]
fn a_body_without_an_encoding_is_what_it_is() {
    for names in [&[][..], &["identity"], &[""], &["identity", " , "]] {
        let content = content(names, b"abc", 3).unwrap();
        assert_eq!((content.decoded(), &content.trouble), (None, &None));
        assert_eq!(content.into_bytes(), b"abc");
    }
    assert_eq!(content(&["gzip"], b"", 3).unwrap().decoded(), None);
}

#[test]
fn what_cannot_be_undone_stays_as_it_came_and_says_why() {
    for (name, body) in encoded().into_iter().take(6) {
        let malformed = |name| Some(Refusal::MalformedEncoding { name });
        for (what, bytes) in [
            ("cut", body[..body.len() - 1].to_vec()),
            ("with more behind it", [&body[..], b"x"].concat()),
            ("another text", TEXT.as_bytes().to_vec()),
        ] {
            let content = content(&[name], &bytes, 1_000).unwrap();
            let expected = if name == "X-GZip" { "gzip" } else { name };
            assert_eq!(content.trouble, malformed(expected), "{name}, {what}");
            assert_eq!((content.decoded(), &content.received), (None, &bytes));
        }
    }
    for names in [&["compress"][..], &["gzip, br"], &["gzip", "gzip"], &["gzip;q=1"]] {
        let content = content(names, b"abc", 1_000).unwrap();
        assert_eq!(content.trouble, Some(Refusal::UnsupportedEncoding), "{names:?}");
    }
}

#[test]
fn a_small_body_does_not_become_a_large_one() {
    let length = u64::try_from(TEXT.len()).unwrap();
    for (name, body) in encoded() {
        assert!(content(&[name], &body, length).is_ok(), "{name}");
        let refused = content(&[name], &body, length - 1).unwrap_err();
        assert_eq!(refused, Refusal::TooLarge { limit: length - 1 }, "{name}");
    }
    let zeros = vec![0; 100 << 20];
    for (name, bomb) in [("gzip", gzip(&zeros)), ("deflate", zlib(&zeros)), ("zstd", zstd(&zeros))]
    {
        assert!(bomb.len() < 200_000);
        let refused = content(&[name], &bomb, 1 << 20).unwrap_err();
        assert_eq!(refused.code(), "payload_too_large", "{name}");
    }
}

#[test]
fn a_body_does_not_become_many_times_as_long() {
    let limit = 4 << 20;
    // Above what is looked at, with so much noise that the ratio is on either side.
    let next = |number: &u64| Some(number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1));
    let body = |noise: usize, length: usize| {
        let bytes = std::iter::successors(Some(1_u64), next).map(|n| n.to_be_bytes()[0]);
        let mut body: Vec<u8> = bytes.take(noise).collect();
        body.resize(length, b' ');
        body
    };
    for (noise, length, is_taken) in [
        (0, 64 << 10, true),
        (0, (64 << 10) + 1, false),
        (6_000, 1 << 20, true),
        (100, 1 << 20, false),
    ] {
        let body = body(noise, length);
        for (name, encoded) in [("zstd", zstd(&body)), ("gzip", gzip(&body))] {
            let ratio = length / encoded.len();
            let found = content(&[name], &encoded, limit);
            assert_eq!(found.is_ok(), is_taken, "{name}: {length} is {ratio} times as long");
            if !is_taken {
                assert_eq!(found.unwrap_err(), Refusal::Inflated { ratio: 200 });
            }
        }
    }
}

#[test]
fn a_window_that_takes_much_memory_is_refused() {
    let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
    encoder.window_log(27).unwrap();
    encoder.include_contentsize(false).unwrap();
    encoder.write_all(TEXT.as_bytes()).unwrap();
    let body = encoder.finish().unwrap();
    let content = content(&["zstd"], &body, 1_000).unwrap();
    assert_eq!(content.trouble, Some(Refusal::MalformedEncoding { name: "zstd" }));
}
