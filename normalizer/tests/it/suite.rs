//! What must be so with both logs.

pub(crate) mod kills;
pub(crate) mod mapping;
pub(crate) mod refusing;

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
    mapping::one_event_is_the_same_over_every_channel,
    mapping::the_learner_is_whom_the_event_concerns_and_not_who_caused_it,
    mapping::learners_of_a_tenant_that_goes_by_address_have_the_address_as_key,
    mapping::a_type_that_nobody_maps_is_kept_with_its_place_and_without_secrets,
    mapping::what_the_plugin_tells_of_its_own_work_is_only_counted,
    mapping::each_item_of_a_list_has_an_outcome_of_its_own,
    refusing::what_cannot_be_understood_is_set_aside_and_its_partition_goes_on,
    refusing::what_grows_too_large_is_set_aside,
    refusing::a_list_of_bad_items_is_set_aside_once_for_each_reason,
    kills::kills_between_processing_and_commit_lose_and_double_nothing,
    kills::several_workers_lose_and_double_nothing,
);
