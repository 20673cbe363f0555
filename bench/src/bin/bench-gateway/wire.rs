//! The least of HTTP: one request over a connection of its own.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use anyhow::Context;

const TIMEOUT: Duration = Duration::from_secs(10);

/// A port that nobody listened on a moment ago.
pub(crate) fn free_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// The status of the answer to a request with a body; none while nobody listens.
pub(crate) fn status(port: u16, request: &[u8]) -> anyhow::Result<Option<u16>> {
    let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) else { return Ok(None) };
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.write_all(request)?;
    let mut line = [0; 12];
    stream.read_exact(&mut line)?;
    let line = str::from_utf8(&line)?;
    let status = line.split(' ').nth(1).and_then(|status| status.parse().ok());
    status.map(Some).with_context(|| format!("no status in {line:?}"))
}

/// What is at a path.
pub(crate) fn get(port: u16, path: &str) -> anyhow::Result<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}
