//! How a process starts, reports and stops.
//!
//! A service gets, by being run through [`bootstrap::serve`]: a log, an async runtime, signals, and
//! a [`bootstrap::Process`] to start its components with. The path of a process:
//!
//! 1. [`config::read`] turns `kleos.toml` into settings, or into every mistake at once. Until it is
//!    over nothing is bound and nothing created.
//! 2. [`data_dir::DataDir::open`] takes the directory, looking at a lock and a version of our own
//!    before anything else in it is opened.
//! 3. The service's `start` registers [metrics](mod@metrics), adds [`readiness`] conditions,
//!    [listens](mod@listen), and spawns named tasks and threads through the [`lifecycle`].
//! 4. A signal, or a component that fails or panics, stops it: first what lets input in, then what
//!    works on it, then what both lean on, all within a deadline.
//! 5. [`failure::Failure`] says what went wrong, where, and what to do; [`failure::Exit`] says it to
//!    machines.
//!
//! What must stay true:
//!
//! - Nothing here is static, except what the process has only once: the log and the panic hook.
//! - Nobody else reads the clock ([`clock`]) or the environment ([`config::Environment`]).
//! - A component never ends unnoticed, and a state is logged when it changes, not when it is looked
//!   at.
//!
//! Nothing here knows Kafka, RocksDB or a rule.

pub mod admin;
pub mod backoff;
pub mod bootstrap;
pub mod clock;
pub mod config;
pub mod data_dir;
pub mod failure;
pub mod lifecycle;
pub mod listen;
pub mod metrics;
pub mod readiness;
pub mod signals;
pub mod telemetry;
