//! HTTP/2 within limits: many requests at once on a connection, each a task of its own.
//!
//! A connection idles while it has no request; what else comes, as pings, does not prolong that. At
//! the end it says so, requests on their way are answered, and what is left has the time of a head.
//! A body that was not read takes no more than a reset of its stream, so no connection ends for it.

use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use hyper::header::{HOST, HeaderValue};
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::sleep_until;

use super::connection::{HEAD_BYTES_MAX, HEADERS_MAX, Peer};
use super::socket::Socket;
use super::{Gateway, request};

/// Requests at once. The others wait in the sender, or take another connection.
const STREAMS_MAX: u32 = 100;
/// What of bodies may be on its way that nobody has read yet, of one and of all. They are read as
/// they come; a sender at the other end of the world still gets the longest body through in time.
const STREAM_WINDOW: u32 = 256 * 1_024;
const CONNECTION_WINDOW: u32 = 1_024 * 1_024;
/// Answers are small.
const SEND_BYTES_MAX: usize = 16 * 1_024;
/// Requests that a sender takes back before anybody has seen them, and streams that break the rules,
/// of one connection. Who does more of that wants nothing but our work.
const TAKEN_BACK_MAX: usize = 20;
const BROKEN_MAX: usize = 200;

/// Serves requests until either side has enough.
pub(super) async fn serve<S>(socket: Socket<S>, peer: Peer, gateway: &Arc<Gateway>)
where
    S: AsyncRead + AsyncWrite + Unpin + 'static,
{
    let Peer { address, patience } = peer;
    // The bytes that began the connection are no head.
    patience.waits();
    let service = service_fn(|mut asked: Request<hyper::body::Incoming>| {
        let (gateway, patience) = (Arc::clone(gateway), Arc::clone(&patience));
        async move {
            let _served = patience.serves();
            if asked.headers().len() > HEADERS_MAX {
                let mut answer = Response::default();
                *answer.status_mut() = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
                return Ok::<_, Infallible>(answer);
            }
            name_host(&mut asked);
            Ok(request::answer(&gateway, address, asked).await.answer)
        }
    });
    let mut connection = pin!(
        http2::Builder::new(TokioExecutor::new())
            .max_concurrent_streams(STREAMS_MAX)
            .max_header_list_size(HEAD_BYTES_MAX)
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_send_buf_size(SEND_BYTES_MAX)
            .max_pending_accept_reset_streams(TAKEN_BACK_MAX)
            .max_local_error_reset_streams(BROKEN_MAX)
            .serve_connection(TokioIo::new(socket), service)
    );
    let mut stop = pin!(gateway.shutdown.requested());
    let mut is_closing = false;
    let mut timer = pin!(sleep_until(patience.deadline()));
    poll_fn(|context| {
        loop {
            let stops = !is_closing && stop.as_mut().poll(context).is_ready();
            if connection.as_mut().poll(context).is_ready() {
                return Poll::Ready(());
            }
            let is_over = patience.is_over(timer.as_mut(), context);
            if is_closing {
                return if is_over { Poll::Ready(()) } else { Poll::Pending };
            }
            if !stops && !is_over {
                return Poll::Pending;
            }
            is_closing = true;
            patience.closes();
            connection.as_mut().graceful_shutdown();
        }
    })
    .await;
}

/// Where the request was sent to stands in its target; records have it as HTTP/1.1 does.
fn name_host<B>(asked: &mut Request<B>) {
    let Some(authority) = asked.uri().authority() else { return };
    let Ok(host) = HeaderValue::from_str(authority.as_str()) else { return };
    asked.headers_mut().entry(HOST).or_insert(host);
}
