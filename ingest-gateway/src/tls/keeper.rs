//! Looks whether there is another certificate.

use std::convert::Infallible;
use std::time::Duration;

use kleos_service_kit::lifecycle::Shutdown;
use tracing::{info, warn};

use super::Current;
use super::pair::{Files, Pair};
use crate::metrics::Metrics;

/// How soon another pair is noticed. It is the files' bytes that are looked at: their times say
/// nothing where a file is a link that is turned to another.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Puts another pair in the place of the one before, until the process stops.
pub(super) fn keep(
    files: &Files,
    mut pair: Pair,
    current: &Current,
    metrics: &Metrics,
    shutdown: &Shutdown,
) -> Result<(), Infallible> {
    let mut complaint = None;
    show(files, &pair, metrics);
    while !shutdown.wait(LOOK_EVERY) {
        match files.read() {
            Ok(found) => {
                if found.digest != pair.digest {
                    info!(expires_at = ?found.expires_at, "webhooks have another certificate");
                    metrics.certificate_reloads.with(["loaded"]).inc();
                    current.set(std::sync::Arc::clone(&found.key));
                    pair = found;
                    show(files, &pair, metrics);
                }
                complaint = None;
            }
            Err(error) => {
                metrics.certificate_reloads.with(["failed"]).inc();
                let text = error.to_string();
                if complaint.as_ref() != Some(&text) {
                    warn!(%error, "the certificate of webhooks cannot be read again; the one before goes on");
                    complaint = Some(text);
                }
            }
        }
    }
    Ok(())
}

fn show(files: &Files, pair: &Pair, metrics: &Metrics) {
    if let Some(time) = pair.expires_at {
        let file = files.certificate.display().to_string();
        metrics.certificate_expiry.with([&file]).set(time.seconds());
    }
}
