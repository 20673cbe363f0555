//! Everything in one process.

use super::{Run, UP, assert_right};

#[test]
fn every_webhook_is_accounted_for() {
    let directory = tempfile::tempdir().unwrap();
    let mut run = Run::start(directory.path(), &UP, None, true);
    let (sent, account) = run.showcase(30);
    assert_right(&account);
    assert_eq!(account.receipts, sent);
    assert_eq!(account.rules.len(), 7, "every default rule pays: {:?}", account.rules);
    assert_eq!(run.at_mixpanel(account.awards), account.awards);
}

#[test]
fn kills_of_the_process_lose_and_double_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let mut run = Run::start(directory.path(), &UP, None, false);
    let (kills, account) = run.under_kills(5_000, 500.0);
    assert_right(&account);
    assert!(kills.len() >= 3, "{kills:?}");
}
