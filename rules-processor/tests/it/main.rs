//! The rules-processor on a real log, asked over real HTTP.
//!
//! The Kafka half needs a cluster and a registry, named by `KLEOS_TEST_KAFKA` and
//! `KLEOS_TEST_REGISTRY` as `scripts/kafka env` prints them; without, it fails and says so.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, and tells what went wrong, and reads its own clock and environment"
)]

mod bench;
mod books;
mod directories;
mod disk;
mod embedded;
mod kafka;
mod query;
mod service;
mod suite;
