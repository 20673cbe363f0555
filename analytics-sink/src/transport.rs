//! HTTP.

use std::fmt::Debug;
use std::io::Read;
use std::time::Duration;

use kleos_event_log::LogError;
use kleos_service_kit::clock::SharedClock;
use kleos_service_kit::failure::error_text;
use reqwest::blocking::{Client, RequestBuilder, Response};
use reqwest::header::{HeaderName, LOCATION, RETRY_AFTER};
use reqwest::redirect::Policy;

use crate::config::{Credentials, Destination};
use crate::request::{HEADERS, endpoint};
use crate::verdict::Answer;

/// Below the time that a process has to stop, so that a request in hand does not outlive it.
pub(crate) const REQUEST_TIMEOUT: Duration = Duration::from_secs(20);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// A full batch of refused events has less to say.
const ANSWER_BYTES_MAX: usize = 4 << 20;

/// Carries a request to the vendor and its answer back.
pub(crate) trait Transport: Debug + Send {
    /// Sends a body; what went wrong is for people, without secrets.
    fn post(&mut self, body: Vec<u8>) -> Result<Answer, String>;
}

/// The vendor's real address, or that of a simulation.
#[derive(Debug)]
pub(crate) struct HttpTransport {
    client: Client,
    destination: Destination,
    clock: SharedClock,
}

impl HttpTransport {
    /// A client with connections of its own. Not to be called where tasks run.
    pub(crate) fn new(destination: Destination, clock: SharedClock) -> Result<Self, LogError> {
        let mut builder = Client::builder()
            .timeout(REQUEST_TIMEOUT)
            .connect_timeout(CONNECT_TIMEOUT)
            // A redirect would carry the credentials to wherever it leads.
            .redirect(Policy::none())
            .user_agent(concat!("kleos-analytics-sink/", env!("CARGO_PKG_VERSION")));
        if destination.url.scheme() == "http" {
            // Else the client asks for the machine's certificates, which a small one may not have.
            builder = builder.tls_certs_only([]);
        }
        let client = builder.build().map_err(|error| LogError::Misconfigured {
            what: "the client of Mixpanel needs the certificates of the machine".to_owned(),
            cause: error_text(&error),
        })?;
        Ok(Self { client, destination, clock })
    }

    fn request(&self, body: Vec<u8>) -> RequestBuilder {
        let mut request = self.client.post(endpoint(&self.destination)).body(body);
        for (name, value) in HEADERS {
            request = request.header(name, value);
        }
        match &self.destination.credentials {
            Credentials::ServiceAccount { username, secret } => {
                request.basic_auth(username, Some(secret.expose()))
            }
            Credentials::Token(token) => request.basic_auth(token.expose(), Some("")),
        }
    }

    /// The client's timeout is for each read: an answer that drips is given up here.
    fn read_body(&self, response: &mut Response) -> Result<Vec<u8>, String> {
        let started = self.clock.monotonic();
        let mut body = Vec::new();
        let mut piece = [0; 16 << 10];
        loop {
            let count = response.read(&mut piece).map_err(|error| error_text(&error))?;
            body.extend_from_slice(&piece[..count]);
            if count == 0 {
                return Ok(body);
            }
            if body.len() > ANSWER_BYTES_MAX {
                return Err(format!("an answer of more than {ANSWER_BYTES_MAX} bytes"));
            }
            if self.clock.monotonic().saturating_sub(started) > REQUEST_TIMEOUT {
                return Err(format!("an answer that takes more than {REQUEST_TIMEOUT:?}"));
            }
        }
    }
}

impl Transport for HttpTransport {
    fn post(&mut self, body: Vec<u8>) -> Result<Answer, String> {
        let sent = self.request(body).send();
        let mut response = sent.map_err(|error| error_text(&error.without_url()))?;
        let header = |name: HeaderName| {
            let value = response.headers().get(name)?;
            value.to_str().ok().map(str::to_owned)
        };
        let (retry_after, location) = (header(RETRY_AFTER), header(LOCATION));
        let status = response.status().as_u16();
        let body = self.read_body(&mut response)?;
        Ok(Answer { status, retry_after, location, body })
    }
}
