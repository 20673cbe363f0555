use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

type Model = BTreeMap<(Period, i32, String), u64>;

fn listed(counters: &Counters) -> Vec<((Period, i32, String), u64)> {
    counters.iter().map(|one| ((one.per, one.window, one.scope), one.count)).collect()
}

#[test]
fn the_bytes_are_those_of_the_description() {
    let mut counters = Counters::default();
    counters.add(Period::Lifetime, 0, "course=a/17", 1);
    counters.add(Period::Lifetime, 0, "course=a/1", 200);
    counters.add(Period::Day, -1, "", 3);
    let expected =
        [&[0, 1, 3, 0, 0, 3][..], &[3, 0, 18, 0, 10], b"course=a/1", &[200, 1, 10, 1, b'7', 1]];
    assert_eq!(counters.as_bytes(), expected.concat());
}

#[test]
fn what_was_counted_is_found_and_nothing_else() {
    let mut counters = Counters::default();
    for scope in ["thread=a/2", "thread=a/10", "thread=a/1", "course=a/1", "", "thread=a/100"] {
        assert_eq!(counters.add(Period::Lifetime, 0, scope, 1), 1, "{scope}");
        assert_eq!(counters.add(Period::Lifetime, 0, scope, 1), 2, "{scope}");
    }
    for (scope, expected) in [
        ("", 2),
        ("course=a/1", 2),
        ("thread=a/1", 2),
        ("thread=a/10", 2),
        ("thread=a/100", 2),
        ("thread=a/2", 2),
        ("thread=a", 0),
        ("thread=a/", 0),
        ("thread=a/11", 0),
        ("thread=a/1000", 0),
        ("a", 0),
        ("z", 0),
    ] {
        assert_eq!(counters.count(Period::Lifetime, 0, scope), expected, "{scope}");
        assert_eq!(counters.count(Period::Day, 0, scope), 0, "{scope}");
        assert_eq!(counters.count(Period::Lifetime, 1, scope), 0, "{scope}");
    }
}

#[test]
fn bytes_that_no_counters_leave_are_refused() {
    for (bytes, at, what) in [
        (&[4, 0, 3, 0, 0, 1][..], 0, "expected a group"),
        (&[0, 0, 4, 0, 0, 1], 0, "expected a group"),
        (&[0, 0, 0], 3, "expected an entry"),
        (&[0, 0, 3, 0, 1, 1], 3, "expected an entry"),
        (&[0, 0, 3, 1, 0, 1], 3, "the scopes do not ascend"),
        (&[0, 0, 8, 0, 1, b'b', 1, 0, 1, b'a', 1], 7, "the scopes do not ascend"),
        (&[0, 0, 7, 0, 1, b'b', 1, 1, 0, 1], 7, "the scopes do not ascend"),
        (&[0, 0, 8, 0, 1, b'b', 1, 2, 1, b'a', 1], 7, "the scopes do not ascend"),
        (&[0, 0, 4, 0, 1, 255, 1], 3, "a scope is not UTF-8"),
        (&[0, 0, 3, 0, 0, 0], 3, "a count of nothing"),
        (&[0, 0, 4, 0, 0, 129, 0], 3, "a number is longer than it must be"),
        (&[0, 128, 0, 3, 0, 0, 1], 0, "a number is longer than it must be"),
        (&[0, 2, 3, 0, 0, 1, 0, 0, 3, 0, 0, 1], 6, "the groups do not ascend"),
    ] {
        assert_eq!(Counters::from_bytes(bytes.to_vec()), Err(CountersError { at, what }));
    }
    // One byte less than a number takes.
    assert!(Counters::from_bytes(vec![0, 0, 3, 0, 0, 129]).is_err());
}

#[test]
fn people_read_a_list() {
    let mut counters = Counters::default();
    counters.add(Period::Week, 2_902, "course=a/1", 2);
    let text = serde_json::to_string(&counters).unwrap();
    assert_eq!(text, r#"[{"per":"week","window":2902,"scope":"course=a/1","count":2}]"#);
    assert_eq!(serde_json::from_str::<Counters>(&text).unwrap(), counters);
}

fn period() -> impl Strategy<Value = Period> {
    prop::sample::select(&Period::ALL[..])
}

/// Texts that have much in common, and some that end within a character of another.
fn scope() -> impl Strategy<Value = String> {
    prop_oneof!["[ab]{0,4}", "c=[äöa]{0,3}", "thread=x/[0-9]{1,3}"]
}

fn additions() -> impl Strategy<Value = Vec<(Period, i32, String, u64)>> {
    prop::collection::vec((period(), -2..3, scope(), 1..300_u64), 0..60)
}

fn packed(additions: &[(Period, i32, String, u64)]) -> (Counters, Model) {
    let (mut counters, mut model) = (Counters::default(), Model::new());
    for (per, window, scope, awards) in additions {
        let count = model.entry((*per, *window, scope.clone())).or_default();
        *count += awards;
        assert_eq!(counters.add(*per, *window, scope, *awards), *count);
    }
    (counters, model)
}

proptest! {
    #[test]
    fn packed_counters_are_a_sorted_map(
        additions in additions(), per in period(), first in -3..4, asked in scope(),
    ) {
        let (mut counters, mut model) = packed(&additions);
        prop_assert_eq!(listed(&counters), model.clone().into_iter().collect::<Vec<_>>());
        let expected = model.get(&(per, first, asked.clone())).copied().unwrap_or_default();
        prop_assert_eq!(counters.count(per, first, &asked), expected);
        prop_assert_eq!(&Counters::from_bytes(counters.as_bytes().to_vec()).unwrap(), &counters);

        counters.forget_before(per, first);
        model.retain(|(period, window, _), _| *period != per || *window >= first);
        prop_assert_eq!(listed(&counters), model.into_iter().collect::<Vec<_>>());
    }

    #[test]
    fn equal_counters_have_equal_bytes_however_they_came_about(additions in additions()) {
        let (counters, model) = packed(&additions);
        let sorted = model.into_iter().map(|((per, window, scope), count)| {
            Counter { per, window, scope, count }
        });
        prop_assert_eq!(sorted.collect::<Counters>(), counters);
    }

    #[test]
    fn no_bytes_make_it_panic_and_what_is_read_is_written_alike(
        additions in additions(), place in any::<prop::sample::Index>(), byte in any::<u8>(),
    ) {
        let mut bytes = packed(&additions).0.as_bytes().to_vec();
        if !bytes.is_empty() {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        if let Ok(counters) = Counters::from_bytes(bytes.clone()) {
            let again: Counters = counters.iter().collect();
            prop_assert_eq!(again.as_bytes(), &bytes);
        }
    }
}
