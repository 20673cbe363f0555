//! The rules-processor on a real log.
