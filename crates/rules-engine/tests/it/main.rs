//! The engine as its callers see it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "a test fails by panicking"
)]

mod diagnostics;
mod driver;
mod events;
mod oracle;
mod properties;
mod records;
mod rule_files;
mod rule_sets;
mod scenarios;
mod standings;
