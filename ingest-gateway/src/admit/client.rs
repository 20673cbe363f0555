//! Whose address a request comes from, behind proxies.
//!
//! Whoever sends can write any address into a header. So headers are believed of declared proxies
//! alone: from the connection's peer on, each proxy vouches for the address before it, and the
//! first that is no proxy is the client. What stands before that is the client's own invention.

use std::net::{IpAddr, SocketAddr};

use hyper::HeaderMap;
use hyper::header::{FORWARDED, HeaderName};
use kleos_service_kit::config::networks::Networks;

/// Which header the proxies write.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum ForwardedHeader {
    /// `X-Forwarded-For`.
    #[default]
    XForwardedFor,
    /// `Forwarded`, as RFC 7239 has it.
    Forwarded,
}

impl ForwardedHeader {
    /// The header's name.
    pub(crate) const fn name(self) -> HeaderName {
        match self {
            Self::XForwardedFor => X_FORWARDED_FOR,
            Self::Forwarded => FORWARDED,
        }
    }
}

/// The proxies that are believed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Proxies {
    pub(crate) trusted: Networks,
    pub(crate) header: ForwardedHeader,
}

/// Where a request comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Client {
    /// Of the client, or else of the last proxy that could be followed.
    pub(crate) address: IpAddr,
    /// Whether it is the client's.
    pub(crate) is_known: bool,
}

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

impl Proxies {
    /// Follows the proxies from the peer on. Several header lines are one list, and the last entry
    /// of the last line is the nearest.
    pub(crate) fn client(&self, peer: IpAddr, headers: &HeaderMap) -> Client {
        let mut client = Client { address: peer.to_canonical(), is_known: true };
        if !self.trusted.contain(client.address) {
            return client;
        }
        let lines: Vec<_> = headers.get_all(self.header.name()).iter().collect();
        for line in lines.into_iter().rev() {
            // What is not text is one entry that says nothing.
            let entries = line.to_str().map_or_else(|_| vec![None], |line| self.entries(line));
            for entry in entries.into_iter().rev() {
                let Some(address) = entry else { return Client { is_known: false, ..client } };
                client.address = address.to_canonical();
                if !self.trusted.contain(address) {
                    return client;
                }
            }
        }
        client
    }

    fn entries(&self, line: &str) -> Vec<Option<IpAddr>> {
        match self.header {
            ForwardedHeader::XForwardedFor => addresses(line),
            ForwardedHeader::Forwarded => forwarded(line),
        }
    }
}

fn addresses(line: &str) -> Vec<Option<IpAddr>> {
    line.split(',').map(|entry| address(entry.trim())).collect()
}

/// An address, with or without a port; an IPv6 address with brackets or, without a port, as it is.
fn address(text: &str) -> Option<IpAddr> {
    if let Ok(address) = text.parse() {
        return Some(address);
    }
    if let Ok(with_port) = text.parse::<SocketAddr>() {
        return Some(with_port.ip());
    }
    let bare = text.strip_prefix('[')?.strip_suffix(']')?;
    bare.parse().ok().map(IpAddr::V6)
}

/// The `for` of each element. An element without one, or with a name instead of an address, says
/// nothing.
fn forwarded(line: &str) -> Vec<Option<IpAddr>> {
    let parts = |element| split(element, ';').into_iter().map(str::trim);
    let of_element = |element| {
        let mut values = parts(element).filter_map(|pair| {
            let (name, value) = pair.split_once('=')?;
            name.trim().eq_ignore_ascii_case("for").then_some(value.trim())
        });
        let value = values.next()?;
        // Twice is as good as never: nobody can tell which is meant.
        if values.next().is_some() {
            return None;
        }
        address(value.strip_prefix('"').and_then(|open| open.strip_suffix('"')).unwrap_or(value))
    };
    split(line, ',').into_iter().map(of_element).collect()
}

