//! `[gateway.rate_limits]`: which budgets there are.

use std::collections::BTreeMap;
use std::fmt;

use kleos_contracts::ids::InstanceId;
use kleos_service_kit::config::Section;
use kleos_service_kit::config::instances::Instance;
use kleos_service_kit::config::networks::{self, Networks};
use kleos_service_kit::config::rates::RateLimit;

use crate::admit::Resource;

/// Budgets; where there is none, nothing is limited.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Rates {
    pub(crate) profile: &'static str,
    /// Of each address that no network here has.
    pub(crate) address: Option<RateLimit>,
    /// Of each source that is not among the sources.
    pub(crate) source: Option<RateLimit>,
    pub(crate) total: Option<RateLimit>,
    pub(crate) sources: BTreeMap<String, RateLimit>,
    /// Of each instance, on these routes.
    pub(crate) routes: Vec<(Resource, RateLimit)>,
    /// Of each address of some networks; the first that have it.
    pub(crate) networks: Vec<(Networks, RateLimit)>,
    pub(crate) instances: BTreeMap<String, RateLimit>,
    /// Whose addresses spend no budget of their own.
    pub(crate) exempt: Networks,
}

/// Budgets that have a name: of an address, of a source, of everybody.
#[derive(Clone, Copy, Debug)]
struct Profile {
    name: &'static str,
    address: Option<RateLimit>,
    source: Option<RateLimit>,
    total: Option<RateLimit>,
    routes: [Option<RateLimit>; 3],
}

/// Routes that can have a limit, as the configuration names them.
const ROUTES: [(&str, Resource); 3] = [
    ("lti_events", Resource::LtiEvents),
    ("services", Resource::Services),
    ("internal", Resource::Internal),
];

const PROFILES: [Profile; 3] = [
    Profile {
        name: "standard",
        address: RateLimit::new(100, 200),
        source: RateLimit::new(500, 1_000),
        total: RateLimit::new(1_000, 2_000),
        routes: [RateLimit::new(100, 100), RateLimit::new(50, 50), RateLimit::new(200, 200)],
    },
    // For a few hundred thousand learners: of one site 200 events a second, of a source 2,000, of
    // all 10,000, and ten seconds' worth at once.
    Profile {
        name: "high-volume",
        address: RateLimit::new(12_000, 2_000),
        source: RateLimit::new(120_000, 20_000),
        total: RateLimit::new(600_000, 100_000),
        routes: [None; 3],
    },
    Profile { name: "none", address: None, source: None, total: None, routes: [None; 3] },
];

impl Rates {
    /// Takes the keys of `[gateway.rate_limits]`.
    pub(crate) fn read(
        section: &Section<'_>,
        sources: &[&str],
        instances: &BTreeMap<InstanceId, Instance>,
    ) -> Self {
        let profiles = PROFILES.map(|profile| (profile.name, profile));
        let [standard, ..] = PROFILES;
        let profile = section.one_of("profile", &profiles).or(standard);
        let limit = |key, default| RateLimit::read(&section.section(key)).or(default);
        let routes = section.section("routes");
        let routes =
            ROUTES.into_iter().zip(profile.routes).filter_map(|((name, resource), limit)| {
                Some((resource, RateLimit::read(&routes.section(name)).or(limit)?))
            });
        let routes: Vec<_> = routes.collect();
        let limited = instances
            .values()
            .filter_map(|instance| Some((instance.id.as_str().to_owned(), instance.rate_limit?)));
        Self {
            profile: profile.name,
            address: limit("address", profile.address),
            source: limit("source", profile.source),
            total: limit("total", profile.total),
            routes,
            sources: read_sources(section, sources),
            networks: read_networks(section),
            instances: limited.collect(),
            exempt: instances.values().map(|instance| instance.allow_from.clone()).collect(),
        }
    }
}

fn read_sources(section: &Section<'_>, known: &[&str]) -> BTreeMap<String, RateLimit> {
    let mut sources = BTreeMap::new();
    for source in section.named("sources") {
        let limit = RateLimit::read(&source);
        if !known.contains(&source.name()) {
            let found = format!("{:?}, which is not a source", source.name());
            let expected = format!("one of {}", known.join(", "));
            source.problem_here(found, &expected, "correct the name, or remove the table");
        }
        sources.extend(limit.map(|limit| (source.name().to_owned(), limit)));
    }
    sources
}

