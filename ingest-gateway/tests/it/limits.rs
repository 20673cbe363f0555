//! Connections that take their time, and too many of them.

use crate::gateway::{Gateway, MOODLE, TOKEN};
use crate::wire::post;

#[tokio::test]
async fn a_head_that_does_not_come_in_time_closes_the_connection() {
    let gateway = Gateway::start("header_timeout = \"150ms\"").await;
    let mut idle = gateway.connect().await;
    let mut slow = gateway.connect().await;
    slow.send("POST ").await;
    slow.closed().await;
    // After an answer the next head has its own time.
    let mut again = gateway.connect().await;
    again.send(post(MOODLE, TOKEN, "{}")).await;
    assert_eq!(again.reply().await.status, 200);
    again.send("P").await;
    again.closed().await;
    // One that only idles has longer.
    idle.send(post(MOODLE, TOKEN, "{}")).await;
    assert_eq!(idle.reply().await.status, 200);
}

#[tokio::test]
async fn connections_over_the_limit_wait_for_one_to_close() {
    let gateway = Gateway::start("max_connections = 2").await;
    let mut first = gateway.connect().await;
    first.send(post(MOODLE, TOKEN, "1")).await;
    assert_eq!(first.reply().await.status, 200);
    let second = gateway.connect().await;
    let mut third = gateway.connect().await;
    third.send(post(MOODLE, TOKEN, "3")).await;
    gateway.until("two are open", |gateway| gateway.connections() == 2).await;
    first.send(post(MOODLE, TOKEN, "1 again")).await;
    assert_eq!(first.reply().await.status, 200);
    assert_eq!((gateway.outcome("accepted"), gateway.connections()), (2, 2));
    drop(second);
    assert_eq!(third.reply().await.status, 200);
}
