//! The configuration of `kleos gateway`: as it comes, with one sender that signs.

use kleos_e2e::cluster::Cluster;

use crate::requests::SECRET;

/// Where a contestant listens.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ports {
    pub(crate) gateway: u16,
    /// Of ours alone.
    pub(crate) admin: u16,
}

/// What of `[gateway]` is not as it comes: here all senders have one address, they send as much as
/// they can, and there are more of them than a gateway lets in by itself.
const GATEWAY: &str = r#"max_connections = 12_000
rate_limits = { profile = "none" }"#;

/// Partitions of the topic that all write to.
pub(crate) const PARTITIONS: u32 = 8;

pub(crate) fn configuration(ports: Ports, cluster: &Cluster) -> String {
    let Ports { gateway, admin } = ports;
    let Cluster { brokers, registry, .. } = cluster;
    format!(
        r#"[process]
instance = "bench"
admin = "127.0.0.1:{admin}"
[tenants.demo]
[instances.bench]
tenant = "demo"
source = "custom"
credentials = [{{ id = "first", strategy = "hmac-sha256", header = "X-Signature", secret = "{SECRET}" }}]
[topics]
partitions = {PARTITIONS}
replication = 1
[kafka]
brokers = {brokers:?}
registry = {registry:?}
[gateway]
listen = "127.0.0.1:{gateway}"
{GATEWAY}
"#
    )
}
