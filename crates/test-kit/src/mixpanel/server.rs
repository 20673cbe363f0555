//! The simulation behind a port.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{ConnectInfo, Query, Request, State};
use axum::http::{HeaderMap, HeaderName, Response, StatusCode, header};
use axum::routing::{get, post};
use futures_util::stream;
use kleos_service_kit::clock::SharedClock;
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;
use tokio::runtime::Builder;
use tokio::sync::Notify;
use tokio::time::sleep;

use super::Mixpanel;
use super::cable::{Cables, Cutter};
use super::event::StoredEvent;
use super::fault::Manner;
use super::judge::{Answer, Import};
use super::project::Project;

/// More than any request may have, compressed or not.
const BODY_BYTES_MAX: usize = 64 << 20;

/// Serves the simulation until `stop` is over.
///
/// # Errors
/// Where the listener fails.
pub async fn serve(
    listener: TcpListener,
    mixpanel: Mixpanel,
    stop: impl Future<Output = ()> + Send,
) -> io::Result<()> {
    let router = Router::new()
        .route("/import", post(import))
        .route("/simulated/summary", get(summary))
        .route("/simulated/events", get(events))
        .with_state(mixpanel)
        .into_make_service_with_connect_info::<Cutter>();
    let served = axum::serve(Cables(listener), router).into_future();
    tokio::select! {
        served = served => served,
        () = stop => Ok(()),
    }
}

/// The simulation on a thread and a port of its own, until it is dropped.
#[derive(Debug)]
pub struct Running {
    /// The simulation.
    pub mixpanel: Mixpanel,
    address: SocketAddr,
    stop: Arc<Notify>,
    thread: Option<std::thread::JoinHandle<io::Result<()>>>,
}

impl Running {
    /// Starts it on any free port of this machine.
    ///
    /// # Errors
    /// Where there is no port or thread to be had.
    pub fn start(project: Project, clock: SharedClock) -> io::Result<Self> {
        let mixpanel = Mixpanel::new(project, clock);
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
        let address = listener.local_addr()?;
        let stop = Arc::new(Notify::new());
        let (served, stopped) = (mixpanel.clone(), Arc::clone(&stop));
        let body = move || runtime.block_on(serve(listener, served, stopped.notified()));
        let thread = std::thread::Builder::new().name("mixpanel".to_owned()).spawn(body)?;
        Ok(Self { mixpanel, address, stop, thread: Some(thread) })
    }

    /// Its address, as the sink's setting `url` wants it.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.notify_one();
        if let Some(thread) = self.thread.take() {
            // How serving ended is of no interest to a test that is over.
            thread.join().ok();
        }
    }
}

async fn import(
    State(mixpanel): State<Mixpanel>,
    ConnectInfo(cutter): ConnectInfo<Cutter>,
    Query(query): Query<Vec<(String, String)>>,
    request: Request,
) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, BODY_BYTES_MAX).await else {
        return response(&Answer::error(400, "Bad Request", "the body broke off"), false);
    };
    let mut releases = mixpanel.releases();
    releases.mark_unchanged();
    let parameter =
        |name: &str| query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let (answer, manner) = mixpanel.import(&Import {
        strict: parameter("strict"),
        project_id: parameter("project_id"),
        authorization: text(&parts.headers, &header::AUTHORIZATION),
        content_type: text(&parts.headers, &header::CONTENT_TYPE),
        content_encoding: text(&parts.headers, &header::CONTENT_ENCODING),
        body: &body,
    });
    match manner {
        Manner::Prompt | Manner::Cut => {}
        Manner::Late(duration) => sleep(duration).await,
        // The sender lives as long as the simulation.
        Manner::Held => drop(releases.changed().await),
        Manner::Dropped => cutter.cut(),
    }
    response(&answer, manner == Manner::Cut)
}

fn text<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn response(answer: &Answer, is_cut: bool) -> Response<Body> {
    let body = answer.body.as_str().map_or_else(|| answer.body.to_string(), str::to_owned);
    let length = body.len();
    let body = if is_cut {
        let half = Bytes::copy_from_slice(&body.as_bytes()[..length / 2]);
        Body::from_stream(stream::iter([Ok(half), Err(io::Error::other("cut"))]))
    } else {
        Body::from(body)
    };
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::IM_A_TEAPOT);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
    headers.insert(header::CONTENT_LENGTH, length.into());
    if let Some(Ok(value)) = answer.retry_after.as_ref().map(|text| text.parse()) {
        headers.insert(header::RETRY_AFTER, value);
    }
    response
}

