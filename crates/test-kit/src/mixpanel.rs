//! A simulated Mixpanel: the vendor's `/import` as it is documented, enforced to the letter.
//!
//! | what | here |
//! | --- | --- |
//! | `POST /import?strict=1&project_id=…` | the only endpoint; other methods 405, other paths 404, another `strict` 400 |
//! | authentication | basic: service account with the project's id, or the project's token without a password; else 401 |
//! | body | JSON array or ndjson, plain or gzip; anything else 400 |
//! | size | 2,000 events and 2,097,152 bytes uncompressed, else 413; an event below 1 MB |
//! | an event | `event`, `time`, `distinct_id`, `$insert_id`; below 255 properties, keys and elements; at most 3 deep |
//! | `time` | whole seconds, or milliseconds where it has more than ten digits; from 1971 to an hour ahead; the future becomes now |
//! | ids | the vendor's list of placeholders is refused; `$insert_id` is 1 to 36 of `A-Z`, `a-z`, `0-9`, `-` |
//! | strings | cut to 255 characters |
//! | answers | 200, or 400 with `failed_records` where some fail; the others are stored |
//! | rate | events and bytes of the last minute, else 429 |
//! | duplicates | stored as they come; [`Mixpanel::deduplicated`] is what queries show |
//! | location | `ip: 0` has none; without `ip` it is the sender's |
//! | hot shard | after 200,000 events of a learner and day, renamed and without its learner |
//!
//! Not simulated: the vendor's clean-up of duplicates over days, other regions, OAuth.
//!
//! [`judge::judge`] decides and is pure; [`server`] carries out. What is stored can be asked of the
//! [`Mixpanel`] itself or, from outside, at `GET /simulated/summary` and `/simulated/events`.

pub mod event;
pub mod fault;
pub mod judge;
pub mod ledger;
pub mod project;
pub mod server;

mod cable;

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kleos_service_kit::clock::SharedClock;
use tokio::sync::watch;

use self::event::StoredEvent;
use self::fault::{Fault, IdField, Manner};
use self::judge::{Answer, Import};
use self::ledger::{Ledger, Summary};
use self::project::Project;

/// How long a test waits for what should come at once.
const PATIENCE: Duration = Duration::from_secs(60);

/// The simulation. Clones are the same one.
#[derive(Clone, Debug)]
pub struct Mixpanel {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    clock: SharedClock,
    state: Mutex<State>,
    changed: Condvar,
    /// How often held answers were let go.
    releases: watch::Sender<u64>,
}

#[derive(Debug)]
struct State {
    project: Project,
    id_field: IdField,
    faults: VecDeque<Fault>,
    ledger: Ledger,
}

impl Mixpanel {
    /// A vendor with one project, where nothing is stored yet.
    #[must_use]
    pub fn new(project: Project, clock: SharedClock) -> Self {
        let state = State {
            project,
            id_field: IdField::default(),
            faults: VecDeque::new(),
            ledger: Ledger::default(),
        };
        let (state, changed, releases) =
            (Mutex::new(state), Condvar::new(), watch::Sender::default());
        Self { shared: Arc::new(Shared { clock, state, changed, releases }) }
    }

    /// Changes the project: other credentials, other limits.
    pub fn change(&self, change: impl FnOnce(&mut Project)) {
        change(&mut self.state().project);
    }

    /// The next so many requests meet a fault, after those that were planned before.
    pub fn misbehave(&self, times: usize, fault: &Fault) {
        self.state().faults.extend(std::iter::repeat_n(fault.clone(), times));
    }

    /// No fault is planned any more.
    pub fn behave(&self) {
        self.state().faults.clear();
    }

    /// How failed records are named: the vendor's pages differ.
    pub fn name_failed_by(&self, id_field: IdField) {
        self.state().id_field = id_field;
    }

    /// Lets go of the answers that [`Fault::HoldAfter`] holds.
    pub fn release(&self) {
        self.shared.releases.send_modify(|releases| *releases += 1);
    }

    /// Everything that was stored, in the order it came, as the vendor's raw export has it.
    #[must_use]
    pub fn stored(&self) -> Vec<StoredEvent> {
        self.state().ledger.stored().to_vec()
    }

    /// What queries show: of equal (event, `distinct_id`, time, `$insert_id`) the latest.
    #[must_use]
    pub fn deduplicated(&self) -> Vec<StoredEvent> {
        self.state().ledger.deduplicated().into_iter().cloned().collect()
    }

    /// Numbers.
    #[must_use]
    pub fn summary(&self) -> Summary {
        self.state().ledger.summary()
    }

    /// Forgets what was stored and counted.
    pub fn forget(&self) {
        self.state().ledger = Ledger::default();
    }

    /// Waits until the numbers are as they should be.
    ///
    /// # Panics
    /// Where they are not after a minute: the test has failed.
    #[track_caller]
    pub fn wait_until(&self, what: &str, is_so: impl Fn(&Summary) -> bool) {
        let not_yet = |state: &mut State| !is_so(&state.ledger.summary());
        let (state, waited) = self
            .shared
            .changed
            .wait_timeout_while(self.state(), PATIENCE, not_yet)
            .unwrap_or_else(PoisonError::into_inner);
        let summary = state.ledger.summary();
        drop(state);
        assert!(!waited.timed_out(), "never {what}: {summary:?}");
    }

    /// Judges a request, stores what is good, and says how to answer.
    #[must_use]
    pub fn import(&self, import: &Import<'_>) -> (Answer, Manner) {
        let now = self.shared.clock.now();
        let mut state = self.state();
        let fault = state.faults.pop_front();
        let reaction = if let Some(refusal) = fault.as_ref().and_then(Fault::instead) {
            state.ledger.note(refusal.0.status);
            refusal
        } else {
            let spent = state.ledger.spent(now);
            let judgement = judge::judge(&state.project, spent, now, import);
            let hot_shard_events = state.project.limits.hot_shard_events;
            state.ledger.note(judgement.answer.status);
            state.ledger.store(now, judgement.stored, judgement.bytes, hot_shard_events);
            let answer = judgement.answer.naming(state.id_field);
            fault.map_or((answer.clone(), Manner::Prompt), |fault| fault.spoil(answer))
        };
        drop(state);
        self.shared.changed.notify_all();
        reaction
    }

    pub(crate) fn releases(&self) -> watch::Receiver<u64> {
        self.shared.releases.subscribe()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
