//! HTTP/1.1 within limits: one request after another, to a close that loses no answer.

use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{CONNECTION, HeaderMap, HeaderValue, TRANSFER_ENCODING};
use hyper::server::conn::http1;
use hyper::service::{HttpService, service_fn};
use hyper::{Response, StatusCode};
use hyper_util::rt::TokioIo;
use kleos_service_kit::lifecycle::Shutdown;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::{sleep_until, timeout};

use super::connection::{HEAD_BYTES_MAX, HEADERS_MAX, Peer};
use super::patience::Patience;
use super::socket::Socket;
use super::{Gateway, request};

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
pub(super) async fn serve<S>(mut socket: Socket<S>, peer: Peer, gateway: &Arc<Gateway>)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let Peer { address, patience } = peer;
    socket.patience = Some(Arc::clone(&patience));
    let service = service_fn(|asked| {
        let (gateway, patience) = (Arc::clone(gateway), Arc::clone(&patience));
        Box::pin(async move {
            let _served = patience.serves();
            let answered = if is_delimited(asked.headers()) {
                request::answer(&gateway, address, asked).await
            } else {
                let mut answer = Response::default();
                *answer.status_mut() = StatusCode::BAD_REQUEST;
                request::Answered { answer, is_read: false }
            };
            let request::Answered { mut answer, is_read } = answered;
            if !is_read {
                patience.leaves_unread();
                answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            }
            Ok::<_, Infallible>(answer)
        })
    });
    let head_bytes_max = usize::try_from(HEAD_BYTES_MAX).unwrap_or(usize::MAX);
    let mut connection = http1::Builder::new()
        // A sender that has said all it will say still waits for the answer.
        .half_close(true)
        // Heads have their time by `Patience`, which lets a connection idle for longer.
        .header_read_timeout(None)
        .max_header_size(head_bytes_max)
        .max_buf_size(2 * head_bytes_max)
        .max_headers(HEADERS_MAX)
        .serve_connection(TokioIo::new(socket), service);
    if let Ended::Early = drive(&mut connection, &patience, &gateway.shutdown).await {
        linger(connection.into_parts().io.into_inner().stream).await;
    }
}

type Connection<T, S> = http1::Connection<TokioIo<Socket<T>>, S>;

/// Runs a connection until it ends, its patience does, or, once the process stops, the request in
/// hand is answered.
async fn drive<T, S>(
    connection: &mut Connection<T, S>,
    patience: &Patience,
    shutdown: &Shutdown,
) -> Ended
where
    T: AsyncRead + AsyncWrite + Unpin,
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
            Poll::Pending if patience.is_over(timer.as_mut(), context) => {
                Poll::Ready(Ended::Abandoned)
            }
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

/// Whether nobody can read otherwise where the body ends: it comes in chunks and no other coding, or
/// in none. What is in front of us may take another coding, or a second one, for something else.
fn is_delimited(headers: &HeaderMap) -> bool {
    let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
    let is_chunked = |coding: &HeaderValue| coding.as_bytes().eq_ignore_ascii_case(b"chunked");
    codings.next().is_none_or(is_chunked) && codings.next().is_none()
}

/// Lets a sender finish that was answered before it had sent everything. To close at once would
/// reset the connection, and the reset can reach the sender before it has read the answer.
async fn linger(mut stream: impl AsyncRead + AsyncWrite + Unpin) {
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
