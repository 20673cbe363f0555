//! The crate as others see it: webhooks in, items out.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "a test fails by panicking"
)]

mod channels;
mod corpus;
mod kit;
mod names;
mod pages;
mod robustness;
mod same_event;
mod vocabulary;
