use kleos_event_log::Position;
use kleos_service_kit::metrics::Registry;
use kleos_test_kit::log::{Embedded, TestLog};

use super::*;

/// A record that is no webhook, and so becomes a dead letter.
fn batch() -> Batch {
    let mut batch = Batch::default();
    batch.push(Record {
        position: Position { partition: Partition::new(Topic::Raw, 1), offset: 7 },
        timestamp: kleos_contracts::time::Timestamp::EPOCH,
        key: None,
        value: Some(b"no webhook"),
    });
    batch
}

#[test]
fn what_is_rolled_back_is_not_counted() {
    let embedded = Embedded::start();
    let registry = Registry::new().unwrap();
    let metrics = NormalizerMetrics::register(&registry).unwrap();
    let mut stage = Normalizer::new(&embedded.log(), metrics, Arc::default()).unwrap();
    let counted = || registry.text().unwrap().contains("kleos_normalizer_items_total{");
    for _ in 0..3 {
        stage.process(&batch(), &mut Outbox::default()).unwrap();
        stage.rolled_back();
    }
    stage.committed(&Receipt::default()).unwrap();
    assert!(!counted());
    stage.process(&batch(), &mut Outbox::default()).unwrap();
    assert!(!counted());
    stage.committed(&Receipt::default()).unwrap();
    let line = "kleos_normalizer_items_total{outcome=\"dead_letter\",source=\"\"} 1";
    let text = registry.text().unwrap();
    assert!(text.lines().any(|found| found == line), "{text}");
}
