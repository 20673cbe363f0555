//! Where a body ends: lengths, chunks, and requests hidden behind them.

use super::rows::Do::{Bare, Closed, Finish, Left, Refused, Send, Stored};
use super::rows::{Row, bytes, case, cases as of};
use super::{Case, Step};

const GROUP: &str = "framing";

pub(super) fn cases() -> Vec<Case> {
    let mut cases = of(GROUP, 100, ROWS);
    cases.extend(of(GROUP, 150, CHUNKS));
    cases.extend((200..).zip(LENGTHS).map(|(id, length)| {
        let sent = format!("$HEADcontent-length: {length}\r\n\r\n[$ID]");
        refused(&format!("the length {length:?}"), &sent, id)
    }));
    cases.extend((230..).zip(CODINGS).map(|(id, lines)| {
        let sent = format!("$HEAD{lines}\r\n\r\n5\r\n[$ID]\r\n0\r\n\r\n");
        refused(&format!("the codings {lines:?}"), &sent, id)
    }));
    cases.extend((260..).zip(BROKEN_CHUNKS).map(|(id, (what, chunks))| {
        let sent = format!("$HEADtransfer-encoding: chunked\r\n\r\n{chunks}");
        let steps = vec![
            Step::Send(bytes(&sent, id)),
            Step::Finish,
            Step::Refused(400, "incomplete_body"),
            Step::Closed,
        ];
        case(GROUP, &format!("chunks: {what}"), steps)
    }));
    cases.extend(sizes());
    cases
}

/// What no two programs would read alike is no request.
fn refused(name: &str, sent: &str, id: u32) -> Case {
    let steps = vec![Step::Send(bytes(sent, id)), Step::Finish, Step::Bare(400), Step::Closed];
    case(GROUP, name, steps)
}

const ROWS: &[Row] = &[
    Row(
        "a body that ends before its length",
        &[
            Send("$HEADcontent-length: 9\r\n\r\n[$ID]"),
            Finish,
            Refused(400, "incomplete_body"),
            Closed,
        ],
    ),
    Row(
        "more than a body's length, which is no request",
        &[
            Send("$HEADcontent-length: 5\r\n\r\n[$ID]more\r\n\r\n"),
            Stored("[$ID]"),
            Bare(400),
            Closed,
        ],
    ),
    Row(
        "a request behind a body is a request of its own",
        &[
            Send("$HEADcontent-length: 5\r\n\r\n[$ID]POST /admin HTTP/1.1\r\nhost: kleos\r\n\r\n"),
            Stored("[$ID]"),
            Refused(404, "not_found"),
        ],
    ),
    Row(
        "no length at all is no body, and what follows a request of its own",
        &[
            Send("$HEADidempotency-key: $ID\r\n\r\nDELETE /admin HTTP/1.1\r\nhost: kleos\r\n\r\n"),
            Stored(""),
            Refused(404, "not_found"),
        ],
    ),
    Row(
        "a length and chunks: the chunks count, and the connection ends",
        &[
            Send(
                "$HEADcontent-length: 40\r\ntransfer-encoding: chunked\r\n\r\n5\r\n[$ID]\r\n0\r\n\r\n",
            ),
            Stored("[$ID]"),
            Closed,
        ],
    ),
    Row(
        "chunks and a length: the same",
        &[
            Send(
                "$HEADtransfer-encoding: chunked\r\ncontent-length: 4\r\n\r\n5\r\n[$ID]\r\n0\r\n\r\n",
            ),
            Stored("[$ID]"),
            Closed,
        ],
    ),
    Row(
        "a request hidden from who reads the length is not answered",
        &[
            Send(concat!(
                "$HEADcontent-length: 59\r\ntransfer-encoding: chunked\r\n\r\n5\r\n[$ID]\r\n0\r\n\r\n",
                "DELETE /admin HTTP/1.1\r\nhost: kleos\r\n\r\n",
            )),
            Stored("[$ID]"),
            Closed,
        ],
    ),
    Row(
        "a request hidden from who reads the chunks is in the chunk",
        &[
            Send(concat!(
                "$HEADcontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n",
                "2a\r\n[$ID]POST /admin HTTP/1.1\r\nhost: kleos\r\n\r\n\r\n0\r\n\r\n",
            )),
            Stored("[$ID]POST /admin HTTP/1.1\r\nhost: kleos\r\n\r\n"),
            Closed,
        ],
    ),
    Row(
        "two lengths",
        &[
            Send("$HEADcontent-length: 5\r\ncontent-length: 6\r\n\r\n[$ID] "),
            Finish,
            Bare(400),
            Closed,
        ],
    ),
    Row(
        "one length, said twice",
        &[Send("$HEADcontent-length: 5\r\ncontent-length: 5\r\n\r\n[$ID]"), Stored("[$ID]")],
    ),
    Row(
        "a length with zeros before it",
        &[Send("$HEADcontent-length: 0000000000000000000000005\r\n\r\n[$ID]"), Stored("[$ID]")],
    ),
    Row(
        "a length longer than any body",
        &[
            Send("$HEADcontent-length: 9223372036854775807\r\n\r\n[$ID]"),
            Finish,
            Refused(413, "payload_too_large"),
            Closed,
        ],
    ),
    Row(
        "chunks where there are none, in HTTP/1.0",
        &[
            Send(concat!(
                "POST /api/public/hook/moodle/event HTTP/1.0\r\nauthorization: Bearer ",
                "token-of-the-campus\r\ntransfer-encoding: chunked\r\n\r\n5\r\n[$ID]\r\n0\r\n\r\n",
            )),
            Finish,
            Bare(400),
            Closed,
        ],
    ),
    Row(
        "a header that only looks like the coding",
        &[
            Send("$HEADtransfer_encoding: chunked\r\ncontent-length: 5\r\n\r\n[$ID]"),
            Stored("[$ID]"),
        ],
    ),
    Row(
        "a body with a GET",
        &[
            Send(
                "GET /api/public/hook/moodle/event HTTP/1.1\r\nhost: kleos\r\ncontent-length: 5\r\n\r\n[$ID]",
            ),
            Refused(405, "method_not_allowed"),
            Finish,
            Closed,
        ],
    ),
    Row(
        "the sender leaves before the answer",
        &[Send("$HEADcontent-length: 5\r\n\r\n[$ID]"), Left("[$ID]")],
    ),
    Row("the sender leaves before the end", &[Send("$HEADcontent-length: 6\r\n\r\n[$ID]")]),
];

