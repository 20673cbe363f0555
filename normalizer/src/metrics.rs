//! What the normalizer counts.

use kleos_service_kit::metrics::{CounterBy, Label};

/// What became of an item.
pub(crate) const OUTCOMES: &[&str] = &["event", "unmapped", "ignored", "dead_letter"];
const OUTCOME: Label = Label::fixed("outcome", OUTCOMES);
const SOURCE: Label = Label::at_most("source", 50);
const REASON: Label = Label::at_most("reason", 100);

kleos_service_kit::metrics! {
    /// Metrics of the normalizer.
    pub struct NormalizerMetrics {
        /// Items of webhooks, by what became of them; each in exactly one outcome.
        items: CounterBy<2> = "kleos_normalizer_items_total" [SOURCE, OUTCOME],
        /// Items that were ignored or set aside, by the reason.
        reasons: CounterBy<2> = "kleos_normalizer_reasons_total" [SOURCE, REASON],
    }
}
