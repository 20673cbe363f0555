//! Texts that must not be seen.

use std::fmt;

use subtle::ConstantTimeEq;

/// A text that is never printed and whose comparison takes the same time wherever it differs.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Takes a text in.
    #[must_use]
    pub const fn new(text: String) -> Self {
        Self(text)
    }

    /// The text, for whoever must send or digest it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether it is the same text. The time depends on the lengths alone.
    #[must_use]
    pub fn is(&self, candidate: &[u8]) -> bool {
        self.0.as_bytes().ct_eq(candidate).into()
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.is(other.0.as_bytes())
    }
}

impl Eq for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_compared_but_not_printed() {
        let secret = Secret::new("sesame".to_owned());
        assert_eq!(
            format!("{secret:?} {:#?}", Some(&secret)),
            "Secret(…) Some(\n    Secret(…),\n)"
        );
        assert_eq!(secret, Secret::new("sesame".to_owned()));
        for other in ["sesamE", "sesam", "sesame ", ""] {
            assert!(!secret.is(other.as_bytes()), "{other:?}");
        }
        assert_eq!(secret.expose(), "sesame");
    }
}
