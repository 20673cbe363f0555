//! The gateway over real HTTP, in front of the embedded log and of Apache Kafka.
//!
//! The Kafka half needs a cluster and a registry, named by `KLEOS_TEST_KAFKA` and
//! `KLEOS_TEST_REGISTRY` as `scripts/kafka env` prints them; without, it fails and says so.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, and reads its own clock and environment"
)]

mod accepted;
mod drain;
mod duplicates;
mod encoded;
mod gateway;
mod hostile;
mod http2;
mod kafka;
mod limits;
mod load;
mod proxies;
mod rates;
mod refused;
mod resources;
mod shown;
mod tls;
mod wire;
