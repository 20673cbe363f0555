//! The digests that name awards, ledger lines and events for ever.
//!
//! All are SHA-256 over the parts, each preceded by its length in bytes as four bytes, big endian,
//! so that no two different lists of parts have the same bytes. Programs in other languages can
//! compute the same names; nothing of this can change once a record has been written.

use sha2::{Digest, Sha256};

use crate::event::LearningEvent;

/// SHA-256 over length-prefixed parts.
#[must_use]
pub fn digest(parts: &[&[u8]]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
        hasher.update(part);
    }
    hasher.finalize().into()
}

/// The award's name: one for each (tenant, learner, rule, scope, slot).
///
/// `slot` is empty for awards that are once for their scope and for streaks (whose scope carries
/// the period), else the event's key.
#[must_use]
pub fn award_id(tenant: &str, user_key: &str, rule_id: &str, scope: &str, slot: &str) -> String {
    let parts = [tenant, user_key, rule_id, scope, slot].map(str::as_bytes);
    to_hex(&digest(&parts))
}

/// The ledger line's name: `sequence` counts the lines of one award from 1.
#[must_use]
pub fn entry_id(award_id: &str, sequence: u32) -> String {
    to_hex(&digest(&[award_id.as_bytes(), sequence.to_string().as_bytes()]))
}

/// What tells one event from another: source, instance and the event's id, as text.
#[must_use]
pub fn event_slot(event: &LearningEvent) -> String {
    let mut slot =
        String::with_capacity(event.source.len() + event.instance.len() + event.event_id.len() + 2);
    slot.push_str(&event.source);
    slot.push('|');
    slot.push_str(&event.instance);
    slot.push('|');
    slot.push_str(&event.event_id);
    slot
}

/// 128 bits that stand for (tenant, source, instance, event id, learner) in duplicate detection.
#[must_use]
pub fn event_hash(event: &LearningEvent) -> [u8; 16] {
    let parts = [&event.tenant, &event.source, &event.instance, &event.event_id, &event.user.key];
    let whole = digest(&parts.map(|part| part.as_bytes()));
    let mut half = [0; 16];
    half.copy_from_slice(&whole[..16]);
    half
}

/// 64 bits of the event's content without what a second delivery of the same event changes:
/// `accepted_at`, the delivery's and the request's id, and a time that was guessed.
#[must_use]
pub fn content_digest(event: &LearningEvent) -> i64 {
    let mut hasher = ContentHasher(Sha256::new());
    hasher.text(&event.event);
    hasher.optional(event.actor_id.as_deref());
    if event.flags.time_was_guessed {
        hasher.text("");
    } else {
        hasher.number(event.occurred_at.micros());
    }
    let context = &event.context;
    for place in
        [&context.course, &context.section, &context.lesson, &context.programme, &context.thread]
    {
        hasher.optional(place.as_ref().map(|place| place.id.as_str()));
    }
    let object = event.object.as_ref();
    hasher.optional(object.map(|object| object.r#type.as_str()));
    hasher.optional(object.and_then(|object| object.id.as_deref()));
    hasher.optional(object.and_then(|object| object.attempt.as_deref()));
    let metrics = &event.metrics;
    for percent in [metrics.progress_pct, metrics.score_pct] {
        hasher.optional_number(percent.map(crate::decimal::Percent::units));
    }
    hasher.optional_number(metrics.time_on_task_sec);
    hasher.number(i64::from(event.flags.is_test));
    hasher.number(i64::from(event.flags.is_privileged));
    let whole: [u8; 32] = hasher.0.finalize().into();
    let mut first = [0; 8];
    first.copy_from_slice(&whole[..8]);
    i64::from_be_bytes(first)
}

struct ContentHasher(Sha256);

impl ContentHasher {
    fn text(&mut self, text: &str) {
        self.0.update(u32::try_from(text.len()).unwrap_or(u32::MAX).to_be_bytes());
        self.0.update(text);
    }

    fn optional(&mut self, text: Option<&str>) {
        match text {
            Some(text) => self.text(text),
            None => self.0.update(u32::MAX.to_be_bytes()),
        }
    }

    fn number(&mut self, number: i64) {
        self.0.update(8_u32.to_be_bytes());
        self.0.update(number.to_be_bytes());
    }

    fn optional_number(&mut self, number: Option<i64>) {
        match number {
            Some(number) => self.number(number),
            None => self.optional(None),
        }
    }
}

/// Bytes as lower-case base-16 digits.
#[must_use]
pub fn to_hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes
        .iter()
        .flat_map(|byte| [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]])
        .map(char::from)
        .collect()
}

/// Bytes of base-16 digits; none if there is another character or half a byte.
#[must_use]
pub fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text
        .chars()
        .map(|digit| digit.to_digit(16).and_then(|value| u8::try_from(value).ok()))
        .collect::<Option<_>>()?;
    digits
        .len()
        .is_multiple_of(2)
        .then(|| digits.chunks_exact(2).map(|pair| (pair[0] << 4) | pair[1]).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_what_they_always_were() {
        // Computed with Python's hashlib from the definition in this module's documentation.
        assert_eq!(
            award_id("acme", "campus-a/8774", "course_completion", "course=campus-a/987", ""),
            "1c5811ae9a78fa69e451bf90fb543c1c00716a6742842eb369bad1de434c882e"
        );
        assert_eq!(
            entry_id("ab", 1),
            "5950893d0499053f7f4bcc73b1c4be327f9b62548057319861c4cd49b0bcd58d"
        );
    }

    #[test]
    fn parts_cannot_be_shifted_into_one_another() {
        assert_ne!(award_id("a", "bc", "r", "", ""), award_id("ab", "c", "r", "", ""));
        assert_ne!(award_id("a", "b", "r", "s", ""), award_id("a", "b", "r", "", "s"));
    }

    #[test]
    fn hexadecimal_reads_what_it_writes_and_refuses_the_rest() {
        assert_eq!(from_hex(&to_hex(&[0, 15, 16, 255])), Some(vec![0, 15, 16, 255]));
        assert_eq!(from_hex("0"), None);
        assert_eq!(from_hex("zz"), None);
    }
}
