//! HTTP as a sender and a monitor speak it.

use std::time::Duration;

use reqwest::blocking::{Client, Response};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap};
use serde_json::Value;

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error} in {self:?}"))
    }

    /// The refusal's code.
    #[track_caller]
    pub(crate) fn error(&self) -> String {
        self.json()["error"].as_str().unwrap_or_else(|| panic!("no error in {self:?}")).to_owned()
    }

    fn of(response: Response) -> Self {
        Self {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            body: response.text().unwrap_or_default(),
        }
    }
}

fn client() -> Client {
    Client::builder().no_proxy().timeout(Duration::from_secs(30)).build().unwrap()
}

/// None where nobody answers.
pub(crate) fn try_get(port: u16, path: &str) -> Option<Answer> {
    let url = format!("http://127.0.0.1:{port}{path}");
    client().get(url).send().ok().map(Answer::of)
}

#[track_caller]
pub(crate) fn get(port: u16, path: &str) -> Answer {
    try_get(port, path).unwrap_or_else(|| panic!("nobody answers on port {port}"))
}

#[track_caller]
pub(crate) fn get_with(port: u16, path: &str, token: &str) -> Answer {
    let url = format!("http://127.0.0.1:{port}{path}");
    Answer::of(client().get(url).bearer_auth(token).send().unwrap())
}

#[track_caller]
pub(crate) fn put_with(port: u16, path: &str, token: &str, body: &str) -> Answer {
    let url = format!("http://127.0.0.1:{port}{path}");
    Answer::of(client().put(url).bearer_auth(token).body(body.to_owned()).send().unwrap())
}

/// Posts a webhook of a source.
#[track_caller]
pub(crate) fn post(port: u16, source: &str, token: Option<&str>, body: &str) -> Answer {
    let url = format!("http://127.0.0.1:{port}/api/public/hook/{source}/event");
    let mut request =
        client().post(url).header(CONTENT_TYPE, "application/json").body(body.to_owned());
    if let Some(token) = token {
        request = request.header(AUTHORIZATION, format!("Bearer {token}"));
    }
    Answer::of(request.send().unwrap())
}
