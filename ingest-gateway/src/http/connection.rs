//! One connection: from its first byte to what speaks its protocol.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::server::TlsStream;
use tracing::debug;

use super::patience::Patience;
use super::protocol::{self, Protocol};
use super::socket::Socket;
use super::{Gateway, http1, http2, proxy};
use crate::tls::{HTTP2, Tls};

/// The longest head, with its first line and all its headers.
pub(super) const HEAD_BYTES_MAX: u32 = 32 * 1_024;
/// The most header lines.
pub(super) const HEADERS_MAX: usize = 100;

/// Whom a connection is of, and how long it may take for what.
pub(super) struct Peer {
    pub(super) address: std::net::IpAddr,
    pub(super) patience: Arc<Patience>,
}

/// Serves requests until either side has enough.
pub(super) async fn serve(mut stream: TcpStream, peer: SocketAddr, gateway: &Arc<Gateway>) {
    // Answers are small and leave at once.
    stream.set_nodelay(true).ok();
    let Some(address) = proxy::peer(&mut stream, peer.ip(), gateway).await else { return };
    let Some(tls) = &gateway.tls else {
        let peer = Peer { address, patience: Patience::new(&gateway.limits) };
        let told = protocol::tell(&mut stream, &peer.patience, &gateway.shutdown).await;
        let Some((protocol, seen)) = told else { return };
        let socket = Socket { stream, seen, patience: None };
        return speak(protocol, socket, peer, gateway).await;
    };
    let Some(stream) = begin_tls(tls, stream, gateway).await else { return };
    let is_http2 = stream.get_ref().1.alpn_protocol() == Some(HTTP2);
    let protocol = if is_http2 { Protocol::Http2 } else { Protocol::Http1 };
    let peer = Peer { address, patience: Patience::new(&gateway.limits) };
    let socket = Socket { stream, seen: bytes::Bytes::new(), patience: None };
    speak(protocol, socket, peer, gateway).await;
}

async fn speak<S>(protocol: Protocol, socket: Socket<S>, peer: Peer, gateway: &Arc<Gateway>)
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    match protocol {
        Protocol::Http1 => Box::pin(http1::serve(socket, peer, gateway)).await,
        Protocol::Http2 => Box::pin(http2::serve(socket, peer, gateway)).await,
    }
}

/// None where it did not come to that in the time of a head.
async fn begin_tls(
    tls: &Tls,
    stream: TcpStream,
    gateway: &Gateway,
) -> Option<TlsStream<TcpStream>> {
    let handshake = timeout(gateway.limits.header_timeout, tls.acceptor.accept(stream));
    let begun = tokio::select! {
        () = gateway.shutdown.requested() => return None,
        begun = handshake => begun.unwrap_or_else(|_| Err(std::io::ErrorKind::TimedOut.into())),
    };
    match begun {
        Ok(stream) => Some(stream),
        Err(error) => {
            debug!(%error, "TLS could not be begun with a connection");
            gateway.metrics.failed_handshakes.inc();
            None
        }
    }
}
