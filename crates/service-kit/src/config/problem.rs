//! What is wrong with a configuration, in words for the person who wrote it.

use std::cmp::Ordering;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

/// A file that was read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct SourceFile {
    /// As the person named it.
    pub(crate) name: String,
    /// Where its relative paths start.
    pub(crate) directory: PathBuf,
    /// In which order it was read.
    pub(crate) index: usize,
    /// Whether every user of the machine can read it.
    pub(crate) world_readable: bool,
}

/// A place in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub(crate) file: Arc<SourceFile>,
    /// Counted from 1; 0 where the whole file is meant.
    pub(crate) line: usize,
    /// In characters, counted from 1.
    pub(crate) column: usize,
}

impl Place {
    pub(crate) const fn whole(file: Arc<SourceFile>) -> Self {
        Self { file, line: 0, column: 0 }
    }

    fn order(&self, other: &Self) -> Ordering {
        (self.file.index, self.line, self.column).cmp(&(other.file.index, other.line, other.column))
    }
}

impl fmt::Display for Place {
    /// `kleos.toml:12:3`, or the file alone.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.file.name)?;
        if self.line > 0 {
            write!(formatter, ":{}:{}", self.line, self.column)?;
        }
        Ok(())
    }
}

/// One mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where it stands.
    pub place: Place,
    /// Dotted path of the key; empty where no key is meant.
    pub path: String,
    /// What stands there.
    pub found: String,
    /// What should.
    pub expected: String,
    /// What to do.
    pub remedy: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: ", self.place)?;
        if !self.path.is_empty() {
            write!(formatter, "{}: ", self.path)?;
        }
        write!(formatter, "found {}, expected {}", self.found, self.expected)?;
        write!(formatter, "\n    {}", self.remedy)
    }
}

/// Every mistake of a configuration, in the order of the files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// In order, each once.
    pub(crate) fn of(mut problems: Vec<Problem>) -> Self {
        problems.sort_by(|left, right| {
            left.place.order(&right.place).then_with(|| left.path.cmp(&right.path))
        });
        problems.dedup();
        Self(problems)
    }

    /// In the order of the files.
    #[must_use]
    pub fn as_slice(&self) -> &[Problem] {
        &self.0
    }
}

impl fmt::Display for Problems {
    /// One paragraph a mistake, then how many.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for problem in &self.0 {
            writeln!(formatter, "{problem}")?;
        }
        match self.0.len() {
            1 => write!(formatter, "1 problem in the configuration; nothing was started"),
            count => {
                write!(formatter, "{count} problems in the configuration; nothing was started")
            }
        }
    }
}

impl std::error::Error for Problems {}

/// Something that works, but that the person should know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// Where it stands.
    pub place: Place,
    /// Dotted path of the key; empty where no key is meant.
    pub path: String,
    /// What is so.
    pub message: String,
}

impl fmt::Display for Warning {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: ", self.place)?;
        if !self.path.is_empty() {
            write!(formatter, "{}: ", self.path)?;
        }
        formatter.write_str(&self.message)
    }
}
