//! How far a group has come in a topic.

use std::collections::BTreeMap;
use std::time::Duration;

use kleos_contracts::topic::Topic;
use kleos_service_kit::backoff::{Backoff, BackoffPolicy, chance};
use kleos_service_kit::clock::{Clock, SystemClock};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::Message;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use super::cluster::{CALL_TIMEOUT, Cluster};
use super::config::Isolation;
use super::context::Quiet;
use super::failure;
use crate::error::LogError;
use crate::log::Standing;
use crate::record::Partition;

/// So many offsets may turn out to be nothing but marks; more are not looked at.
const MARKS_MAX: i64 = 1_000;

/// How far a group has come in a topic. Whoever asks looks once and for a moment: a coordinator
/// that is moving, or a broker that is away for a moment, is waited for here.
pub(super) fn progress(
    cluster: &Cluster,
    group: &str,
    topic: Topic,
) -> Result<Vec<Standing>, LogError> {
    let clock = SystemClock::new();
    patiently(|| clock.monotonic(), std::thread::sleep, || look(cluster, group, topic))
}

/// Asks again what could not be answered, for as long as one call may take.
fn patiently<T>(
    now: impl Fn() -> Duration,
    sleep: impl Fn(Duration),
    mut ask: impl FnMut() -> Result<T, LogError>,
) -> Result<T, LogError> {
    let until = now() + CALL_TIMEOUT;
    let mut backoff = Backoff::new(BackoffPolicy::NETWORK);
    loop {
        match ask() {
            Err(LogError::Unavailable { .. }) if now() < until => {
                sleep(backoff.failed(chance()));
            }
            answer => return answer,
        }
    }
}

fn look(cluster: &Cluster, group: &str, topic: Topic) -> Result<Vec<Standing>, LogError> {
    let committed = committed_offsets(cluster, group, topic)?;
    let low = cluster.bounds(&cluster.uncommitted, topic, Offset::Beginning)?;
    let stable = cluster.bounds(&cluster.committed, topic, Offset::End)?;
    let ends = cluster.bounds(&cluster.uncommitted, topic, Offset::End)?;
    let standing = |(&number, &end): (&i32, &i64)| {
        let of = |bounds: &BTreeMap<i32, i64>| bounds.get(&number).copied().unwrap_or_default();
        let (committed, stable) = (committed.get(&number).copied(), of(&stable));
        let behind = (stable - committed.unwrap_or(of(&low))).max(0);
        Standing { partition: Partition::new(topic, number), committed, stable, end, behind }
    };
    let mut standings: Vec<Standing> = ends.iter().map(standing).collect();
    overlook_marks(cluster, &mut standings)?;
    Ok(standings)
}

/// The offsets that a group has committed; none of a partition where it has done nothing yet.
fn committed_offsets(
    cluster: &Cluster,
    group: &str,
    topic: Topic,
) -> Result<BTreeMap<i32, i64>, LogError> {
    let (partitions, _) = cluster.shape(topic)?;
    let client: BaseConsumer<Quiet> = cluster
        .config
        .looking(&cluster.config.named(group))
        .create_with_context(Quiet)
        .map_err(|error| failure::of_call("setting up a client", &error))?;
    let mut list = TopicPartitionList::new();
    list.add_partition_range(cluster.names.of(topic), 0, partitions - 1);
    let committed = client
        .committed_offsets(list, CALL_TIMEOUT)
        .map_err(|error| failure::of_call("reading committed offsets", &error))?;
    let mut offsets = BTreeMap::new();
    for element in committed.elements() {
        if let Offset::Offset(offset) = element.offset() {
            offsets.insert(element.partition(), offset);
        }
    }
    Ok(offsets)
}

/// After the last record of a transaction lies its mark: whoever has done every record is still
/// an offset behind. Only reading tells marks from records.
fn overlook_marks(cluster: &Cluster, standings: &mut [Standing]) -> Result<(), LogError> {
    let is_near = |one: &&mut Standing| (1..=MARKS_MAX).contains(&one.behind);
    let mut unclear: BTreeMap<i32, &mut Standing> =
        standings.iter_mut().filter(is_near).map(|one| (one.partition.number, one)).collect();
    if unclear.is_empty() {
        return Ok(());
    }
    let from = unclear.values().map(|one| (one.partition, one.stable - one.behind));
    let list = cluster.offsets(from)?;
    let reader: BaseConsumer<Quiet> = cluster
        .config
        .reader(Isolation::Committed)
        .create_with_context(Quiet)
        .map_err(|error| failure::of_call("setting up a reader", &error))?;
    reader.assign(&list).map_err(|error| failure::of_call("choosing partitions", &error))?;
    while !unclear.is_empty() {
        match reader.poll(CALL_TIMEOUT) {
            Some(Ok(message)) => drop(unclear.remove(&message.partition())),
            Some(Err(KafkaError::PartitionEOF(number))) => {
                if let Some(standing) = unclear.remove(&number) {
                    standing.behind = 0;
                }
            }
            Some(Err(error)) => return Err(failure::of_call("reading", &error)),
            None => return Err(LogError::unavailable("reading", "no answer")),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    /// Asks what fails with `error` for the first `failures` times. How often it was asked, and
    /// whether there was an answer in the end.
    fn asked(failures: u32, error: &LogError) -> (u32, bool) {
        let (now, mut asked) = (Cell::new(Duration::ZERO), 0);
        let pass = |pause| now.set(now.get() + pause);
        let answer = patiently(
            || now.get(),
            pass,
            || {
                asked += 1;
                if asked > failures { Ok(()) } else { Err(error.clone()) }
            },
        );
        (asked, answer.is_ok())
    }

    #[test]
    fn what_may_be_there_in_a_moment_is_asked_for_until_a_call_would_have_given_up() {
        let away = LogError::unavailable("reading committed offsets", "NotCoordinator");
        assert_eq!(asked(3, &away), (4, true));
        let (times, is_answered) = asked(u32::MAX, &away);
        // Pauses of 100 ms, 200 ms, …, each up to a fifth shorter, until 10 s are over.
        assert!((7..=9).contains(&times), "{times}");
        assert!(!is_answered);
        let missing = LogError::MissingTopic("kleos.raw.v1".into());
        assert_eq!(asked(1, &missing), (1, false));
    }
}
