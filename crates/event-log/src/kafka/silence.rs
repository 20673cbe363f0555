//! Whether a client that hears nothing still knows a broker.
//!
//! A client forgets each broker that an answer about the cluster does not list. One that was away
//! and is not counted in again yet can list none, not even itself; a client that was told so has
//! forgotten all brokers, those it began with too, and never asks again
//! (<https://github.com/confluentinc/librdkafka/issues/5301>).

use std::time::Duration;

use kleos_contracts::topic::Topic;
use kleos_service_kit::clock::{SharedClock, SystemClock};
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};

use super::cluster::Cluster;

/// After so long without a record, a client is asked whether it knows a broker.
const QUIET_MAX: Duration = Duration::from_secs(10);
/// How long it may take to say so.
const ANSWER_MAX: Duration = Duration::from_secs(3);

#[derive(Debug)]
pub(super) struct Silence {
    clock: SharedClock,
    since: Duration,
}

impl Silence {
    pub(super) fn new() -> Self {
        let clock = SystemClock::shared();
        Self { since: clock.monotonic(), clock }
    }

    /// The client was heard of.
    pub(super) fn is_broken(&mut self) {
        self.since = self.clock.monotonic();
    }

    /// Whether it is time to ask, once more after every [`QUIET_MAX`].
    fn is_long(&mut self, now: Duration) -> bool {
        let is_long = now.saturating_sub(self.since) >= QUIET_MAX;
        if is_long {
            self.since = now;
        }
        is_long
    }

    /// Whether the client has forgotten all brokers: it has no answer where another client has one.
    pub(super) fn is_final<C: ConsumerContext>(
        &mut self,
        client: &BaseConsumer<C>,
        cluster: &Cluster,
        topic: Topic,
    ) -> bool {
        let name = cluster.names.of(topic);
        let is_final = self.is_long(self.clock.monotonic())
            && client.fetch_metadata(Some(name), ANSWER_MAX).is_err()
            && cluster.shape(topic).is_ok();
        if is_final {
            tracing::warn!(
                topic = name,
                "the Kafka client has forgotten all brokers while they are there; a new one goes on"
            );
        }
        is_final
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_is_asked_after_every_ten_quiet_seconds() {
        let second = Duration::from_secs(1);
        let mut silence = Silence { since: 5 * second, clock: SystemClock::shared() };
        let asked = (5..=36).filter(|now| silence.is_long(*now * second));
        assert_eq!(asked.collect::<Vec<u32>>(), [15, 25, 35]);
    }
}