async fn summary(State(mixpanel): State<Mixpanel>) -> String {
    format!("{}\n", mixpanel.summary().to_json())
}

/// One event a line, in the form that `/import` takes; duplicates too with `?raw=1`.
async fn events(
    State(mixpanel): State<Mixpanel>,
    Query(query): Query<Vec<(String, String)>>,
) -> String {
    let is_raw = query.iter().any(|(key, value)| key == "raw" && value == "1");
    let events = if is_raw { mixpanel.stored() } else { mixpanel.deduplicated() };
    events.into_iter().map(|event| format!("{}\n", line_of(event))).collect()
}

fn line_of(event: StoredEvent) -> Value {
    let StoredEvent { event, distinct_id, time_millis, insert_id, mut properties, .. } = event;
    let ids: Map<String, Value> = [
        ("distinct_id", json!(distinct_id)),
        ("time", json!(time_millis)),
        ("$insert_id", json!(insert_id)),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into_iter()
    .collect();
    properties.extend(ids);
    json!({ "event": event, "properties": properties })
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpStream;

    use kleos_service_kit::clock::SystemClock;

    use super::*;
    use crate::mixpanel::fault::Fault;

    /// Status line and body; nothing at all where the connection is closed.
    fn ask(running: &Running, head: &str, body: &str) -> (String, String) {
        let mut stream = TcpStream::connect(running.address).unwrap();
        let length = body.len();
        write!(
            stream,
            "{head} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\n\
             authorization: Basic c2ltdWxhdGVkLXByb2plY3QtdG9rZW46\r\n\
             content-length: {length}\r\n\r\n{body}"
        )
        .unwrap();
        let mut answer = String::new();
        // A connection that breaks has said what it had to say.
        stream.read_to_string(&mut answer).ok();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_default();
        (head.lines().next().unwrap_or_default().to_owned(), body.to_owned())
    }

    const IMPORT: &str = "POST /import?strict=1";
    const EVENT: &str = r#"[{"event":"a","properties":{"time":1755771330,"distinct_id":"d","$insert_id":"i","ip":0,"x":1}}]"#;

    #[test]
    fn what_is_imported_can_be_listed() {
        let running = Running::start(Project::default(), SystemClock::shared()).unwrap();
        let ok = "HTTP/1.1 200 OK".to_owned();
        let imported = r#"{"code":200,"num_records_imported":1,"status":"OK"}"#.to_owned();
        assert_eq!(ask(&running, IMPORT, EVENT), (ok.clone(), imported.clone()));
        assert_eq!(ask(&running, IMPORT, EVENT), (ok.clone(), imported));
        let (status, summary) = ask(&running, "GET /simulated/summary", "");
        assert_eq!(status, ok);
        assert_eq!(
            summary,
            "{\"answers\":{\"200\":2},\"by_event\":{\"a\":1},\"deduplicated\":1,\"stored\":2}\n"
        );
        let line = "{\"event\":\"a\",\"properties\":{\"$insert_id\":\"i\",\"distinct_id\":\"d\",\
                    \"time\":1755771330000,\"x\":1}}\n";
        assert_eq!(ask(&running, "GET /simulated/events", "").1, line);
        assert_eq!(ask(&running, "GET /simulated/events?raw=1", "").1, line.repeat(2));
        assert_eq!(ask(&running, "GET /import?strict=1", "").0, "HTTP/1.1 405 Method Not Allowed");
        assert_eq!(ask(&running, "POST /track", EVENT).0, "HTTP/1.1 404 Not Found");
    }

    #[test]
    fn a_connection_can_be_dropped_and_an_answer_cut() {
        let running = Running::start(Project::default(), SystemClock::shared()).unwrap();
        running.mixpanel.misbehave(1, &Fault::DropBefore);
        running.mixpanel.misbehave(1, &Fault::DropAfter);
        running.mixpanel.misbehave(1, &Fault::CutAnswer);
        let nothing = (String::new(), String::new());
        assert_eq!(ask(&running, IMPORT, EVENT), nothing);
        assert_eq!(running.mixpanel.stored(), []);
        assert_eq!(ask(&running, IMPORT, EVENT), nothing);
        assert_eq!(running.mixpanel.stored().len(), 1);
        let (_, cut) = ask(&running, IMPORT, EVENT);
        assert!(cut.len() < 30, "{cut}");
        assert_eq!(running.mixpanel.stored().len(), 2);
    }
}
