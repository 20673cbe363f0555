//! What the gateway counts and measures.

use kleos_service_kit::metrics::{
    BYTES, Counter, CounterBy, Gauge, GaugeBy, Histogram, Label, SECONDS,
};

/// Names of sources that this program knows; the path's other names show as `other`.
const SOURCE: Label = Label::at_most("source", 32);
const OUTCOME: Label = Label::fixed("outcome", OUTCOMES);
const REASON: Label = Label::fixed("reason", REASONS);
const INSTANCE: Label = Label::at_most("instance", 1_000);
const CREDENTIAL: Label = Label::at_most("credential", 1_000);
const FILE: Label = Label::at_most("file", 8);
const RELOADED: Label = Label::fixed("result", &["loaded", "failed"]);
const RESULT: Label = Label::fixed("result", &["stored", "failed"]);

/// Whose rate limit is exceeded.
const BUDGET: Label = Label::fixed("budget", BUDGETS);
const BUDGETS: &[&str] = &["address", "route", "instance", "source", "total"];

/// Why a credential is refused.
const REASONS: &[&str] = &[
    "missing",
    "malformed",
    "unknown",
    "expired",
    "other_source",
    "other_instance",
    "other_address",
    "stale",
    "not_signed",
    "instance_needed",
];

/// The outcome of a request whose event is stored.
pub(crate) const ACCEPTED: &str = "accepted";
/// The outcome of a request whose event was stored before.
pub(crate) const DUPLICATE: &str = "duplicate";
/// The outcome of a request that only asked what a webhook would come to.
pub(crate) const VALIDATED: &str = "validated";
/// The outcome of a request for what can be sent.
pub(crate) const DESCRIBED: &str = "described";
/// The outcome of a request whose sender left before the answer.
pub(crate) const GONE: &str = "gone";

/// Every way a request can end: these five, and the codes of all refusals.
const OUTCOMES: &[&str] = &[
    ACCEPTED,
    DUPLICATE,
    VALIDATED,
    DESCRIBED,
    GONE,
    "not_found",
    "unknown_source",
    "method_not_allowed",
    "authentication_failed",
    "payload_too_large",
    "request_timeout",
    "incomplete_body",
    "validation_failed",
    "rate_limit_exceeded",
    "unsupported_encoding",
    "malformed_encoding",
    "overloaded",
    "log_unavailable",
    "append_failed",
    "append_timed_out",
    "stopping",
    "internal_error",
];

kleos_service_kit::metrics! {
    /// Metrics of the gateway.
    pub struct Metrics {
        /// Requests by what became of them. The records in the log are the accepted ones and the
        /// late appends that were stored.
        requests: CounterBy<2> = "kleos_gateway_requests_total" [SOURCE, OUTCOME],
        /// Credentials that were refused.
        refused_credentials: CounterBy<2> =
            "kleos_gateway_refused_credentials_total" [SOURCE, REASON],
        /// Requests by the credential that proved them. One that stays where it is can be retired.
        credentials: CounterBy<2> =
            "kleos_gateway_credentials_total" [INSTANCE, CREDENTIAL],
        /// Requests that exceeded a rate limit, by whose it is.
        rate_limited: CounterBy<1> = "kleos_gateway_rate_limited_total" [BUDGET],
        /// Appends that nobody waited for any more when they ended.
        late_appends: CounterBy<1> = "kleos_gateway_late_appends_total" [RESULT],
        /// Time from the head of an accepted request to its answer.
        answer: Histogram = "kleos_gateway_answer_seconds" buckets SECONDS,
        /// Time until an appended record was durable.
        append: Histogram = "kleos_gateway_append_seconds" buckets SECONDS,
        /// Size of accepted bodies.
        body: Histogram = "kleos_gateway_body_bytes" buckets BYTES,
        /// Bytes of requests that are being read or appended.
        in_flight: Gauge = "kleos_gateway_in_flight_bytes",
        /// Connections of trusted proxies that did not begin with a PROXY header, and were closed.
        refused_connections: Counter = "kleos_gateway_refused_connections_total",
        /// Connections that were closed because TLS could not be begun with them.
        failed_handshakes: Counter = "kleos_gateway_failed_handshakes_total",
        /// When the certificate of the port expires, in seconds since 1970.
        certificate_expiry: GaugeBy<1> =
            "kleos_gateway_certificate_expiry_timestamp_seconds" [FILE],
        /// Looks at the certificate's files that found another pair, or none that is good.
        certificate_reloads: CounterBy<1> =
            "kleos_gateway_certificate_reloads_total" [RELOADED],
        /// Open connections.
        connections: Gauge = "kleos_gateway_connections",
    }
}

