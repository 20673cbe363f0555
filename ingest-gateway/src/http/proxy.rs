//! Whom a connection is of, as a proxy writes it before the first request: PROXY, version 2.

use std::io;
use std::net::IpAddr;

use ppp::v2::{Addresses, Command, Header, PROTOCOL_PREFIX};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::time::timeout;
use tracing::debug;

use super::Gateway;

/// The part of a header that each has: signature, version and command, family, length of the rest.
const MINIMUM_LENGTH: usize = 16;

/// The peer of a connection. Where a trusted proxy has to say who that is and does not, nobody
/// knows, and the connection is closed.
pub(super) async fn peer(
    stream: &mut (impl AsyncRead + Unpin),
    proxy: IpAddr,
    gateway: &Gateway,
) -> Option<IpAddr> {
    if !gateway.proxy_protocol || !gateway.door.trusts(proxy) {
        return Some(proxy);
    }
    let read = timeout(gateway.limits.header_timeout, read(stream, proxy));
    let found = tokio::select! {
        () = gateway.shutdown.requested() => return None,
        found = read => found.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())),
    };
    match found {
        Ok(peer) => Some(peer),
        Err(error) => {
            debug!(%proxy, %error, "a connection did not begin with a PROXY header");
            gateway.metrics.refused_connections.inc();
            None
        }
    }
}

async fn read(stream: &mut (impl AsyncRead + Unpin), proxy: IpAddr) -> io::Result<IpAddr> {
    let mut header = vec![0; MINIMUM_LENGTH];
    stream.read_exact(&mut header).await?;
    if !header.starts_with(PROTOCOL_PREFIX) {
        return Err(io::Error::other("no signature of PROXY, version 2"));
    }
    let [.., high, low] = header[..] else { return Err(io::ErrorKind::UnexpectedEof.into()) };
    header.resize(MINIMUM_LENGTH + usize::from(u16::from_be_bytes([high, low])), 0);
    stream.read_exact(&mut header[MINIMUM_LENGTH..]).await?;
    let header =
        Header::try_from(&header[..]).map_err(|error| io::Error::other(error.to_string()))?;
    match (header.command, header.addresses) {
        // The proxy's own, as to see whether somebody is there.
        (Command::Local, _) => Ok(proxy),
        (Command::Proxy, Addresses::IPv4(addresses)) => Ok(addresses.source_address.into()),
        (Command::Proxy, Addresses::IPv6(addresses)) => Ok(addresses.source_address.into()),
        (Command::Proxy, Addresses::Unix(_) | Addresses::Unspecified) => {
            Err(io::Error::other("no address"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const IPV4: [u8; 12] = [203, 0, 113, 7, 10, 0, 0, 1, 0x9c, 0x40, 0x1f, 0x90];

    /// A header with this version and command, family, and addresses.
    fn header(command: u8, family: u8, addresses: &[u8]) -> Vec<u8> {
        let length = u16::try_from(addresses.len()).unwrap().to_be_bytes();
        [PROTOCOL_PREFIX, &[command, family], &length, addresses].concat()
    }

    async fn read_of(bytes: &[u8]) -> Option<String> {
        let proxy = "10.0.0.1".parse().unwrap();
        let mut stream = bytes;
        let peer = read(&mut stream, proxy).await.ok()?;
        assert_eq!(stream, b"GET", "what follows is not touched");
        Some(peer.to_string())
    }

    #[tokio::test]
    async fn a_proxy_says_whom_a_connection_is_of() {
        let mut ipv6 = [0; 36];
        ipv6[..16].copy_from_slice(&[0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
        let with_more = [&IPV4[..], &[4, 0, 3, b'a', b'b', b'c']].concat();
        for (what, bytes, expected) in [
            ("an IPv4 client", header(0x21, 0x11, &IPV4), Some("203.0.113.7")),
            ("an IPv6 client", header(0x21, 0x21, &ipv6), Some("2001:db8::1")),
            ("fields of its own", header(0x21, 0x11, &with_more), Some("203.0.113.7")),
            ("the proxy itself", header(0x20, 0x00, &[]), Some("10.0.0.1")),
            ("no address", header(0x21, 0x00, &[]), None),
            ("too few bytes", header(0x21, 0x11, &IPV4[..11]), None),
            ("another version", header(0x11, 0x11, &IPV4), None),
            ("another command", header(0x2f, 0x11, &IPV4), None),
            ("version 1", b"PROXY TCP4 203.0.113.7 10.0.0.1 40000 8080\r\n".to_vec(), None),
            ("no header", b"POST / HTTP/1.1\r\nhost: kleos\r\n\r\n".to_vec(), None),
        ] {
            let bytes = [&bytes[..], b"GET"].concat();
            assert_eq!(read_of(&bytes).await.as_deref(), expected, "{what}");
        }
        assert_eq!(read_of(&header(0x21, 0x11, &IPV4)[..20]).await, None, "cut");
    }
}
