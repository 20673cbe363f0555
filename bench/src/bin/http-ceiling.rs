//! What HTTP alone costs: reads each body to its end, and answers 202. Nothing is checked or kept.
//!
//!     http-ceiling 127.0.0.1:8080

use std::convert::Infallible;

use anyhow::Context;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;

const ACCEPTED: &[u8] =
    br#"{"status":"success","event_id":"00000000-0000-0000-0000-000000000000"}"#;

fn main() -> anyhow::Result<()> {
    let listen = std::env::args().nth(1).context("say where to listen, as 127.0.0.1:8080")?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_io().build()?;
    runtime.block_on(serve(&listen))
}

async fn serve(listen: &str) -> anyhow::Result<()> {
    let listener = TcpListener::bind(listen).await.with_context(|| listen.to_owned())?;
    let runtime = Handle::current();
    loop {
        let (stream, _) = listener.accept().await?;
        runtime.spawn(connection(stream));
    }
}

async fn connection(stream: TcpStream) {
    // Answers are small and leave at once.
    stream.set_nodelay(true).ok();
    let served = http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(answer));
    // How a connection ends is its sender's affair.
    served.await.ok();
}

async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let is_read = request.into_body().collect().await.is_ok();
    let (status, text) =
        if is_read { (StatusCode::ACCEPTED, ACCEPTED) } else { (StatusCode::BAD_REQUEST, &[][..]) };
    let mut response = Response::new(Full::new(Bytes::from_static(text)));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}
