//! Networks, as CIDR has them, and sets of them that have a name.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ipnet::{IpNet, Ipv4Net};

/// For people: what one item of a list of networks is.
pub const EXPECTED: &str = "a network, as \"203.0.113.0/24\", an address, or \"private\", \"loopback\", \"learnault\" or \
     \"learnault-testnet\"";

/// Networks that have a name. Those of vendors are what their documentation says.
const NAMED: [(&str, &[&str]); 4] = [
    ("private", &["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"]),
    ("loopback", &["127.0.0.0/8", "::1/128"]),
    ("learnault", &["52.85.83.0/27", "54.85.83.0/27"]),
    ("learnault-testnet", &["52.85.84.0/27", "54.85.84.0/27"]),
];

/// Bits before the IPv4 address in an IPv6 address that stands for one.
const MAPPED_BITS: u8 = 96;

/// A set of addresses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Networks(Vec<IpNet>);

/// Why a text is no network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NetworkError {
    /// It is neither an address, a network nor a name.
    #[error("use an address, a network as CIDR has it, or one of the names")]
    Unknown,
    /// The address has bits behind the prefix: one of the two is wrong.
    #[error("the address goes on behind the prefix: write {0}, or correct the prefix")]
    BitsBehind(IpNet),
}

impl Networks {
    /// Whether an address is in one of them. An IPv4 address is the same written as IPv6.
    #[must_use]
    pub fn contain(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// As CIDR has them, one after the other.
impl fmt::Display for Networks {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, network) in self.0.iter().enumerate() {
            write!(formatter, "{}{network}", if number == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}

impl FromStr for Networks {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        match NAMED.iter().find(|(name, _)| *name == text) {
            Some((_, networks)) => networks.iter().map(|network| one(network)).collect(),
            None => one(text).map(|network| Self(vec![network])),
        }
    }
}

fn one(text: &str) -> Result<IpNet, NetworkError> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Ok(IpNet::from(address.to_canonical()));
    }
    let network: IpNet = text.parse().map_err(|_| NetworkError::Unknown)?;
    if network != network.trunc() {
        return Err(NetworkError::BitsBehind(network.trunc()));
    }
    let IpAddr::V4(address) = network.addr().to_canonical() else { return Ok(network) };
    let bits = match network {
        IpNet::V4(_) => network.prefix_len(),
        IpNet::V6(_) => network.prefix_len().saturating_sub(MAPPED_BITS),
    };
    Ipv4Net::new(address, bits).map(IpNet::V4).map_err(|_| NetworkError::Unknown)
}

impl FromIterator<IpNet> for Networks {
    fn from_iter<I: IntoIterator<Item = IpNet>>(networks: I) -> Self {
        Self(networks.into_iter().collect())
    }
}

impl FromIterator<Self> for Networks {
    fn from_iter<I: IntoIterator<Item = Self>>(sets: I) -> Self {
        sets.into_iter().flat_map(|set| set.0).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(texts: &[&str]) -> Networks {
        texts.iter().map(|text| text.parse::<Networks>().unwrap()).collect()
    }

    #[test]
    fn an_address_is_in_a_network_however_either_is_written() {
        for (network, address, expected) in [
            ("203.0.113.0/24", "203.0.113.255", true),
            ("203.0.113.0/24", "203.0.114.0", false),
            ("203.0.113.0/24", "::ffff:203.0.113.7", true),
            ("203.0.113.0/24", "::203.0.113.7", false),
            ("::ffff:203.0.113.0/120", "203.0.113.7", true),
            ("::ffff:0:0/96", "198.51.100.1", true),
            ("203.0.113.7", "203.0.113.7", true),
            ("::ffff:203.0.113.7", "203.0.113.7", true),
            ("203.0.113.7", "203.0.113.8", false),
            ("0.0.0.0/0", "8.8.8.8", true),
            ("0.0.0.0/0", "2001:db8::1", false),
            ("::/0", "2001:db8::1", true),
            ("2001:db8::/32", "2001:db8:ffff::1", true),
            ("2001:db8::/32", "2001:db9::1", false),
            ("private", "172.31.0.1", true),
            ("private", "172.32.0.1", false),
            ("loopback", "::1", true),
            ("learnault", "52.85.83.31", true),
            ("learnault", "54.85.83.32", false),
            ("learnault-testnet", "54.85.84.1", true),
        ] {
            let found = of(&[network]).contain(address.parse().unwrap());
            assert_eq!(found, expected, "{address} in {network}");
        }
    }

    #[test]
    fn several_networks_are_one_set() {
        let networks = of(&["loopback", "203.0.113.0/24"]);
        for address in ["127.0.0.1", "203.0.113.1"] {
            assert!(networks.contain(address.parse().unwrap()), "{address}");
        }
        assert_eq!(networks.to_string(), "127.0.0.0/8, ::1/128, 203.0.113.0/24");
        assert!(!networks.is_empty() && Networks::default().is_empty());
    }

    #[test]
    fn what_is_no_network_is_refused() {
        let behind = |network: &str| NetworkError::BitsBehind(network.parse().unwrap());
        for (text, expected) in [
            ("203.0.113.7/24", behind("203.0.113.0/24")),
            ("2001:db8::1/32", behind("2001:db8::/32")),
            ("203.0.113.0/33", NetworkError::Unknown),
            ("203.0.113.0/-1", NetworkError::Unknown),
            ("203.0.113", NetworkError::Unknown),
            ("moodle.example.edu", NetworkError::Unknown),
            ("Private", NetworkError::Unknown),
            ("", NetworkError::Unknown),
        ] {
            assert_eq!(text.parse::<Networks>(), Err(expected), "{text}");
        }
    }
}
