//! Values that stand elsewhere: `{ env = "NAME" }` and `{ file = "path" }`.

use std::path::{Path, PathBuf};

use crate::config::document::{Node, Table, Value, describe_text};
use crate::config::environment::Environment;
use crate::config::field::Mismatch;
use crate::config::load;

/// One value, and where it came from.
pub(crate) struct Scalar {
    value: Value,
    pub(crate) origin: Origin,
}

/// Where a value came from.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// It stands in the configuration.
    Inline,
    /// A variable of the environment.
    Variable(String),
    /// A file of its own.
    File { path: PathBuf, world_readable: bool },
}

impl Scalar {
    pub(crate) const fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text.as_str()),
            Value::Integer(_)
            | Value::Float(_)
            | Value::Boolean(_)
            | Value::Time(_)
            | Value::List(_)
            | Value::Table(_) => None,
        }
    }

    /// In the configuration a number has no quotes; from elsewhere there are only texts.
    pub(crate) fn integer(&self) -> Option<i128> {
        match (&self.value, &self.origin) {
            (Value::Integer(number), _) => Some(*number),
            (Value::Text(text), Origin::Variable(_) | Origin::File { .. }) => text.parse().ok(),
            _ => None,
        }
    }

    pub(crate) fn boolean(&self) -> Option<bool> {
        match (&self.value, &self.origin) {
            (Value::Boolean(value), _) => Some(*value),
            (Value::Text(text), Origin::Variable(_) | Origin::File { .. }) => text.parse().ok(),
            _ => None,
        }
    }

    /// For people.
    pub(crate) fn describe(&self) -> String {
        format!("{}{}", self.value.describe(), self.origin.describe())
    }

    /// For people, where the value must not be shown.
    pub(crate) fn describe_kind(&self) -> String {
        let length = self.text().map(|text| format!(" of {} characters", text.chars().count()));
        format!("{}{}{}", self.value.kind(), length.unwrap_or_default(), self.origin.describe())
    }
}

impl Origin {
    fn describe(&self) -> String {
        match self {
            Self::Inline => String::new(),
            Self::Variable(name) => format!(" in the environment variable {name}"),
            Self::File { path, .. } => format!(" in the file {}", path.display()),
        }
    }
}

/// What a node says, itself or by reference.
pub(crate) fn resolve(node: &Node, environment: &Environment) -> Result<Scalar, Mismatch> {
    let Value::Table(table) = &node.value else {
        return Ok(Scalar { value: node.value.clone(), origin: Origin::Inline });
    };
    let directory = &node.place.file.directory;
    let resolved = match reference(table) {
        None => {
            return Ok(Scalar { value: node.value.clone(), origin: Origin::Inline });
        }
        Some(("env", name)) => from_variable(name, environment),
        Some((_, name)) => from_file(&directory.join(name)),
    };
    resolved.map_err(|(found, remedy)| Mismatch {
        place: node.place.clone(),
        found,
        remedy: Some(remedy),
    })
}

/// The only key of the table, if that is one of the two, and its text.
fn reference(table: &Table) -> Option<(&str, &str)> {
    let (key, entry) = table.entries.first_key_value()?;
    let Value::Text(name) = &entry.node.value else {
        return None;
    };
    let is_reference = table.entries.len() == 1 && (key == "env" || key == "file");
    is_reference.then_some((key.as_str(), name.as_str()))
}

type NotFound = (String, String);

fn from_variable(name: &str, environment: &Environment) -> Result<Scalar, NotFound> {
    environment.get(name).map_or_else(
        || {
            Err((
                format!("the environment variable {name}, which is not set"),
                format!("set {name} for the process, or give the value in another way"),
            ))
        },
        |text| Ok(Scalar { value: Value::Text(text), origin: Origin::Variable(name.to_owned()) }),
    )
}

fn from_file(path: &Path) -> Result<Scalar, NotFound> {
    let (mut text, world_readable) = load::read(path).map_err(|error| {
        let shown = describe_text(&path.display().to_string());
        (
            format!("the file {shown}, which cannot be read: {error}"),
            "create the file, or give its right path and the right to read it".to_owned(),
        )
    })?;
    // Editors and shells end a file with a newline that nobody means.
    if text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
    let origin = Origin::File { path: path.to_owned(), world_readable };
    Ok(Scalar { value: Value::Text(text), origin })
}