fn read_networks(section: &Section<'_>) -> Vec<(Networks, RateLimit)> {
    let read = section.list_of_tables("networks").into_iter().map(|network| {
        let from = network.list::<Networks>("from", networks::EXPECTED).required();
        let limit = RateLimit::read(&network);
        Some((from?.into_iter().collect(), limit?))
    });
    // Every table is read to its end, with its problems, before any is put away.
    read.collect::<Vec<_>>().into_iter().flatten().collect()
}

impl fmt::Display for Rates {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { profile, address, source, total, .. } = self;
        write!(formatter, "rate limits of profile {profile}")?;
        let budgets = [("an address", address), ("a source", source), ("all", total)];
        let set = budgets.into_iter().filter_map(|(whose, limit)| Some((whose, (*limit)?)));
        for (index, (whose, limit)) in set.enumerate() {
            let separator = if index == 0 { ": " } else { ", " };
            write!(formatter, "{separator}{whose} {limit}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use kleos_service_kit::config::{self, Environment};

    use super::*;

    fn read(text: &str) -> Result<Rates, String> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("kleos.toml");
        fs::write(&path, text).unwrap();
        config::read(&path, &Environment::given([]), |root| {
            Some(Rates::read(&root.section("limits"), &["moodle", "custom"], &BTreeMap::new()))
        })
        .map(|loaded| loaded.value)
        .map_err(|problems| problems.to_string())
    }

    #[test]
    fn a_profile_is_where_one_starts_from() {
        let of = |rates: &Rates| [rates.address, rates.source, rates.total];
        let limits =
            |limits: [(u32, u32); 3]| limits.map(|(rate, burst)| RateLimit::new(rate, burst));
        let standard = limits([(100, 200), (500, 1_000), (1_000, 2_000)]);
        assert_eq!(of(&read("").unwrap()), standard);
        assert_eq!(of(&read("limits.profile = \"standard\"").unwrap()), standard);
        assert_eq!(of(&read("limits.profile = \"none\"").unwrap()), [None; 3]);
        let high = of(&read("limits.profile = \"high-volume\"").unwrap());
        for (high, standard) in high.iter().zip(standard) {
            assert!(high.unwrap().per_minute > standard.unwrap().per_minute);
        }
        let one = read("[limits]\nprofile = \"none\"\nsource = { per_minute = 7 }").unwrap();
        assert_eq!(of(&one), [None, RateLimit::new(7, 14), None]);
    }

    #[test]
    fn sources_and_networks_have_limits_of_their_own() {
        let rates = read(concat!(
            "[limits.sources.custom]\nper_minute = 7\n[[limits.networks]]\nfrom = [\"private\"]\n",
            "per_minute = 8\n[[limits.networks]]\nfrom = [\"::1\"]\nper_minute = 9\nburst = 1\n",
        ))
        .unwrap();
        assert_eq!(rates.sources, BTreeMap::from([("custom".to_owned(), limit(7, 14))]));
        let networks: Vec<_> = rates.networks.iter().map(|(_, limit)| *limit).collect();
        assert_eq!(networks, [limit(8, 16), limit(9, 1)]);
    }

    fn limit(per_minute: u32, burst: u32) -> RateLimit {
        RateLimit::new(per_minute, burst).unwrap()
    }

    #[test]
    fn every_mistake_is_told_at_once() {
        let problems = read(concat!(
            "[limits]\nprofile = \"standart\"\ntotal = { per_minute = 0 }\nadress = 1\n",
            "[limits.sources.mooodle]\nper_minute = 7\n",
            "[[limits.networks]]\nper_minute = 7\n[[limits.networks]]\nfrom = [\"here\"]\n",
        ))
        .unwrap_err();
        for expected in [
            "limits.profile: found \"standart\"",
            "did you mean \"standard\"",
            "limits.total.per_minute: found the integer 0",
            "limits.adress: found a key that is not known",
            "limits.sources.mooodle: found \"mooodle\", which is not a source, expected one of \
             moodle, custom",
            "limits.networks[0].from: found nothing",
            "limits.networks[1].from: found \"here\"",
            "limits.networks[1].per_minute: found nothing",
        ] {
            assert!(problems.contains(expected), "{expected} in:\n{problems}");
        }
    }

    #[test]
    fn the_limits_are_shown_in_a_line() {
        assert_eq!(
            read("").unwrap().to_string(),
            "rate limits of profile standard: an address 100 a minute and 200 at once, a source \
             500 a minute and 1000 at once, all 1000 a minute and 2000 at once"
        );
        let none = read("limits.profile = \"none\"").unwrap();
        assert_eq!(none.to_string(), "rate limits of profile none");
    }
}
