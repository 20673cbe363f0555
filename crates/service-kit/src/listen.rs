//! Ports: bound before anything is served, and refused in words that help.

use std::io;
use std::net::SocketAddr;

use kleos_contracts::class::Class;
use tokio::net::TcpListener;

/// A port could not be had.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address} for {what}")]
pub struct ListenError {
    /// What the port is for.
    pub what: String,
    /// Which address.
    pub address: SocketAddr,
    /// What the system said.
    #[source]
    pub source: io::Error,
}

impl ListenError {
    /// Without its port the process is of no use.
    #[must_use]
    pub const fn class(&self) -> Class {
        Class::Fatal
    }

    /// What to do.
    #[must_use]
    pub fn remedy(&self) -> String {
        let port = self.address.port();
        if self.source.kind() == io::ErrorKind::AddrInUse {
            format!("stop the process that listens on port {port}, or configure another port")
        } else if self.source.kind() == io::ErrorKind::AddrNotAvailable {
            let ip = self.address.ip();
            format!("this machine has no address {ip}: use one of its own, or 0.0.0.0 for all")
        } else if self.source.kind() == io::ErrorKind::PermissionDenied {
            format!("the user may not listen on port {port}: configure a port from 1024 on")
        } else {
            "configure an address of this machine with a free port".to_owned()
        }
    }
}

/// Listens on an address. `what` says for whom, as `the admin port`.
///
/// # Errors
/// Where the address cannot be had.
pub async fn listen(what: &str, address: SocketAddr) -> Result<TcpListener, ListenError> {
    TcpListener::bind(address).await.map_err(|source| ListenError {
        what: what.to_owned(),
        address,
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_address_in_use_is_refused_with_address_and_remedy() {
        let first = listen("the first", "127.0.0.1:0".parse().unwrap()).await.unwrap();
        let address = first.local_addr().unwrap();
        let error = listen("the admin port", address).await.unwrap_err();
        assert_eq!(error.to_string(), format!("cannot listen on {address} for the admin port"));
        assert!(error.remedy().starts_with("stop the process that listens on port"));
        assert_eq!(error.class(), Class::Fatal);
    }

    #[tokio::test]
    async fn an_address_of_another_machine_is_refused_with_address_and_remedy() {
        let error = listen("events", "192.0.2.1:9".parse().unwrap()).await.unwrap_err();
        assert!(error.remedy().contains("no address 192.0.2.1"), "{}", error.remedy());
    }
}