const CHUNKS: &[Row] = &[
    Row(
        "the coding in capitals",
        &[Send("$HEADtransfer-encoding: CHUNKED\r\n\r\n5\r\n[$ID]\r\n0\r\n\r\n"), Stored("[$ID]")],
    ),
    Row(
        "a chunk with an extension, and trailers",
        &[
            Send(concat!(
                "$HEADtransfer-encoding: chunked\r\n\r\n2;a=b;c=\"d\r\n[1\r\n3 ;e\r\n$ID\r\n1\r\n]\r\n000\r\n",
                "content-length: 3\r\nauthorization: Bearer x\r\n\r\n",
            )),
            Stored("[1$ID]"),
        ],
    ),
    Row(
        "a body of no chunk",
        &[
            Send("$HEADtransfer-encoding: chunked\r\nidempotency-key: $ID\r\n\r\n0\r\n\r\n"),
            Stored(""),
        ],
    ),
];

const LENGTHS: &[&str] = &[
    "",
    "+5",
    "-5",
    "-0",
    "5 5",
    "5, 5",
    "5,6",
    "5;",
    "0x5",
    "5.0",
    "5e0",
    "\"5\"",
    "five",
    "\u{b2}",
    "18446744073709551616",
    "18446744073709551621",
    "99999999999999999999999999",
];

const CODINGS: &[&str] = &[
    "transfer-encoding: xchunked",
    "transfer-encoding: identity",
    "transfer-encoding: chunked, identity",
    "transfer-encoding: identity, chunked",
    "transfer-encoding: gzip, chunked",
    "transfer-encoding: chunked, chunked",
    "transfer-encoding: chunked;q=1",
    "transfer-encoding: \"chunked\"",
    "transfer-encoding: chunked\u{a0}",
    "transfer-encoding: \u{b}chunked",
    "transfer-encoding: ,chunked",
    "transfer-encoding:",
    "transfer-encoding: identity\r\ntransfer-encoding: chunked",
    "transfer-encoding: chunked\r\ntransfer-encoding: identity",
    "transfer-encoding: chunked\r\ntransfer-encoding: chunked",
    "transfer-encoding : chunked",
    "transfer-encoding:\r\n chunked",
];

