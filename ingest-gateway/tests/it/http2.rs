//! HTTP/2: in clear text here, over TLS as well.

use bytes::Bytes;
use futures_util::future::join_all;
use http_body_util::channel::Channel;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper::{Method, Request, Version};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::gateway::{Gateway, MOODLE, TOKEN, coordinates};
use crate::wire::{PATIENCE, Reply, Stream};

type Body = BoxBody<Bytes, std::io::Error>;

/// A connection.
pub(crate) struct Client {
    sender: SendRequest<Body>,
    connection: JoinHandle<hyper::Result<()>>,
}

fn whole(body: impl Into<Bytes>) -> Body {
    Full::new(body.into()).map_err(std::io::Error::other).boxed()
}

fn request(path: &str, token: &str, body: Body) -> Request<Body> {
    Request::builder()
        .method(Method::POST)
        .uri(format!("http://kleos.example{path}"))
        .header("authorization", format!("Bearer {token}"))
        .body(body)
        .unwrap()
}

impl Client {
    pub(crate) async fn over(stream: impl Stream + 'static) -> Self {
        let shaken = handshake(TokioExecutor::new(), TokioIo::new(stream)).await;
        let (sender, connection) = shaken.unwrap();
        Self { sender, connection: Handle::current().spawn(connection) }
    }

    async fn connect(gateway: &Gateway) -> Self {
        Self::over(TcpStream::connect(gateway.address).await.unwrap()).await
    }

    pub(crate) async fn post(&mut self, path: &str, token: &str, body: &str) -> Reply {
        self.send(request(path, token, whole(body.to_owned()))).await.unwrap()
    }

    async fn send(&mut self, request: Request<Body>) -> hyper::Result<Reply> {
        let mut sender = self.sender.clone();
        sender.ready().await?;
        let answer = sender.send_request(request);
        let answer = timeout(PATIENCE, answer).await.expect("nothing came")?;
        assert_eq!(answer.version(), Version::HTTP_2);
        let (head, body) = answer.into_parts();
        let body = body.collect().await?.to_bytes();
        let headers = head.headers.iter().filter(|(name, _)| *name != "date");
        Ok(Reply {
            status: head.status.as_u16(),
            headers: headers
                .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
                .collect(),
            body: String::from_utf8(body.to_vec()).unwrap(),
        })
    }

    /// Waits for the other side to end it well.
    async fn ended(self) {
        drop(self.sender);
        timeout(PATIENCE, self.connection).await.expect("it goes on").unwrap().unwrap();
    }
}

#[tokio::test]
async fn a_request_lies_in_the_log_as_one_of_the_other_protocol_would() {
    let gateway = Gateway::start("").await;
    let mut client = Client::connect(&gateway).await;
    let mut asked = request(&format!("{MOODLE}?a=%20b"), TOKEN, whole("{\"id\":1}"));
    asked.headers_mut().insert("x-event", "lesson".parse().unwrap());
    let reply = client.send(asked).await.unwrap();
    assert_eq!(reply.status, 200, "{reply:?}");
    assert_eq!(reply.header("connection"), None);
    let record = gateway.record_of(&reply).await;
    assert_eq!((record.path.as_str(), record.query.as_str()), (MOODLE, "a=%20b"));
    assert_eq!(record.body, b"{\"id\":1}");
    let lines = record.headers.iter().map(|line| (line.name.as_str(), line.value.as_str()));
    let lines: Vec<_> = lines.collect();
    assert_eq!(lines, [("x-event", "lesson"), ("content-length", "8"), ("host", "kleos.example")]);
}

#[tokio::test]
async fn many_requests_share_a_connection() {
    let gateway = Gateway::start("").await;
    let client = Client::connect(&gateway).await;
    let sending = (0..500).map(|number: u32| {
        let mut client = Client {
            sender: client.sender.clone(),
            connection: Handle::current().spawn(async { Ok(()) }),
        };
        async move { (number, client.post(MOODLE, TOKEN, &number.to_string()).await) }
    });
    let replies = join_all(sending).await;
    let records = gateway.records().await;
    assert_eq!((records.len(), gateway.connections()), (500, 1));
    for (number, reply) in replies {
        let record = &records[&coordinates(&reply.json()["receipt"])];
        assert_eq!(record.body, number.to_string().as_bytes());
    }
}

