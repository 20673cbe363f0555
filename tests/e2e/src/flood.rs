//! Numbered webhooks, as many as are taken, and what lies in the raw topic of them.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use reqwest::Client;
use serde::Deserialize;
use tokio::task::JoinSet;

use crate::deployment::Deployment;
use crate::send::Target;

const REQUEST_TIMEOUT: Duration = Duration::from_secs(15);
/// A webhook that is not taken by then never is.
const GIVE_UP_AFTER: Duration = Duration::from_secs(300);

/// How webhooks are sent.
#[derive(Clone, Copy, Debug)]
pub struct Flood {
    /// How many.
    pub webhooks: u64,
    /// Requests on their way at once.
    pub senders: u64,
    /// Webhooks a second at most.
    pub rate: f64,
    /// Pauses before each further attempt; after the last a sender gives up. Without any, it goes on
    /// trying.
    pub pauses: &'static [Duration],
}

/// What a sender was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acknowledged {
    /// Which webhook.
    pub number: u64,
    /// The delivery, as the answer names it.
    pub delivery_id: String,
    /// Partition and offset, if the answer has them.
    pub place: Option<(i64, i64)>,
    /// Whether the answer says that it was stored before.
    pub is_duplicate: bool,
    /// What the answer promises.
    pub durability: String,
}

/// What became of the webhooks, as far as their senders know.
#[derive(Debug, Default)]
pub struct Sent {
    /// One for each webhook that was taken.
    pub acknowledged: Vec<Acknowledged>,
    /// Webhooks whose senders gave up.
    pub given_up: Vec<u64>,
    /// Requests.
    pub attempts: u64,
    /// Requests without an answer, or with one that does not say whether the webhook is stored.
    pub uncertain: u64,
}

/// How far the sending has come.
#[derive(Debug, Default)]
pub struct Progress {
    /// Webhooks that were taken.
    pub taken: AtomicU64,
    next: AtomicU64,
}

#[derive(Deserialize)]
struct Answer {
    result: String,
    event_id: String,
    receipt: Place,
}

#[derive(Deserialize)]
struct Place {
    partition: Option<i64>,
    offset: Option<i64>,
    durability: String,
}

/// Sends all webhooks of a flood.
///
/// # Errors
/// If one is refused for good, or is not taken for minutes although its sender does not give up.
pub async fn send_all(
    target: &Target,
    flood: Flood,
    progress: &Arc<Progress>,
) -> anyhow::Result<Sent> {
    let client = Client::builder().timeout(REQUEST_TIMEOUT).build()?;
    let began = Instant::now();
    let mut senders = JoinSet::new();
    for _ in 0..flood.senders {
        let sender = Sender { client: client.clone(), target: target.clone(), flood };
        let progress = Arc::clone(progress);
        senders.spawn(async move {
            let mut sent = Sent::default();
            loop {
                let number = progress.next.fetch_add(1, Ordering::Relaxed);
                if number >= flood.webhooks {
                    return anyhow::Ok(sent);
                }
                let due = Duration::from_secs_f64(number as f64 / flood.rate);
                tokio::time::sleep(due.saturating_sub(began.elapsed())).await;
                match sender.send(number, &mut sent).await? {
                    Some(acknowledged) => {
                        progress.taken.fetch_add(1, Ordering::Relaxed);
                        sent.acknowledged.push(acknowledged);
                    }
                    None => sent.given_up.push(number),
                }
            }
        });
    }
    let mut all = Sent::default();
    while let Some(sent) = senders.join_next().await {
        let sent = sent??;
        all.acknowledged.extend(sent.acknowledged);
        all.given_up.extend(sent.given_up);
        all.attempts += sent.attempts;
        all.uncertain += sent.uncertain;
    }
    Ok(all)
}

struct Sender {
    client: Client,
    target: Target,
    flood: Flood,
}

impl Sender {
    /// None if it gives up.
    async fn send(&self, number: u64, sent: &mut Sent) -> anyhow::Result<Option<Acknowledged>> {
        let began = Instant::now();
        let mut pauses = self.flood.pauses.iter();
        loop {
            if let Some(acknowledged) = self.attempt(number, sent).await? {
                return Ok(Some(acknowledged));
            }
            let pause = match pauses.next() {
                Some(pause) => *pause,
                None if self.flood.pauses.is_empty() => Duration::from_millis(100),
                None => return Ok(None),
            };
            ensure!(began.elapsed() < GIVE_UP_AFTER, "webhook {number} was never taken");
            tokio::time::sleep(pause).await;
        }
    }

