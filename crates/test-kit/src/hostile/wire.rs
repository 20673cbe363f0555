//! A connection by the byte.

use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

use super::frames::Frame;

/// Longer than any step takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// After so long without progress the other side takes no more.
const STUCK: Duration = Duration::from_secs(1);

/// A connection.
#[derive(Debug)]
pub(super) struct Wire {
    stream: TcpStream,
    unread: Vec<u8>,
    /// Frames of HTTP/2 that nobody has asked for yet.
    pub(super) frames: VecDeque<Frame>,
}

/// What came back.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) head: String,
    pub(super) body: Vec<u8>,
}

impl Wire {
    pub(super) async fn connect(from: Ipv4Addr, to: SocketAddr) -> io::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.bind(SocketAddr::new(IpAddr::V4(from), 0))?;
        let stream = timed(socket.connect(to)).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, unread: Vec::new(), frames: VecDeque::new() })
    }

    /// Whether all of it went out.
    pub(super) async fn send(&mut self, bytes: &[u8]) -> bool {
        timed(self.stream.write_all(bytes)).await.is_ok()
    }

    /// Sends the same until that goes no further.
    pub(super) async fn flood(&mut self, bytes: &[u8]) -> Result<(), String> {
        let flood =
            async { while let Ok(Ok(())) = timeout(STUCK, self.stream.write_all(bytes)).await {} };
        timeout(PATIENCE, flood).await.map_err(|_| format!("took more for {PATIENCE:?}"))
    }

    pub(super) async fn finish(&mut self) {
        // Where the other side has closed already, it knows.
        self.stream.shutdown().await.ok();
    }

    /// The next answer.
    pub(super) async fn reply(&mut self) -> Result<Reply, String> {
        let end = loop {
            match self.unread.windows(4).position(|window| window == b"\r\n\r\n") {
                Some(at) => break at + 4,
                None => self.more("an answer").await?,
            }
        };
        let head = String::from_utf8_lossy(&self.take(end)).into_owned();
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        let status = status.ok_or_else(|| format!("no status in {head:?}"))?;
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let length = length.map_or(Ok(0), str::parse);
        let length: usize = length.map_err(|_| format!("no length in {head:?}"))?;
        while self.unread.len() < length {
            self.more("the rest of an answer").await?;
        }
        Ok(Reply { status, head, body: self.take(length) })
    }

    /// So many bytes.
    pub(super) async fn exactly(&mut self, count: usize) -> Result<Vec<u8>, String> {
        while self.unread.len() < count {
            self.more("a frame").await?;
        }
        Ok(self.take(count))
    }

    /// All that comes before the other side closes.
    pub(super) async fn rest(&mut self) -> Result<Vec<u8>, String> {
        while self.read().await? {}
        Ok(std::mem::take(&mut self.unread))
    }

    fn take(&mut self, count: usize) -> Vec<u8> {
        self.unread.drain(..count).collect()
    }

    async fn more(&mut self, what: &str) -> Result<(), String> {
        if self.read().await? {
            return Ok(());
        }
        let seen = self.unread.escape_ascii();
        Err(format!("the connection was closed instead of {what}; before that: {seen}"))
    }

    /// False at the end, however it came.
    async fn read(&mut self) -> Result<bool, String> {
        let mut bytes = [0; 4_096];
        match timed(self.stream.read(&mut bytes)).await {
            Ok(count) => {
                self.unread.extend_from_slice(bytes.get(..count).unwrap_or_default());
                Ok(count > 0)
            }
            Err(error) if error.kind() == io::ErrorKind::TimedOut => {
                Err(format!("nothing came for {PATIENCE:?}"))
            }
            Err(_) => Ok(false),
        }
    }
}

async fn timed<T>(step: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    timeout(PATIENCE, step).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}
