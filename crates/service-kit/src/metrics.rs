//! What a process counts and measures.
//!
//! A crate declares its metrics once, in its `metrics.rs`, with [`metrics!`](crate::metrics!): name,
//! help, labels, buckets. The declaration is checked while compiling, and listed for the reference
//! page. Call sites name fields, never texts.
//!
//! ```
//! use kleos_service_kit::metrics::{CounterBy, Gauge, Histogram, Label, Registry, SECONDS};
//!
//! const OUTCOME: Label = Label::fixed("outcome", &["accepted", "refused"]);
//! const TENANT: Label = Label::at_most("tenant", 500);
//!
//! kleos_service_kit::metrics! {
//!     /// What the gateway counts.
//!     pub struct Metrics {
//!         /// Webhooks, by what became of them.
//!         webhooks: CounterBy<2> = "kleos_gateway_webhooks_total" [OUTCOME, TENANT],
//!         /// Requests being served.
//!         in_flight: Gauge = "kleos_gateway_in_flight_requests",
//!         /// Time from the first byte to the answer.
//!         answer: Histogram = "kleos_gateway_answer_seconds" buckets SECONDS,
//!     }
//! }
//!
//! # fn main() -> Result<(), kleos_service_kit::metrics::MetricsError> {
//! let registry = Registry::new()?.of_service("gateway");
//! let metrics = Metrics::register(&registry)?;
//! metrics.webhooks.with(["accepted", "campus-a"]).inc();
//! metrics.in_flight.set(3);
//! metrics.answer.observe(0.004);
//! # Ok(())
//! # }
//! ```

mod declaration;
mod family;
mod reference;
mod registry;

pub use declaration::{Declaration, Kind, Label};
pub use family::{
    Counter, CounterBy, Gauge, GaugeBy, Histogram, HistogramBy, Metric, RealGauge, RealGaugeBy,
};
pub use reference::{PROCESS, reference};
pub use registry::{MetricsError, Registry};

/// Buckets for times: from 100 µs to 30 s.
pub const SECONDS: &[f64] = &[
    0.000_1, 0.000_25, 0.000_5, 0.001, 0.002, 0.003, 0.005, 0.007_5, 0.01, 0.015, 0.02, 0.03, 0.05,
    0.075, 0.1, 0.15, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
];
/// Buckets for sizes: from 256 B to 16 MiB.
pub const BYTES: &[f64] = &[
    256.0,
    1_024.0,
    4_096.0,
    16_384.0,
    65_536.0,
    262_144.0,
    1_048_576.0,
    4_194_304.0,
    16_777_216.0,
];
/// Buckets for how many: from 1 to 100,000.
pub const COUNTS: &[f64] = &[
    1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1_000.0, 2_000.0, 5_000.0, 10_000.0,
    20_000.0, 50_000.0, 100_000.0,
];

/// Declares a crate's metrics: a struct with a field for each, `register` and `DECLARED`.
///
/// The doc comment of a field is the metric's help. Labels stand in brackets after the name, the
/// buckets of a histogram after `buckets`. See the [module](mod@crate::metrics) for an example.
#[macro_export]
macro_rules! metrics {
    (
        $(#[$about:meta])*
        $visibility:vis struct $name:ident {
            $(
                $(#[doc = $help:literal])+
                $field:ident: $kind:ty = $metric:literal
                    $([$($label:expr),+ $(,)?])? $(buckets $buckets:expr)?
            ),+ $(,)?
        }
    ) => {
        $(#[$about])*
        #[derive(Clone, Debug)]
        $visibility struct $name {
            $(
                $(#[doc = $help])+
                $visibility $field: $kind,
            )+
        }

        impl $name {
            /// Every metric of this crate, for the reference page.
            $visibility const DECLARED: &'static [$crate::metrics::Declaration] = &[
                $(
                    $crate::metrics::Declaration::checked(
                        $metric,
                        concat!($($help),+),
                        <$kind as $crate::metrics::Metric>::KIND,
                        <$kind as $crate::metrics::Metric>::LABELS,
                    )
                    $(.with_labels(&[$($label),+]))?
                    $(.with_buckets($buckets))?
                    .complete()
                ),+
            ];

            /// Makes them part of a registry.
            ///
            /// # Errors
            /// Where the registry has one of the names already.
            $visibility fn register(
                registry: &$crate::metrics::Registry,
            ) -> Result<Self, $crate::metrics::MetricsError> {
                let mut declared = Self::DECLARED.iter();
                // The order of the fields is that of the declarations.
                Ok(Self { $($field: registry.next(&mut declared)?),+ })
            }
        }
    };
}

#[cfg(test)]
mod tests;
