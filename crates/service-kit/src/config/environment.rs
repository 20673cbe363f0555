//! The environment's variables: read here and nowhere else.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// Where variables come from.
#[derive(Clone)]
pub struct Environment(Variables);

#[derive(Clone)]
enum Variables {
    Process,
    Given(Arc<BTreeMap<String, String>>),
}

impl Environment {
    /// The process's own.
    #[must_use]
    pub const fn of_process() -> Self {
        Self(Variables::Process)
    }

    /// These and no others.
    #[must_use]
    pub fn given<const N: usize>(variables: [(&str, &str); N]) -> Self {
        let variables = variables
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into_iter()
            .collect();
        Self(Variables::Given(Arc::new(variables)))
    }

    /// A variable's text; absent where it is not set or not text.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the place that all others are sent to")]
    pub fn get(&self, name: &str) -> Option<String> {
        match &self.0 {
            Variables::Process => std::env::var(name).ok(),
            Variables::Given(variables) => variables.get(name).cloned(),
        }
    }
}

impl fmt::Debug for Environment {
    /// Without values: there are secrets among them.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Variables::Process => formatter.write_str("Environment(process)"),
            Variables::Given(variables) => {
                write!(formatter, "Environment({} given)", variables.len())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_found_and_never_printed() {
        let environment = Environment::given([("TOKEN", "sesame")]);
        assert_eq!(environment.get("TOKEN").as_deref(), Some("sesame"));
        assert_eq!(environment.get("OTHER"), None);
        assert_eq!(format!("{environment:?}"), "Environment(1 given)");

        let process = Environment::of_process();
        assert!(process.get("PATH").is_some());
        assert_eq!(process.get("KLEOS_NO_SUCH_VARIABLE"), None);
        assert_eq!(process.get("not=a name"), None);
    }
}
