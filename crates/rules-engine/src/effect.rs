//! What a decision does: the closed list of everything that can happen to a learner.

use crate::window::Window;

/// One change of a learner's state. Effects are data; [`crate::evolve()`] carries them out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect<'r> {
    /// The event counts among the learner's events of its civil day.
    EventCounted {
        /// Days since 1970-01-01.
        day: i32,
    },
    /// No earlier event of the name is known in the scope: rules measure from this one.
    MarkSet {
        /// The event's name.
        event: &'r str,
        /// As `course=campus-a/987`.
        scope: String,
    },
    /// The week has a qualifying event for a streak.
    WeekActive {
        /// The streak's rule.
        rule_id: &'r str,
        /// ISO weeks since the week of 1970-01-01.
        week: i32,
    },
    /// Points, a badge or both were given.
    AwardGranted(Box<Grant<'r>>),
}

/// An award, with all that it changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant<'r> {
    /// The rule that gives it.
    pub rule_id: &'r str,
    /// Names the award for ever.
    pub award_id: String,
    /// Not negative.
    pub points: i64,
    /// Badge that comes with it.
    pub badge: Option<&'r str>,
    /// What the award is named by besides its rule; empty: nothing.
    pub scope: String,
    /// The period that the rule counts in, or the streak's week.
    pub window: Option<Window>,
    /// The counters that it goes into.
    pub counted: Vec<Counted>,
    /// Whether the rule has a cooldown, so that the award's time is remembered.
    pub is_timed: bool,
    /// The week that a streak pays.
    pub paid_week: Option<i32>,
    /// The learner's balance with this award.
    pub balance_after: i64,
}

impl Grant<'_> {
    /// What the award is once for, as records have it.
    pub(crate) fn scope_name(&self) -> Option<String> {
        (!self.scope.is_empty()).then(|| self.scope.clone())
    }

    /// The period's label, as records have it.
    pub(crate) fn window_label(&self) -> Option<String> {
        self.window.and_then(Window::label)
    }
}

/// One counter that an award goes into.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counted {
    /// The window.
    pub window: Window,
    /// As `course=campus-a/987`; empty if the limit has no scope.
    pub scope: String,
}
