//! The normalizer on a real cluster.

use kleos_test_kit::log::OnKafka;

use crate::suite::suite_tests;

suite_tests!(OnKafka::start());
