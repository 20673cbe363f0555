//! What senders do to a gateway that they should not, as a table: bytes on the wire, what must come
//! back, and what must then lie in the log.
//!
//! Tests and programs run the same table: start a gateway with [`CONFIGURATION`], hand its address to
//! [`try_all`], and compare what lies in `kleos.raw.v1` with what the [`Outcome`]s say is stored. Each
//! case has connections of its own, and many run at once; after each the gateway must take a good
//! request, and what that stored is among the case's.

mod drive;
mod encodings;
mod frames;
mod framing;
mod heads;
mod http2;
mod identity;
mod payloads;
mod proxies;
mod rows;
mod signatures;
mod slow;
mod wire;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// Tenants, instances and `[gateway]` as the cases need them; `listen` and the rest are the caller's.
pub const CONFIGURATION: &str = include_str!("hostile/gateway.toml");

/// So many cases run at once. Most of them do nothing but wait.
const AT_ONCE: usize = 24;

/// Something that is done to the gateway.
#[derive(Clone, Debug)]
pub struct Case {
    /// What it is, in words.
    pub name: String,
    /// Which part of the gateway it is aimed at.
    pub group: &'static str,
    /// From which of this machine's addresses. `127.0.0.2` is a proxy that is believed.
    pub from: Ipv4Addr,
    /// What is sent, and what must come of it.
    pub steps: Vec<Step>,
}

/// A part of a case.
#[derive(Clone, Debug)]
pub enum Step {
    /// Sends. Where the other side has had enough, the rest is not missed.
    Send(Vec<u8>),
    /// Sends one byte after another, with a pause before each, until the other side has had enough.
    Drip(Vec<u8>, Duration),
    /// Sends the same again and again, and reads nothing, until the other side has had enough or
    /// takes no more.
    Flood(Vec<u8>),
    /// Says that nothing more is sent.
    Finish,
    /// Opens so many more connections, which say nothing and stay until the case is over.
    Crowd(usize),
    /// Answered with the receipt of a record with this body.
    Stored(Vec<u8>),
    /// Nobody waits for the answer, and a record with this body is there all the same.
    Left(Vec<u8>),
    /// Answered with the receipt of a record that was there before.
    Repeated,
    /// Refused with this status and error.
    Refused(u16, &'static str),
    /// Answered with this status and no body: what is not HTTP has no error of ours.
    Bare(u16),
    /// Told to go on.
    GoOn,
    /// The other side closes and has nothing more to say.
    Closed,
    /// The other side closes, whatever it says before that.
    Ended,
    /// As above, for a stream of HTTP/2.
    OnStream(u32, Box<Self>),
    /// The other side ends a stream of HTTP/2, for this reason.
    Reset(u32, u32),
    /// The other side ends the connection of HTTP/2.
    GoesAway,
}

/// What came of a case.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The case's name.
    pub name: String,
    /// Its group.
    pub group: &'static str,
    /// What was not as it must be.
    pub trouble: Option<String>,
    /// Every record that it must have left.
    pub stored: Vec<Stored>,
}

/// A record that must be there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Partition and offset, where the sender was told.
    pub place: Option<(i32, i64)>,
    /// Its body.
    pub body: Vec<u8>,
}

/// Every case.
#[must_use]
pub fn cases() -> Vec<Case> {
    let groups = [
        framing::cases as fn() -> Vec<Case>,
        heads::cases,
        slow::cases,
        encodings::cases,
        identity::cases,
        signatures::cases,
        proxies::cases,
        payloads::cases,
        http2::cases,
    ];
    groups.into_iter().flat_map(|cases| cases()).collect()
}

/// Tries all cases on a gateway, and waits for all of them.
pub async fn try_all(gateway: SocketAddr, cases: Vec<Case>) -> Vec<Outcome> {
    let places = Arc::new(Semaphore::new(AT_ONCE));
    let mut trying = JoinSet::new();
    for (number, case) in cases.into_iter().enumerate() {
        let places = Arc::clone(&places);
        trying.spawn(async move {
            // Nobody closes it.
            let _place = places.acquire_owned().await;
            (number, drive::attempt(gateway, number, case).await)
        });
    }
    let mut outcomes = trying.join_all().await;
    outcomes.sort_by_key(|(number, _)| *number);
    outcomes.into_iter().map(|(_, outcome)| outcome).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_case_has_a_name_of_its_own_and_something_that_must_come_of_it() {
        let cases = cases();
        let names: BTreeSet<_> = cases.iter().map(|case| (case.group, &case.name)).collect();
        assert_eq!(names.len(), cases.len());
        assert!(cases.iter().all(|case| !case.steps.is_empty()));
        let groups: BTreeSet<_> = cases.iter().map(|case| case.group).collect();
        let expected = [
            "address",
            "credential",
            "encoding",
            "framing",
            "head",
            "http2",
            "payload",
            "signature",
            "slow",
        ];
        assert_eq!(groups, BTreeSet::from(expected));
        assert!(cases.len() > 350, "{} cases", cases.len());
    }
}
