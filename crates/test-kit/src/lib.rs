//! For tests: what the services meet outside, in a form that a test holds in its hand.
//!
//! - [`mixpanel`]: a simulated Mixpanel that enforces the vendor's documented contract, keeps what
//!   it stored, and misbehaves when told to. It also runs as a server of its own:
//!   `cargo run -p kleos-test-kit --bin simulated-mixpanel`.
//! - [`log`]: a log of a test's own, embedded or on the shared cluster, and children to be killed;
//!   [`records`]: what lies in it; [`service`]: a service inside of a test.
//! - [`hostile`]: what senders do to a gateway that they should not, as a table; [`tls`]: certificates for a test's own port.
//! - [`clock`]: a clock that is turned by hand; [`wait`]: for what will be so.
//! - [`builders`]: records with a dull value in every field.
//!
//! A dev-dependency of others, never a part of a service.

pub mod builders;
pub mod clock;
pub mod hostile;
pub mod log;
pub mod mixpanel;
pub mod records;
pub mod service;
pub mod tls;
pub mod wait;
