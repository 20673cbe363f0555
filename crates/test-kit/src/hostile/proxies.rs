//! From where: what proxies say, and what those say who only look like one.

use std::net::Ipv4Addr;

use super::rows::{MOODLE, case, post};
use super::{Case, Step};

const GROUP: &str = "address";
const PROXY: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);
const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

pub(super) fn cases() -> Vec<Case> {
    let mut cases = forwarded();
    cases.extend(beginnings());
    cases
}

fn text(id: u32) -> Vec<u8> {
    format!("[{id}]").into_bytes()
}

fn request(lines: &str, body: &[u8]) -> Vec<u8> {
    post(MOODLE, &format!("authorization: Bearer token-of-the-fenced\r\n{lines}"), body)
}

/// A PROXY header with this version and command, family, and addresses.
fn header(command: u8, family: u8, addresses: &[u8]) -> Vec<u8> {
    let length = u16::try_from(addresses.len()).unwrap_or(u16::MAX).to_be_bytes();
    [SIGNATURE, &[command, family], &length, addresses].concat()
}

/// Of an address within the network that may send.
fn inside() -> Vec<u8> {
    header(0x21, 0x11, &[203, 0, 113, 7, 10, 0, 0, 1, 0x9c, 0x40, 0x1f, 0x90])
}

/// The proxy itself, so that the header of the request is asked.
fn local() -> Vec<u8> {
    header(0x20, 0, &[])
}

fn by_proxy(name: &str, sent: &[&[u8]], then: Vec<Step>) -> Case {
    let steps = [vec![Step::Send(sent.concat())], then].concat();
    Case { from: PROXY, ..case(GROUP, name, steps) }
}

fn forwarded() -> Vec<Case> {
    let hops = format!("203.0.113.7, {}", vec!["127.0.0.2"; 1_000].join(", "));
    let rows: [(&str, String, Option<u32>); 18] = [
        ("the client's", "203.0.113.7".to_owned(), Some(680)),
        ("with a port", "203.0.113.7:4711".to_owned(), Some(681)),
        ("as IPv6", "::ffff:203.0.113.7".to_owned(), Some(682)),
        ("through the same proxy a thousand times", hops, Some(683)),
        (
            "on the last of two lines",
            "192.0.2.1\r\nx-forwarded-for: 203.0.113.7".to_owned(),
            Some(684),
        ),
        ("invented before the client's", "203.0.113.7, 198.51.100.1".to_owned(), None),
        (
            "invented on the line before",
            "203.0.113.7\r\nx-forwarded-for: 198.51.100.1".to_owned(),
            None,
        ),
        ("unknown", "203.0.113.7, unknown".to_owned(), None),
        ("nothing behind the comma", "203.0.113.7,".to_owned(), None),
        ("empty", String::new(), None),
        ("a name", "kleos.example".to_owned(), None),
        ("IPv6 with a zone", "fe80::1%eth0".to_owned(), None),
        ("a number", "3405803783".to_owned(), None),
        ("zeros before it", "203.0.113.007".to_owned(), None),
        ("in hex", "0xcb.0.0x71.7".to_owned(), None),
        ("a network", "203.0.113.0/24".to_owned(), None),
        ("bytes that are no text", "203.0.113.7\u{ff}".to_owned(), None),
        ("the proxy's own", "127.0.0.2".to_owned(), None),
    ];
    let mut cases: Vec<Case> = rows
        .into_iter()
        .map(|(what, value, id)| {
            let body = text(id.unwrap_or(689));
            let sent = request(&format!("x-forwarded-for: {value}\r\n"), &body);
            by_proxy(&format!("forwarded for: {what}"), &[&local(), &sent], vec![expected(id)])
        })
        .collect();
    let bypassing = request("x-forwarded-for: 203.0.113.7\r\n", &text(689));
    let steps = vec![Step::Send(bypassing), expected(None)];
    cases.push(case(GROUP, "a header past the proxy", steps));
    let other = request("forwarded: for=203.0.113.7\r\n", &text(689));
    cases.push(by_proxy("the other header", &[&local(), &other], vec![expected(None)]));
    cases
}

/// Stored where it is from inside, and refused like a stranger's otherwise.
fn expected(id: Option<u32>) -> Step {
    id.map_or(Step::Refused(401, "authentication_failed"), |id| Step::Stored(text(id)))
}

/// How a proxy begins a connection.
fn beginnings() -> Vec<Case> {
    let sent = |id| request("", &text(id));
    let refused = request("", &text(689));
    let with_more = {
        let more = [203, 0, 113, 7, 10, 0, 0, 1, 0x9c, 0x40, 0x1f, 0x90, 4, 0, 3, b'a', b'b', b'c'];
        header(0x21, 0x11, &more)
    };
    let mut cases = vec![
        by_proxy("the client's address", &[&inside(), &sent(690)], vec![expected(Some(690))]),
        by_proxy(
            "with fields of the proxy's own",
            &[&with_more, &sent(691)],
            vec![expected(Some(691))],
        ),
        by_proxy("itself", &[&local(), &refused], vec![expected(None)]),
        by_proxy("twice", &[&inside(), &inside(), &refused], vec![Step::Finish, Step::Bare(400)]),
    ];
    let mut long = inside();
    long[14..16].copy_from_slice(&[0xff, 0xff]);
    let mut short = inside();
    short[14..16].copy_from_slice(&[0, 11]);
    let closed: [(&str, Vec<u8>); 12] = [
        ("not at all", Vec::new()),
        ("with version 1", b"PROXY TCP4 203.0.113.7 10.0.0.1 40000 8080\r\n".to_vec()),
        ("with version 3", header(0x31, 0x11, &inside()[16..])),
        ("with a command that is none", header(0x2f, 0x11, &inside()[16..])),
        ("with no address", header(0x21, 0, &[])),
        ("with a path of this machine", header(0x21, 0x31, &[b'/'; 216])),
        ("with an address that is cut", header(0x21, 0x11, &inside()[16..24])),
        ("with IPv6 in the length of IPv4", header(0x21, 0x21, &inside()[16..])),
        ("with a length that is too long", long),
        ("with a length that is too short", short),
        (
            "with a signature that is almost right",
            [&b"\r\n\r\n\0\r\nQUIT\r"[..], &inside()[12..]].concat(),
        ),
        ("with the half of it", inside()[..20].to_vec()),
    ];
    for (what, header) in closed {
        let ends_early = what == "with the half of it";
        let rest = if ends_early { Vec::new() } else { refused.clone() };
        let name = format!("a proxy begins {what}");
        cases.push(by_proxy(&name, &[&header, &rest], vec![Step::Closed]));
    }
    cases
}
