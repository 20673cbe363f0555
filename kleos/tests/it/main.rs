//! The command line as people use it, the pages that describe it, and the checkout as a whole.
//!
//! `cluster` and what builds on it start a Kafka of their own by `scripts/kafka`: it is killed and
//! paused on the way.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, and tells what went wrong, and reads its own clock and environment"
)]

mod away;
mod cluster;
mod command_line;
mod data_directory;
mod descriptors;
mod embedded;
mod exposition;
mod first_start;
mod following;
mod gateway;
mod home;
mod metrics;
mod misconfigured;
mod process;
mod reference;
mod rules;
mod secrets;
mod tidy;
mod topics;
mod web;
