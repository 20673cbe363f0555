//! `[gateway]`: where webhooks are taken, and within which limits.

use std::collections::BTreeMap;
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use kleos_contracts::ids::{InstanceId, TenantId};
use kleos_service_kit::config::Section;
use kleos_service_kit::config::instances::Instance;
use kleos_service_kit::config::networks::{self, Networks};
use kleos_service_kit::config::tenants::Tenant;

use crate::admit::{Door, ForwardedHeader, Proxies};
use crate::budget::REQUEST_BYTES;
use crate::duplicates::Memory;
use crate::mapping::Mapping;
use crate::rate::Rates;
use crate::tls::TlsSettings;

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;

/// What the gateway is configured to.
#[derive(Clone, Debug)]
pub struct Settings {
    pub(crate) listen: SocketAddr,
    pub(crate) limits: Limits,
    /// Whether trusted proxies begin each connection with who it is of.
    pub(crate) proxy_protocol: bool,
    /// Whether each request is a line of the log.
    pub(crate) request_log: bool,
    pub(crate) rates: Rates,
    pub(crate) memory: Memory,
    pub(crate) mapping: Mapping,
    /// Whether connections begin with TLS.
    pub(crate) tls: Option<TlsSettings>,
    pub(crate) door: Door,
}

/// Within which limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    /// The longest body.
    pub(crate) max_body: u64,
    /// How long a body may take, from the end of its head.
    pub(crate) body_timeout: Duration,
    /// How long a sender waits for the log.
    pub(crate) append_timeout: Duration,
    /// Where appends take longer than that, no more are let in than are done in it.
    pub(crate) append_target: Duration,
    /// Bytes of requests that are being read or appended.
    pub(crate) max_in_flight_bytes: u64,
    /// Connections that are open at once; others wait until one is closed.
    pub(crate) max_connections: usize,
    /// How long a head may take, from its first byte.
    pub(crate) header_timeout: Duration,
    /// How long a connection may wait for a request.
    pub(crate) idle_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_body: MIB,
            body_timeout: Duration::from_secs(10),
            append_timeout: Duration::from_secs(5),
            append_target: Duration::from_millis(500),
            max_in_flight_bytes: 64 * MIB,
            max_connections: 10_000,
            header_timeout: Duration::from_secs(10),
            // Longer than load balancers keep theirs, so that it is they who close, and no request
            // meets a connection that is just being closed.
            idle_timeout: Duration::from_secs(75),
        }
    }
}

impl Settings {
    /// Takes the gateway's keys. `sources` are the platforms that there are; `instances` those that
    /// the configuration has, with their tokens, and `tenants` whose they are.
    #[must_use]
    pub fn read(
        section: &Section<'_>,
        sources: &[&str],
        tenants: &BTreeMap<TenantId, Tenant>,
        instances: &BTreeMap<InstanceId, Instance>,
    ) -> Option<Self> {
        let listen = section.address("listen").or((Ipv4Addr::LOCALHOST, 8080).into());
        let limits = Limits::read(section);
        let (proxies, proxy_protocol) = read_proxies(section);
        let door = Door::new(sources, instances.values(), proxies, limits.max_body);
        let request_log = section.boolean("request_log").or(false);
        let rates = Rates::read(&section.section("rate_limits"), sources, instances);
        let memory = Memory::read(&section.section("duplicates"));
        let mapping = Mapping::of(
            instances.values().map(|instance| (instance, tenants.get(&instance.tenant))),
        );
        let tls = TlsSettings::read(&section.section("tls"));
        Some(Self {
            listen,
            limits,
            proxy_protocol,
            request_log,
            rates,
            memory,
            mapping,
            tls,
            door,
        })
    }
}

/// Where webhooks are taken, behind which proxies, and how many.
impl fmt::Display for Settings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { listen, limits, proxy_protocol, rates, tls, door, .. } = self;
        write!(formatter, "webhooks on {listen}")?;
        if let Some(tls) = tls {
            write!(formatter, " with {tls}")?;
        }
        write!(formatter, ", bodies of up to {} bytes", limits.max_body)?;
        let Proxies { trusted, header } = door.proxies();
        if trusted.is_empty() {
            formatter.write_str(", no proxies are believed")?;
        } else {
            write!(formatter, ", behind {trusted} with {}", header.name())?;
        }
        if *proxy_protocol {
            formatter.write_str(" and PROXY version 2")?;
        }
        write!(formatter, "\n{rates}")
    }
}

/// The proxies that are believed, and whether they begin connections with PROXY headers.
fn read_proxies(section: &Section<'_>) -> (Proxies, bool) {
    let trusted = section.list::<Networks>("trusted_proxies", networks::EXPECTED).or(Vec::new());
    let trusted: Networks = trusted.into_iter().collect();
    let words = [
        ("x-forwarded-for", ForwardedHeader::XForwardedFor),
        ("forwarded", ForwardedHeader::Forwarded),
    ];
    let header = section.one_of("forwarded_header", &words).or(ForwardedHeader::default());
    let proxy_protocol = section.boolean("proxy_protocol").or(false);
    if proxy_protocol && trusted.is_empty() {
        section.problem(
            "proxy_protocol",
            "true without trusted_proxies".to_owned(),
            "the networks of the proxies that write the header",
            "set trusted_proxies: from elsewhere the header is not believed",
        );
    }
    (Proxies { trusted, header }, proxy_protocol)
}

