//! Which deliveries are stored already.
//!
//! A sender that missed its answer sends again. What is remembered here spares the log that second
//! record, and the sender gets the first one's receipt. It is a memory of one process, of a bounded
//! number of deliveries and a bounded time: whatever slips through is found again by the event's own
//! id where points are decided, which is exact.
//!
//! A delivery is known by the header in which its sender numbers deliveries, or else by its bytes. A
//! number that comes again with other bytes is no duplicate: nothing that a sender says may make
//! bytes vanish that are stored nowhere.

use std::fmt;
use std::time::Duration;

use hyper::header::HeaderName;
use hyper::http::request::Parts;
use kleos_service_kit::clock::SharedClock;
use kleos_service_kit::config::Section;
use quick_cache::sync::{Cache, DefaultLifecycle};
use quick_cache::{DefaultHashBuilder, OptionsBuilder, UnitWeighter};
use sha2::{Digest, Sha256};

use crate::admit::Sender;
use crate::answer::Receipt;

/// Headers whose values are the same for every attempt to deliver one event, and no other.
const DELIVERY_HEADERS: [HeaderName; 4] = [
    HeaderName::from_static("webhook-id"),
    HeaderName::from_static("svix-id"),
    HeaderName::from_static("teachfloor-idempotency-key"),
    HeaderName::from_static("idempotency-key"),
];

/// The part of the cache for what came more than once; the rest is for what came lately.
const HOT: f64 = 0.5;

/// How much is remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Memory {
    /// How many deliveries; 0: none.
    pub(crate) deliveries: u32,
    /// How long.
    pub(crate) within: Duration,
}

impl Default for Memory {
    fn default() -> Self {
        Self { deliveries: 50_000, within: Duration::from_secs(600) }
    }
}

impl Memory {
    /// Takes the keys of `[gateway.duplicates]`.
    pub(crate) fn read(section: &Section<'_>) -> Self {
        let default = Self::default();
        let time = Duration::from_secs(1)..=Duration::from_secs(86_400);
        Self {
            deliveries: section.integer("deliveries", 0..=10_000_000).or(default.deliveries),
            within: section.duration("within", time).or(default.within),
        }
    }
}

/// What is remembered.
pub(crate) struct Duplicates {
    within: Duration,
    known: Cache<u128, Known>,
    clock: SharedClock,
}

/// What one delivery is known by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fingerprint {
    /// Of its number, or else of its bytes, at its instance.
    key: u128,
    /// Of its bytes.
    content: u128,
}

#[derive(Clone, Debug)]
struct Known {
    content: u128,
    since: Duration,
    receipt: Receipt,
}

impl Duplicates {
    pub(crate) fn new(memory: Memory, clock: SharedClock) -> Self {
        let capacity = usize::try_from(memory.deliveries).unwrap_or(usize::MAX);
        let options = OptionsBuilder::new()
            .estimated_items_capacity(capacity)
            .weight_capacity(memory.deliveries.into())
            .hot_allocation(HOT)
            .build();
        let known = match options {
            Ok(options) => Cache::with_options(
                options,
                UnitWeighter,
                DefaultHashBuilder::default(),
                DefaultLifecycle::default(),
            ),
            // Both capacities are set, which is all that can be missing.
            Err(_) => Cache::new(capacity),
        };
        Self { within: memory.within, known, clock }
    }

    /// The receipt of a delivery that is stored.
    pub(crate) fn find(&self, fingerprint: Fingerprint) -> Option<Receipt> {
        let known = self.known.get(&fingerprint.key)?;
        let is_fresh = self.clock.monotonic().saturating_sub(known.since) <= self.within;
        (is_fresh && known.content == fingerprint.content).then_some(known.receipt)
    }

    /// A delivery is stored from now on.
    pub(crate) fn mark(&self, fingerprint: Fingerprint, receipt: Receipt) {
        let Fingerprint { key, content } = fingerprint;
        let since = self.clock.monotonic();
        self.known.insert(key, Known { content, since, receipt });
    }
}

impl fmt::Debug for Duplicates {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Duplicates({} within {:?})", self.known.len(), self.within)
    }
}

impl Fingerprint {
    /// Of a delivery of this sender. The query belongs to its bytes: there are platforms that have an
    /// event's id in it alone.
    pub(crate) fn of(sender: &Sender, head: &Parts, body: &[u8]) -> Self {
        let query = head.uri.query().unwrap_or_default().as_bytes();
        let instance = sender.instance.as_bytes();
        let content = digest(&[b"content", instance, query, body]);
        let number = DELIVERY_HEADERS.iter().find_map(|name| head.headers.get(name));
        let key =
            number.map_or(content, |number| digest(&[b"number", instance, number.as_bytes()]));
        Self { key, content }
    }
}

