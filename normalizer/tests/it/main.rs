//! The normalizer on a real log.
