//! The pages of `docs/reference` that are made from what the code knows.
//!
//! `UPDATE_GOLDEN=1 cargo test -p kleos reference` writes them; without, they must be as they would
//! be written. The page of the configuration is written by hand and held against the code beside
//! it, in `src/config/tests.rs`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use kleos_contracts::class::Class;
use kleos_contracts::event_name;
use kleos_contracts::reason;
use kleos_contracts::topic::{Cleanup, PartitionCount, Partitioner, Retention, Topic};
use kleos_service_kit::metrics;

use crate::cluster::root;

mod refusals;

/// Compares a page with what it should be, or writes it.
#[track_caller]
fn check_page(name: &str, made: &str) {
    let path = root().join("docs/reference").join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, made).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    let differing = made.lines().zip(found.lines()).find(|(made, found)| made != found);
    assert!(
        found == made,
        "docs/reference/{name} is not what the code says; UPDATE_GOLDEN=1 writes it. \
         The first line that differs, as it should be and as it is: {differing:?}"
    );
}

/// A table. Cells are escaped where Markdown would take them for two.
fn table(page: &mut String, heads: &[&str], rows: impl IntoIterator<Item = Vec<String>>) {
    let line = |cells: &[String]| {
        let cells: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
        format!("| {} |", cells.join(" | "))
    };
    let heads: Vec<String> = heads.iter().map(|&head| head.to_owned()).collect();
    writeln!(page, "{}\n|{}", line(&heads), " --- |".repeat(heads.len())).unwrap();
    for row in rows {
        assert_eq!(row.len(), heads.len(), "{row:?}");
        writeln!(page, "{}", line(&row)).unwrap();
    }
}

fn metrics_page() -> String {
    metrics::reference(&[
        ("ingest-gateway", kleos_ingest_gateway::Metrics::DECLARED),
        ("normalizer", kleos_normalizer::NormalizerMetrics::DECLARED),
        ("rules-processor", kleos_rules_processor::ProcessorMetrics::DECLARED),
        ("analytics-sink", kleos_analytics_sink::SinkMetrics::DECLARED),
        (
            "Workers of normalizer, rules-processor and analytics-sink",
            kleos_event_log::WorkerMetrics::DECLARED,
        ),
    ])
}

/// What the page says of a metric.
#[derive(Debug)]
pub(crate) struct Described {
    pub(crate) kind: String,
    pub(crate) labels: BTreeSet<String>,
    pub(crate) help: String,
}

/// The metrics of the committed page, by name.
pub(crate) fn metrics_in_page() -> BTreeMap<String, Described> {
    let page = std::fs::read_to_string(root().join("docs/reference/metrics.md")).unwrap();
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.map(|row| {
        let (name, rest) = row.split_once("` | ").unwrap();
        let cells: Vec<&str> = rest.strip_suffix(" |").unwrap().split(" | ").collect();
        let [kind, labels, help] = cells.as_slice() else { panic!("{row}") };
        let labels = labels.split("; ").filter_map(|label| label.split('`').nth(1));
        let labels = labels.map(str::to_owned).collect();
        let described = Described { kind: (*kind).to_owned(), labels, help: (*help).to_owned() };
        (name.to_owned(), described)
    })
    .collect()
}

#[test]
fn the_page_of_metrics_is_what_the_services_declare() {
    check_page("metrics.md", &metrics_page());
    assert!(metrics_in_page().len() > 40);
}

const TOPICS_HEAD: &str = "# Topics

Generated from `schemas/topics.toml`. `kleos topics apply` makes the topics and registers the schemas; \
`kleos topics check` prints what on a cluster differs from this page.

Values are Avro in Confluent's wire format; the subject of a topic is `<topic>-value`, its compatibility \
`FULL_TRANSITIVE`. Keys are UTF-8. With `kafka.prefix` all names begin with it.

";

const TOPICS_WORDS: &str = "
| partitioner | which partition a record goes to |
| --- | --- |
| murmur2 | virtual shard = toPositive(murmur2(key)) mod 4096; partition = virtual shard mod number of partitions. \
What Java's, Flink's and Python's murmur2 producers choose |
| sticky | any: a batch at a time |
| aligned | that of the record that caused it |
| single | there is one |

Partitions `stream`: as many as `topics.partitions` says (`embedded.partitions` in `kleos up`), a power of two, the same \
for all these topics.
";

