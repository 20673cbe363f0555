//! Posts webhooks until each has its receipt.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use reqwest::{Client, StatusCode};
use serde::{Deserialize, Serialize};

use crate::webhook::{Source, Webhook};

/// Requests on their way at once.
const IN_FLIGHT: usize = 64;
const REQUEST_TIMEOUT: Duration = Duration::from_secs(15);
const RETRY_PAUSE: Duration = Duration::from_millis(100);
/// A webhook that has no receipt by then never gets one.
const GIVE_UP_AFTER: Duration = Duration::from_secs(120);

/// Where to send and with which tokens.
#[derive(Clone, Debug)]
pub struct Target {
    /// As `http://127.0.0.1:8080`.
    pub url: String,
    /// Token of the Moodle instance.
    pub moodle_token: String,
    /// Token of the custom instance.
    pub custom_token: String,
}

/// What the gateway answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The delivery.
    pub delivery_id: String,
    /// The topic.
    pub topic: String,
    /// Where the raw record lies.
    pub partition: i32,
    /// Where the raw record lies.
    pub offset: i64,
    /// What the answer promises.
    pub durability: String,
}

#[derive(Debug, Deserialize)]
struct Answer {
    receipt: Receipt,
}

/// How far the sending has come.
#[derive(Debug, Default)]
pub struct Progress {
    /// Webhooks with a receipt.
    pub receipts: AtomicU64,
    /// Requests that may have been carried out although no answer came.
    pub unanswered: AtomicU64,
    /// Requests that were refused for good.
    pub refused: AtomicU64,
    /// Answers that asked to come again.
    pub retried: AtomicU64,
}

/// Sends all webhooks in about their order, at most so many a second; returns the receipts.
///
/// # Errors
/// If a webhook gets no receipt for two minutes.
pub async fn send_all(
    target: &Target,
    webhooks: Vec<Webhook>,
    per_second: f64,
    progress: &Arc<Progress>,
) -> anyhow::Result<Vec<Receipt>> {
    let client =
        Client::builder().timeout(REQUEST_TIMEOUT).pool_max_idle_per_host(IN_FLIGHT).build()?;
    let queue = Arc::new(Mutex::new(webhooks.into_iter().enumerate().collect::<VecDeque<_>>()));
    let began = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..IN_FLIGHT {
        let (client, target) = (client.clone(), target.clone());
        let (queue, progress) = (Arc::clone(&queue), Arc::clone(progress));
        tasks.spawn(async move {
            let mut receipts = Vec::new();
            loop {
                let next = queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
                let Some((index, webhook)) = next else { return anyhow::Ok(receipts) };
                let due = Duration::from_secs_f64(index as f64 / per_second);
                tokio::time::sleep(due.saturating_sub(began.elapsed())).await;
                receipts.extend(send(&client, &target, &webhook, &progress).await?);
            }
        });
    }
    let mut receipts = Vec::new();
    while let Some(sent) = tasks.join_next().await {
        receipts.extend(sent??);
    }
    Ok(receipts)
}

/// None if the gateway refuses it for good.
async fn send(
    client: &Client,
    target: &Target,
    webhook: &Webhook,
    progress: &Progress,
) -> anyhow::Result<Option<Receipt>> {
    let url = format!("{}/api/public/hook/{}/event", target.url, webhook.source.name());
    let token = match webhook.source {
        Source::Moodle => &target.moodle_token,
        Source::Custom => &target.custom_token,
    };
    let began = Instant::now();
    while began.elapsed() < GIVE_UP_AFTER {
        let request = client.post(&url).bearer_auth(token).body(webhook.body.clone());
        match request.header("content-type", "application/json").send().await {
            Ok(answer) if answer.status().is_success() => match answer.json::<Answer>().await {
                Ok(answer) => {
                    progress.receipts.fetch_add(1, Ordering::Relaxed);
                    return Ok(Some(answer.receipt));
                }
                Err(_) => {
                    progress.unanswered.fetch_add(1, Ordering::Relaxed);
                }
            },
            Ok(answer) if answer.status() == StatusCode::SERVICE_UNAVAILABLE => {
                // The append may still come through behind a timeout.
                progress.retried.fetch_add(1, Ordering::Relaxed);
            }
            Ok(_) => {
                progress.refused.fetch_add(1, Ordering::Relaxed);
                return Ok(None);
            }
            Err(error) if error.is_connect() => {
                progress.retried.fetch_add(1, Ordering::Relaxed);
            }
            Err(_) => {
                progress.unanswered.fetch_add(1, Ordering::Relaxed);
            }
        }
        tokio::time::sleep(RETRY_PAUSE).await;
    }
    anyhow::bail!("a webhook got no receipt for {} s", GIVE_UP_AFTER.as_secs())
}