impl Limits {
    fn read(section: &Section<'_>) -> Self {
        let default = Self::default();
        let time = Duration::from_millis(100)..=Duration::from_secs(600);
        // A record of the largest body must fit its topic, whose records have at most 8 MiB.
        let max_body = section.bytes("max_body", KIB..=4 * MIB).or(default.max_body);
        let body_timeout = section.duration("body_timeout", time.clone());
        let append_timeout = section.duration("append_timeout", time.clone());
        let append_target = section.duration("append_target", time.clone());
        let max_in_flight_bytes = section
            .bytes("max_in_flight_bytes", 64 * KIB..=64 * KIB * MIB)
            .or(default.max_in_flight_bytes);
        if max_in_flight_bytes < max_body + REQUEST_BYTES {
            section.problem(
                "max_in_flight_bytes",
                format!("{max_in_flight_bytes} bytes"),
                &format!("at least max_body and {REQUEST_BYTES} bytes more, for one request"),
                "raise it, or lower max_body",
            );
        }
        let header_timeout = section.duration("header_timeout", time.clone());
        let idle_timeout = section.duration("idle_timeout", time);
        Self {
            max_body,
            body_timeout: body_timeout.or(default.body_timeout),
            append_timeout: append_timeout.or(default.append_timeout),
            append_target: append_target.or(default.append_target),
            max_in_flight_bytes,
            max_connections: section
                .integer("max_connections", 1..=1_000_000)
                .or(default.max_connections),
            header_timeout: header_timeout.or(default.header_timeout),
            idle_timeout: idle_timeout.or(default.idle_timeout),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use kleos_service_kit::config::{self, Environment};
    use kleos_test_kit::tls::FIRST;

    use super::*;

    fn read(text: &str) -> Result<Settings, String> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("kleos.toml");
        fs::write(&path, text).unwrap();
        config::read(&path, &Environment::given([]), |root| {
            Settings::read(
                &root.section("gateway"),
                &["moodle"],
                &BTreeMap::new(),
                &BTreeMap::new(),
            )
        })
        .map(|loaded| loaded.value)
        .map_err(|problems| problems.to_string())
    }

    /// The lines of the README's fragment, with every setting in force.
    fn fragment() -> String {
        let page = include_str!("../README.md");
        let (_, rest) = page.split_once("```toml\n").unwrap();
        let (fragment, _) = rest.split_once("```").unwrap();
        fragment.to_owned()
    }

    #[test]
    fn an_empty_section_has_the_defaults_of_the_page() {
        let empty = read("").unwrap();
        assert_eq!(empty.listen.to_string(), "127.0.0.1:8080");
        assert_eq!(empty.limits, Limits::default());
        let page = read(&fragment()).unwrap();
        assert_eq!((page.listen, page.limits), (empty.listen, empty.limits));
        let rest = |settings: &Settings| {
            let Settings { proxy_protocol, request_log, rates, memory, tls, door, .. } = settings;
            format!("{proxy_protocol} {request_log} {rates:?} {memory:?} {tls:?} {door:?}")
        };
        assert_eq!(rest(&page), rest(&empty));
        let keys = fragment();
        let keys = keys.lines().filter(|line| !line.starts_with('#') && line.contains(" = "));
        assert_eq!(keys.count(), 23, "the page has every key");
    }

    #[test]
    fn a_certificate_is_looked_at_with_the_rest() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        fs::write(path("site.crt"), FIRST.certificate).unwrap();
        fs::write(path("site.key"), FIRST.key).unwrap();
        let section = |key: &str| {
            let (certificate, key) = (path("site.crt"), path(key));
            format!("[gateway.tls]\ncertificate = {certificate:?}\nkey = {key:?}\n")
        };
        let settings = read(&section("site.key")).unwrap();
        let said = settings.to_string();
        assert!(said.contains(" with TLS until 2126-10-30T01:25:09Z, bodies of"), "{said}");
        let problems = read(&section("none.key")).unwrap_err();
        let expected = "gateway.tls.key: found the file";
        assert!(problems.contains(expected) && problems.contains("cannot be read"), "{problems}");
    }

    #[test]
    fn every_mistake_is_told_at_once() {
        let problems = read(concat!(
            "[gateway]\nlisten = 8080\nmax_body = \"5MiB\"\nbody_timeout = \"0s\"\n",
            "append_timeout = 5\nmax_in_flight_bytes = \"1MiB\"\nmax_connections = 0\n",
            "header_timeout = \"1d\"\nidle_timeout = \"\"\nmax_bodies = 1\n",
            "[gateway.tls]\nkey = \"none.key\"\nmin_version = \"1.1\"\n",
            "strict_transport_security = \"0s\"\n",
        ))
        .unwrap_err();
        for path in [
            "listen: found the integer 8080",
            "max_body: found \"5MiB\"",
            "body_timeout: found \"0s\"",
            "append_timeout: found the integer 5",
            "max_in_flight_bytes: found 1048576 bytes, expected at least max_body",
            "max_connections: found the integer 0",
            "header_timeout: found \"1d\"",
            "idle_timeout: found \"\"",
            "max_bodies: found a key that is not known",
            "tls.certificate: found nothing",
            "tls.min_version: found \"1.1\"",
            "tls.strict_transport_security: found \"0s\"",
        ] {
            assert!(problems.contains(&format!("gateway.{path}")), "{path} in:\n{problems}");
        }
    }
}
