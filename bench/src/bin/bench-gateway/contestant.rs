//! Who is measured, and how each is started.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::ensure;
use clap::ValueEnum;
use kleos_contracts::topic::Topic;
use kleos_e2e::sibling;

use crate::configuration::Ports;
use crate::requests::SECRET;
use crate::site::Site;

/// Whoever takes the requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Contestant {
    /// `kleos gateway`.
    Kleos,
    /// Go: net/http and franz-go.
    GoGateway,
    /// Node: Express and kafkajs.
    NodeKafkajs,
    /// Node: Express and librdkafka.
    NodeConfluent,
    /// hyper, without Kafka and without a check.
    HttpCeiling,
}

impl Contestant {
    /// The name in figures.
    pub(crate) const fn key(self) -> &'static str {
        match self {
            Self::Kleos => "kleos",
            Self::GoGateway => "go_gateway",
            Self::NodeKafkajs => "node_kafkajs",
            Self::NodeConfluent => "node_confluent",
            Self::HttpCeiling => "http_ceiling",
        }
    }

    /// Whether it does what a gateway has to.
    pub(crate) const fn is_gateway(self) -> bool {
        !matches!(self, Self::HttpCeiling)
    }

    /// Whether it does what ours does, and is not ours.
    pub(crate) const fn is_peer(self) -> bool {
        self.is_gateway() && !matches!(self, Self::Kleos)
    }

    /// Whether `bench/gateway/run` has built or fetched what it needs.
    pub(crate) fn is_there(self, peers: &Path) -> anyhow::Result<()> {
        let (path, with) = match self {
            Self::Kleos | Self::HttpCeiling => return Ok(()),
            Self::GoGateway => (peers.join(GO_GATEWAY), "Go"),
            Self::NodeKafkajs => (modules(peers).join("kafkajs"), "Node with npm"),
            Self::NodeConfluent => {
                (modules(peers).join("@confluentinc/kafka-javascript/build"), "Node with npm")
            }
        };
        let name = self.to_possible_value().map(|value| value.get_name().to_owned());
        ensure!(
            path.exists(),
            "{} is not there: bench/gateway/run makes it where {with} is installed, which \
             `scripts/setup --bench` sees to; `--contestants` can leave {} out",
            path.display(),
            name.unwrap_or_default()
        );
        Ok(())
    }

    /// What starts it.
    pub(crate) fn command(self, site: &Site, ports: Ports) -> anyhow::Result<Command> {
        let listen = format!("127.0.0.1:{}", ports.gateway);
        let (brokers, topic) = (site.brokers(), Topic::Raw.name());
        let node = |client: &str| {
            let mut command = Command::new("node");
            command.arg(site.peers.join(NODE_GATEWAY).join("server.js"));
            command.args([client, &listen, brokers, topic, SECRET]);
            command
        };
        Ok(match self {
            Self::Kleos => {
                let mut command = Command::new(&site.program);
                command.arg("--config").arg(site.configure(ports)?).arg("gateway");
                command
            }
            Self::GoGateway => {
                let mut command = Command::new(site.peers.join(GO_GATEWAY));
                command.args(["-listen", &listen, "-brokers", brokers, "-topic", topic]);
                command.args(["-secret", SECRET]);
                command
            }
            Self::NodeKafkajs => node("kafkajs"),
            Self::NodeConfluent => node("confluent"),
            Self::HttpCeiling => {
                let mut command = Command::new(sibling("http-ceiling")?);
                command.arg(&listen);
                command
            }
        })
    }
}

/// The program.
const GO_GATEWAY: &str = "go-gateway";
/// A directory with the program and its packages.
const NODE_GATEWAY: &str = "node-gateway";

fn modules(peers: &Path) -> PathBuf {
    peers.join(NODE_GATEWAY).join("node_modules")
}
