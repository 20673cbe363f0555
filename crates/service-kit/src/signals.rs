//! SIGTERM and SIGINT: the first asks for an orderly stop, the second ends the process.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::warn;

use crate::lifecycle::{Lifecycle, StopReason};

/// Turns signals into requests to stop, from now on. To be called within the runtime.
///
/// # Errors
/// Where the system refuses a handler.
pub fn listen(lifecycle: &Lifecycle) -> io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let asked = lifecycle.clone();
    // Not a component: a second signal must be heard until the very end.
    lifecycle.spawn_unwatched(async move {
        let name = next(&mut terminate, &mut interrupt).await;
        asked.stop(StopReason::Signal(name));
        let name = next(&mut terminate, &mut interrupt).await;
        warn!(signal = name, "second signal: ending at once");
        asked.stop_now();
    });
    Ok(())
}

async fn next(terminate: &mut Signal, interrupt: &mut Signal) -> &'static str {
    tokio::select! {
        _ = terminate.recv() => "SIGTERM",
        _ = interrupt.recv() => "SIGINT",
    }
}
