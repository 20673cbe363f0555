//! `LearnWorlds`.
//!
//! | form | an item is |
//! | --- | --- |
//! | version 2 | `version`, `type`, `trigger`, `school_id`, `data` |
//! | legacy | the same types; what version 2 has in `data` may stand beside `type` |
//! | automation | what the school's admin typed, with the event's name in `event`: see [`crate::loose`] |
//! | of this product's documentation | `topic`, `occurred_at`, `data` with flat ids |
//!
//! The last two are one: a name, and fields in the spellings of people.
//!
//! Nothing has an id of its own, so that every event is called by its digest. The same payment is told
//! twice, under two types and one trigger, so that types decide and triggers do not.
//!
//! # New users
//!
//! A user's registration and every later change of their profile are one type. It is the
//! registration if the account is a week old at most and the user has not logged in since its first
//! minute; it then has the account's own time, so that all deliveries that are taken for the
//! registration are one event.

mod authored;
mod table;
mod webhook;

use kleos_contracts::raw::RawWebhook;
use serde_json::Value;

use crate::draft::Draft;
use crate::platform::Platform;
use crate::read::fields::Fields;
use crate::read::text;
use crate::verdict::Verdict;

/// Schools on `LearnWorlds`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LearnWorlds;

impl Platform for LearnWorlds {
    fn expected(&self) -> &'static str {
        "an event with type, or with the name of an event"
    }

    fn max_items(&self) -> usize {
        1_000
    }

    fn map(&self, item: &Value, webhook: &RawWebhook) -> Result<Draft, Verdict> {
        let Value::Object(fields) = item else {
            return Err(Verdict::unexpected_shape(self.expected(), text::kind(item)));
        };
        let fields = Fields::of(fields);
        match table::native_type(&fields) {
            Some(r#type) => webhook::map(&fields, r#type, webhook),
            None => authored::map(&fields, webhook),
        }
    }
}
