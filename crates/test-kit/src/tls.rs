//! Sites with certificates that nobody but a test trusts.

/// A site, as two files in PEM.
#[derive(Clone, Copy, Debug)]
pub struct Site {
    /// Signed with its own key; good until 2126.
    pub certificate: &'static str,
    /// An ECDSA key on P-256.
    pub key: &'static str,
}

/// The name that both are of.
pub const NAME: &str = "gateway.test";

/// One.
pub const FIRST: Site =
    Site { certificate: include_str!("../tls/first.crt"), key: include_str!("../tls/first.key") };

/// And another, with which the first is replaced.
pub const SECOND: Site =
    Site { certificate: include_str!("../tls/second.crt"), key: include_str!("../tls/second.key") };
