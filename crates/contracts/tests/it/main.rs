//! The contract as others see it: Avro texts, encoded bytes.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "a test fails by panicking"
)]

mod corpus;
mod samples;
mod schemas;
