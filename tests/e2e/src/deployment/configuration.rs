//! The configuration of a process.

use super::Layout;
use crate::cluster::Cluster;

pub(super) const MOODLE_TOKEN: &str = "moodle-token-of-a-test-0000";
pub(super) const CUSTOM_TOKEN: &str = "custom-token-of-a-test-0000";
/// Whoever shows it may ask for learners of the tenant `demo`.
pub const QUERY_TOKEN: &str = "query-token-of-a-test-00000";
const PUBLISH_TOKEN: &str = "publish-token-of-a-test-000";

/// Where a process listens.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ports {
    pub(super) gateway: u16,
    pub(super) rules: u16,
    pub(super) admin: u16,
}

pub(super) fn configuration(
    layout: &Layout,
    name: &str,
    ports: Ports,
    cluster: Option<&Cluster>,
) -> String {
    let data = layout.directory.join(format!("{name}-data"));
    let Ports { gateway, rules, admin } = ports;
    let kafka = cluster.map_or_else(String::new, |Cluster { brokers, registry, .. }| {
        format!("[kafka]\nbrokers = {brokers:?}\nregistry = {registry:?}\n")
    });
    let Layout { sink, partitions, workers, .. } = layout;
    let senders = senders(layout, gateway);
    format!(
        r#"[process]
data = {data:?}
instance = "{name}"
admin = "127.0.0.1:{admin}"
{senders}[rules]
listen = "127.0.0.1:{rules}"
publish_token = "{PUBLISH_TOKEN}"
flush_interval = "5s"
workers = {workers}
[embedded]
partitions = {partitions}
[topics]
partitions = {partitions}
replication = 1
{kafka}{sink}"#
    )
}

/// Who sends, and to where.
fn senders(layout: &Layout, port: u16) -> String {
    let listen = format!("[gateway]\nlisten = \"127.0.0.1:{port}\"\n");
    if let Some(senders) = layout.senders {
        return senders.replacen("[gateway]\n", &listen, 1);
    }
    let Layout { gateway, instances, .. } = layout;
    format!(
        r#"[tenants.demo]
query_tokens = ["{QUERY_TOKEN}"]
[instances.moodle-demo]
tenant = "demo"
source = "moodle"
credentials = [{{ id = "first", secret = "{MOODLE_TOKEN}" }}]
{instances}[instances.custom-demo]
tenant = "demo"
source = "custom"
credentials = [{{ id = "first", secret = "{CUSTOM_TOKEN}" }}]
{instances}{listen}{gateway}"#
    )
}
