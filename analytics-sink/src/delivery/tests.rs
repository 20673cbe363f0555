use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::row::Row;
use crate::verdict::Rejection;

fn sheet(rows: usize) -> Sheet {
    let mut sheet = Sheet::default();
    for index in 0..rows {
        let row = Row {
            event: "e".into(),
            time_millis: 0,
            distinct_id: "d",
            insert_id: index.to_string(),
            properties: Vec::new(),
        };
        sheet.push(row).unwrap();
    }
    sheet
}

fn limits() -> Limits {
    Limits::new(8, 1 << 20)
}

/// Lets `vendor` answer until all is settled; the fates as a text, and how many requests it took.
fn deliver(
    rows: usize,
    mut vendor: impl FnMut(&Range<usize>) -> Verdict,
) -> (Result<String, Trouble>, usize) {
    let (sheet, limits) = (sheet(rows), limits());
    let mut delivery = Delivery::new(rows, false);
    let mut requests = 0;
    let outcome = loop {
        let Some(part) = delivery.next(&sheet, &limits) else { break delivery.conclude() };
        requests += 1;
        let verdict = vendor(&part);
        if let Err(trouble) = delivery.answered(part, verdict) {
            break Err(trouble);
        }
    };
    let shown = delivery.into_fates().into_iter().map(|fate| match fate {
        Some(Fate::Imported) => '.',
        Some(Fate::Refused(Refusal::Rejected { .. })) => 'R',
        Some(Fate::Refused(Refusal::Unnamed(_))) => 'U',
        Some(Fate::Refused(_) | Fate::Skipped) => '!',
        None => '?',
    });
    (outcome.map(|()| shown.collect()), requests)
}

fn unclear() -> Verdict {
    Verdict::Unclear("hm".to_owned())
}

fn rejections(part: &Range<usize>, bad: &BTreeSet<usize>) -> Vec<Rejection> {
    let rows = part.clone().filter(|row| bad.contains(row));
    rows.map(|row| Rejection {
        index: row - part.start,
        field: String::new(),
        message: String::new(),
    })
    .collect()
}

#[test]
fn all_rows_are_sent_once_where_all_goes_well() {
    assert_eq!(deliver(20, |_| Verdict::Imported), (Ok(".".repeat(20)), 3));
    assert_eq!(deliver(0, |_| unclear()), (Ok(String::new()), 0));
}

#[test]
fn named_rows_are_refused_and_the_others_stored() {
    let bad = BTreeSet::from([0, 9, 10]);
    let answer = |part: &Range<usize>| match rejections(part, &bad) {
        none if none.is_empty() => Verdict::Imported,
        some => Verdict::Partly(some),
    };
    assert_eq!(deliver(12, answer), (Ok("R........RR.".to_owned()), 2));
}

#[test]
fn an_unclear_part_is_halved_down_to_the_row() {
    let answer =
        |part: &Range<usize>| if part.contains(&5) { unclear() } else { Verdict::Imported };
    assert_eq!(deliver(8, answer), (Ok(".....U..".to_owned()), 7));
}

#[test]
fn a_part_that_is_too_large_is_halved() {
    let answer = |part: &Range<usize>| {
        if part.len() > 3 { Verdict::TooLarge(String::new()) } else { Verdict::Imported }
    };
    assert_eq!(deliver(8, answer), (Ok("........".to_owned()), 7));
}

#[test]
fn a_row_that_is_too_large_alone_is_not_to_blame() {
    let (outcome, _) = deliver(8, |_| Verdict::TooLarge(String::new()));
    assert_eq!(outcome.unwrap_err().kind, TroubleKind::Misdirected);
}

#[test]
fn no_row_is_given_up_while_nothing_gets_through() {
    for rows in [1, 7, 30] {
        let (outcome, _) = deliver(rows, |_| unclear());
        assert_eq!(outcome.unwrap_err().kind, TroubleKind::Unexplained, "{rows}");
    }
    let (outcome, requests) = deliver(2_000, |_| unclear());
    assert_eq!(outcome.unwrap_err().kind, TroubleKind::Unexplained);
    assert!(requests < 3 * SUSPECTS_MAX, "{requests}");
}

