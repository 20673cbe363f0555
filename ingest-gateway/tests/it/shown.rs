//! Secrets in the query and in the body.

use crate::gateway::{Gateway, MOODLE, TOKEN};
use crate::wire;

/// A site whose plugin puts a token into its bodies, and one that can be given no more than a URL.
const SITES: &str = r#"
    [instances.plugged]
    tenant = "acme"
    source = "moodle"
    credentials = [{ id = "only", strategy = "body", secret = "token-of-the-plugged" }]
    [instances.linked]
    tenant = "acme"
    source = "moodle"
    credentials = [{ id = "only", strategy = "query", secret = "token-of-the-linked" }]
"#;

fn post(path: &str, body: &str) -> String {
    let length = body.len();
    format!("POST {path} HTTP/1.1\r\nhost: kleos\r\ncontent-length: {length}\r\n\r\n{body}")
}

#[tokio::test]
async fn a_secret_in_the_body_is_not_in_the_record() {
    let gateway = Gateway::start(SITES).await;
    let body = r#"{"eventname":"\\core\\event\\user_loggedin","token":"token-of-the-plugged"}"#;
    let reply = gateway.send(post(MOODLE, body)).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    let record = gateway.record_of(&reply).await;
    let stored = body.replace("token-of-the-plugged", "***");
    assert_eq!(String::from_utf8(record.body).unwrap(), stored);
    assert_eq!((record.instance.as_str(), record.auth.strategy.as_str()), ("plugged", "body"));
    let names: Vec<&str> = record.headers.iter().map(|line| line.name.as_str()).collect();
    assert_eq!(names, ["host"]);
    for other in ["{}", "{\"token\":\"token-of-nobody\"}", "[]", ""] {
        assert_eq!(gateway.send(post(MOODLE, other)).await.status, 401, "{other}");
    }
    assert_eq!(gateway.records().await.len(), 1);
}

#[tokio::test]
async fn a_secret_in_the_url_is_not_in_the_record() {
    let gateway = Gateway::start(SITES).await;
    let path = format!("{MOODLE}?a=1&token=token-of-the-linked");
    let reply = gateway.send(post(&path, "{}")).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    let record = gateway.record_of(&reply).await;
    assert_eq!((record.instance.as_str(), record.query.as_str()), ("linked", "a=1&token=***"));
    let twice = format!("{path}&token=token-of-the-linked");
    assert_eq!(gateway.send(post(&twice, "{}")).await.status, 401);
}

#[tokio::test]
async fn a_token_that_a_plugin_puts_into_its_bodies_is_not_in_the_record() {
    let gateway = Gateway::start("").await;
    let body =
        r#"{"eventname":"\\core\\event\\user_loggedin", "token" : "of the plugin","extra":[1]}"#;
    let reply = gateway.send(wire::post(MOODLE, TOKEN, body)).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    let stored = body.replace("of the plugin", "***");
    let record = gateway.record_of(&reply).await;
    assert_eq!(String::from_utf8(record.body).unwrap(), stored);
    assert!(record.headers.iter().all(|line| line.name != "content-length"));
}
