//! The whole pipeline, from a webhook over HTTP to an award at Mixpanel.
//!
//! What concerns Kafka starts a cluster of its own, by `scripts/kafka`; `KLEOS_TEST_PYTHON` names a
//! Python that has Confluent's client. `scripts/test` sees to both.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, and drives real processes by the real clock"
)]

mod pipeline;
