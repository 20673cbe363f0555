//! The whole pipeline as its users run it: processes, HTTP, a disk, a cluster.
//!
//! - [`world`] makes up learners and what they do; [`webhook`] puts that into the platforms' shapes
//! - [`send`] posts webhooks until each has its receipt
//! - [`flood`] posts numbered webhooks as fast as they are taken, and accounts for the raw topic
//! - [`deployment`] starts, kills and stops processes; [`cluster`] the Kafka below them,
//!   [`mixpanel`] what comes after them
//! - [`kills`] kills processes while they are at work
//! - [`account`] dumps the topics and has the independent oracle account for them
#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "it drives real processes by the real clock, and talks to people"
)]

pub mod account;
pub mod cluster;
pub mod deployment;
pub mod flood;
pub mod kills;
pub mod mixpanel;
pub mod random;
pub mod send;
pub mod webhook;
pub mod world;

/// Wall clock, microseconds since 1970.
#[must_use]
pub fn now_micros() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

/// A program that was built with the one that runs.
///
/// # Errors
/// If there is none.
pub fn sibling(name: &str) -> anyhow::Result<std::path::PathBuf> {
    let own = std::env::current_exe()?;
    // A test runs from a directory below that of the programs.
    let found = own.ancestors().skip(1).take(2).map(|directory| directory.join(name));
    let found = found.into_iter().find(|path| path.is_file());
    found.ok_or_else(|| anyhow::anyhow!("{name} was not built beside {}", own.display()))
}
