use super::*;

const OUTCOME: Label = Label::fixed("outcome", &["accepted", "refused"]);
const TENANT: Label = Label::at_most("tenant", 2);

crate::metrics! {
    /// What the tests count.
    pub(crate) struct Metrics {
        /// Webhooks, by what
        /// became of them.
        webhooks: CounterBy<2> = "kleos_test_webhooks_total" [OUTCOME, TENANT],
        /// Refusals.
        refusals: CounterBy<1> = "kleos_test_refusals_total" [OUTCOME],
        /// Requests being served.
        in_flight: Gauge = "kleos_test_in_flight_requests",
        /// Age of the oldest.
        age: RealGaugeBy<1> = "kleos_test_age_seconds" [TENANT],
        /// Records in hand.
        pending: GaugeBy<1> = "kleos_test_pending_records" [TENANT],
        /// Time to answer.
        answer: Histogram = "kleos_test_answer_seconds" buckets &[0.1, 1.0],
        /// Sizes.
        size: HistogramBy<1> = "kleos_test_body_bytes" [OUTCOME] buckets BYTES,
        /// Share.
        share: RealGauge = "kleos_test_share_ratio",
        /// All.
        all: Counter = "kleos_test_all_total",
    }
}

/// The lines of a metric's values.
fn lines(registry: &Registry, name: &str) -> Vec<String> {
    let text = registry.text().unwrap();
    text.lines().filter(|line| line.starts_with(name)).map(str::to_owned).collect()
}

#[test]
fn what_is_counted_shows_under_its_name_labels_and_service() {
    let registry = Registry::new().unwrap();
    let metrics = Metrics::register(&registry.of_service("gateway")).unwrap();
    metrics.webhooks.with(["accepted", "a"]).inc();
    metrics.webhooks.with(["accepted", "a"]).inc();
    metrics.in_flight.set(-3);
    metrics.age.with(["a"]).set(0.5);
    metrics.pending.with(["a"]).set(7);
    metrics.answer.observe(0.5);
    metrics.size.with(["refused"]).observe(1_000.0);
    metrics.share.set(0.25);
    metrics.all.inc_by(9);
    for expected in [
        "# HELP kleos_test_webhooks_total Webhooks, by what became of them.",
        "# TYPE kleos_test_webhooks_total counter",
        r#"kleos_test_webhooks_total{outcome="accepted",service="gateway",tenant="a"} 2"#,
        r#"kleos_test_in_flight_requests{service="gateway"} -3"#,
        r#"kleos_test_age_seconds{service="gateway",tenant="a"} 0.5"#,
        r#"kleos_test_pending_records{service="gateway",tenant="a"} 7"#,
        r#"kleos_test_answer_seconds_bucket{service="gateway",le="0.1"} 0"#,
        r#"kleos_test_answer_seconds_bucket{service="gateway",le="1"} 1"#,
        r#"kleos_test_body_bytes_bucket{outcome="refused",service="gateway",le="1024"} 1"#,
        r#"kleos_test_share_ratio{service="gateway"} 0.25"#,
        r#"kleos_test_all_total{service="gateway"} 9"#,
    ] {
        let text = registry.text().unwrap();
        assert!(text.lines().any(|line| line == expected), "{expected}\n{text}");
    }
}

#[test]
fn a_label_shows_what_it_declared_and_the_rest_as_other() {
    let registry = Registry::new().unwrap();
    let metrics = Metrics::register(&registry).unwrap();
    for (outcome, tenant) in [
        ("accepted", "a"),
        ("accepted", "b"),
        ("accepted", "c"),
        ("odd", "a"),
        ("accepted", "d"),
        ("accepted", "b"),
    ] {
        metrics.webhooks.with([outcome, tenant]).inc();
    }
    assert_eq!(
        lines(&registry, "kleos_test_webhooks_total"),
        [
            r#"kleos_test_webhooks_total{outcome="accepted",tenant="a"} 1"#,
            r#"kleos_test_webhooks_total{outcome="accepted",tenant="b"} 2"#,
            r#"kleos_test_webhooks_total{outcome="accepted",tenant="other"} 2"#,
            r#"kleos_test_webhooks_total{outcome="other",tenant="a"} 1"#,
        ]
    );
}

#[test]
fn fixed_values_show_from_the_start() {
    let registry = Registry::new().unwrap();
    let metrics = Metrics::register(&registry).unwrap();
    assert_eq!(
        lines(&registry, "kleos_test_refusals_total"),
        [
            r#"kleos_test_refusals_total{outcome="accepted"} 0"#,
            r#"kleos_test_refusals_total{outcome="refused"} 0"#,
        ]
    );
    metrics.refusals.with(["refused"]).inc();
    assert!(lines(&registry, "kleos_test_refusals_total")[1].ends_with(" 1"));
}

#[test]
fn services_of_one_process_share_metrics_and_one_service_has_each_once() {
    let registry = Registry::new().unwrap();
    let first = Metrics::register(&registry.of_service("gateway")).unwrap();
    let _second = Metrics::register(&registry.of_service("normalizer")).unwrap();
    first.all.inc();
    assert_eq!(
        lines(&registry, "kleos_test_all_total"),
        [
            r#"kleos_test_all_total{service="gateway"} 1"#,
            r#"kleos_test_all_total{service="normalizer"} 0"#,
        ]
    );
    let error = Metrics::register(&registry.of_service("gateway")).unwrap_err();
    assert_eq!(error.to_string(), "cannot register the metric kleos_test_webhooks_total");
}

#[test]
fn the_process_shows_what_the_reference_says() {
    let registry = Registry::new().unwrap();
    let text = registry.text().unwrap();
    let mut shown: Vec<String> = text
        .lines()
        .filter(|line| line.starts_with("# HELP ") || line.starts_with("# TYPE "))
        .map(str::to_owned)
        .collect();
    shown.sort();
    let mut expected: Vec<String> = PROCESS
        .iter()
        .flat_map(|(name, kind, help)| {
            [format!("# HELP {name} {help}"), format!("# TYPE {name} {kind}")]
        })
        .collect();
    expected.sort();
    assert_eq!(shown, expected);
    assert!(lines(&registry, "process_resident_memory_bytes ")[0].len() > 31);
}

#[test]
fn the_reference_lists_every_declaration() {
    let page = reference(&[("test", Metrics::DECLARED)]);
    assert_eq!(Metrics::DECLARED.len(), 9);
    for row in [
        "## test",
        "| `kleos_test_webhooks_total` | counter | `outcome`: accepted, refused; `tenant`: at most \
         2 | Webhooks, by what became of them. |",
        "| `kleos_test_in_flight_requests` | gauge |  | Requests being served. |",
        "## Every process",
    ] {
        assert!(page.lines().any(|line| line == row), "{row}\n{page}");
    }
}
