//! Connections that begin with TLS.

use std::path::PathBuf;
use std::sync::Arc;

use kleos_test_kit::tls::{FIRST, NAME, SECOND, Site};
use tempfile::TempDir;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};

use crate::gateway::{Gateway, MOODLE, TOKEN};
use crate::http2;
use crate::wire::{PATIENCE, Wire, post};

/// The files of a site.
struct Files(TempDir);

impl Files {
    fn of(site: Site) -> Self {
        let files = Self(tempfile::tempdir().unwrap());
        files.write(site.certificate, site.key);
        files
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, certificate: &str, key: &str) {
        std::fs::write(self.path("site.crt"), certificate).unwrap();
        std::fs::write(self.path("site.key"), key).unwrap();
    }

    /// With these lines before, and those in `[gateway.tls]`.
    async fn gateway(&self, before: &str, lines: &str) -> Gateway {
        let (certificate, key) = (self.path("site.crt"), self.path("site.key"));
        let section =
            format!("[gateway.tls]\ncertificate = {certificate:?}\nkey = {key:?}\n{lines}");
        Gateway::start(&format!("{before}\n{section}")).await
    }
}

/// Somebody who trusts both sites.
#[derive(Clone, Copy)]
struct Client {
    versions: &'static [&'static SupportedProtocolVersion],
    protocols: &'static [&'static str],
}

const CLIENT: Client = Client { versions: &[&TLS12, &TLS13], protocols: &[] };
const WITH_1_2: Client = Client { versions: &[&TLS12], ..CLIENT };
const WITH_1_3: Client = Client { versions: &[&TLS13], ..CLIENT };

impl Client {
    fn connector(&self) -> TlsConnector {
        let mut roots = RootCertStore::empty();
        for site in [FIRST, SECOND] {
            let certificate = CertificateDer::from_pem_slice(site.certificate.as_bytes());
            roots.add(certificate.unwrap()).unwrap();
        }
        let mut config = ClientConfig::builder_with_provider(aws_lc_rs::default_provider().into())
            .with_protocol_versions(self.versions)
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols =
            self.protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        Arc::new(config).into()
    }

    /// After some bytes in clear text.
    async fn try_connect_after(
        &self,
        gateway: &Gateway,
        bytes: &[u8],
    ) -> std::io::Result<TlsStream<TcpStream>> {
        let mut stream = TcpStream::connect(gateway.address).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        let name = ServerName::try_from(NAME).unwrap();
        timeout(PATIENCE, self.connector().connect(name, stream)).await.unwrap()
    }

    async fn connect(&self, gateway: &Gateway) -> TlsStream<TcpStream> {
        self.try_connect_after(gateway, b"").await.unwrap()
    }
}

fn is_of(stream: &TlsStream<TcpStream>, site: Site) -> bool {
    let shown = stream.get_ref().1.peer_certificates().unwrap().first().unwrap();
    *shown == CertificateDer::from_pem_slice(site.certificate.as_bytes()).unwrap()
}

#[tokio::test]
async fn requests_come_over_tls_in_either_protocol() {
    let gateway = Files::of(FIRST).gateway("", "strict_transport_security = \"365d\"").await;
    for protocols in [&[][..], &["http/1.1"], &["http/1.1", "h2"]] {
        let client = Client { protocols, ..CLIENT };
        let stream = client.connect(&gateway).await;
        // The gateway chooses, and rather the newer one.
        if protocols.len() == 2 {
            assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
            let mut client = http2::Client::over(stream).await;
            let answer = client.post(MOODLE, TOKEN, "{}").await;
            assert_eq!(answer.status, 200, "{answer:?}");
            let rule = answer.header("strict-transport-security");
            assert_eq!(rule, Some("max-age=31536000"));
        } else {
            let mut wire = Wire::over(stream);
            for (token, status) in [(TOKEN, 200), ("sesame", 401)] {
                wire.send(post(MOODLE, token, "{}")).await;
                let reply = wire.reply().await;
                assert_eq!(reply.status, status, "{reply:?}");
                let rule = reply.header("strict-transport-security");
                assert_eq!(rule, Some("max-age=31536000"));
            }
        }
    }
    assert_eq!(gateway.records().await.len(), 3);
    let plain = Gateway::start("").await.post("{}").await;
    assert_eq!(plain.header("strict-transport-security"), None);
}

