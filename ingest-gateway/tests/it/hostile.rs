//! The table of what senders should not do, tried on a gateway in front of the embedded log.

use std::collections::BTreeMap;

use kleos_test_kit::hostile::{self, Outcome};

use crate::gateway::Gateway;

/// How often each body is there.
fn counted<'b>(bodies: impl Iterator<Item = &'b Vec<u8>>) -> BTreeMap<&'b [u8], usize> {
    let mut counts = BTreeMap::new();
    for body in bodies {
        *counts.entry(body.as_slice()).or_default() += 1;
    }
    counts
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_senders_do_is_answered_or_ended_and_nothing_is_lost_or_made_up() {
    let gateway = Gateway::configured(hostile::CONFIGURATION).await;
    let cases = hostile::cases();
    assert!(cases.len() > 300, "{} cases", cases.len());
    let outcomes = hostile::try_all(gateway.address, cases).await;
    let troubles: Vec<String> = outcomes.iter().filter_map(trouble).collect();
    assert!(troubles.is_empty(), "{} cases:\n{}", troubles.len(), troubles.join("\n"));
    let records = gateway.records().await;
    let stored = || outcomes.iter().flat_map(|outcome| &outcome.stored);
    for told in stored() {
        if let Some(place) = told.place {
            assert!(records[&place].body == told.body, "{place:?}: {}", told.body.escape_ascii());
        }
    }
    let found = counted(records.values().map(|record| &record.body));
    let expected = counted(stored().map(|told| &told.body));
    let differing = |(body, count): &(&&[u8], &usize)| expected.get(**body) != Some(*count);
    let made_up: Vec<_> = found.iter().filter(differing).collect();
    assert!(made_up.is_empty(), "in the log alone: {made_up:?}");
    assert_eq!(found.len(), expected.len(), "records are missing");
    assert_eq!(gateway.because(), None);
    gateway.until("all is given back", |gateway| gateway.held() == 0).await;
    gateway.until("all are closed", |gateway| gateway.connections() == 0).await;
    assert_eq!(gateway.outcome("internal_error"), 0);
}

fn trouble(outcome: &Outcome) -> Option<String> {
    let Outcome { name, group, trouble, .. } = outcome;
    trouble.as_ref().map(|text| format!("{group}: {name}: {text:.600}"))
}
