//! HTTP/2: requests that none may make, floods, and connections that are held.

use super::frames::{END_HEADERS, END_STREAM, block, frame, opening};
use super::rows::{MOODLE, TOKEN, case};
use super::{Case, Step};

const GROUP: &str = "http2";

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PUSH_PROMISE: u8 = 5;
const PING: u8 = 6;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;
const ACK: u8 = 1;
const PADDED: u8 = 8;

const PROTOCOL_ERROR: u32 = 1;
const REFUSED_STREAM: u32 = 7;

/// The setting of how much of an answer a sender takes at first.
const INITIAL_WINDOW_SIZE: u16 = 4;

pub(super) fn cases() -> Vec<Case> {
    let mut cases = requests();
    cases.extend(malformed());
    cases.extend(broken());
    cases.extend(floods());
    cases.extend(held());
    cases
}

type Line<'l> = (&'l str, &'l str);

const FIRST: [Line<'_>; 4] =
    [(":method", "POST"), (":scheme", "http"), (":authority", "kleos"), (":path", MOODLE)];

fn lines<'l>(more: &[Line<'l>]) -> Vec<Line<'l>> {
    [&FIRST[..], more].concat()
}

/// The head of a request; a good one with no more lines.
fn head(stream: u32, flags: u8, more: &[Line<'_>]) -> Vec<u8> {
    let proof = format!("Bearer {TOKEN}");
    let all = lines(&[&[("authorization", proof.as_str())], more].concat());
    let block = block(&all);
    // What is too long for a frame goes on in others.
    let mut parts = block.chunks(16_000).peekable();
    let first = parts.next().unwrap_or_default();
    let mut sent = frame(HEADERS, flags | last(parts.peek().is_none()), stream, first);
    while let Some(part) = parts.next() {
        sent.extend(frame(CONTINUATION, last(parts.peek().is_none()), stream, part));
    }
    sent
}

const fn last(is_last: bool) -> u8 {
    if is_last { END_HEADERS } else { 0 }
}

fn body(stream: u32, flags: u8, id: u32) -> Vec<u8> {
    frame(DATA, flags, stream, format!("[{id}]").as_bytes())
}

fn text(id: u32) -> Vec<u8> {
    format!("[{id}]").into_bytes()
}

/// A connection that begins as it should.
fn connection(name: &str, sent: &[Vec<u8>], then: Vec<Step>) -> Case {
    let sent = [opening(&[]), sent.concat()].concat();
    case(GROUP, name, [vec![Step::Send(sent)], then].concat())
}

fn on(stream: u32, step: Step) -> Step {
    Step::OnStream(stream, Box::new(step))
}

fn stored(stream: u32, id: u32) -> Step {
    on(stream, Step::Stored(text(id)))
}

/// Such as are taken, or refused like any other.
fn requests() -> Vec<Case> {
    let padded = [&[3][..], &text(803), &[0; 3]].concat();
    let many: Vec<Line<'_>> = vec![("x-a", "1"); 100];
    let long = "y".repeat(33_000);
    let connect = block(&[(":method", "CONNECT"), (":authority", "kleos:443")]);
    vec![
        connection("a request", &[head(1, 0, &[]), body(1, END_STREAM, 800)], vec![stored(1, 800)]),
        connection(
            "two at once",
            &[head(1, 0, &[]), head(3, 0, &[]), body(3, END_STREAM, 801), body(1, END_STREAM, 802)],
            vec![stored(3, 801), stored(1, 802)],
        ),
        connection(
            "padding",
            &[head(1, 0, &[]), frame(DATA, END_STREAM | PADDED, 1, &padded)],
            vec![stored(1, 803)],
        ),
        connection(
            "trailers",
            &[
                head(1, 0, &[]),
                body(1, 0, 804),
                frame(HEADERS, END_HEADERS | END_STREAM, 1, &block(&[("x-a", "1")])),
            ],
            vec![stored(1, 804)],
        ),
        connection(
            "a host besides its own",
            &[head(1, 0, &[("host", "elsewhere")]), body(1, END_STREAM, 805)],
            vec![stored(1, 805)],
        ),
        connection(
            "a length that is none of its own",
            &[head(1, 0, &[("content-length", "5")]), body(1, END_STREAM, 806)],
            vec![stored(1, 806)],
        ),
        connection("101 lines", &[head(1, END_STREAM, &many)], vec![on(1, Step::Bare(431))]),
        connection(
            "a line of 33,000 characters",
            &[head(1, END_STREAM, &[("x-a", &long)])],
            vec![on(1, Step::Bare(431))],
        ),
        connection(
            "a tunnel",
            &[frame(HEADERS, END_HEADERS | END_STREAM, 1, &connect)],
            vec![on(1, Step::Refused(404, "not_found"))],
        ),
        connection(
            "a body that does not come",
            &[head(1, 0, &[]), body(1, 0, 899)],
            vec![on(1, Step::Refused(408, "request_timeout"))],
        ),
    ]
}

/// Heads that are none: each ends its stream, or, where its names and values cannot be read at all,
/// the connection.
fn malformed() -> Vec<Case> {
    let without = |name: &str| -> Vec<Line<'static>> {
        FIRST.into_iter().filter(|(known, _)| *known != name).collect()
    };
    let with = |line: Line<'static>| lines(&[line]);
    let rows: [(&str, Vec<Line<'static>>); 12] = [
        ("a connection of its own", with(("connection", "close"))),
        ("chunks of its own", with(("transfer-encoding", "chunked"))),
        ("another protocol", with(("upgrade", "websocket"))),
        ("a proxy's connection", with(("proxy-connection", "keep-alive"))),
        ("a trailer's coding", with(("te", "gzip"))),
        ("no path", without(":path")),
        ("an empty path", [without(":path"), vec![(":path", "")]].concat()),
        ("no method", without(":method")),
        ("no scheme", without(":scheme")),
        ("two paths", with((":path", "/admin"))),
        ("an answer's line", with((":status", "200"))),
        ("a first line behind the others", [vec![("x-a", "1")], FIRST.to_vec()].concat()),
    ];
    let unreadable = UNREADABLE.iter().map(|(name, line)| (*name, with(*line), Step::GoesAway));
    let malformed = rows.into_iter();
    let malformed = malformed.map(|(name, lines)| (name, lines, Step::Reset(1, PROTOCOL_ERROR)));
    let mut cases: Vec<Case> = malformed
        .chain(unreadable)
        .map(|(name, lines, then)| {
            let sent = frame(HEADERS, END_HEADERS | END_STREAM, 1, &block(&lines));
            connection(&format!("a head with {name}"), &[sent], vec![then])
        })
        .collect();
    for (name, length) in [("longer", "4"), ("shorter", "6")] {
        let sent = [head(1, 0, &[("content-length", length)]), body(1, END_STREAM, 899)];
        let name = format!("a body {name} than its length");
        cases.push(connection(&name, &sent, vec![Step::Reset(1, PROTOCOL_ERROR)]));
    }
    cases
}

const UNREADABLE: &[(&str, Line<'static>)] = &[
    ("capitals in a name", ("X-A", "1")),
    ("a space in a name", ("x a", "1")),
    ("a colon in a name", ("x:a", "1")),
    ("no name", ("", "1")),
    ("a NUL in a value", ("x-a", "1\0")),
    ("an end of line in a value", ("x-a", "1\r\nx-b: 2")),
];

/// Frames that no connection survives.
fn broken() -> Vec<Case> {
    let rows: [(&str, Vec<u8>); 17] = [
        ("a body of no stream", body(0, 0, 899)),
        ("a body before its head", body(1, 0, 899)),
        ("a head of no stream", head(0, END_STREAM, &[])),
        ("a head on a stream of ours", head(2, END_STREAM, &[])),
        ("a promise", frame(PUSH_PROMISE, END_HEADERS, 1, &[0, 0, 0, 2])),
        ("the end of a stream that is not", frame(RST_STREAM, 0, 1, &[0; 4])),
        ("more of no head", frame(CONTINUATION, END_HEADERS, 1, &[])),
        ("no room more", frame(WINDOW_UPDATE, 0, 0, &[0; 4])),
        ("too much room", frame(WINDOW_UPDATE, 0, 0, &[0x7f, 0xff, 0xff, 0xff])),
        ("settings that are cut", frame(SETTINGS, 0, 0, &[0; 5])),
        ("settings of a stream", frame(SETTINGS, 0, 1, &[])),
        ("a window that is too large", frame(SETTINGS, 0, 0, &[0, 4, 0xff, 0xff, 0xff, 0xff])),
        ("a ping that is cut", frame(PING, 0, 0, &[0; 7])),
        ("a frame that is too long", frame(PING, 0, 0, &[0; 20_000])),
        ("a head that is no head", frame(HEADERS, END_HEADERS, 1, &[0xff; 9])),
        ("padding beyond the frame", [head(1, 0, &[]), frame(DATA, PADDED, 1, &[200, 1])].concat()),
        (
            "something else within a head",
            [frame(HEADERS, 0, 1, &[]), frame(PING, 0, 0, &[0; 8])].concat(),
        ),
    ];
    let mut cases: Vec<Case> = rows
        .into_iter()
        .map(|(name, sent)| connection(name, &[sent], vec![Step::GoesAway, Step::Ended]))
        .collect();
    let stranger = |stream, flags| {
        let lines = lines(&[("authorization", "Bearer nobody")]);
        frame(HEADERS, END_HEADERS | flags, stream, &block(&lines))
    };
    let backwards = [stranger(5, END_STREAM), stranger(3, END_STREAM)];
    let after = [stranger(1, 0), body(1, END_STREAM, 899), body(1, END_STREAM, 899)];
    for (name, sent) in [("streams backwards", &backwards[..]), ("a body behind its end", &after)] {
        cases.push(connection(name, sent, vec![Step::GoesAway, Step::Ended]));
    }
    let text = [&b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..], b"POST / HTTP/1.1\r\n\r\n"].concat();
    cases.push(case(
        GROUP,
        "the preface, and another protocol",
        vec![Step::Send(text), Step::Ended],
    ));
    cases
}

/// Much of what costs little to send.
fn floods() -> Vec<Case> {
    let stranger = block(&lines(&[("authorization", "Bearer nobody")]));
    let taken_back: Vec<Vec<u8>> = (0..2_000)
        .map(|number| {
            let stream = 2 * number + 1;
            let head = frame(HEADERS, END_HEADERS | END_STREAM, stream, &stranger);
            [head, frame(RST_STREAM, 0, stream, &[0, 0, 0, 8])].concat()
        })
        .collect();
    let mut head_without_end = vec![frame(HEADERS, 0, 1, &block(&FIRST))];
    head_without_end
        .extend(vec![frame(CONTINUATION, 0, 1, &block(&[("x-a", &"y".repeat(900))])); 10_000]);
    let empty_parts = vec![frame(CONTINUATION, 0, 1, &[]); 10_000];
    let empty = [vec![frame(HEADERS, 0, 1, &[])], empty_parts].concat();
    // A long line that is remembered, and then named again and again in one byte.
    let long = "y".repeat(3_900);
    let mut bomb = block(&FIRST);
    bomb.extend([&[0x40][..], &block(&[("x-a", &long)])[1..], &[0xbe; 16_000][..10_000]].concat());
    let bomb = frame(HEADERS, END_HEADERS | END_STREAM, 1, &bomb);
    let flood = |name: &str, sent: Vec<u8>| {
        let steps = vec![Step::Send(opening(&[])), Step::Flood(sent), Step::Ended];
        case(GROUP, name, steps)
    };
    let calm = || vec![Step::GoesAway, Step::Ended];
    vec![
        connection("requests that are taken back at once", &taken_back, calm()),
        connection("a head without an end", &head_without_end, vec![Step::Ended]),
        connection("a head of empty parts without an end", &empty, vec![Step::Ended]),
        connection("a head that unfolds to 39 million characters", &[bomb], vec![Step::Ended]),
        flood("pings", frame(PING, 0, 0, &[0; 8]).repeat(100)),
        flood("answers to no ping", frame(PING, ACK, 0, &[0; 8]).repeat(100)),
        flood("settings", frame(SETTINGS, 0, 0, &[]).repeat(100)),
        flood("room for one byte more", frame(WINDOW_UPDATE, 0, 0, &[0, 0, 0, 1]).repeat(100)),
        flood("frames of no kind", frame(0xfa, 0, 0, &[0; 8]).repeat(100)),
        case(
            GROUP,
            "bodies of nothing",
            vec![
                Step::Send([opening(&[]), head(1, 0, &[])].concat()),
                Step::Flood(frame(DATA, 0, 1, &[]).repeat(100)),
                Step::Ended,
            ],
        ),
    ]
}

/// Connections that are kept for nothing.
fn held() -> Vec<Case> {
    let heads: Vec<Vec<u8>> = (0..120).map(|number| head(2 * number + 1, 0, &[])).collect();
    let no_room = [opening(&[(INITIAL_WINDOW_SIZE, 0)]), head(1, 0, &[]), body(1, END_STREAM, 820)];
    vec![
        connection("asks nothing", &[], vec![Step::Ended]),
        connection(
            "stops within a head",
            &[frame(HEADERS, 0, 1, &block(&FIRST))],
            vec![Step::Ended],
        ),
        connection("stops within a frame", &[head(1, 0, &[])[..20].to_vec()], vec![Step::Ended]),
        connection(
            "more requests at once than may be",
            &heads,
            vec![Step::Reset(201, REFUSED_STREAM)],
        ),
        case(
            GROUP,
            "has no room for its answer",
            vec![Step::Send(no_room.concat()), Step::Left(text(820)), Step::Ended],
        ),
        case(
            GROUP,
            "stops within the preface",
            vec![Step::Send(b"PRI * HTTP/2.0\r\n\r\nSM".to_vec()), Step::Closed],
        ),
    ]
}
