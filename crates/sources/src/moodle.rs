//! Moodle, over the three plugins that make it send.
//!
//! | channel | plugin | an item is |
//! | --- | --- | --- |
//! | A | Event Trigger (`tool_trigger`) | what the site's admin typed: JSON or a form, usually all texts, `other` flattened to `other_…` |
//! | B | WebHooks (`local_webhooks`) | Moodle's event as it is, with `host`, `token`, `extra` |
//! | C | xAPI log store (`logstore_xapi`) | a statement, made from the event |
//!
//! Open LMS is Moodle with more modules, of which its forum is mapped. It is a source of its own, so
//! that its sites and Moodle's can be told apart, and the same mapping.
//!
//! A and B are read by one mapping: both name the same fields, and each field is read in every
//! dress that either gives it. C leads to the same names, and to the same ids of learners,
//! courses, lessons and threads, so that a rule that is once for such a place counts what came over
//! two channels once. Event ids differ between channels: no id of Moodle's own is in all of them.
//!
//! # Whose event it is
//!
//! `userid` is whoever caused the event, which is the teacher, an admin or nobody (cron) as often
//! as the learner. The table says for each event where the learner stands; if nothing stands there,
//! the event is refused. The one exception is told at [`learner`].
//!
//! # What is flagged as privileged
//!
//! A completion that somebody overrode, work handed in on a learner's behalf, an anonymous event,
//! everything during "log in as" and that log-in itself, and an act of learning that Moodle itself
//! files under teaching.

mod details;
mod event;
mod iri;
mod learner;
mod message;
mod statement;
mod table;

use kleos_contracts::raw::RawWebhook;
use serde_json::{Map, Value};

use crate::draft::Draft;
use crate::platform::Platform;
use crate::read::text;
use crate::verdict::Verdict;

/// Moodle, and Open LMS.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moodle;

impl Platform for Moodle {
    fn expected(&self) -> &'static str {
        "an event with eventname, or an xAPI statement"
    }

    fn max_items(&self) -> usize {
        10_000
    }

    fn map(&self, item: &Value, webhook: &RawWebhook) -> Result<Draft, Verdict> {
        let Value::Object(fields) = item else {
            return Err(Verdict::unexpected_shape(self.expected(), text::kind(item)));
        };
        match recognised(fields) {
            Channel::Event => event::map(fields, webhook),
            Channel::Statement => statement::map(fields, webhook),
        }
    }
}

enum Channel {
    /// A or B.
    Event,
    /// C.
    Statement,
}

/// Every statement has a verb, and none of Moodle's events has such a field.
fn recognised(fields: &Map<String, Value>) -> Channel {
    if fields.contains_key("verb") { Channel::Statement } else { Channel::Event }
}

/// Moodle's ids count from 1: nought stands for nobody and nothing, negative ones for the system.
fn is_real(id: &str) -> bool {
    !id.starts_with('-') && id.bytes().any(|byte| byte != b'0')
}

/// Whether it is a course that people learn in: course 1 is the site's front page.
fn is_course(id: &str) -> bool {
    is_real(id) && id != "1"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nought_and_negative_ids_are_nobody() {
        for nobody in ["", "0", "00", "-1", "-20"] {
            assert!(!is_real(nobody), "{nobody:?}");
        }
        for somebody in ["1", "8774", "10", "jane"] {
            assert!(is_real(somebody), "{somebody:?}");
        }
        assert!(!is_course("1"));
        assert!(is_course("2"));
    }
}