/// Half of the SHA-256 of the parts and their lengths.
fn digest(parts: &[&[u8]]) -> u128 {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let whole: [u8; 32] = hash.finalize().into();
    u128::from_be_bytes(std::array::from_fn(|index| whole[index]))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use hyper::Request;
    use kleos_contracts::topic::Topic;
    use kleos_event_log::{Partition, Position};

    use super::*;
    use crate::admit::tests::door;
    use crate::answer::Durability;
    use crate::rate::tests::ManualClock;

    fn sender(instance: &str) -> Sender {
        door().senders().find(|sender| sender.instance == instance).unwrap().clone()
    }

    fn head(query: &str, lines: &[(&str, &str)]) -> Parts {
        let mut request = Request::builder().uri(format!("/api/public/hook/moodle/event{query}"));
        for (name, value) in lines {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap().into_parts().0
    }

    fn receipt(id: &str) -> Receipt {
        Receipt {
            delivery_id: id.to_owned(),
            received_at: "2025-08-21T10:15:30Z".parse().unwrap(),
            position: Position { partition: Partition::new(Topic::Raw, 3), offset: 17 },
            durability: Durability::Broker,
        }
    }

    fn memory(deliveries: u32) -> (Duplicates, Arc<ManualClock>) {
        let clock = Arc::new(ManualClock::default());
        let memory = Memory { deliveries, within: Duration::from_secs(600) };
        (Duplicates::new(memory, clock.clone()), clock)
    }

    #[test]
    fn a_delivery_is_known_by_its_number_or_else_by_its_bytes_at_its_instance() {
        type Row<'r> = (&'r str, &'r str, &'r [(&'r str, &'r str)], &'r str, bool);
        let numbered: &[(&str, &str)] = &[("webhook-id", "msg_1")];
        let (known, _) = memory(100);
        let campus = sender("campus-a");
        let plain = Fingerprint::of(&campus, &head("?id=1", &[]), b"{}");
        known.mark(plain, receipt("plain"));
        known.mark(Fingerprint::of(&campus, &head("", numbered), b"{}"), receipt("numbered"));
        let rows: &[Row<'_>] = &[
            ("campus-a", "?id=1", &[], "{}", true),
            ("campus-a", "?id=1", &[("x-request-id", "7"), ("date", "now")], "{}", true),
            ("campus-a", "?id=2", &[], "{}", false),
            ("campus-a", "", &[], "{}", false),
            ("campus-a", "?id=1", &[], "{} ", false),
            ("campus-b", "?id=1", &[], "{}", false),
            ("campus-a", "", numbered, "{}", true),
            ("campus-b", "", numbered, "{}", false),
            // Another number, though the bytes are known; and the number, with other bytes.
            ("campus-a", "", &[("webhook-id", "msg_2")], "{}", false),
            ("campus-a", "?id=1", &[("webhook-id", "msg_2")], "{}", false),
            ("campus-a", "", numbered, "{ }", false),
        ];
        for (instance, query, lines, body, expected) in rows {
            let print = Fingerprint::of(&sender(instance), &head(query, lines), body.as_bytes());
            let found = known.find(print).map(|receipt| receipt.delivery_id);
            let expected = expected.then(|| if *lines == numbered { "numbered" } else { "plain" });
            assert_eq!(found.as_deref(), expected, "{instance} {query} {lines:?} {body}");
        }
    }

    #[test]
    fn each_platforms_number_counts() {
        let campus = sender("campus-a");
        for name in DELIVERY_HEADERS {
            let (known, _) = memory(100);
            let first = head("", &[(name.as_str(), "1")]);
            known.mark(Fingerprint::of(&campus, &first, b"{}"), receipt("first"));
            let second = head("", &[(name.as_str(), "2")]);
            let found = |head: &Parts| known.find(Fingerprint::of(&campus, head, b"{}")).is_some();
            assert_eq!([found(&first), found(&second)], [true, false], "{name}");
        }
    }

    #[test]
    fn two_credentials_of_an_instance_are_one_sender() {
        let (known, _) = memory(100);
        let door = door();
        let of_campus: Vec<&Sender> =
            door.senders().filter(|sender| sender.instance == "campus-a").collect();
        let [first, second] = of_campus.as_slice() else { panic!("{of_campus:?}") };
        known.mark(Fingerprint::of(first, &head("", &[]), b"{}"), receipt("first"));
        assert!(known.find(Fingerprint::of(second, &head("", &[]), b"{}")).is_some());
    }

    #[test]
    fn what_is_too_old_or_too_much_is_forgotten() {
        let (known, clock) = memory(100);
        let campus = sender("campus-a");
        let print =
            |number: u32| Fingerprint::of(&campus, &head("", &[]), number.to_string().as_bytes());
        known.mark(print(0), receipt("0"));
        clock.pass(600);
        assert!(known.find(print(0)).is_some());
        clock.pass(1);
        assert!(known.find(print(0)).is_none());
        for number in 0..10_000 {
            known.mark(print(number), receipt("many"));
        }
        let found = (0..10_000).filter(|number| known.find(print(*number)).is_some()).count();
        assert!((20..=100).contains(&found), "{found}");
    }

    #[test]
    fn a_memory_for_nothing_remembers_nothing() {
        let (known, _) = memory(0);
        let print = Fingerprint::of(&sender("campus-a"), &head("", &[]), b"{}");
        known.mark(print, receipt("first"));
        assert!(known.find(print).is_none());
    }
}
