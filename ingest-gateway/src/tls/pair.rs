//! A certificate and its key, as two files have them.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kleos_contracts::time::Timestamp;
use sha2::{Digest, Sha256};
use tokio_rustls::rustls;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::sign::CertifiedKey;
use x509_cert::Certificate;
use x509_cert::der::Decode;

/// Where they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Files {
    /// The site's own certificate, and those between it and an authority, as PEM.
    pub(super) certificate: PathBuf,
    /// The key of the first, as PEM.
    pub(super) key: PathBuf,
}

/// What they hold.
#[derive(Clone)]
pub(super) struct Pair {
    pub(super) key: Arc<CertifiedKey>,
    /// Of the site's own certificate, where that can be told.
    pub(super) expires_at: Option<Timestamp>,
    /// Of the files' bytes.
    pub(super) digest: [u8; 32],
}

/// Why they are not a pair.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum PairError {
    #[error("the file {path:?}, which cannot be read: {cause}")]
    Certificate { path: PathBuf, cause: String },
    #[error("the file {path:?}, which cannot be read: {cause}")]
    Key { path: PathBuf, cause: String },
    #[error("the file {path:?}, which has no certificate in PEM")]
    NoCertificate { path: PathBuf },
    #[error("the file {path:?}, which has no key in PEM, or one that is encrypted")]
    NoKey { path: PathBuf },
    #[error("the file {path:?}, which has the key of another certificate")]
    Mismatch { path: PathBuf },
    #[error("the file {path:?}, whose certificate is not used: {cause}")]
    Unfit { path: PathBuf, cause: String },
}

impl PairError {
    /// Which setting it is of, and what was expected there.
    pub(super) const fn expected(&self) -> (&'static str, &'static str) {
        match self {
            Self::Certificate { .. } | Self::NoCertificate { .. } | Self::Unfit { .. } => {
                ("certificate", "certificates in PEM, the site's own first")
            }
            Self::Key { .. } | Self::NoKey { .. } | Self::Mismatch { .. } => {
                ("key", "the key of the first certificate, in PEM")
            }
        }
    }

    /// What to do.
    pub(super) const fn remedy(&self) -> &'static str {
        match self {
            Self::Certificate { .. } | Self::Key { .. } => {
                "create the file, or give its right path and the right to read it"
            }
            Self::NoCertificate { .. } | Self::NoKey { .. } => {
                "give the path of the file that has it"
            }
            Self::Mismatch { .. } => "give the paths of two files that belong together",
            Self::Unfit { .. } => "have it issued again",
        }
    }
}

impl Files {
    /// Both, if they belong together.
    pub(super) fn read(&self) -> Result<Pair, PairError> {
        let cause = |error: std::io::Error| error.to_string();
        let certificates = fs::read(&self.certificate).map_err(|error| PairError::Certificate {
            path: self.certificate.clone(),
            cause: cause(error),
        })?;
        let key = fs::read(&self.key)
            .map_err(|error| PairError::Key { path: self.key.clone(), cause: cause(error) })?;
        let digest = Sha256::new().chain_update(&certificates).chain_update(&key).finalize();
        let chain = chain(&certificates, &self.certificate)?;
        let expires_at = chain.first().and_then(expires_at);
        // What the reader of PEM says of a line could have a part of the key in it.
        let key = PrivateKeyDer::from_pem_slice(&key)
            .map_err(|_| PairError::NoKey { path: self.key.clone() })?;
        let key = CertifiedKey::from_der(chain, key, &aws_lc_rs::default_provider());
        let key = key.map_err(|error| self.refused(&error))?;
        Ok(Pair { key: Arc::new(key), expires_at, digest: digest.into() })
    }

    fn refused(&self, error: &rustls::Error) -> PairError {
        if matches!(error, rustls::Error::InconsistentKeys(_)) {
            PairError::Mismatch { path: self.key.clone() }
        } else if matches!(error, rustls::Error::General(_)) {
            // That is what is said of a key of no kind that is known.
            PairError::NoKey { path: self.key.clone() }
        } else {
            PairError::Unfit { path: self.certificate.clone(), cause: error.to_string() }
        }
    }
}

fn chain(pem: &[u8], path: &Path) -> Result<Vec<CertificateDer<'static>>, PairError> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    chain
        .ok()
        .filter(|chain| !chain.is_empty())
        .ok_or_else(|| PairError::NoCertificate { path: path.to_owned() })
}

fn expires_at(certificate: &CertificateDer<'_>) -> Option<Timestamp> {
    let certificate = Certificate::from_der(certificate).ok()?;
    let since_1970 = certificate.tbs_certificate().validity().not_after.to_unix_duration();
    i64::try_from(since_1970.as_millis()).ok().map(Timestamp::from_millis)
}

/// Without the key.
impl fmt::Debug for Pair {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Pair({:?})", self.expires_at.map(|time| time.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use kleos_test_kit::tls::{FIRST, SECOND, Site};

    use super::*;

    fn read(certificate: &str, key: &str) -> Result<Pair, PairError> {
        let directory = tempfile::tempdir().unwrap();
        let files = Files {
            certificate: directory.path().join("site.crt"),
            key: directory.path().join("site.key"),
        };
        fs::write(&files.certificate, certificate).unwrap();
        fs::write(&files.key, key).unwrap();
        files.read()
    }

    #[test]
    fn two_files_are_a_pair_or_it_is_told_which_is_wrong() {
        let Site { certificate, key } = FIRST;
        let pair = read(&format!("{certificate}{}", SECOND.certificate), key).unwrap();
        assert_eq!(pair.key.cert.len(), 2);
        assert_eq!(pair.expires_at.unwrap().to_string(), "2126-10-30T01:25:09Z");
        assert_eq!(format!("{pair:?}"), "Pair(Some(\"2126-10-30T01:25:09Z\"))");
        let encrypted = key.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
        let cut = |pem: &'static str| pem.get(..100).unwrap();
        let other = "-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n";
        let of_no_kind = "-----BEGIN PRIVATE KEY-----\naGVsbG8=\n-----END PRIVATE KEY-----\n";
        for (certificate, key, setting, found) in [
            ("", key, "certificate", "has no certificate in PEM"),
            (key, key, "certificate", "has no certificate in PEM"),
            (cut(certificate), key, "certificate", "has no certificate in PEM"),
            (other, key, "certificate", "certificate is not used"),
            (certificate, "", "key", "has no key in PEM"),
            (certificate, cut(key), "key", "has no key in PEM"),
            (certificate, encrypted.as_str(), "key", "has no key in PEM"),
            (certificate, of_no_kind, "key", "has no key in PEM"),
            (certificate, SECOND.key, "key", "has the key of another certificate"),
        ] {
            let error = read(certificate, key).unwrap_err();
            assert_eq!(error.expected().0, setting, "{error}");
            assert!(error.to_string().contains(found), "{error}");
        }
    }

    #[test]
    fn a_file_that_is_not_there_is_told() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        fs::write(path("site.crt"), FIRST.certificate).unwrap();
        for (certificate, setting) in [("none.crt", "certificate"), ("site.crt", "key")] {
            let files = Files { certificate: path(certificate), key: path("none.key") };
            assert_eq!(files.read().unwrap_err().expected().0, setting);
        }
    }
}
