//! Weekly streaks: a week is paid when it and the week before have a qualifying event.
//!
//! Weeks form a set, so it does not matter in which order their events arrive: a late event that
//! fills a gap pays the weeks that it completes.

/// What one event does to a streak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Progress {
    /// The week had no qualifying event before.
    pub(crate) is_new_week: bool,
    /// The event's week is to be paid.
    pub(crate) pays_week: bool,
    /// So is the week after it.
    pub(crate) pays_next: bool,
    /// The event's week was paid before.
    pub(crate) was_paid: bool,
}

/// What a qualifying event of a week does, given the weeks with one and the weeks paid, both
/// ascending.
pub(crate) fn progress(active: &[i32], paid: &[i32], week: i32) -> Progress {
    let has = |weeks: &[i32], week: Option<i32>| {
        week.is_some_and(|week| weeks.binary_search(&week).is_ok())
    };
    let (before, next) = (week.checked_sub(1), week.checked_add(1));
    let was_paid = has(paid, Some(week));
    Progress {
        is_new_week: !has(active, Some(week)),
        pays_week: has(active, before) && !was_paid,
        pays_next: has(active, next) && !has(paid, next),
        was_paid,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(active: &[i32], paid: &[i32], week: i32, expected: [bool; 4]) {
        let found = progress(active, paid, week);
        let found = [found.is_new_week, found.pays_week, found.pays_next, found.was_paid];
        assert_eq!(found, expected, "week {week} after {active:?}, paid {paid:?}");
    }

    #[test]
    fn an_event_pays_the_pairs_that_it_completes() {
        check(&[], &[], 10, [true, false, false, false]);
        check(&[10], &[], 10, [false, false, false, false]);
        check(&[9], &[], 10, [true, true, false, false]);
        check(&[11], &[], 10, [true, false, true, false]);
        check(&[9, 11], &[], 10, [true, true, true, false]);
        check(&[9, 10], &[10], 10, [false, false, false, true]);
        check(&[8, 12], &[], 10, [true, false, false, false]);
    }
}
