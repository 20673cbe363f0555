//! How many requests are taken from whom.
//!
//! Five budgets, each so many requests a minute and a burst: of the address that a request comes
//! from, of its instance on its route, of its instance, of its source, and of everybody. An address spends its own before anybody
//! looks at a secret, so that guessing costs; the others are spent by proven senders alone, so that
//! nobody can use up what is not theirs. Addresses that an instance names in `allow_from` spend
//! none: a vendor sends the events of all its customers from a few.

mod account;
mod settings;

use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use governor::clock::Clock;
use governor::middleware::{StateInformationMiddleware, StateSnapshot};
use governor::state::keyed::DashMapStateStore;
use governor::state::{InMemoryState, NotKeyed};
use governor::{NotUntil, Quota, RateLimiter};
use kleos_service_kit::clock::SharedClock;
use kleos_service_kit::config::networks::Networks;
use kleos_service_kit::config::rates::RateLimit;

pub(crate) use self::account::{Account, Whose};
pub(crate) use self::settings::Rates;
use crate::admit::{Client, Door, Resource, Sender};
use crate::error::Refusal;

/// After so many requests, addresses that have their whole budget again are forgotten.
const FORGET_EVERY: u32 = 1 << 14;

/// The budgets, as they stand.
#[derive(Debug)]
pub(crate) struct RateLimits {
    addresses: Vec<Addresses>,
    exempt: Networks,
    /// By resource, and by the instance.
    of_route: Vec<(Resource, BTreeMap<String, Meter>)>,
    /// By the sender's number.
    of_instance: Vec<Option<Arc<Meter>>>,
    of_source: BTreeMap<String, Meter>,
    total: Option<Meter>,
    requests: AtomicU32,
}

impl RateLimits {
    /// For the senders of a door, all with their whole budgets.
    pub(crate) fn new(rates: &Rates, door: &Door, clock: &SharedClock) -> Self {
        let meter = |limit: RateLimit| Meter::new(limit, clock);
        let of_instance: BTreeMap<&str, Arc<Meter>> = rates
            .instances
            .iter()
            .map(|(id, limit)| (id.as_str(), Arc::new(meter(*limit))))
            .collect();
        let of_source = door.sources().iter().filter_map(|source| {
            let limit = rates.sources.get(source).copied().or(rates.source)?;
            Some((source.clone(), meter(limit)))
        });
        let networks = rates.networks.iter().map(|(networks, limit)| (Some(networks), *limit));
        let elsewhere = rates.address.map(|limit| (None, limit));
        let addresses = networks.chain(elsewhere).map(|(networks, limit)| Addresses {
            networks: networks.cloned(),
            limit,
            limiter: RateLimiter::new(
                quota(limit),
                DashMapStateStore::default(),
                Ticks(Arc::clone(clock)),
            ),
        });
        let of_route = rates.routes.iter().map(|(resource, limit)| {
            let senders = door.senders().filter(|sender| resource.takes(&sender.source));
            let meters = senders.map(|sender| (sender.instance.clone(), meter(*limit)));
            (*resource, meters.collect())
        });
        Self {
            of_route: of_route.collect(),
            addresses: addresses.collect(),
            exempt: rates.exempt.clone(),
            of_instance: door
                .senders()
                .map(|sender| of_instance.get(sender.instance.as_str()).cloned())
                .collect(),
            of_source: of_source.collect(),
            total: rates.total.map(meter),
            requests: AtomicU32::new(0),
        }
    }

    /// A request has come; nobody knows yet whose it is.
    pub(crate) fn comes(&self, client: Client, account: &mut Account) -> Result<(), Refusal> {
        if self.requests.fetch_add(1, Ordering::Relaxed) % FORGET_EVERY == FORGET_EVERY - 1 {
            self.forget();
        }
        if client.is_known && self.exempt.contain(client.address) {
            return Ok(());
        }
        let is_of = |addresses: &&Addresses| match &addresses.networks {
            Some(networks) => networks.contain(client.address),
            None => true,
        };
        let Some(addresses) = self.addresses.iter().find(is_of) else { return Ok(()) };
        let checked = addresses.limiter.check_key(&site(client.address));
        let now = addresses.limiter.clock().now();
        account.enter(Whose::Address, addresses.limit, left(checked, now))
    }

    /// It is this sender's.
    pub(crate) fn is_of(
        &self,
        sender: &Sender,
        resource: Resource,
        account: &mut Account,
    ) -> Result<(), Refusal> {
        let on_route = self.of_route.iter().find(|(limited, _)| *limited == resource);
        let on_route = on_route.and_then(|(_, meters)| meters.get(&sender.instance));
        let of_instance = self.of_instance.get(sender.number).and_then(Option::as_deref);
        let budgets = [
            (Whose::Route, on_route),
            (Whose::Instance, of_instance),
            (Whose::Source, self.of_source.get(&sender.source)),
            (Whose::Total, self.total.as_ref()),
        ];
        for (budget, meter) in budgets {
            if let Some(meter) = meter {
                account.enter(budget, meter.limit, meter.check())?;
            }
        }
        Ok(())
    }

    fn forget(&self) {
        for addresses in &self.addresses {
            addresses.limiter.retain_recent();
            addresses.limiter.shrink_to_fit();
        }
    }
}

type Limiter<K, S> = RateLimiter<K, S, Ticks, StateInformationMiddleware>;

/// A budget of one owner.
struct Meter {
    limit: RateLimit,
    limiter: Limiter<NotKeyed, InMemoryState>,
}

impl Meter {
    fn new(limit: RateLimit, clock: &SharedClock) -> Self {
        let ticks = Ticks(Arc::clone(clock));
        let limiter = RateLimiter::direct_with_clock(quota(limit), ticks).with_middleware();
        Self { limit, limiter }
    }

    fn check(&self) -> Result<u32, Duration> {
        left(self.limiter.check(), self.limiter.clock().now())
    }
}

impl fmt::Debug for Meter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.limit.fmt(formatter)
    }
}

/// A budget for each address of some networks, or of those that have no other.
struct Addresses {
    networks: Option<Networks>,
    limit: RateLimit,
    limiter: Limiter<IpAddr, DashMapStateStore<IpAddr>>,
}

impl fmt::Debug for Addresses {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:?} of {:?}", self.limit, self.networks)
    }
}

/// Whose budget an address spends. A site has at least 64 bits of IPv6 addresses to choose from.
fn site(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
    }
}

fn quota(limit: RateLimit) -> Quota {
    Quota::per_minute(limit.per_minute).allow_burst(limit.burst)
}

/// How many requests are left, or how long until there is one.
fn left(
    checked: Result<StateSnapshot, NotUntil<Duration>>,
    now: Duration,
) -> Result<u32, Duration> {
    match checked {
        Ok(state) => Ok(state.remaining_burst_capacity()),
        Err(until) => Err(until.wait_time_from(now)),
    }
}

/// The process's clock, as the limiter asks it.
#[derive(Clone, Debug)]
struct Ticks(SharedClock);

impl Clock for Ticks {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.0.monotonic()
    }
}

#[cfg(test)]
pub(crate) mod tests;
