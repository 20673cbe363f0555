//! The last line: medians, and how they compare.

use std::collections::BTreeMap;

use kleos_bench::report::{medians, rounded};
use serde_json::{Map, Value, json};

use crate::contestant::Contestant;
use crate::speed::Figures;

/// Runs of each contestant at each number of connections.
pub(crate) type Runs = BTreeMap<(Contestant, u32), Vec<Figures>>;

/// Figures by contestant and connections, and the ratios.
pub(crate) fn of_speed(runs: &Runs) -> anyhow::Result<Map<String, Value>> {
    let mut outcome = Map::new();
    let mut cpu = BTreeMap::new();
    for ((contestant, connections), runs) in runs {
        let figures = medians(runs)?;
        let per_100k = figures.get("cpu_seconds_per_100k").and_then(Value::as_f64);
        cpu.insert((*contestant, *connections), per_100k.unwrap_or(f64::NAN));
        let of_contestant = outcome.entry(contestant.key()).or_insert_with(|| json!({}));
        of_contestant[connections.to_string()] = figures.into();
    }
    if let Some((ratio, peer)) = to_best_peer(&cpu) {
        outcome.insert("best_peer".to_owned(), peer.key().into());
        outcome.insert("ratio_best_peer_cpu".to_owned(), rounded(ratio).into());
    }
    if let Some(ratio) = to_ceiling(&cpu) {
        outcome.insert("ratio_http_ceiling".to_owned(), rounded(ratio).into());
    }
    Ok(outcome)
}

/// Seconds of the processor for the same number of requests.
type Cpu = BTreeMap<(Contestant, u32), f64>;

/// How many requests ours answers in the time in which the best peer answers one, where that is
/// least.
fn to_best_peer(cpu: &Cpu) -> Option<(f64, Contestant)> {
    let peers = cpu.iter().filter(|((contestant, _), _)| contestant.is_peer());
    let ratios = peers.filter_map(|((contestant, connections), theirs)| {
        let ours = cpu.get(&(Contestant::Kleos, *connections))?;
        Some((theirs / ours, *contestant))
    });
    ratios.min_by(|(one, _), (other, _)| one.total_cmp(other))
}

/// What share of the ceiling's requests ours answers in the same time, where that is least.
fn to_ceiling(cpu: &Cpu) -> Option<f64> {
    let ours = cpu.iter().filter(|((contestant, _), _)| *contestant == Contestant::Kleos);
    let ratios = ours.filter_map(|((_, connections), ours)| {
        Some(cpu.get(&(Contestant::HttpCeiling, *connections))? / ours)
    });
    ratios.min_by(f64::total_cmp)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_are_to_the_best_peer_and_at_the_worse_number_of_connections() {
        let cpu = Cpu::from([
            ((Contestant::Kleos, 64), 2.0),
            ((Contestant::Kleos, 256), 1.6),
            ((Contestant::GoGateway, 64), 5.0),
            ((Contestant::GoGateway, 256), 3.6),
            ((Contestant::NodeKafkajs, 64), 40.0),
            ((Contestant::NodeKafkajs, 256), 38.0),
            ((Contestant::HttpCeiling, 64), 1.0),
            ((Contestant::HttpCeiling, 256), 1.2),
        ]);
        assert_eq!(to_best_peer(&cpu), Some((2.25, Contestant::GoGateway)));
        assert_eq!(to_ceiling(&cpu), Some(0.5));
        let alone = Cpu::from([((Contestant::Kleos, 64), 2.0)]);
        assert_eq!((to_best_peer(&alone), to_ceiling(&alone)), (None, None));
    }
}
