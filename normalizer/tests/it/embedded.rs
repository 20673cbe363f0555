//! The normalizer on the embedded log.

use kleos_test_kit::log::Embedded;

use crate::suite::suite_tests;

suite_tests!(Embedded::start());
