//! TLS: what connections begin with where `[gateway.tls]` is set.
//!
//! The certificate can be changed while the gateway runs: its files are looked at again and again,
//! and a pair that is good is what the next connections get. One that is not is told of, and the
//! one before goes on.

mod keeper;
mod pair;

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use hyper::header::HeaderValue;
use kleos_service_kit::bootstrap::Process;
use kleos_service_kit::config::Section;
use kleos_service_kit::failure::Failure;
use kleos_service_kit::lifecycle::Phase;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert};
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{ServerConfig, SupportedProtocolVersion};
use tracing::warn;

use self::pair::{Files, Pair};
use crate::metrics::Metrics;

/// HTTP/2, as TLS names it.
pub(crate) const HTTP2: &[u8] = b"h2";
const HTTP1: &[u8] = b"http/1.1";

/// Above the default the first version.
const SINCE_1_2: &[&SupportedProtocolVersion] = &[&TLS12, &TLS13];
const SINCE_1_3: &[&SupportedProtocolVersion] = &[&TLS13];

/// What TLS is configured to.
#[derive(Clone, Debug)]
pub(crate) struct TlsSettings {
    files: Files,
    /// As the files were when the configuration was read.
    pair: Pair,
    versions: Versions,
    /// For how long whoever was answered must not come without TLS.
    strict_transport_security: Option<Duration>,
}

/// From which version on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Versions {
    Since1_2,
    Since1_3,
}

impl TlsSettings {
    /// Takes the keys of `[gateway.tls]`; none where the section is absent.
    pub(crate) fn read(section: &Section<'_>) -> Option<Self> {
        let certificate = section.path("certificate");
        let key = section.path("key");
        let versions = [("1.2", Versions::Since1_2), ("1.3", Versions::Since1_3)];
        let versions = section.one_of("min_version", &versions).or(Versions::Since1_2);
        let second = Duration::from_secs(1);
        let strict_transport_security = section
            .duration("strict_transport_security", second..=second * 86_400 * 730)
            .optional();
        if !section.is_present() {
            return None;
        }
        let files = certificate.required().zip(key.required());
        let files = files.map(|(certificate, key)| Files { certificate, key })?;
        match files.read() {
            Ok(pair) => Some(Self { files, pair, versions, strict_transport_security }),
            Err(error) => {
                let (key, expected) = error.expected();
                section.problem(key, error.to_string(), expected, error.remedy());
                None
            }
        }
    }
}

/// Until when the certificate is good.
impl fmt::Display for TlsSettings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("TLS")?;
        match self.pair.expires_at {
            Some(time) => write!(formatter, " until {time}"),
            None => Ok(()),
        }
    }
}

/// What the gateway needs to take connections with TLS.
#[derive(Clone)]
pub(crate) struct Tls {
    pub(crate) acceptor: TlsAcceptor,
    /// `Strict-Transport-Security` of every answer.
    pub(crate) strict_transport_security: Option<HeaderValue>,
}

impl Tls {
    /// Begins to look after the certificate.
    pub(crate) fn start(
        service: &Process,
        settings: TlsSettings,
        metrics: &Metrics,
    ) -> Result<Self, Failure> {
        let TlsSettings { files, pair, versions, strict_transport_security } = settings;
        if pair.expires_at.is_some_and(|time| time <= service.clock.now()) {
            warn!("the certificate of webhooks has expired");
        }
        let current = Arc::new(Current(RwLock::new(Arc::clone(&pair.key))));
        let mut config = ServerConfig::builder_with_provider(aws_lc_rs::default_provider().into())
            .with_protocol_versions(versions.list())
            .map_err(|error| Failure::new("TLS cannot be had").because(&error))?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(&current) as Arc<dyn ResolvesServerCert>);
        config.alpn_protocols = [HTTP2, HTTP1].map(<[u8]>::to_vec).into();
        let metrics = metrics.clone();
        service.lifecycle.spawn_thread(Phase::Support, "certificate", move |shutdown| {
            keeper::keep(&files, pair, &current, &metrics, &shutdown)
        })?;
        let max_age = strict_transport_security.map(|age| format!("max-age={}", age.as_secs()));
        Ok(Self {
            acceptor: Arc::new(config).into(),
            strict_transport_security: max_age.and_then(|text| text.parse().ok()),
        })
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Tls")
    }
}

impl Versions {
    const fn list(self) -> &'static [&'static SupportedProtocolVersion] {
        match self {
            Self::Since1_2 => SINCE_1_2,
            Self::Since1_3 => SINCE_1_3,
        }
    }
}

/// The pair that connections get from now on.
struct Current(RwLock<Arc<CertifiedKey>>);

impl Current {
    fn set(&self, key: Arc<CertifiedKey>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = key;
    }
}

impl ResolvesServerCert for Current {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner)))
    }
}

impl fmt::Debug for Current {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Current")
    }
}