    /// None if it has to be sent again.
    async fn attempt(&self, number: u64, sent: &mut Sent) -> anyhow::Result<Option<Acknowledged>> {
        let url = format!("{}/api/public/hook/moodle/event?number={number}", self.target.url);
        let request = self.client.post(url).bearer_auth(&self.target.moodle_token);
        let request = request.header("content-type", "application/json").body(body(number));
        sent.attempts += 1;
        let answer = match request.send().await {
            Ok(answer) => answer,
            Err(error) => {
                sent.uncertain += u64::from(!error.is_connect());
                return Ok(None);
            }
        };
        let status = answer.status();
        if status.as_u16() == 503 {
            let text = answer.text().await.unwrap_or_default();
            sent.uncertain += u64::from(text.contains("append"));
            return Ok(None);
        }
        ensure!(status.is_success(), "webhook {number} was answered with {status}");
        let Ok(Answer { result, event_id, receipt }) = answer.json::<Answer>().await else {
            sent.uncertain += 1;
            return Ok(None);
        };
        Ok(Some(Acknowledged {
            number,
            delivery_id: event_id,
            place: receipt.partition.zip(receipt.offset),
            is_duplicate: result == "duplicate",
            durability: receipt.durability,
        }))
    }
}

/// About what a Moodle sends; no two alike.
fn body(number: u64) -> String {
    let filler: String = (0..8).map(|word| hash(number * 8 + word)).collect();
    format!(
        r#"{{"id":"{number}","eventname":"\\core\\event\\course_viewed","component":"core","userid":"{user}","courseid":"{course}","timecreated":"1755771330","other":"{filler}"}}"#,
        user = number % 10_000,
        course = number % 300,
    )
}

/// 16 digits that look like chance.
fn hash(number: u64) -> String {
    let mixed = (number ^ (number >> 31)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    format!("{:016x}", mixed ^ (mixed >> 29))
}

/// What the raw topic says of what senders were told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// Raw records of webhooks with a number.
    pub records: u64,
    /// Webhooks of which there is a record.
    pub stored: u64,
    /// Records beyond the first of a webhook.
    pub again: u64,
    /// Answers of success whose record is not where they say, or not at all, or of another webhook.
    pub falsely_acknowledged: u64,
    /// Webhooks that were sent and of which there is no record.
    pub lost: u64,
}

/// Reads the raw topic and accounts for what was sent.
///
/// # Errors
/// If the topic cannot be read.
pub fn account(deployment: &Deployment, sent: &Sent) -> anyhow::Result<Account> {
    let records = read(deployment)?;
    let mut numbers: BTreeMap<u64, u64> = BTreeMap::new();
    for (number, _) in records.values() {
        *numbers.entry(*number).or_default() += 1;
    }
    let by_delivery: BTreeMap<&str, u64> =
        records.values().map(|(number, delivery)| (delivery.as_str(), *number)).collect();
    let is_true = |told: &Acknowledged| {
        let is_there = by_delivery.get(told.delivery_id.as_str()) == Some(&told.number);
        let is_in_place = told.place.is_none_or(|place| {
            records.get(&place).is_some_and(|(_, delivery)| *delivery == told.delivery_id)
        });
        is_there && is_in_place
    };
    let false_ones: Vec<&Acknowledged> =
        sent.acknowledged.iter().filter(|told| !is_true(told)).collect();
    for told in false_ones.iter().take(10) {
        println!("acknowledged, and not there: {told:?}");
    }
    let told = sent.acknowledged.iter().map(|told| told.number);
    let lost = told.chain(sent.given_up.iter().copied());
    let lost = lost.filter(|number| !numbers.contains_key(number)).count() as u64;
    let records = records.len() as u64;
    Ok(Account {
        records,
        stored: numbers.len() as u64,
        again: records - numbers.len() as u64,
        falsely_acknowledged: false_ones.len() as u64,
        lost,
    })
}

/// By place: the webhook's number and the delivery.
type Records = BTreeMap<(i64, i64), (u64, String)>;

#[derive(Deserialize)]
struct Line {
    partition: i64,
    offset: i64,
    value: Raw,
}

#[derive(Deserialize)]
struct Raw {
    delivery_id: String,
    query: String,
}

fn read(deployment: &Deployment) -> anyhow::Result<Records> {
    let mut command = deployment.command(&["tail", "raw", "--all", "--end"])?;
    let mut tail = command.stdout(Stdio::piped()).spawn()?;
    let lines = BufReader::new(tail.stdout.take().context("no output")?).lines();
    let mut records = Records::new();
    for line in lines {
        let Line { partition, offset, value } = serde_json::from_str(&line?)?;
        // Others than these may have stored something too.
        let number = value.query.strip_prefix("number=").and_then(|number| number.parse().ok());
        if let Some(number) = number {
            records.insert((partition, offset), (number, value.delivery_id));
        }
    }
    let status = tail.wait()?;
    ensure!(status.success(), "kleos tail ended with {status}");
    Ok(records)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_bodies_are_alike_and_each_is_json() {
        let bodies: std::collections::BTreeSet<String> = (0..1_000).map(body).collect();
        assert_eq!(bodies.len(), 1_000);
        for body in bodies {
            serde_json::from_str::<serde_json::Value>(&body).unwrap();
        }
    }
}
