//! For tests: what the services meet outside, in a form that a test holds in its hand.
//!
//! - [`mixpanel`]: a simulated Mixpanel that enforces the vendor's documented contract, keeps what
//!   it stored, and misbehaves when told to. It also runs as a server of its own:
//!   `cargo run -p kleos-test-kit --bin simulated-mixpanel`.
//! - [`clock`]: a clock that is turned by hand.
//! - [`builders`]: records with a dull value in every field.
//!
//! A dev-dependency of others, never a part of a service.

pub mod builders;
pub mod clock;
pub mod mixpanel;
