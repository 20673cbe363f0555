//! ISO 8601 durations.

use super::number;

/// Whole seconds of `P1DT2H`, `PT12M4S`, `PT0.5H`; none for years and months, whose length nobody
/// knows, and for other texts.
pub(crate) fn seconds(text: &str) -> Option<i64> {
    let mut rest = text.strip_prefix('P')?;
    let (mut total_micros, mut in_time, mut parts) = (0_i128, false, 0);
    while !rest.is_empty() {
        if let Some(time) = rest.strip_prefix('T') {
            if in_time {
                return None;
            }
            (in_time, rest) = (true, time);
            continue;
        }
        let end = rest.find(|character: char| !matches!(character, '0'..='9' | '.' | ','))?;
        let (amount, unit) = rest.split_at_checked(end)?;
        let mut letters = unit.chars();
        let unit_seconds = match (letters.next()?, in_time) {
            ('W', false) => 604_800,
            ('D', false) => 86_400,
            ('H', true) => 3_600,
            ('M', true) => 60,
            ('S', true) => 1,
            _ => return None,
        };
        let amount = number::decimal(&amount.replace(',', "."))?.scaled(6)?;
        total_micros = total_micros.checked_add(amount.checked_mul(unit_seconds)?)?;
        rest = letters.as_str();
        parts += 1;
    }
    if parts == 0 { None } else { i64::try_from(total_micros / 1_000_000).ok() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn durations_of_known_length_are_seconds() {
        for (text, expected) in [
            ("PT12M4S", Some(724)),
            ("PT1S", Some(1)),
            ("P1DT2H", Some(93_600)),
            ("PT0.5H", Some(1_800)),
            ("P2W", Some(1_209_600)),
            ("PT1.999S", Some(1)),
            ("PT0S", Some(0)),
            ("P1Y", None),
            ("P1M", None),
            ("P", None),
            ("PT", None),
            ("PTT1S", None),
            ("12", None),
            ("PT-5S", None),
            ("", None),
        ] {
            assert_eq!(seconds(text), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "P?[0-9WDTHMSY.,é]{0,40}") {
            let _seconds = seconds(&text);
        }

        #[test]
        fn parts_add_up(days in 0_i64..999, hours in 0_i64..99, minutes in 0_i64..99, rest in 0_i64..99) {
            prop_assert_eq!(
                seconds(&format!("P{days}DT{hours}H{minutes}M{rest}S")),
                Some(days * 86_400 + hours * 3_600 + minutes * 60 + rest)
            );
        }
    }
}
