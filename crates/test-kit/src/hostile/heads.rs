//! The head: its first line, its lines, and how many.

use super::rows::Do::{Closed, Finish, GoOn, Refused, Send, Stored};
use super::rows::{Row, bytes, case, cases as of};
use super::{Case, Step};

const GROUP: &str = "head";

pub(super) fn cases() -> Vec<Case> {
    let mut cases = of(GROUP, 300, ROWS);
    cases.extend(of(GROUP, 330, TARGETS));
    cases
        .extend((360..).zip(NO_REQUESTS).map(|(id, (what, sent))| no_request(what, sent, 400, id)));
    cases.extend((400..).zip(LINES).map(|(id, (what, line))| {
        let sent = format!("$HEAD{line}\r\ncontent-length: 5\r\n\r\n[$ID]");
        no_request(what, &sent, 400, id)
    }));
    cases.extend(too_much());
    cases
}

fn no_request(name: &str, sent: &str, status: u16, id: u32) -> Case {
    let steps = vec![Step::Send(bytes(sent, id)), Step::Finish, Step::Bare(status), Step::Closed];
    case(GROUP, name, steps)
}

const ROWS: &[Row] = &[
    Row(
        "empty lines before a request",
        &[Send("\r\n\r\n$HEADcontent-length: 5\r\n\r\n[$ID]"), Stored("[$ID]")],
    ),
    // RFC 9112 leaves that to the reader, and says what it means then.
    Row(
        "lines that end with a line feed alone",
        &[
            Send(concat!(
                "POST /api/public/hook/moodle/event HTTP/1.1\nhost: kleos\n",
                "authorization: Bearer token-of-the-campus\ncontent-length: 5\n\n[$ID]",
            )),
            Stored("[$ID]"),
        ],
    ),
    Row(
        "bytes beyond ASCII in a line",
        &[
            Send("$HEADx-name: \u{e4}\u{f6}\u{ff}\u{80}\r\ncontent-length: 5\r\n\r\n[$ID]"),
            Stored("[$ID]"),
        ],
    ),
    Row(
        "no host, and two",
        &[
            Send("POST / HTTP/1.1\r\n\r\nPOST / HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n"),
            Refused(404, "not_found"),
            Refused(404, "not_found"),
        ],
    ),
    Row(
        "HTTP/1.0 ends with its answer",
        &[
            Send(concat!(
                "POST /api/public/hook/moodle/event HTTP/1.0\r\nauthorization: Bearer ",
                "token-of-the-campus\r\ncontent-length: 5\r\n\r\n[$ID]",
            )),
            Stored("[$ID]"),
            Closed,
        ],
    ),
    Row(
        "HTTP/1.0 that wants to go on",
        &[
            Send(concat!(
                "POST / HTTP/1.0\r\nconnection: keep-alive\r\n\r\n",
                "POST / HTTP/1.0\r\nconnection: keep-alive\r\n\r\nPOST / HTTP/1.0\r\n\r\n",
            )),
            Refused(404, "not_found"),
            Refused(404, "not_found"),
            Refused(404, "not_found"),
            Closed,
        ],
    ),
    Row(
        "HTTP/1.0 that would wait to be told to go on",
        &[
            Send(concat!(
                "POST /api/public/hook/moodle/event HTTP/1.0\r\nauthorization: Bearer ",
                "token-of-the-campus\r\nexpect: 100-continue\r\ncontent-length: 5\r\n\r\n[$ID]",
            )),
            Stored("[$ID]"),
            Closed,
        ],
    ),
    Row(
        "the sender says that it closes, and does not",
        &[
            Send("$HEADconnection: close\r\ncontent-length: 5\r\n\r\n[$ID]POST / HTTP/1.1\r\n\r\n"),
            Stored("[$ID]"),
            Closed,
        ],
    ),
    Row(
        "another protocol is asked for",
        &[
            Send(concat!(
                "$HEADconnection: upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABk\r\n",
                "content-length: 5\r\n\r\n[$ID]POST / HTTP/1.1\r\nhost: kleos\r\nupgrade: websocket\r\n",
                "connection: upgrade\r\n\r\nPOST / HTTP/1.1\r\nhost: kleos\r\n\r\n",
            )),
            Stored("[$ID]"),
            Refused(404, "not_found"),
            Refused(404, "not_found"),
        ],
    ),
    Row(
        "who must be told to go on is",
        &[
            Send("$HEADexpect: 100-Continue\r\ncontent-length: 5\r\n\r\n"),
            GoOn,
            Send("[$ID]"),
            Stored("[$ID]"),
        ],
    ),
    Row(
        "who must be told to go on, and does not",
        &[
            Send("$HEADexpect: 100-continue\r\ncontent-length: 5\r\n\r\n"),
            GoOn,
            Refused(408, "request_timeout"),
            Closed,
        ],
    ),
    Row(
        "a stranger is not told to go on",
        &[
            Send(concat!(
                "POST /api/public/hook/moodle/event HTTP/1.1\r\nhost: kleos\r\nauthorization: Bearer ",
                "nobody\r\nexpect: 100-continue\r\ncontent-length: 99999999\r\n\r\n",
            )),
            Refused(401, "authentication_failed"),
            Finish,
            Closed,
        ],
    ),
    Row(
        "something else is expected of us",
        &[Send("$HEADexpect: 200-ok\r\ncontent-length: 5\r\n\r\n[$ID]"), Stored("[$ID]")],
    ),
    Row(
        "a method of another spelling",
        &[
            Send("post /api/public/hook/moodle/event HTTP/1.1\r\nhost: kleos\r\n\r\n"),
            Refused(405, "method_not_allowed"),
        ],
    ),
    Row(
        "a method that nobody knows",
        &[
            Send("BREW /api/public/hook/moodle/event HTTP/1.1\r\nhost: kleos\r\n\r\n"),
            Refused(405, "method_not_allowed"),
        ],
    ),
];

