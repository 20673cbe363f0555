//! How a process starts, reports and stops, as others see it.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "a test fails by panicking"
)]

mod child;
mod config;
mod credentials;
mod data_dir;
mod process;