#[test]
fn what_the_vendor_took_of_the_batch_before_is_proof_enough() {
    let sheet = sheet(1);
    let mut delivery = Delivery::new(1, true);
    let part = delivery.next(&sheet, &limits()).unwrap();
    delivery.answered(part, unclear()).unwrap();
    assert_eq!(delivery.conclude(), Ok(()));
    let refused = Fate::Refused(Refusal::Unnamed("hm".to_owned()));
    assert_eq!(delivery.into_fates(), [Some(refused)]);
}

#[test]
fn after_trouble_the_same_part_comes_again_and_the_rest_stays_settled() {
    let (sheet, limits) = (sheet(16), limits());
    let mut delivery = Delivery::new(16, false);
    let first = delivery.next(&sheet, &limits).unwrap();
    delivery.answered(first, Verdict::Imported).unwrap();
    let second = delivery.next(&sheet, &limits).unwrap();
    assert!(!delivery.has_more());
    let trouble = Trouble::new(TroubleKind::RateLimited, "slow down");
    let answered = delivery.answered(second.clone(), Verdict::Trouble(trouble.clone()));
    assert_eq!(answered, Err(trouble));
    assert!(delivery.has_more());
    assert_eq!(delivery.next(&sheet, &limits), Some(second));
    let settled = delivery.into_fates().iter().filter(|fate| fate.is_some()).count();
    assert_eq!(settled, 8);
}

#[test]
fn rows_under_suspicion_come_again_where_all_were() {
    let sheet = sheet(3);
    let mut delivery = Delivery::new(3, false);
    while let Some(part) = delivery.next(&sheet, &limits()) {
        delivery.answered(part, unclear()).unwrap();
    }
    assert!(delivery.conclude().is_err());
    let again: Vec<_> = std::iter::from_fn(|| delivery.next(&sheet, &limits())).collect();
    assert_eq!(again, [0..1, 1..2, 2..3]);
}

/// How a vendor that is right about what it stores can fail to say so.
#[derive(Clone, Copy, Debug)]
enum Speech {
    Plain,
    NamesNobody,
    Miscounts,
    TakesFew,
}

proptest! {
    /// Whatever the vendor says, in whatever manner from request to request: each row ends as what
    /// it is, provided that one is good.
    #[test]
    fn every_row_ends_as_what_it_is(
        rows in 1_usize..60,
        bad in prop::collection::btree_set(0_usize..60, 0..20),
        speeches in prop::collection::vec(
            prop::sample::select(vec![
                Speech::Plain, Speech::NamesNobody, Speech::Miscounts, Speech::TakesFew,
            ]),
            1..40,
        ),
    ) {
        let mut turn = 0;
        let (outcome, _) = deliver(rows, |part| {
            let speech = speeches[turn % speeches.len()];
            turn += 1;
            let rejections = rejections(part, &bad);
            match speech {
                Speech::TakesFew if part.len() > 2 => Verdict::TooLarge(String::new()),
                // Good rows are stored meanwhile, and stored again: that is what ids are for.
                Speech::Miscounts if part.len() > 1 => unclear(),
                Speech::NamesNobody if !rejections.is_empty() => unclear(),
                Speech::Plain | Speech::NamesNobody | Speech::Miscounts | Speech::TakesFew => {
                    if rejections.is_empty() {
                        Verdict::Imported
                    } else {
                        Verdict::Partly(rejections)
                    }
                }
            }
        });
        let has_good = (0..rows).any(|row| !bad.contains(&row));
        match outcome {
            Ok(fates) => {
                for (row, fate) in fates.chars().enumerate() {
                    prop_assert_eq!(fate == '.', !bad.contains(&row), "{}", fates);
                    prop_assert!(matches!(fate, '.' | 'R' | 'U'), "{}", fates);
                }
            }
            Err(trouble) => {
                prop_assert!(!has_good, "{}", trouble);
                prop_assert_eq!(trouble.kind, TroubleKind::Unexplained);
            }
        }
    }
}
