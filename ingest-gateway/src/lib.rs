//! Takes webhooks of learning platforms over HTTP and answers when they are in the log for good.
//!
//! # The path of one request
//!
//! ```text
//!  socket ─▶ http::connection   PROXY header, TLS, and which protocol it is
//!                │
//!                ▼
//!            http::http1, http2 limits of time and size around each
//!                │
//!                ▼
//!            http::request      the steps below, in this order, for one request
//!                │
//!                ├─ rate        has the address sent too much?                   429
//!                ├─ admit       head: path, secret → claim, declared length      401 404 405 413
//!                ├─ publish     is the log open?                                 503
//!                ├─ budget      is there room for the body?                      503
//!                ├─ body        all of it, in time, within the limit             400 408 413
//!                ├─ admit       claim and body → sender                          401
//!                ├─ rate        have the sender, its source, all sent too much?  429
//!                ├─ duplicates  is it stored already?                            200
//!                ├─ admit       head and body → RawWebhook
//!                ├─ mapping     a sender's own program: is it understood?        400
//!                ├─ publish     encode, append, wait until it is durable         503
//!                └─ answer      the receipt, or the refusal, as JSON             200 202
//! ```
//!
//! # What always holds
//!
//! - A success leaves only after the log has said that the record is durable, and its receipt says
//!   where the record lies.
//! - What is wrong with the gateway or the log is a 503 with `Retry-After`, never a 4xx, which a
//!   sender takes for final, and never a success.
//! - Nothing of a body is read before its sender is known, or claims to have signed it; nothing is
//!   done with it before the signature is found good; and no body is stored in part.
//! - Once the append has begun it is carried to its end, whether or not the sender still waits.
//! - Every refused credential is answered with the same bytes after the same work.
//! - Every request ends in exactly one counted outcome.
//! - No secret is in a record, a log line or an answer.

mod admit;
mod answer;
mod body;
mod budget;
mod config;
mod duplicates;
mod encoding;
mod error;
#[cfg(test)]
mod fake_log;
mod http;
mod mapping;
mod metrics;
mod openapi;
mod publish;
mod rate;
mod statements;
mod tls;
#[cfg(test)]
#[expect(dead_code, reason = "the tests of the whole need more of it")]
#[path = "../tests/it/wire.rs"]
mod wire;

use std::net::SocketAddr;
use std::sync::Arc;

use kleos_event_log::EventLog;
use kleos_service_kit::bootstrap::Process;
use kleos_service_kit::failure::Failure;
use kleos_service_kit::lifecycle::Phase;
use kleos_service_kit::listen::listen;
use tracing::{info, warn};

pub use crate::config::Settings;
pub use crate::metrics::Metrics;

use crate::http::Gateway;
use crate::publish::{Publisher, RawLog};

/// Starts the gateway in a process, as its service `gateway`; returns where it listens.
///
/// The port is open at once. Until the log is, and whenever it is away, senders are told to come
/// back later; the condition `gateway/log` says what is missing.
///
/// # Errors
/// If the address or a thread cannot be had, or the process has a gateway already.
pub async fn start(
    process: &Process,
    log: EventLog,
    settings: Settings,
) -> Result<SocketAddr, Failure> {
    start_on(process, Arc::new(log), settings).await
}

async fn start_on(
    process: &Process,
    log: Arc<dyn RawLog>,
    settings: Settings,
) -> Result<SocketAddr, Failure> {
    let service = process.of_service("gateway");
    let metrics = Metrics::register(&service.metrics)?;
    let listener = listen("webhooks", settings.listen).await?;
    let address = listener.local_addr().unwrap_or(settings.listen);
    if !settings.door.knows_anybody() {
        warn!("no source instance is configured: every request is refused");
    }
    let publisher = Publisher::start(&service, log, &settings, metrics.clone())?;
    let gateway = Gateway::start(&service, settings, publisher, metrics)?;
    info!(%address, "webhooks are taken");
    service
        .lifecycle
        .spawn_task(Phase::Intake, "http", |shutdown| http::serve(listener, gateway, shutdown));
    Ok(address)
}
