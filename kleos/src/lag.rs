//! `kleos lag`: how far each service has come in what it reads.

use std::path::Path;

use kleos_contracts::topic::Topic;
use kleos_event_log::Standing;
use kleos_service_kit::failure::Failure;
use serde::Serialize;

use crate::cli::LagArgs;
use crate::config::{self, Needs};
use crate::open;
use crate::output::{self, JsonLines};

/// Who reads what.
const READERS: [(&str, Topic); 3] = [
    (kleos_normalizer::SERVICE, Topic::Raw),
    (kleos_rules_processor::SERVICE, Topic::Events),
    (kleos_analytics_sink::SERVICE, Topic::Awards),
];

/// One partition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Row {
    service: &'static str,
    topic: &'static str,
    partition: i32,
    /// The offset that the service reads next; none if it has committed nothing there.
    committed: Option<i64>,
    /// The offset up to which every transaction has ended.
    stable: i64,
    /// The offset after the newest record.
    end: i64,
    /// Offsets that can be read and are not done.
    lag: i64,
    /// Whether a transaction is open in the partition.
    open: bool,
}

pub(crate) fn run(path: Option<&Path>, args: &LagArgs) -> Result<(), Failure> {
    let config = config::read(path, Needs::default())?.value;
    let view = open::view(&config, args.log.log)?;
    let mut lines = JsonLines::new();
    for (service, topic) in READERS {
        let standings = view.log.progress(service, topic).map_err(Failure::new)?;
        let rows: Vec<Row> = standings.iter().map(|one| row(service, one)).collect();
        if args.json {
            for row in &rows {
                lines.write(row)?;
            }
        } else {
            output::line(&summary(service, topic, &rows))?;
        }
    }
    lines.flush().map(drop)
}

fn row(service: &'static str, standing: &Standing) -> Row {
    let Standing { partition, committed, stable, end, behind } = *standing;
    Row {
        service,
        topic: partition.topic.name(),
        partition: partition.number,
        committed,
        stable,
        end,
        lag: behind,
        open: stable < end,
    }
}

fn summary(service: &str, topic: Topic, rows: &[Row]) -> String {
    let lag: i64 = rows.iter().map(|row| row.lag).sum();
    let behind = rows.iter().filter(|row| row.lag > 0).count();
    let open = rows.iter().filter(|row| row.open).count();
    let partitions = rows.len();
    format!(
        "{service:<16} {topic:<16} {lag:>9} behind in {behind} of {partitions} partitions, \
         transactions open in {open}",
        topic = topic.name()
    )
}

#[cfg(test)]
mod tests {
    use kleos_event_log::Partition;

    use super::*;

    #[test]
    fn a_transaction_is_open_where_the_end_cannot_be_read() {
        for (stable, end, open) in [(5, 5, false), (5, 9, true)] {
            let partition = Partition::new(Topic::Events, 1);
            let standing = Standing { partition, committed: Some(3), stable, end, behind: 2 };
            let row = row("rules-processor", &standing);
            assert_eq!((row.lag, row.open), (2, open));
        }
    }
}