fn topic_row(topic: Topic) -> Vec<String> {
    let spec = topic.spec();
    let partitioner = match spec.partitioner {
        Partitioner::Murmur2 => "murmur2",
        Partitioner::Sticky => "sticky",
        Partitioner::Aligned => "aligned",
        Partitioner::Single => "single",
    };
    let partitions = match spec.partitions {
        PartitionCount::Stream => "stream".to_owned(),
        PartitionCount::Fixed(number) => number.to_string(),
    };
    let retention = match spec.retention {
        Retention::Forever if spec.cleanup == Cleanup::Compact => "newest of each key".to_owned(),
        Retention::Forever => "for ever".to_owned(),
        Retention::Days(days) => format!("{days} days"),
    };
    let schema = topic.schema();
    let version = schema.versions().len();
    let readers =
        if spec.readers.is_empty() { "people".to_owned() } else { spec.readers.join(", ") };
    vec![
        format!("`{topic}`"),
        format!("[{0} v{version}](../../schemas/{0}/v{version}.avsc)", schema.folder()),
        spec.key.clone(),
        partitioner.to_owned(),
        partitions,
        spec.cleanup.as_str().to_owned(),
        retention,
        format!("{} MiB", spec.max_message_bytes >> 20),
        spec.writer.clone(),
        readers,
    ]
}

#[test]
fn the_page_of_topics_is_what_the_specification_says() {
    let heads = [
        "topic",
        "value",
        "key",
        "partitioner",
        "partitions",
        "cleanup",
        "kept",
        "largest record",
        "written by",
        "read by",
    ];
    let mut page = TOPICS_HEAD.to_owned();
    table(&mut page, &heads, Topic::ALL.into_iter().map(topic_row));
    page.push_str(TOPICS_WORDS);
    check_page("topics.md", &page);
    for topic in Topic::ALL {
        let schema = topic.schema();
        let file = format!("schemas/{}/v{}.avsc", schema.folder(), schema.versions().len());
        assert!(root().join(&file).is_file(), "the page refers to {file}");
    }
}

const REASONS_HEAD: &str = "# Reasons

Every code by which Kleos says why something was refused, set aside or not paid. Codes are for programs and stay; the words \
beside them are for people and may change.

| class | meaning |
| --- | --- |
| poison | it fails again however often it is tried: a dead letter, or an answer of 4xx |
| retriable | the same attempt can succeed later: Kleos waits and tries again, or answers 503 with `Retry-After` |
| fatal | the process is at fault: it stops and says why |

## Dead letters

In `kleos.dead-letters.v1` as `reason`, and in the metrics `kleos_normalizer_reasons_total`, `kleos_rules_dead_letters_total` \
and `kleos_sink_dead_letters_total`. The letter holds the record's bytes, where it lay, and a message that names the field.

";

fn code_table(page: &mut String, heads: &[&str], rows: impl IntoIterator<Item = Vec<String>>) {
    let quoted = rows.into_iter().map(|mut row| {
        if let Some(code) = row.first_mut() {
            *code = format!("`{code}`");
        }
        row
    });
    table(page, heads, quoted);
}

#[test]
fn the_page_of_reasons_has_every_code() {
    let mut page = REASONS_HEAD.to_owned();
    let letters = reason::ALL.iter().map(|reason| {
        [reason.code, Class::Poison.as_str(), reason.meaning, reason.remedy]
            .map(str::to_owned)
            .to_vec()
    });
    code_table(&mut page, &["reason", "class", "meaning", "what to do"], letters);
    refusals::sections(&mut page);
    check_page("reasons.md", &page);
}

const EVENTS_HEAD: &str = "# Events

The names of canonical events: what mappings of platforms lead to, and what rules are written for. Senders of the canonical form \
may use names of their own besides, of the form `domain.action` and not of the domain `kleos`.

An event that takes another back (`…uncompleted`, `…deleted`, `…revoked`, `…refunded`, `statement.voided`) is an event of its own.

";

#[test]
fn the_page_of_events_has_every_name() {
    let mut page = EVENTS_HEAD.to_owned();
    let quoted = |names: &[&str]| {
        let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
        quoted.join(", ")
    };
    let rows = event_name::ALL
        .iter()
        .map(|entry| vec![quoted(&[entry.name]), entry.meaning.to_owned(), quoted(entry.aliases)]);
    table(&mut page, &["event", "what has happened", "also written"], rows);
    check_page("events.md", &page);
}