const TARGETS: &[Row] = &[
    Row(
        "a target with a host of its own",
        &[
            Send(concat!(
                "POST http://elsewhere:1/api/public/hook/moodle/event?a=1 HTTP/1.1\r\nhost: kleos\r\n",
                "authorization: Bearer token-of-the-campus\r\ncontent-length: 5\r\n\r\n[$ID]",
            )),
            Stored("[$ID]"),
        ],
    ),
    Row(
        "a target with a fragment",
        &[
            Send(concat!(
                "POST /api/public/hook/moodle/event#?/admin HTTP/1.1\r\nhost: kleos\r\n",
                "authorization: Bearer token-of-the-campus\r\ncontent-length: 5\r\n\r\n[$ID]",
            )),
            Stored("[$ID]"),
        ],
    ),
    Row(
        "a target that is a host",
        &[Send("CONNECT kleos:443 HTTP/1.1\r\nhost: kleos:443\r\n\r\n"), Refused(404, "not_found")],
    ),
    Row(
        "a target that is all of it",
        &[Send("OPTIONS * HTTP/1.1\r\nhost: kleos\r\n\r\n"), Refused(404, "not_found")],
    ),
    Row(
        "a target without its slash",
        &[Send("POST api HTTP/1.1\r\nhost: kleos\r\n\r\n"), Refused(404, "not_found")],
    ),
    Row(
        "a target that climbs",
        &[
            Send(concat!(
                "POST /api/public/hook/custom/../moodle/event HTTP/1.1\r\nhost: kleos\r\n",
                "authorization: Bearer token-of-the-campus\r\ncontent-length: 5\r\n\r\n[$ID]",
            )),
            Refused(404, "not_found"),
        ],
    ),
];

const NO_REQUESTS: &[(&str, &str)] = &[
    ("HTTP/0.9", "GET /\r\n\r\n"),
    ("no version", "POST / \r\n\r\n"),
    ("HTTP/1.2", "POST / HTTP/1.2\r\nhost: kleos\r\n\r\n"),
    ("HTTP/2.0 in a line", "POST / HTTP/2.0\r\nhost: kleos\r\n\r\n"),
    ("half a preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n"),
    ("HTTP in small letters", "POST / http/1.1\r\nhost: kleos\r\n\r\n"),
    ("a space before the method", " POST / HTTP/1.1\r\nhost: kleos\r\n\r\n"),
    ("no target", "POST  HTTP/1.1\r\nhost: kleos\r\n\r\n"),
    ("tabs for spaces", "POST\t/\tHTTP/1.1\r\nhost: kleos\r\n\r\n"),
    ("a NUL in the target", "POST /\u{0} HTTP/1.1\r\nhost: kleos\r\n\r\n"),
    ("a method of other characters", "PO(ST / HTTP/1.1\r\nhost: kleos\r\n\r\n"),
    ("TLS, where there is none", "\u{16}\u{3}\u{1}\u{0}\u{5}\u{1}\u{0}\u{0}\u{1}\u{0}\r\n\r\n"),
    ("another protocol", "SSH-2.0-OpenSSH_9.9\r\n\r\n"),
    ("nothing that is known", "\u{0}\u{1}\u{2}\u{ff}\r\n\r\n"),
];

const LINES: &[(&str, &str)] = &[
    ("a line that goes on in the next", "x-a: 1\r\n 2"),
    ("a line that goes on after a tab", "x-a: 1\r\n\t2"),
    ("a space before the colon", "x-a : 1"),
    ("a name with a space", "x a: 1"),
    ("no name", ": 1"),
    ("no colon", "x-a"),
    ("a NUL in a name", "x\u{0}a: 1"),
    ("a NUL in a value", "x-a: 1\u{0}2"),
    ("a carriage return alone in a value", "x-a: 1\r2"),
    ("a control character in a value", "x-a: 1\u{7}2"),
    ("a delete in a value", "x-a: 1\u{7f}2"),
    ("bytes beyond ASCII in a name", "x-\u{e4}: 1"),
    ("a name in brackets", "(x): 1"),
];

/// Heads that are too long, in one way or another.
fn too_much() -> Vec<Case> {
    let line = |length| format!("$HEADx-a: {}\r\n\r\n", "y".repeat(length));
    let lines = |count| format!("$HEAD{}\r\n", "x-a: 1\r\n".repeat(count));
    let target = |length| format!("POST /{} HTTP/1.1\r\nhost: kleos\r\n\r\n", "t".repeat(length));
    let method = format!("{} / HTTP/1.1\r\nhost: kleos\r\n\r\n", "M".repeat(40_000));
    let mut cases: Vec<Case> = [
        ("a line of 33,000 characters", line(33_000)),
        ("a line of 70,000 characters", line(70_000)),
        ("a line of a million characters", line(1_000_000)),
        ("99 lines more", lines(99)),
        ("10,000 lines", lines(10_000)),
        ("a target of 40,000 characters", target(40_000)),
        ("a method of 40,000 characters", method),
    ]
    .into_iter()
    .map(|(name, sent)| no_request(name, &sent, 431, 0))
    .collect();
    let most = format!("$HEAD{}content-length: 5\r\n\r\n[499]", "x-a: 1\r\n".repeat(97));
    let steps = vec![Step::Send(bytes(&most, 0)), Step::Stored(b"[499]".to_vec())];
    cases.push(case(GROUP, "as many lines as may be", steps));
    let no_end = vec![Step::Flood(bytes("x-a: 1\r\n", 0)), Step::Ended];
    cases.push(case(GROUP, "lines without an end", no_end));
    cases
}
