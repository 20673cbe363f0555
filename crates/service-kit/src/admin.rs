//! The admin port: `/live`, `/ready` and `/metrics`, for whoever runs the process.
//!
//! It is bound apart from every public port, answers while the process stops, and closes last.

use std::io;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::http::{Response, StatusCode};
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::time::sleep;

use crate::lifecycle::Shutdown;
use crate::metrics::Registry;
use crate::readiness::Readiness;

/// How long requests in hand may take once the stop is asked for.
const LAST_ANSWERS: Duration = Duration::from_secs(1);
const TEXT: &str = "text/plain; charset=utf-8";
const JSON: &str = "application/json";

/// The routes, for whoever adds some of their own.
pub fn router(readiness: Readiness, metrics: Registry) -> Router {
    Router::new()
        .route("/live", get(async || answer(StatusCode::OK, TEXT, "live\n".to_owned())))
        .route("/ready", get(async move || ready(&readiness)))
        .route("/metrics", get(async move || metrics_text(&metrics)))
        .fallback(async || {
            let known = "there are /live, /ready and /metrics\n".to_owned();
            answer(StatusCode::NOT_FOUND, TEXT, known)
        })
}

/// Serves routes until it is asked to stop; requests in hand are answered, but a client that does
/// not finish its request holds up nobody.
///
/// # Errors
/// Where the listener fails.
pub async fn serve(listener: TcpListener, router: Router, shutdown: Shutdown) -> io::Result<()> {
    let asked = shutdown.clone();
    let served = axum::serve(listener, router)
        .with_graceful_shutdown(async move { asked.requested().await })
        .into_future();
    let patience = async {
        shutdown.requested().await;
        sleep(LAST_ANSWERS).await;
    };
    tokio::select! {
        served = served => served,
        () = patience => Ok(()),
    }
}

/// 200 where all is ready, else 503; the body says what is missing.
fn ready(readiness: &Readiness) -> Response<Body> {
    let report = readiness.report();
    let status = if report.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    match serde_json::to_string(&report) {
        Ok(json) => answer(status, JSON, json + "\n"),
        Err(error) => answer(StatusCode::INTERNAL_SERVER_ERROR, TEXT, format!("{error}\n")),
    }
}

fn metrics_text(metrics: &Registry) -> Response<Body> {
    match metrics.text() {
        Ok(text) => answer(StatusCode::OK, &metrics.content_type(), text),
        Err(error) => answer(StatusCode::INTERNAL_SERVER_ERROR, TEXT, format!("{error}\n")),
    }
}

fn answer(status: StatusCode, content_type: &str, body: String) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    if let Ok(content_type) = content_type.parse() {
        response.headers_mut().insert(CONTENT_TYPE, content_type);
    }
    response
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;
    use std::sync::Arc;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;
    use tokio::time::timeout;

    use super::*;
    use crate::clock::SystemClock;
    use crate::lifecycle::ShutdownTrigger;
    use crate::listen::listen;

    /// Status and body.
    async fn fetch(address: SocketAddr, path: &str) -> (String, String) {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nhost: kleos\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let (status, _) = head.split_once("\r\n").unwrap();
        (status.to_owned(), body.to_owned())
    }

    #[tokio::test]
    async fn the_port_tells_liveness_readiness_and_metrics_until_the_stop() {
        let readiness = Readiness::new(SystemClock::shared());
        let broker = readiness.condition("broker");
        let router = router(readiness.clone(), Registry::new().unwrap());
        let listener = listen("the admin port", "127.0.0.1:0".parse().unwrap()).await.unwrap();
        let address = listener.local_addr().unwrap();
        let trigger = ShutdownTrigger::new(SystemClock::shared());
        let serving =
            tokio::runtime::Handle::current().spawn(serve(listener, router, trigger.shutdown()));

        let ok = "HTTP/1.1 200 OK".to_owned();
        assert_eq!(fetch(address, "/live").await, (ok.clone(), "live\n".to_owned()));
        broker.not_ready("no answer");
        let (status, body) = fetch(address, "/ready").await;
        assert_eq!(status, "HTTP/1.1 503 Service Unavailable");
        let body: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert_eq!(body["conditions"][0]["because"], "no answer");
        broker.ready();
        assert_eq!(fetch(address, "/ready").await.0, ok);
        let (status, body) = fetch(address, "/metrics").await;
        assert_eq!(status, ok);
        assert!(body.contains("process_cpu_seconds_total"), "{body}");
        assert_eq!(fetch(address, "/").await.0, "HTTP/1.1 404 Not Found");

        // The process stops: not ready, but the port answers until its own turn comes.
        readiness.stop();
        assert_eq!(fetch(address, "/ready").await.0, "HTTP/1.1 503 Service Unavailable");
        assert_eq!(fetch(address, "/live").await.0, ok);
        trigger.request(Duration::from_secs(10));
        serving.await.unwrap().unwrap();
        assert!(TcpStream::connect(address).await.is_err());
    }

    #[tokio::test]
    async fn a_client_that_does_not_finish_its_request_holds_up_nobody() {
        let listener = listen("the admin port", "127.0.0.1:0".parse().unwrap()).await.unwrap();
        let address = listener.local_addr().unwrap();
        let clock = SystemClock::shared();
        let trigger = ShutdownTrigger::new(Arc::clone(&clock));
        let router = router(Readiness::new(clock), Registry::new().unwrap());
        let serving =
            tokio::runtime::Handle::current().spawn(serve(listener, router, trigger.shutdown()));
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(b"GET /live HTTP/1.1\r\nhost: kl").await.unwrap();
        // Once another connection is answered, this one was accepted, too.
        fetch(address, "/live").await;
        tokio::time::pause();
        trigger.request(Duration::from_secs(600));
        timeout(Duration::from_secs(60), serving).await.unwrap().unwrap().unwrap();
    }
}