const BROKEN_CHUNKS: &[(&str, &str)] = &[
    ("cut within one", "5\r\n[$I"),
    ("without the last", "5\r\n[$ID]\r\n"),
    ("without the end of the last", "5\r\n[$ID]\r\n0\r\n"),
    ("longer than their size", "5\r\n[$ID]]\r\n0\r\n\r\n"),
    ("shorter than their size", "6\r\n[$ID]\r\n0\r\n\r\n"),
    ("a size of no digits", "\r\n[$ID]\r\n0\r\n\r\n"),
    ("a size with a sign", "+5\r\n[$ID]\r\n0\r\n\r\n"),
    ("a negative size", "-5\r\n[$ID]\r\n0\r\n\r\n"),
    ("a size with a prefix", "0x5\r\n[$ID]\r\n0\r\n\r\n"),
    ("a size with a space before it", " 5\r\n[$ID]\r\n0\r\n\r\n"),
    ("a size of two words", "5 5\r\n[$ID]\r\n0\r\n\r\n"),
    ("a size beyond all numbers", "10000000000000005\r\n[$ID]\r\n0\r\n\r\n"),
    ("a line feed alone behind a size", "5\n[$ID]\r\n0\r\n\r\n"),
    ("a line feed alone behind a chunk", "5\r\n[$ID]\n0\r\n\r\n"),
    ("a line feed alone within an extension", "5;a\n[$ID]\r\n0\r\n\r\n"),
    ("a carriage return alone behind a size", "5\r[$ID]\r\n0\r\n\r\n"),
    ("a NUL behind a size", "5\u{0}\r\n[$ID]\r\n0\r\n\r\n"),
];

/// Exactly as long as may be, and one byte more, in either form; and what is no body in chunks.
fn sizes() -> Vec<Case> {
    const MOST: usize = 1 << 20;
    let most = vec![b'm'; MOST];
    let more = [&most[..], b"!"].concat();
    let head = |line: &str| bytes(&format!("$HEAD{line}\r\n\r\n"), 0);
    let declared =
        |body: &[u8]| [head(&format!("content-length: {}", body.len())), body.to_vec()].concat();
    let chunked = |body: &[u8]| {
        let mut sent = head("transfer-encoding: chunked");
        for part in body.chunks(99_999) {
            sent.extend_from_slice(format!("{:x}\r\n", part.len()).as_bytes());
            sent.extend_from_slice(&[part, b"\r\n"].concat());
        }
        sent
    };
    let last = |rest: &str| [chunked(b"[1]"), rest.as_bytes().to_vec()].concat();
    let stored = |sent| vec![Step::Send(sent), Step::Stored(most.clone())];
    let refused = |sent, status, error| {
        vec![Step::Send(sent), Step::Refused(status, error), Step::Finish, Step::Closed]
    };
    let extension = format!("0;{}\r\n\r\n", "x".repeat(20_000));
    let trailers = format!("0\r\n{}\r\n", "x: 1\r\n".repeat(101));
    let trailer = format!("0\r\nx: {}\r\n\r\n", "y".repeat(40_000));
    let too_large = |sent| refused(sent, 413, "payload_too_large");
    let broken = |rest: &str| refused(last(rest), 400, "incomplete_body");
    let most_in_chunks = [chunked(&most), b"0\r\n\r\n".to_vec()].concat();
    let mut repeated = stored(declared(&most));
    repeated.extend([Step::Send(most_in_chunks), Step::Repeated]);
    vec![
        case(GROUP, "the longest body, declared, and again in chunks", repeated),
        case(GROUP, "one byte more, declared", too_large(declared(&more))),
        case(GROUP, "one byte more, in chunks without an end", too_large(chunked(&more))),
        case(
            GROUP,
            "much more, declared and not sent",
            too_large(head("content-length: 999999999")),
        ),
        case(GROUP, "an extension of 20,000 characters", broken(&extension)),
        case(GROUP, "101 trailers", broken(&trailers)),
        case(GROUP, "a trailer of 40,000 characters", broken(&trailer)),
    ]
}
