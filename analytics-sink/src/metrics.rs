//! What the sink counts and measures.

use kleos_contracts::reason;
use kleos_contracts::topic::Topic;
use kleos_service_kit::metrics::{
    BYTES, COUNTS, Counter, CounterBy, Gauge, Histogram, Label, SECONDS,
};

const TOPIC: Label = Label::fixed("topic", &[Topic::Awards.name(), Topic::Events.name()]);
/// What becomes of a record.
const OUTCOME: Label = Label::fixed("outcome", &["imported", "dead_letter", "skipped"]);
const REASON: Label = Label::fixed(
    "reason",
    &[
        reason::UNDECODABLE,
        reason::INVALID_FIELD,
        reason::TIME_TOO_OLD,
        reason::FORBIDDEN_DISTINCT_ID,
        reason::REJECTED_BY_SINK,
    ],
);
const ANSWER: Label = Label::fixed(
    "answer",
    &[
        "imported",
        "partly_imported",
        "unclear",
        "too_large",
        "denied",
        "rate_limited",
        "unavailable",
        "misdirected",
    ],
);

kleos_service_kit::metrics! {
    /// Metrics of the sink.
    pub struct SinkMetrics {
        /// Records whose offset is committed, by what became of them; each in exactly one outcome.
        records: CounterBy<2> = "kleos_sink_records_total" [TOPIC, OUTCOME],
        /// Records that were set aside, by the reason.
        dead_letters: CounterBy<1> = "kleos_sink_dead_letters_total" [REASON],
        /// Requests to the vendor, by what came back.
        requests: CounterBy<1> = "kleos_sink_requests_total" [ANSWER],
        /// Events that were sent, those that were sent again among them.
        sent: Counter = "kleos_sink_sent_events_total",
        /// Time from the first byte of a request to the last of its answer.
        request: Histogram = "kleos_sink_request_seconds" buckets SECONDS,
        /// Events in a request.
        request_events: Histogram = "kleos_sink_request_events" buckets COUNTS,
        /// Bytes in a request, uncompressed.
        request_bytes: Histogram = "kleos_sink_request_bytes" buckets BYTES,
        /// The largest request that is sent, uncompressed: what is configured, or what was learned.
        request_bytes_max: Gauge = "kleos_sink_request_max_bytes",
        /// Workers that wait because the vendor does not take anything.
        waiting: Gauge = "kleos_sink_waiting_workers",
    }
}
