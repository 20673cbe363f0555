//! kill -9 at random points, of processes that are at work.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::Serialize;

use crate::deployment::{Deployment, Open, Role};
use crate::random::Random;

/// What was seen of a process that stood still, before it was killed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Kill {
    /// The process.
    pub process: &'static str,
    /// Records that it had not done; of the gateway and of all in one: of all services.
    pub behind: i64,
    /// Whether a transaction of its own was open.
    pub in_transaction: bool,
}

/// Chooses processes and points in time.
#[derive(Debug)]
pub struct Killer {
    random: Random,
    /// Looks at a process before the next is chosen.
    patience: usize,
}

/// How long a process stands still to be looked at twice; what ends within that was not its own.
const SETTLE: Duration = Duration::from_millis(150);

impl Killer {
    /// Equal seeds choose equally.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self { random: Random::new(seed), patience: 20 }
    }

    /// Between one kill and the next.
    pub fn pause(&mut self) -> Duration {
        Duration::from_millis(300 + self.random.below(1_500))
    }

    /// Stops one of the processes at some point of its work, looks, kills it, and starts it again.
    /// Where a transaction is asked for, it lets the process go on until one is open. None if the
    /// process had nothing to do each time.
    ///
    /// # Errors
    /// If the processes cannot be looked at or started.
    pub fn strike(
        &mut self,
        deployment: &mut Deployment,
        in_transaction: bool,
    ) -> anyhow::Result<Option<Kill>> {
        let name = self.choose(deployment, in_transaction);
        for _ in 0..self.patience {
            deployment.freeze(name);
            let kill = look(deployment, name)?;
            if kill.behind > 0 && (kill.in_transaction || !in_transaction) {
                deployment.kill(name)?;
                deployment.start(name)?;
                return Ok(Some(kill));
            }
            deployment.thaw(name);
            std::thread::sleep(Duration::from_millis(self.random.below(60)));
        }
        Ok(None)
    }

    fn choose(&mut self, deployment: &Deployment, in_transaction: bool) -> &'static str {
        let mut names = deployment.names();
        if in_transaction {
            // The gateway has none, and whoever deals with state is of most interest.
            names.retain(|name| deployment.role(name) == Some(Role::Rules));
        }
        let place = usize::try_from(self.random.below(names.len() as u64)).unwrap_or_default();
        names[place]
    }
}

fn look(deployment: &Deployment, name: &'static str) -> anyhow::Result<Kill> {
    let first = deployment.lag()?;
    let role = deployment.role(name);
    let behind = first.behind(role.and_then(Role::reader));
    let mut open = own(first.open(), role);
    if !open.is_empty() {
        std::thread::sleep(SETTLE);
        let later = deployment.lag()?.open();
        open.retain(|transaction| later.contains(transaction));
    }
    Ok(Kill { process: name, behind, in_transaction: !open.is_empty() })
}

/// Those in topics that such a process writes.
fn own(open: BTreeSet<Open>, role: Option<Role>) -> BTreeSet<Open> {
    let topic = match role {
        Some(Role::Normalizer) => "kleos.events.v1",
        Some(Role::Rules) => "kleos.awards.v1",
        Some(Role::Up | Role::Gateway | Role::Sink) | None => return BTreeSet::new(),
    };
    open.into_iter().filter(|(of, ..)| of == topic).collect()
}