#[tokio::test]
async fn a_request_that_is_refused_ends_no_other() {
    let gateway = Gateway::start("max_body = \"1KiB\"\nbody_timeout = \"300ms\"").await;
    let mut client = Client::connect(&gateway).await;
    let (mut slow, body) = Channel::<Bytes, std::io::Error>::new(1);
    slow.send_data(Bytes::from_static(b"never more")).await.unwrap();
    let slow_request = request(MOODLE, TOKEN, body.boxed());
    let mut other = Client {
        sender: client.sender.clone(),
        connection: Handle::current().spawn(async { Ok(()) }),
    };
    let waiting = Handle::current().spawn(async move { other.send(slow_request).await.unwrap() });
    let large = "x".repeat(1_025);
    for (token, body, status) in
        [("sesame", large.as_str(), 401), (TOKEN, large.as_str(), 413), (TOKEN, "{}", 200)]
    {
        assert_eq!(client.post(MOODLE, token, body).await.status, status);
    }
    // Without a declared length.
    let (mut sender, body) = Channel::<Bytes, std::io::Error>::new(1);
    Handle::current().spawn(async move {
        while sender.send_data(Bytes::from_static(&[b'x'; 512])).await.is_ok() {}
    });
    assert_eq!(client.send(request(MOODLE, TOKEN, body.boxed())).await.unwrap().status, 413);
    let mut many = request(MOODLE, TOKEN, whole("{}"));
    for number in 0..100 {
        many.headers_mut().append("x-line", number.into());
    }
    assert_eq!(client.send(many).await.unwrap().status, 431);
    let mut long = request(MOODLE, TOKEN, whole("{}"));
    long.headers_mut().insert("x-line", "y".repeat(32 << 10).parse().unwrap());
    assert!(client.send(long).await.map_or(true, |reply| reply.status == 431));
    assert_eq!(waiting.await.unwrap().status, 408);
    assert_eq!(client.post(MOODLE, TOKEN, "{}").await.status, 200);
    drop(slow);
    assert_eq!((gateway.records().await.len(), gateway.connections()), (2, 1));
    gateway.until("all is given back", |gateway| gateway.held() == 0).await;
}

#[tokio::test]
async fn a_connection_without_requests_is_ended() {
    let settings = "idle_timeout = \"300ms\"\nappend_timeout = \"5s\"\nbody_timeout = \"1s\"";
    let gateway = Gateway::start(settings).await;
    Client::connect(&gateway).await.ended().await;
    let mut client = Client::connect(&gateway).await;
    // While one is in hand it does not idle.
    let (sender, body) = Channel::<Bytes, std::io::Error>::new(1);
    assert_eq!(client.send(request(MOODLE, TOKEN, body.boxed())).await.unwrap().status, 408);
    drop(sender);
    client.ended().await;
    gateway.until("all are closed", |gateway| gateway.connections() == 0).await;
}

#[tokio::test]
async fn what_begins_a_connection_is_no_head_but_has_the_time_of_one() {
    let gateway = Gateway::start("header_timeout = \"150ms\"").await;
    let mut client = Client::connect(&gateway).await;
    gateway.until("it is taken", |gateway| gateway.connections() == 1).await;
    let mut slow = gateway.connect().await;
    slow.send("PRI * HTTP/2.0\r\n\r\nSM").await;
    slow.closed().await;
    // By now a head would have taken too long.
    assert_eq!(client.post(MOODLE, TOKEN, "{}").await.status, 200);
}

#[tokio::test]
async fn requests_in_hand_are_answered_when_the_process_stops() {
    let gateway = Gateway::start("").await;
    let mut client = Client::connect(&gateway).await;
    assert_eq!(client.post(MOODLE, TOKEN, "before").await.status, 200);
    let idle = Client::connect(&gateway).await;
    let (mut sender, body) = Channel::<Bytes, std::io::Error>::new(1);
    let mut other = Client {
        sender: client.sender.clone(),
        connection: Handle::current().spawn(async { Ok(()) }),
    };
    let asked = request(MOODLE, TOKEN, body.boxed());
    let waiting = Handle::current().spawn(async move { other.send(asked).await.unwrap() });
    gateway.until("it is in hand", |gateway| gateway.held() > 0).await;
    gateway.ask_to_stop();
    idle.ended().await;
    sender.send_data(Bytes::from_static(b"in hand")).await.unwrap();
    drop(sender);
    let reply = waiting.await.unwrap();
    assert_eq!(reply.status, 200, "{reply:?}");
    assert_eq!(gateway.record_of(&reply).await.body, b"in hand");
    client.ended().await;
    assert_eq!(gateway.records().await.len(), 2);
    assert_eq!(gateway.ended().await, Ok(()));
}
