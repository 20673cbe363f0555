//! The contract of the log, run against both of its backends.
//!
//! The Kafka half needs a cluster and a registry, named by `KLEOS_TEST_KAFKA` and
//! `KLEOS_TEST_REGISTRY` as `scripts/kafka env` prints them; without, it fails and says so.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, and reads its own clock"
)]

mod bench;
mod counting;
mod embedded;
mod host;
mod kafka;
mod suite;
