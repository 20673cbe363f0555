//! The one shape that every platform's module has: split, recognise, map.

use kleos_contracts::raw::RawWebhook;
use serde_json::Value;

use crate::draft::Draft;
use crate::read::text::kind;
use crate::verdict::Verdict;

/// A learning platform.
pub(crate) trait Platform: Sync {
    /// What a body holds, for messages: "an event with eventname".
    fn expected(&self) -> &'static str;

    /// More items in one body than this are refused together.
    fn max_items(&self) -> usize;

    /// The items of a body: a list's elements, or the one object. Envelopes override this.
    fn split(&self, body: Value, _webhook: &RawWebhook) -> Result<Vec<Value>, Verdict> {
        self.listed(body)
    }

    /// What [`split`](Self::split) does where nothing else is said.
    fn listed(&self, body: Value) -> Result<Vec<Value>, Verdict> {
        match body {
            Value::Array(items) if items.is_empty() || items.len() > self.max_items() => {
                let expected =
                    format!("{}, or a list of 1 to {}", self.expected(), self.max_items());
                let found = format!("a list of {}", items.len());
                Err(Verdict::unexpected_shape(&expected, found))
            }
            Value::Array(items) => Ok(items),
            Value::Object(_) => Ok(vec![body]),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                Err(Verdict::unexpected_shape(self.expected(), kind(&body)))
            }
        }
    }

    /// The event that one item tells of.
    fn map(&self, item: &Value, webhook: &RawWebhook) -> Result<Draft, Verdict>;
}
