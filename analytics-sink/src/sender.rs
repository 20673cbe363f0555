//! Sends a sheet to the vendor: request by request, with pauses where there is trouble.

use std::ops::Range;
use std::time::Duration;

use kleos_service_kit::backoff::chance;
use kleos_service_kit::clock::SharedClock;
use kleos_service_kit::lifecycle::Shutdown;
use kleos_service_kit::readiness::Condition;
use tracing::info;

use crate::batch::{Limits, Sheet};
use crate::delivery::Delivery;
use crate::error::{Trouble, TroubleKind};
use crate::metrics::SinkMetrics;
use crate::pace::{Pace, retry_after};
use crate::request::compress;
use crate::transport::{REQUEST_TIMEOUT, Transport};
use crate::verdict::{Answer, Verdict, judge};

/// What a sender has around it.
#[derive(Clone, Debug)]
pub(crate) struct Surroundings {
    pub(crate) clock: SharedClock,
    pub(crate) shutdown: Shutdown,
    /// Whether the vendor takes events.
    pub(crate) condition: Condition,
    pub(crate) metrics: SinkMetrics,
}

/// When a sender sends.
#[derive(Clone, Debug)]
pub(crate) struct Rhythm {
    pub(crate) limits: Limits,
    pub(crate) pace: Pace,
    /// The least time between two requests that are not full.
    pub(crate) interval: Duration,
}

/// One worker's way to the vendor.
#[derive(Debug)]
pub(crate) struct Sender {
    transport: Box<dyn Transport>,
    rhythm: Rhythm,
    around: Surroundings,
    last_sent: Option<Duration>,
    failures: u32,
    /// The trouble there is, and until when nothing is sent because of it.
    trouble: Option<(Trouble, Duration)>,
}

impl Sender {
    pub(crate) fn new(transport: Box<dyn Transport>, rhythm: Rhythm, around: Surroundings) -> Self {
        Self { transport, rhythm, around, last_sent: None, failures: 0, trouble: None }
    }

    /// Sends what is to be sent. It takes the patience and one request's time at most: the log
    /// has to be looked at in between.
    ///
    /// # Errors
    /// Trouble that does not pass so soon; what is settled in the delivery stays so.
    pub(crate) fn deliver(
        &mut self,
        sheet: &Sheet,
        delivery: &mut Delivery,
    ) -> Result<(), Trouble> {
        let deadline = self.now().saturating_add(self.rhythm.pace.patience);
        loop {
            self.wait_out(deadline)?;
            let Some(part) = delivery.next(sheet, &self.rhythm.limits) else {
                match delivery.conclude() {
                    Ok(()) => return Ok(()),
                    Err(trouble) => self.give_way(trouble),
                }
                continue;
            };
            self.keep_interval(&part, delivery);
            let verdict = self.send(sheet, &part);
            let is_taken = matches!(verdict, Verdict::Imported | Verdict::Partly(_));
            if let Err(trouble) = delivery.answered(part, verdict) {
                self.give_way(trouble);
                continue;
            }
            if is_taken {
                self.recover();
            }
            if delivery.has_more() {
                self.check_time(deadline)?;
            }
        }
    }

    /// Whether there is time for another request.
    fn check_time(&self, deadline: Duration) -> Result<(), Trouble> {
        let time_left = self.around.shutdown.time_left();
        let message = if time_left.is_some_and(|left| left < REQUEST_TIMEOUT) {
            "the process stops: the rest of the batch is sent after the next start"
        } else if self.now() >= deadline {
            "answers are slow: the rest of the batch is sent after a look at the log"
        } else {
            return Ok(());
        };
        Err(Trouble::new(TroubleKind::Unavailable, message))
    }

    fn send(&mut self, sheet: &Sheet, part: &Range<usize>) -> Verdict {
        let (lines, metrics) = (sheet.lines(part), &self.around.metrics);
        metrics.sent.inc_by(part.len() as u64);
        metrics.request_events.observe(count(part.len()));
        metrics.request_bytes.observe(count(lines.len()));
        let started = self.around.clock.monotonic();
        let answer = compress(lines)
            .map_err(|error| error.to_string())
            .and_then(|body| self.transport.post(body));
        let ended = self.around.clock.monotonic();
        metrics.request.observe(ended.saturating_sub(started).as_secs_f64());
        self.last_sent = Some(ended);
        let verdict = verdict_on(answer, sheet.insert_ids(part));
        metrics.requests.with([verdict.as_str()]).inc();
        if matches!(verdict, Verdict::TooLarge(_)) {
            self.learn(lines.len());
        }
        verdict
    }

    fn learn(&self, bytes: usize) {
        self.rhythm.limits.refused(bytes);
        let limit = self.rhythm.limits.bytes();
        self.around.metrics.request_bytes_max.set(i64::try_from(limit).unwrap_or(i64::MAX));
        info!(bytes, limit, "Mixpanel takes less in one request: limit lowered");
    }

    /// Lets a request that would not be full wait for its turn, so that what comes meanwhile goes
    /// together.
    fn keep_interval(&self, part: &Range<usize>, delivery: &Delivery) {
        let Some(last_sent) = self.last_sent else { return };
        if self.rhythm.limits.is_full(part.len()) || delivery.has_more() {
            return;
        }
        let passed = self.now().saturating_sub(last_sent);
        // A stop is no reason not to send what is in hand.
        let _is_stopping = self.around.shutdown.wait(self.rhythm.interval.saturating_sub(passed));
    }

    /// Waits until the trouble there is may be over.
    fn wait_out(&self, deadline: Duration) -> Result<(), Trouble> {
        let Some((trouble, until)) = &self.trouble else { return Ok(()) };
        let pause = until.min(&deadline).saturating_sub(self.now());
        let is_stopping = self.around.shutdown.wait(pause);
        if is_stopping || *until > deadline { Err(trouble.clone()) } else { Ok(()) }
    }

    fn give_way(&mut self, trouble: Trouble) {
        if matches!(trouble.kind, TroubleKind::Misdirected | TroubleKind::Unexplained) {
            self.rhythm.limits.forget();
        }
        let header = trouble.retry_after.as_deref();
        let asked = header.and_then(|header| retry_after(header, self.around.clock.now()));
        let pause = self.rhythm.pace.pause(self.failures, chance(), asked);
        self.around.condition.not_ready(&trouble.to_string());
        if self.trouble.is_none() {
            self.around.metrics.waiting.inc();
        }
        self.failures = self.failures.saturating_add(1);
        self.trouble = Some((trouble, self.now().saturating_add(pause)));
    }

    fn recover(&mut self) {
        self.failures = 0;
        if self.trouble.take().is_some() {
            self.around.metrics.waiting.dec();
            self.around.condition.ready();
        }
    }

    fn now(&self) -> Duration {
        self.around.clock.monotonic()
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        if self.trouble.is_some() {
            self.around.metrics.waiting.dec();
        }
    }
}

fn verdict_on(answer: Result<Answer, String>, insert_ids: &[String]) -> Verdict {
    match answer {
        Ok(answer) => judge(&answer, insert_ids),
        Err(cause) => Verdict::Trouble(Trouble::new(TroubleKind::Unavailable, cause)),
    }
}

#[expect(clippy::cast_precision_loss, reason = "a histogram's buckets are coarser")]
fn count(number: usize) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests;
