use std::sync::atomic::AtomicU64;

use kleos_contracts::time::Timestamp;

use super::*;
use crate::admit::tests::door;

/// Turned by hand.
#[derive(Debug, Default)]
pub(crate) struct ManualClock(AtomicU64);

impl kleos_service_kit::clock::Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(0)
    }

    fn monotonic(&self) -> Duration {
        Duration::from_millis(self.0.load(Ordering::Relaxed))
    }
}

impl ManualClock {
    pub(crate) fn pass(&self, seconds: u64) {
        self.0.fetch_add(seconds * 1_000, Ordering::Relaxed);
    }
}

struct Site {
    rates: RateLimits,
    senders: Vec<Sender>,
    clock: Arc<ManualClock>,
}

fn site(rates: &Rates) -> Site {
    let door = door();
    let clock = Arc::new(ManualClock::default());
    let shared: SharedClock = clock.clone();
    let rates = RateLimits::new(rates, &door, &shared);
    Site { rates, senders: door.senders().cloned().collect(), clock }
}

fn limit(per_minute: u32, burst: u32) -> Option<RateLimit> {
    RateLimit::new(per_minute, burst)
}

impl Site {
    /// How many of a hundred requests are taken from an address.
    fn come(&self, address: &str) -> usize {
        let client = Client { address: address.parse().unwrap(), is_known: true };
        (0..100).filter(|_| self.rates.comes(client, &mut Account::default()).is_ok()).count()
    }

    /// How many of a hundred requests are taken from an instance, and whose budget is spent first.
    fn send(&self, instance: &str) -> (usize, Option<Whose>) {
        let sender = self.senders.iter().find(|sender| sender.instance == instance).unwrap();
        let mut refused = None;
        let taken =
            |_: &u32| match self.rates.is_of(sender, Resource::Events, &mut Account::default()) {
                Ok(()) => true,
                Err(Refusal::RateLimited { budget, .. }) => {
                    refused.get_or_insert(budget);
                    false
                }
                Err(other) => panic!("{other:?}"),
            };
        ((0..100).filter(taken).count(), refused)
    }

    fn pass(&self, seconds: u64) {
        self.clock.pass(seconds);
    }
}

#[test]
fn a_burst_is_taken_and_then_as_many_as_come_back_with_time() {
    let site = site(&Rates { address: limit(60, 10), ..Rates::default() });
    assert_eq!(site.come("192.0.2.1"), 10);
    assert_eq!(site.come("192.0.2.1"), 0);
    site.pass(3);
    assert_eq!(site.come("192.0.2.1"), 3);
    site.pass(3_600);
    assert_eq!(site.come("192.0.2.1"), 10);
}

#[test]
fn each_address_has_its_own_budget_and_64_bits_of_ipv6_are_one() {
    let site = site(&Rates { address: limit(60, 10), ..Rates::default() });
    for (address, taken) in [
        ("192.0.2.1", 10),
        ("192.0.2.2", 10),
        ("2001:db8:0:1::1", 10),
        ("2001:db8:0:1:ffff::", 0),
        ("2001:db8:0:2::1", 10),
    ] {
        assert_eq!(site.come(address), taken, "{address}");
    }
}

#[test]
fn networks_have_limits_of_their_own_and_allowed_addresses_none() {
    let networks = |text: &str| text.parse::<Networks>().unwrap();
    let site = site(&Rates {
        address: limit(60, 10),
        networks: vec![
            (networks("192.0.2.0/24"), limit(60, 20).unwrap()),
            (networks("192.0.0.0/16"), limit(60, 30).unwrap()),
        ],
        exempt: networks("203.0.113.0/24"),
        ..Rates::default()
    });
    for (address, taken) in
        [("192.0.2.1", 20), ("192.0.3.1", 30), ("198.51.100.1", 10), ("203.0.113.1", 100)]
    {
        assert_eq!(site.come(address), taken, "{address}");
    }
    // Who cannot be told from a proxy has no share in what is allowed to others.
    let proxy = Client { address: "203.0.113.1".parse().unwrap(), is_known: false };
    let taken = (0..100).filter(|_| site.rates.comes(proxy, &mut Account::default()).is_ok());
    assert_eq!(taken.count(), 10);
}

#[test]
fn a_sender_spends_what_is_its_instances_its_sources_and_everybodys() {
    let rates = Rates {
        source: limit(60, 50),
        total: limit(60, 80),
        sources: BTreeMap::from([("custom".to_owned(), limit(60, 70).unwrap())]),
        instances: BTreeMap::from([("campus-a".to_owned(), limit(60, 20).unwrap())]),
        ..Rates::default()
    };
    let site = site(&rates);
    assert_eq!(site.send("campus-a"), (20, Some(Whose::Instance)));
    assert_eq!(site.send("campus-b"), (30, Some(Whose::Source)));
    assert_eq!(site.send("portal"), (30, Some(Whose::Total)));
    assert_eq!(site.come("192.0.2.1"), 100, "addresses have no budget here");
}

#[test]
fn without_budgets_nothing_is_limited_and_nothing_is_told() {
    let site = site(&Rates::default());
    assert_eq!((site.come("192.0.2.1"), site.send("campus-a")), (100, (100, None)));
    let mut account = Account::default();
    site.rates.is_of(&site.senders[0], Resource::Events, &mut account).unwrap();
    assert_eq!(account, Account::default());
}

#[test]
fn addresses_are_forgotten_when_they_have_their_whole_budget_again() {
    let site = site(&Rates { address: limit(60, 10), ..Rates::default() });
    let address = |number: u32| Client {
        address: std::net::Ipv4Addr::from_bits(number).into(),
        is_known: true,
    };
    for number in 0..FORGET_EVERY - 1 {
        site.rates.comes(address(number), &mut Account::default()).unwrap();
    }
    let known = |site: &Site| site.rates.addresses[0].limiter.len();
    assert_eq!(known(&site), usize::try_from(FORGET_EVERY).unwrap() - 1);
    site.pass(60);
    site.rates.comes(address(FORGET_EVERY), &mut Account::default()).unwrap();
    assert_eq!(known(&site), 1);
}