#[tokio::test]
async fn another_certificate_is_taken_when_it_is_good() {
    let files = Files::of(FIRST);
    let gateway = files.gateway("", "").await;
    let labels = |result: &str| format!("result=\"{result}\"");
    let reloads = |gateway: &Gateway, result: &str| {
        gateway.metric("kleos_gateway_certificate_reloads_total", &labels(result))
    };
    let before = CLIENT.connect(&gateway).await;
    assert!(is_of(&before, FIRST));
    // First the one file, then the other: in between they do not belong together.
    files.write(SECOND.certificate, FIRST.key);
    gateway.until("it is seen", |gateway| reloads(gateway, "failed") > 0).await;
    assert!(is_of(&CLIENT.connect(&gateway).await, FIRST));
    files.write(SECOND.certificate, SECOND.key);
    gateway.until("it is taken", |gateway| reloads(gateway, "loaded") == 1).await;
    assert!(is_of(&CLIENT.connect(&gateway).await, SECOND));
    std::fs::remove_file(files.path("site.key")).unwrap();
    let failed = reloads(&gateway, "failed");
    gateway.until("it is missed", |gateway| reloads(gateway, "failed") > failed).await;
    assert!(is_of(&CLIENT.connect(&gateway).await, SECOND));
    let expiry = "kleos_gateway_certificate_expiry_timestamp_seconds";
    assert!(gateway.metric(expiry, "site.crt") > 4_948_997_100, "{expiry}");
    // Who was connected goes on.
    let mut wire = Wire::over(before);
    wire.send(post(MOODLE, TOKEN, "{}")).await;
    assert_eq!(wire.reply().await.status, 200);
}

#[tokio::test]
async fn versions_below_the_first_that_is_taken_are_refused() {
    for (lines, expected) in [("", [true, true]), ("min_version = \"1.3\"", [false, true])] {
        let gateway = Files::of(FIRST).gateway("", lines).await;
        for (client, expected) in [(WITH_1_2, expected[0]), (WITH_1_3, expected[1])] {
            let connected = client.try_connect_after(&gateway, b"").await;
            assert_eq!(connected.is_ok(), expected, "{:?}, {lines:?}", client.versions);
        }
    }
}

#[tokio::test]
async fn what_does_not_come_to_tls_is_closed_and_counted() {
    let gateway = Files::of(FIRST).gateway("header_timeout = \"300ms\"", "").await;
    let failed =
        |gateway: &Gateway| gateway.metric("kleos_gateway_failed_handshakes_total", "service");
    // Says nothing, says too little, and says something else: what comes back is no HTTP.
    for (number, bytes) in
        [b"".to_vec(), b"\x16\x03\x01".to_vec(), post(MOODLE, TOKEN, "{}")].into_iter().enumerate()
    {
        let mut wire = gateway.connect().await;
        wire.send(bytes).await;
        wire.gone().await;
        gateway.until("it is counted", |gateway| failed(gateway) == number as u64 + 1).await;
    }
    gateway.until("all are closed", |gateway| gateway.connections() == 0).await;
    let mut wire = Wire::over(CLIENT.connect(&gateway).await);
    wire.send(post(MOODLE, TOKEN, "{}")).await;
    assert_eq!(wire.reply().await.status, 200);
    assert_eq!(gateway.records().await.len(), 1);
}

#[tokio::test]
async fn no_answer_is_lost_where_a_sender_goes_on_or_says_no_more() {
    let gateway = Files::of(FIRST).gateway("max_body = \"1KiB\"", "").await;
    let mut wire = Wire::over(CLIENT.connect(&gateway).await);
    wire.send(post(MOODLE, TOKEN, vec![b'x'; 20 << 20])).await;
    assert_eq!(wire.reply().await.status, 413);
    wire.closed().await;
    for says_so in [true, false] {
        let mut stream = CLIENT.connect(&gateway).await;
        stream.write_all(&post(MOODLE, TOKEN, "says no more")).await.unwrap();
        stream.flush().await.unwrap();
        if says_so {
            stream.shutdown().await.unwrap();
        } else {
            // The connection ends, and TLS has not said that it does.
            stream.get_mut().0.shutdown().await.unwrap();
        }
        let mut wire = Wire::over(stream);
        assert_eq!(wire.reply().await.status, 200, "{says_so}");
        wire.gone().await;
    }
    assert_eq!(gateway.records().await.len(), 2);
}

#[tokio::test]
async fn the_proxys_header_stands_before_tls() {
    let settings = "trusted_proxies = [\"loopback\"]\nproxy_protocol = true";
    let gateway = Files::of(FIRST).gateway(settings, "").await;
    let header = [
        &b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c"[..],
        &[203, 0, 113, 7, 10, 0, 0, 1, 0x9c, 0x40, 0x1f, 0x90],
    ]
    .concat();
    let stream = CLIENT.try_connect_after(&gateway, &header).await.unwrap();
    let mut wire = Wire::over(stream);
    wire.send(post(MOODLE, TOKEN, "{}")).await;
    let reply = wire.reply().await;
    assert_eq!(gateway.record_of(&reply).await.client_ip, "203.0.113.7");
}

#[tokio::test]
async fn a_connection_in_the_midst_of_its_beginning_does_not_delay_the_stop() {
    let gateway = Files::of(FIRST).gateway("", "").await;
    let wire = gateway.connect().await;
    gateway.until("it is taken", |gateway| gateway.connections() == 1).await;
    gateway.ask_to_stop();
    wire.closed().await;
    assert_eq!(gateway.ended().await, Ok(()));
}
