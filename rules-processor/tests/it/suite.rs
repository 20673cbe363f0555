//! What must be so with both logs.

pub(crate) mod deciding;
pub(crate) mod keeping;
pub(crate) mod kills;
pub(crate) mod publishing;
pub(crate) mod sharing;

/// Gives every test to a log, as tests of its own.
macro_rules! suite {
    ($($module:ident::$name:ident),+ $(,)?) => {
        macro_rules! suite_tests {
            ($bench:expr) => {
                $(#[test] fn $name() { $crate::suite::$module::$name(&mut $bench); })+
            };
        }
        pub(crate) use suite_tests;
    };
}

suite!(
    deciding::the_default_rules_pay_and_every_line_is_accounted_for,
    deciding::duplicates_conflicts_and_late_events_have_outcomes_and_are_not_paid,
    deciding::what_cannot_be_decided_about_is_set_aside_and_its_partition_goes_on,
    deciding::nothing_is_kept_of_a_transaction_that_is_rolled_back,
    keeping::a_restart_keeps_everything,
    keeping::a_deleted_directory_is_restored_to_the_same_answers_and_nobody_is_paid_twice,
    keeping::a_copy_that_the_changelog_does_not_reach_is_restored_from_the_beginning,
    kills::kills_lose_and_double_nothing_and_leave_a_state_that_is_the_ledgers,
    sharing::a_second_instance_takes_over_partitions_and_decides_on,
    sharing::any_instance_answers_and_asks_the_owner_once,
    publishing::a_published_set_holds_from_its_place_in_each_partition_on,
    publishing::rules_with_a_mistake_are_refused_whole_and_the_set_that_holds_stays,
);
