//! Who sends too much is told so, and when to come back; nothing of it is stored.

use crate::gateway::{CUSTOM, Gateway, LESSON, MOODLE, PORTAL_TOKEN, TOKEN};
use crate::wire::post;

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_sends_too_much_is_refused_whatever_it_shows() {
    let limits = "rate_limits = { profile = \"none\", address = { per_minute = 1, burst = 3 } }";
    let gateway = Gateway::start(limits).await;
    let first = gateway.post("{}").await;
    assert_eq!(first.status, 200);
    assert_eq!(first.header("ratelimit-policy"), Some("\"address\";q=3;w=180"));
    assert_eq!(first.header("ratelimit"), Some("\"address\";r=2;t=60"));
    assert_eq!(first.header("x-ratelimit-limit"), Some("1"));
    let stranger = gateway.send(post(MOODLE, "a-token-that-nobody-has", "{}")).await;
    assert_eq!((stranger.status, stranger.header("x-ratelimit-remaining")), (401, Some("1")));
    assert_eq!(gateway.post("{}").await.status, 200);
    for token in [TOKEN, "a-token-that-nobody-has"] {
        let refused = gateway.send(post(MOODLE, token, "{}")).await;
        assert_eq!(refused.status, 429);
        let body = refused.json();
        assert_eq!(body["error"], "rate_limit_exceeded");
        assert_eq!(body["details"]["budget"], "address");
        let seconds: u64 = refused.header("retry-after").unwrap().parse().unwrap();
        assert!((55..=62).contains(&seconds), "{seconds}");
        assert_eq!(body["retry_after"], seconds);
    }
    assert_eq!(gateway.records().await.len(), 2);
    assert_eq!(gateway.outcome("rate_limit_exceeded"), 2);
    assert_eq!(gateway.metric("kleos_gateway_rate_limited_total", "budget=\"address\""), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_spend_nothing_of_a_source() {
    let limits = "rate_limits = { profile = \"none\", source = { per_minute = 1, burst = 2 } }";
    let gateway = Gateway::start(limits).await;
    for _ in 0..4 {
        let stranger = gateway.send(post(MOODLE, "a-token-that-nobody-has", "{}")).await;
        assert_eq!((stranger.status, stranger.header("ratelimit")), (401, None));
    }
    let statuses = async |path, token| {
        let mut statuses = Vec::new();
        for _ in 0..3 {
            statuses.push(gateway.send(post(path, token, LESSON)).await.status);
        }
        statuses
    };
    assert_eq!(statuses(MOODLE, TOKEN).await, [200, 200, 429]);
    assert_eq!(statuses(CUSTOM, PORTAL_TOKEN).await, [202, 202, 429]);
    assert_eq!(gateway.records().await.len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_further_word_the_documented_limits_hold() {
    let gateway = Gateway::start("rate_limits = {}").await;
    let answer = gateway.post("{}").await;
    assert_eq!(
        answer.header("ratelimit-policy"),
        Some("\"address\";q=200;w=120, \"source\";q=1000;w=120, \"total\";q=2000;w=120")
    );
    assert_eq!(answer.header("x-ratelimit-limit"), Some("100"));
}
