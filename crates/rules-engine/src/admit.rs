//! Which events come too late to be judged at all.

use kleos_contracts::event::LearningEvent;
use kleos_contracts::reason;
use kleos_contracts::time::{DAY, Timestamp};

/// Days that an event may lie behind log time. Duplicates are remembered as long, and nothing that
/// counts in a window is forgotten earlier.
pub const MAX_AGE_DAYS: i64 = 35;

/// Why an event is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// A code of [`kleos_contracts::reason`].
    pub reason: &'static str,
    /// With the values that led to it.
    pub message: String,
}

/// Lets an event pass, or says why it is too late. Exactly 35 days are not too late.
///
/// # Errors
///
/// [`reason::TOO_LATE`].
pub fn admit(event: &LearningEvent, log_time: Timestamp) -> Result<(), Refusal> {
    if log_time.since(event.occurred_at) <= MAX_AGE_DAYS * DAY {
        return Ok(());
    }
    Err(Refusal {
        reason: reason::TOO_LATE,
        message: format!(
            "occurred at {}, more than {MAX_AGE_DAYS} days before log time {log_time}",
            event.occurred_at
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thirty_five_days_are_not_too_late_and_a_microsecond_more_is() {
        let log_time: Timestamp = "2026-11-22T10:00:00Z".parse().unwrap();
        let mut event = LearningEvent { occurred_at: log_time, ..LearningEvent::default() };
        event.occurred_at = log_time.plus_micros(-35 * DAY);
        assert_eq!(admit(&event, log_time), Ok(()));
        event.occurred_at = log_time.plus_micros(-35 * DAY - 1);
        assert_eq!(admit(&event, log_time).map_err(|refusal| refusal.reason), Err("too_late"));
    }
}