/// Splits where the mark stands outside of quotes.
fn split(text: &str, mark: char) -> Vec<&str> {
    let (mut is_quoted, mut is_escaped) = (false, false);
    let outside = |character: char| {
        let is_mark = character == mark && !is_quoted;
        if is_escaped {
            is_escaped = false;
        } else {
            is_escaped = is_quoted && character == '\\';
            is_quoted ^= character == '"';
        }
        is_mark
    };
    text.split(outside).collect()
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    fn proxies(header: ForwardedHeader) -> Proxies {
        let trusted = ["10.0.0.0/8", "2001:db8:aaaa::/48"];
        let trusted = trusted.iter().map(|text| text.parse::<Networks>().unwrap()).collect();
        Proxies { trusted, header }
    }

    /// Peer, header lines, and where the request comes from.
    type Case<'a> = (&'a str, &'a [&'a [u8]], (&'a str, bool));

    #[track_caller]
    fn check(header: ForwardedHeader, peer: &str, lines: &[&[u8]], expected: (&str, bool)) {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(header.name(), HeaderValue::from_bytes(line).unwrap());
        }
        let found = proxies(header).client(peer.parse().unwrap(), &headers);
        let (address, is_known) = expected;
        assert_eq!(found, Client { address: address.parse().unwrap(), is_known }, "{lines:?}");
    }

    #[test]
    fn the_nearest_address_that_is_no_proxy_is_the_client() {
        let many = vec!["10.1.1.1"; 1_000].join(", ");
        let many = format!("203.0.113.7, {many}");
        let cases: [Case<'_>; 20] = [
            ("198.51.100.9", &[], ("198.51.100.9", true)),
            // Past the proxies: whatever it says is not believed.
            ("198.51.100.9", &[b"203.0.113.7"], ("198.51.100.9", true)),
            ("10.0.0.1", &[], ("10.0.0.1", true)),
            ("10.0.0.1", &[b"203.0.113.7"], ("203.0.113.7", true)),
            ("::ffff:10.0.0.1", &[b"::ffff:203.0.113.7"], ("203.0.113.7", true)),
            // The client has written the first.
            ("10.0.0.1", &[b"192.0.2.1, 203.0.113.7"], ("203.0.113.7", true)),
            ("10.0.0.1", &[b"192.0.2.1,203.0.113.7,10.0.0.2"], ("203.0.113.7", true)),
            ("10.0.0.1", &[b"192.0.2.1", b"203.0.113.7", b"10.0.0.2"], ("203.0.113.7", true)),
            ("10.0.0.1", &[b"10.0.0.3, 10.0.0.2"], ("10.0.0.3", true)),
            ("10.0.0.1", &[b"203.0.113.7:8080"], ("203.0.113.7", true)),
            ("10.0.0.1", &[b"2001:db8::1"], ("2001:db8::1", true)),
            ("10.0.0.1", &[b"[2001:db8::1]"], ("2001:db8::1", true)),
            ("2001:db8:aaaa::1", &[b"[2001:db8::1]:443"], ("2001:db8::1", true)),
            ("10.0.0.1", &[many.as_bytes()], ("203.0.113.7", true)),
            ("10.0.0.1", &[b"203.0.113.7, unknown"], ("10.0.0.1", false)),
            ("10.0.0.1", &[b"unknown, 10.0.0.2"], ("10.0.0.2", false)),
            ("10.0.0.1", &[b"203.0.113.7, "], ("10.0.0.1", false)),
            ("10.0.0.1", &[b""], ("10.0.0.1", false)),
            ("10.0.0.1", &[b"fe80::1%eth0"], ("10.0.0.1", false)),
            ("10.0.0.1", &[b"203.0.113.7", b"\xff"], ("10.0.0.1", false)),
        ];
        for (peer, lines, expected) in cases {
            check(ForwardedHeader::XForwardedFor, peer, lines, expected);
        }
    }

    #[test]
    fn the_standard_header_is_read_by_its_grammar() {
        for (line, expected) in [
            ("for=203.0.113.7", ("203.0.113.7", true)),
            ("For=\"203.0.113.7:47011\";proto=https;by=10.0.0.1", ("203.0.113.7", true)),
            ("proto=http; for = \"[2001:db8::17]:4711\"", ("2001:db8::17", true)),
            ("for=192.0.2.1, for=203.0.113.7, for=10.0.0.2", ("203.0.113.7", true)),
            ("for=192.0.2.1, host=\"a, b;for=9.9.9.9\";for=203.0.113.7", ("203.0.113.7", true)),
            ("host=\"\\\", for=9.9.9.9\";for=203.0.113.7", ("203.0.113.7", true)),
            ("for=_hidden", ("10.0.0.1", false)),
            ("for=unknown", ("10.0.0.1", false)),
            ("for=203.0.113.7;for=192.0.2.1", ("10.0.0.1", false)),
            ("by=203.0.113.7", ("10.0.0.1", false)),
            ("203.0.113.7", ("10.0.0.1", false)),
            ("for=2001:db8::17, for=\"[2001:db8::17", ("10.0.0.1", false)),
        ] {
            check(ForwardedHeader::Forwarded, "10.0.0.1", &[line.as_bytes()], expected);
        }
    }

    #[test]
    fn the_other_header_says_nothing() {
        let mut headers = HeaderMap::new();
        headers.append(FORWARDED, HeaderValue::from_static("for=203.0.113.7"));
        let peer: IpAddr = "10.0.0.1".parse().unwrap();
        let client = proxies(ForwardedHeader::XForwardedFor).client(peer, &headers);
        assert_eq!(client, Client { address: peer, is_known: true });
    }

    #[test]
    fn without_declared_proxies_the_peer_is_the_client() {
        let mut headers = HeaderMap::new();
        headers.append(X_FORWARDED_FOR, HeaderValue::from_static("203.0.113.7"));
        let peer: IpAddr = "::ffff:10.0.0.1".parse().unwrap();
        let client = Proxies::default().client(peer, &headers);
        assert_eq!(client, Client { address: peer.to_canonical(), is_known: true });
    }
}
