//! How the table's rows are written.
//!
//! Characters up to U+00FF stand for bytes. `$ID` is a number that no other row has, so that each
//! body is the only one of its kind; it has three digits, so that lengths can be counted. `$HEAD` is
//! the beginning of a good request up to its length.

use std::net::Ipv4Addr;
use std::time::Duration;

use super::{Case, Step};

/// Where most cases send.
pub(super) const MOODLE: &str = "/api/public/hook/moodle/event";
pub(super) const CUSTOM: &str = "/api/public/hook/custom/event";
pub(super) const TOKEN: &str = "token-of-the-campus";
pub(super) const PORTAL_TOKEN: &str = "token-of-the-portal";

/// A name, and what is done.
pub(super) struct Row(pub(super) &'static str, pub(super) &'static [Do]);

/// A step, as a table can have it.
#[derive(Clone, Copy)]
pub(super) enum Do {
    Send(&'static str),
    Drip(&'static str, u64),
    Flood(&'static str),
    Finish,
    Crowd(usize),
    Stored(&'static str),
    Left(&'static str),
    Refused(u16, &'static str),
    Bare(u16),
    GoOn,
    Closed,
    Ended,
}

/// The cases of rows; their numbers begin with `first`.
pub(super) fn cases(group: &'static str, first: u32, rows: &[Row]) -> Vec<Case> {
    let numbered = (first..).zip(rows);
    numbered
        .map(|(id, Row(name, steps))| {
            let steps = steps.iter().map(|step| step.filled(id)).collect();
            case(group, name, steps)
        })
        .collect()
}

/// A case from this machine.
pub(super) fn case(group: &'static str, name: &str, steps: Vec<Step>) -> Case {
    Case { name: name.to_owned(), group, from: Ipv4Addr::LOCALHOST, steps }
}

impl Do {
    fn filled(self, id: u32) -> Step {
        match self {
            Self::Send(text) => Step::Send(bytes(text, id)),
            Self::Drip(text, millis) => Step::Drip(bytes(text, id), Duration::from_millis(millis)),
            Self::Flood(text) => Step::Flood(bytes(text, id)),
            Self::Finish => Step::Finish,
            Self::Crowd(count) => Step::Crowd(count),
            Self::Stored(text) => Step::Stored(bytes(text, id)),
            Self::Left(text) => Step::Left(bytes(text, id)),
            Self::Refused(status, error) => Step::Refused(status, error),
            Self::Bare(status) => Step::Bare(status),
            Self::GoOn => Step::GoOn,
            Self::Closed => Step::Closed,
            Self::Ended => Step::Ended,
        }
    }
}

/// What a text stands for.
pub(super) fn bytes(text: &str, id: u32) -> Vec<u8> {
    let text = text.replace("$HEAD", &head(MOODLE, TOKEN)).replace("$ID", &id.to_string());
    text.chars().map(|character| u8::try_from(character).unwrap_or(b'?')).collect()
}

/// The beginning of a request, up to its length.
pub(super) fn head(path: &str, token: &str) -> String {
    format!("POST {path} HTTP/1.1\r\nhost: kleos\r\nauthorization: Bearer {token}\r\n")
}

/// A request with these lines and this body.
pub(super) fn post(path: &str, lines: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head =
        format!("POST {path} HTTP/1.1\r\nhost: kleos\r\n{lines}content-length: {length}\r\n\r\n");
    [head.as_bytes(), body].concat()
}

/// A request that nothing is wrong with, and its body.
pub(super) fn good(number: usize) -> (Vec<u8>, Vec<u8>) {
    let body = format!("{{\"after\":{number}}}").into_bytes();
    let line = format!("authorization: Bearer {TOKEN}\r\n");
    (post(MOODLE, &line, &body), body)
}
