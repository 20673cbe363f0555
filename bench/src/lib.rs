//! What the benchmarks share.
//!
//! - [`process`] looks at a process from outside; [`histogram`] at what it says of itself
//! - [`report`] makes one figure of several

pub mod histogram;
pub mod process;
pub mod report;
