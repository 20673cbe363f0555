//! The normalizer on a real log.
//!
//! The Kafka half needs a cluster and a registry, named by `KLEOS_TEST_KAFKA` and
//! `KLEOS_TEST_REGISTRY` as `scripts/kafka env` prints them; without, it fails and says so.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, and reads its own clock and environment"
)]

mod bench;
mod embedded;
mod kafka;
mod moodle;
mod output;
mod suite;
