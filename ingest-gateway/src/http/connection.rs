//! One connection: HTTP/1.1 within limits, from the first byte to a close that loses no answer.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{HttpService, service_fn};
use hyper_util::rt::TokioIo;
use kleos_service_kit::lifecycle::Shutdown;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep_until, timeout};

use super::patience::Patience;
use super::socket::Socket;
use super::{Gateway, proxy, request};

/// The longest head, with its first line and all its headers.
const HEAD_BYTES_MAX: usize = 32 * 1_024;
/// The most header lines.
const HEADERS_MAX: usize = 100;
/// How long, and how far, a sender is listened to that goes on sending after its answer.
const LINGER: Duration = Duration::from_secs(2);
const LINGER_BYTES_MAX: usize = 64 << 20;

/// Why there will be no more requests.
enum Ended {
    /// Both sides are done.
    Well,
    /// The answer is sent, and the sender may still be sending.
    Early,
    /// The sender took too long, or went.
    Abandoned,
}

/// Serves requests one after another until either side has enough.
pub(super) async fn serve(mut stream: TcpStream, peer: SocketAddr, gateway: &Arc<Gateway>) {
    // Answers are small and leave at once.
    stream.set_nodelay(true).ok();
    let Some(peer) = proxy::peer(&mut stream, peer.ip(), gateway).await else { return };
    let patience = Arc::new(Patience::new(&gateway.limits));
    let io = TokioIo::new(Socket { stream, patience: Arc::clone(&patience) });
    let service = service_fn(|asked| {
        Box::pin(request::answer(Arc::clone(gateway), peer, Arc::clone(&patience), asked))
    });
    let mut connection = http1::Builder::new()
        // A sender that has said all it will say still waits for the answer.
        .half_close(true)
        // Heads have their time by `Patience`, which lets a connection idle for longer.
        .header_read_timeout(None)
        .max_header_size(HEAD_BYTES_MAX)
        .max_buf_size(2 * HEAD_BYTES_MAX)
        .max_headers(HEADERS_MAX)
        .serve_connection(io, service);
    if let Ended::Early = drive(&mut connection, &patience, &gateway.shutdown).await {
        linger(connection.into_parts().io.into_inner().stream).await;
    }
}

type Connection<S> = http1::Connection<TokioIo<Socket<TcpStream>>, S>;

/// Runs a connection until it ends, its patience does, or, once the process stops, the request in
/// hand is answered.
async fn drive<S>(connection: &mut Connection<S>, patience: &Patience, shutdown: &Shutdown) -> Ended
where
    S: HttpService<Incoming, ResBody = Full<Bytes>> + Unpin,
    S::Future: Unpin,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let mut stop = pin!(shutdown.requested());
    let mut is_stopping = false;
    let mut timer = pin!(sleep_until(patience.deadline()));
    poll_fn(|context| {
        if !is_stopping && stop.as_mut().poll(context).is_ready() {
            is_stopping = true;
            Pin::new(&mut *connection).graceful_shutdown();
        }
        match connection.poll_without_shutdown(context) {
            Poll::Ready(Ok(())) if patience.has_left_unread() => Poll::Ready(Ended::Early),
            Poll::Ready(Ok(())) => Poll::Ready(Ended::Well),
            // What is not HTTP is answered too.
            Poll::Ready(Err(error)) if error.is_parse() => Poll::Ready(Ended::Early),
            Poll::Ready(Err(_)) => Poll::Ready(Ended::Abandoned),
            Poll::Pending if is_over(patience, timer.as_mut(), context) => {
                Poll::Ready(Ended::Abandoned)
            }
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

/// Whether the patience has ended. The timer is set anew when it goes off and when the deadline has
/// come nearer, not with every request.
fn is_over(patience: &Patience, mut timer: Pin<&mut Sleep>, context: &mut Context<'_>) -> bool {
    if patience.is_waiting() && patience.deadline() < timer.deadline() {
        timer.as_mut().reset(patience.deadline());
    }
    while timer.as_mut().poll(context).is_ready() {
        let deadline = patience.deadline();
        if deadline <= Instant::now() {
            return true;
        }
        timer.as_mut().reset(deadline);
    }
    false
}

/// Lets a sender finish that was answered before it had sent everything. To close at once would
/// reset the connection, and the reset can reach the sender before it has read the answer.
async fn linger(mut stream: TcpStream) {
    if stream.shutdown().await.is_err() {
        return;
    }
    let mut unread = vec![0; 16 * 1_024];
    let mut total = 0;
    let listening = async {
        while total < LINGER_BYTES_MAX {
            match stream.read(&mut unread).await {
                Ok(0) | Err(_) => return,
                Ok(bytes) => total += bytes,
            }
        }
    };
    // Longer than that nobody is waited for.
    timeout(LINGER, listening).await.ok();
}
