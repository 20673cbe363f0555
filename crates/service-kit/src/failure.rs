//! Why a command did not do what it was asked, in words for the person who asked.

use std::error::Error;
use std::fmt::{self, Display};
use std::process::ExitCode;

use crate::config::Problems;
use crate::data_dir::DataDirError;
use crate::lifecycle::{LifecycleError, SpawnError};
use crate::listen::ListenError;
use crate::metrics::MetricsError;

/// How a process ends, for whoever called it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// All is well.
    Fine = 0,
    /// It failed.
    Failed = 1,
    /// It was called wrongly.
    Usage = 2,
    /// Its configuration is wrong.
    Configuration = 64,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// What went wrong, where, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    exit: Exit,
    what: String,
    place: Option<String>,
    remedy: Option<String>,
}

impl Failure {
    /// Something failed.
    #[must_use]
    pub fn new(what: impl Display) -> Self {
        Self { exit: Exit::Failed, what: what.to_string(), place: None, remedy: None }
    }

    /// The command was called wrongly.
    #[must_use]
    pub fn usage(what: impl Display) -> Self {
        Self { exit: Exit::Usage, ..Self::new(what) }
    }

    /// An error, with its causes.
    #[must_use]
    pub fn of(error: &(dyn Error + 'static)) -> Self {
        Self::new(error_text(error))
    }

    /// With the error behind it, and its causes.
    #[must_use]
    pub fn because(self, error: &(dyn Error + 'static)) -> Self {
        Self { what: format!("{}: {}", self.what, error_text(error)), ..self }
    }

    /// Where: a file, an address, a topic.
    #[must_use]
    pub fn at(self, place: impl Display) -> Self {
        Self { place: Some(place.to_string()), ..self }
    }

    /// What to do.
    #[must_use]
    pub fn remedy(self, remedy: impl Display) -> Self {
        Self { remedy: Some(remedy.to_string()), ..self }
    }

    /// How the process ends.
    #[must_use]
    pub const fn exit(&self) -> Exit {
        self.exit
    }
}

impl Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "error: {}", self.what)?;
        if let Some(place) = &self.place {
            write!(formatter, "\nwhere: {place}")?;
        }
        if let Some(remedy) = &self.remedy {
            write!(formatter, "\n   do: {remedy}")?;
        }
        Ok(())
    }
}

impl From<Problems> for Failure {
    fn from(problems: Problems) -> Self {
        let what = format!("the configuration has mistakes\n{problems}");
        Self { exit: Exit::Configuration, ..Self::new(what) }
    }
}

impl From<DataDirError> for Failure {
    fn from(error: DataDirError) -> Self {
        Self::of(&error).remedy(error.remedy())
    }
}

impl From<ListenError> for Failure {
    fn from(error: ListenError) -> Self {
        Self::of(&error).remedy(error.remedy())
    }
}

impl From<LifecycleError> for Failure {
    fn from(error: LifecycleError) -> Self {
        Self::of(&error)
    }
}

impl From<SpawnError> for Failure {
    fn from(error: SpawnError) -> Self {
        Self::of(&error).remedy("allow the process more threads, or configure fewer workers")
    }
}

impl From<MetricsError> for Failure {
    fn from(error: MetricsError) -> Self {
        Self::of(&error)
    }
}

/// An error with its causes, in one line.
#[must_use]
pub fn error_text(error: &(dyn Error + 'static)) -> String {
    let causes = std::iter::successors(error.source(), |&cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn a_failure_says_what_where_and_what_to_do() {
        let failure = Failure::new("cannot read the rules")
            .because(&io::Error::other("bad sector"))
            .at("rules.json:3:7")
            .remedy("mend the disk");
        assert_eq!(
            failure.to_string(),
            "error: cannot read the rules: bad sector\nwhere: rules.json:3:7\n   do: mend the disk"
        );
        assert_eq!(failure.exit(), Exit::Failed);
        assert_eq!(Failure::usage("no such command").to_string(), "error: no such command");
    }

    #[test]
    fn an_error_is_told_with_its_causes() {
        let source = io::Error::new(io::ErrorKind::AddrInUse, "address in use");
        let address = "127.0.0.1:80".parse().unwrap();
        let error = ListenError { what: "events".to_owned(), address, source };
        assert_eq!(
            Failure::from(error).to_string(),
            "error: cannot listen on 127.0.0.1:80 for events: address in use\n   do: stop the \
             process that listens on port 80, or configure another port"
        );
    }

    #[test]
    fn exit_codes_are_those_of_the_manual() {
        let codes = [Exit::Fine, Exit::Failed, Exit::Usage, Exit::Configuration];
        assert_eq!(codes.map(|exit| exit as u8), [0, 1, 2, 64]);
        assert_eq!(Failure::usage("").exit(), Exit::Usage);
    }
}
