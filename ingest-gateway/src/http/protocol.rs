//! Which protocol a connection speaks that begins without TLS: what comes first tells.

use std::io;

use bytes::Bytes;
use kleos_service_kit::lifecycle::Shutdown;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::time::timeout_at;

use super::patience::Patience;

/// How every connection of HTTP/2 begins. No request of HTTP/1.1 does.
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// What a connection speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    Http1,
    Http2,
}

/// Reads until it can be told, and returns what was read. None where the connection has ended, or
/// is of no use to anybody.
pub(super) async fn tell(
    stream: &mut (impl AsyncRead + Unpin),
    patience: &Patience,
    shutdown: &Shutdown,
) -> Option<(Protocol, Bytes)> {
    let (mut buffer, mut length) = ([0; PREFACE.len()], 0);
    loop {
        let seen = buffer.get(..length).unwrap_or_default();
        if !PREFACE.starts_with(seen) {
            return Some((Protocol::Http1, Bytes::copy_from_slice(seen)));
        }
        if length == PREFACE.len() {
            return Some((Protocol::Http2, Bytes::copy_from_slice(seen)));
        }
        let rest = buffer.get_mut(length..).unwrap_or_default();
        let read = timeout_at(patience.deadline(), stream.read(rest));
        let read = tokio::select! {
            () = shutdown.requested() => Ok(0),
            read = read => read.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())),
        };
        match read {
            // Whoever has begun is told to come back, in the only words that there are for it.
            Ok(0) if length > 0 => {
                let seen = buffer.get(..length).unwrap_or_default();
                return Some((Protocol::Http1, Bytes::copy_from_slice(seen)));
            }
            Ok(0) | Err(_) => return None,
            Ok(count) => {
                length += count;
                patience.receives();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use kleos_service_kit::clock::SystemClock;
    use kleos_service_kit::lifecycle::ShutdownTrigger;
    use tokio::io::AsyncWriteExt;

    use super::*;
    use crate::config::Limits;

    /// What is told of a connection that begins so, and then says nothing more or ends.
    async fn told(begins: &[u8], ends: bool) -> Option<(Protocol, Vec<u8>)> {
        let (mut near, mut far) = tokio::io::duplex(64);
        far.write_all(begins).await.unwrap();
        let _kept = Some(far).filter(|_| !ends);
        let trigger = ShutdownTrigger::new(SystemClock::shared());
        let patience = Patience::new(&Limits::default());
        let found = tell(&mut near, &patience, &trigger.shutdown()).await;
        found.map(|(protocol, seen)| (protocol, seen.to_vec()))
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_bytes_tell_the_protocol_and_are_not_lost() {
        let settings = [&PREFACE[..], b"\0\0\0\x04\0\0\0\0\0"].concat();
        for (begins, ends, expected) in [
            (
                &b"POST / HTTP/1.1\r\n"[..],
                false,
                Some((Protocol::Http1, &b"POST / HTTP/1.1\r\n"[..])),
            ),
            (b"PRI * HTTP/1.1\r\n", false, Some((Protocol::Http1, b"PRI * HTTP/1.1\r\n"))),
            (b"\x16\x03\x01", false, Some((Protocol::Http1, b"\x16\x03\x01"))),
            (&settings, false, Some((Protocol::Http2, &PREFACE[..]))),
            (b"PRI", true, Some((Protocol::Http1, b"PRI"))),
            // Who says nothing more is waited for in vain.
            (b"PRI", false, None),
            (b"", false, None),
            (b"", true, None),
        ] {
            let expected = expected.map(|(protocol, seen)| (protocol, seen.to_vec()));
            assert_eq!(told(begins, ends).await, expected, "{}", begins.escape_ascii());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_process_that_stops_waits_for_nobody_who_has_not_begun() {
        for (begins, expected) in [(&b""[..], None), (b"PRI", Some(Protocol::Http1))] {
            let (mut near, mut far) = tokio::io::duplex(64);
            far.write_all(begins).await.unwrap();
            let trigger = ShutdownTrigger::new(SystemClock::shared());
            trigger.request(Duration::from_secs(1));
            let patience = Patience::new(&Limits::default());
            let found = tell(&mut near, &patience, &trigger.shutdown()).await;
            // What has not been read by then may be taken or not.
            assert!(found.map(|(protocol, _)| protocol).is_none_or(|it| Some(it) == expected));
        }
    }
}
