//! The configuration: one file, two steps, every mistake at once.
//!
//! Step one reads `kleos.toml` and what it includes, as written: a tree of values that know their
//! place. Step two is the services': each takes a [`Section`], asks for what it knows and builds
//! what it means. Mistakes of both steps are collected and come back together, each with file,
//! line, path, what was found, what was expected and what to do. Nothing is bound or created before
//! that is over.
//!
//! - `include = ["tenants.toml", …]` at the top of a file adds other files; tables are merged, and a
//!   key that stands in two files is a mistake.
//! - `{ env = "NAME" }` or `{ file = "path" }` may stand for any single value. Paths are relative to
//!   the file that names them.
//! - A key that nobody asks for is a mistake, so a service that shares the file says with
//!   [`Section::skip`] which tables are others'.
//!
//! There is no other way for the environment to change a setting.

pub mod credentials;
pub mod instances;
pub mod networks;
pub mod rates;
pub mod tenants;

mod document;
mod environment;
mod field;
mod getters;
mod load;
mod problem;
mod reference;
mod secret;
mod secrets;
mod section;
mod units;

use std::path::Path;

pub use environment::Environment;
pub use field::Field;
pub use problem::{Place, Problem, Problems, Warning};
pub use secret::Secret;
pub use section::Section;

use crate::config::section::Reading;

/// A configuration without mistakes.
#[derive(Clone, Debug)]
pub struct Loaded<T> {
    /// What it means.
    pub value: T,
    /// What the operator should know, once there is a log to say it in.
    pub warnings: Vec<Warning>,
}

/// Reads a configuration; `meaning` takes it from the root section.
///
/// # Errors
/// Every mistake there is.
pub fn read<T>(
    path: &Path,
    environment: &Environment,
    meaning: impl FnOnce(&Section<'_>) -> Option<T>,
) -> Result<Loaded<T>, Problems> {
    let mut document = load::load(path)?;
    let reading = Reading::new(environment, &mut document);
    let root = Section::root(&reading, &document);
    let value = meaning(&root);
    if value.is_none() {
        root.record_unexplained();
    }
    drop(root);
    let (problems, warnings) = reading.into_parts();
    match value {
        Some(value) if problems.is_empty() => Ok(Loaded { value, warnings }),
        Some(_) | None => Err(Problems::of(problems)),
    }
}
