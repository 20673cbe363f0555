//! Signals. They do not end the benchmark where it stands: it ends what it started, and then itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::ensure;
use tokio::signal::unix::{SignalKind, signal};

/// How soon a signal is noticed.
const PACE: Duration = Duration::from_millis(20);

/// Whether somebody wants the benchmark to end.
#[derive(Clone, Debug)]
pub(crate) struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Takes signals from now on.
    pub(crate) fn listen() -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
        let (mut terminate, mut interrupt, mut hang_up) = {
            let _inside = runtime.enter();
            (
                signal(SignalKind::terminate())?,
                signal(SignalKind::interrupt())?,
                signal(SignalKind::hangup())?,
            )
        };
        let raised = Arc::new(AtomicBool::new(false));
        let noticed = Self(Arc::clone(&raised));
        std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = interrupt.recv() => {}
                    _ = hang_up.recv() => {}
                }
            });
            raised.store(true, Ordering::Relaxed);
        })?;
        Ok(noticed)
    }

    /// An error once there was a signal.
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        ensure!(!self.0.load(Ordering::Relaxed), "ended by a signal before its end");
        Ok(())
    }

    /// Waits for a time, unless there is a signal.
    pub(crate) fn sleep(&self, time: Duration) -> anyhow::Result<()> {
        self.wait(time, || Ok(None::<()>)).map(drop)
    }

    /// Looks again and again until there is something, for so long at most.
    pub(crate) fn wait<T>(
        &self,
        time: Duration,
        mut look: impl FnMut() -> anyhow::Result<Option<T>>,
    ) -> anyhow::Result<Option<T>> {
        let deadline = Instant::now() + time;
        loop {
            self.check()?;
            let found = look()?;
            let left = deadline.saturating_duration_since(Instant::now());
            if found.is_some() || left.is_zero() {
                return Ok(found);
            }
            std::thread::sleep(PACE.min(left));
        }
    }
}