impl Metrics {
    /// How often a credential has proven a request.
    pub(crate) fn credential(&self, instance: &str, id: &str) -> Counter {
        self.credentials.with([instance, id])
    }
}

/// The counters of one source.
#[derive(Clone, Debug)]
pub(crate) struct SourceMetrics {
    source: String,
    /// Kept, as it is counted with every event.
    accepted: Counter,
    metrics: Metrics,
}

impl SourceMetrics {
    pub(crate) fn new(metrics: &Metrics, source: &str) -> Self {
        Self {
            source: source.to_owned(),
            accepted: metrics.requests.with([source, ACCEPTED]),
            metrics: metrics.clone(),
        }
    }

    /// The source's name.
    pub(crate) fn name(&self) -> &str {
        &self.source
    }

    pub(crate) fn refused_credential(&self, reason: &str) {
        self.metrics.refused_credentials.with([&self.source, reason]).inc();
    }

    fn count(&self, outcome: &str) {
        if outcome == ACCEPTED {
            self.accepted.inc();
        } else {
            self.metrics.requests.with([&self.source, outcome]).inc();
        }
    }
}

/// A request that will be counted once: with the outcome it is given, or as one whose sender left.
#[derive(Debug)]
pub(crate) struct Tally<'m> {
    metrics: &'m SourceMetrics,
    outcome: &'static str,
}

impl<'m> Tally<'m> {
    pub(crate) const fn new(metrics: &'m SourceMetrics) -> Self {
        Self { metrics, outcome: GONE }
    }

    /// It is another source's than was thought.
    pub(crate) const fn is_of(&mut self, metrics: &'m SourceMetrics) {
        self.metrics = metrics;
    }

    pub(crate) fn ends(mut self, outcome: &'static str) {
        self.outcome = outcome;
    }
}

impl Drop for Tally<'_> {
    fn drop(&mut self) {
        self.metrics.count(self.outcome);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use kleos_service_kit::metrics::Registry;

    use super::*;
    use crate::error::Refusal;
    use crate::error::tests::table;

    #[test]
    fn every_refusal_is_an_outcome_and_every_doubt_a_reason() {
        let mut expected = BTreeSet::from([ACCEPTED, DUPLICATE, VALIDATED, DESCRIBED, GONE]);
        let registry = Registry::new().unwrap();
        let source = SourceMetrics::new(&Metrics::register(&registry).unwrap(), "moodle");
        for (refusal, _, code) in table() {
            expected.insert(code);
            if let Refusal::Unauthenticated(doubt) = refusal {
                source.refused_credential(doubt.as_str());
            }
        }
        assert_eq!(OUTCOMES.iter().copied().collect::<BTreeSet<_>>(), expected);
        let text = registry.text().unwrap();
        assert!(!text.contains("reason=\"other\""), "{text}");
        assert_eq!(text.matches("kleos_gateway_refused_credentials_total{").count(), REASONS.len());
    }

    #[test]
    fn a_request_is_counted_once_however_it_ends() {
        let metrics = Metrics::register(&Registry::new().unwrap()).unwrap();
        let source = SourceMetrics::new(&metrics, "moodle");
        Tally::new(&source).ends(ACCEPTED);
        Tally::new(&source).ends("overloaded");
        drop(Tally::new(&source));
        let count = |outcome| metrics.requests.with(["moodle", outcome]).get();
        assert_eq!([ACCEPTED, "overloaded", GONE].map(count), [1, 1, 1]);
    }
}
