//! Metrics with and without labels.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use prometheus::core::Collector;
use prometheus::{GaugeVec, HistogramOpts, HistogramVec, IntCounterVec, IntGaugeVec, Opts};

use crate::metrics::declaration::{Declaration, Kind, Label, Values};
use crate::metrics::registry::{MetricsError, Registry};

/// It only grows.
pub type Counter = prometheus::IntCounter;
/// A whole number that goes up and down.
pub type Gauge = prometheus::IntGauge;
/// A number that goes up and down, for times and shares.
pub type RealGauge = prometheus::Gauge;
/// Counts observations by size.
pub type Histogram = prometheus::Histogram;

/// Counters split by labels.
pub type CounterBy<const N: usize> = Family<Counter, N>;
/// Gauges split by labels.
pub type GaugeBy<const N: usize> = Family<Gauge, N>;
/// Gauges of any number split by labels.
pub type RealGaugeBy<const N: usize> = Family<RealGauge, N>;
/// Histograms split by labels.
pub type HistogramBy<const N: usize> = Family<Histogram, N>;

/// What stands for all values that a label does not show.
const OTHER: &str = "other";
/// Where there are more combinations of fixed values, each shows once it is counted.
const SHOWN_FROM_START_MAX: usize = 200;

/// What a field of [`metrics!`](crate::metrics!) can be.
pub trait Metric: Sized {
    /// What can be done with it.
    const KIND: Kind;
    /// By how many labels it is split.
    const LABELS: usize;

    /// Makes it part of a registry.
    ///
    /// # Errors
    /// Where the registry refuses it.
    fn register(registry: &Registry, declaration: &Declaration) -> Result<Self, MetricsError>;
}

/// A metric without labels, and how many of them make a family.
pub trait Single: Collector + Clone + Sized + 'static {
    /// Several, told apart by labels.
    type Several: Collector + Clone + 'static;
    /// What can be done with it.
    const KIND: Kind;

    #[doc(hidden)]
    fn one(opts: HistogramOpts) -> prometheus::Result<Self>;
    #[doc(hidden)]
    fn several(opts: HistogramOpts, labels: &[&str]) -> prometheus::Result<Self::Several>;
    #[doc(hidden)]
    fn of(several: &Self::Several, values: &[&str]) -> Self;
}

macro_rules! singles {
    ($($single:ty, $several:ty, $kind:expr, $opts:expr;)+) => {
        $(
            impl Single for $single {
                type Several = $several;
                const KIND: Kind = $kind;

                fn one(opts: HistogramOpts) -> prometheus::Result<Self> {
                    Self::with_opts($opts(opts))
                }

                fn several(
                    opts: HistogramOpts,
                    labels: &[&str],
                ) -> prometheus::Result<Self::Several> {
                    <$several>::new($opts(opts), labels)
                }

                fn of(several: &Self::Several, values: &[&str]) -> Self {
                    several.with_label_values(values)
                }
            }
        )+
    };
}

singles! {
    Counter, IntCounterVec, Kind::Counter, without_buckets;
    Gauge, IntGaugeVec, Kind::Gauge, without_buckets;
    RealGauge, GaugeVec, Kind::Gauge, without_buckets;
    Histogram, HistogramVec, Kind::Histogram, std::convert::identity;
}

fn without_buckets(opts: HistogramOpts) -> Opts {
    opts.common_opts
}

fn opts(registry: &Registry, declaration: &Declaration) -> HistogramOpts {
    let mut opts = HistogramOpts::new(declaration.name, declaration.help);
    opts.common_opts.const_labels = registry.service_labels();
    opts.buckets(declaration.buckets.to_vec())
}

impl<S: Single> Metric for S {
    const KIND: Kind = S::KIND;
    const LABELS: usize = 0;

    fn register(registry: &Registry, declaration: &Declaration) -> Result<Self, MetricsError> {
        let name = declaration.name;
        let single = S::one(opts(registry, declaration))
            .map_err(|source| MetricsError::Refused { name, source })?;
        registry.add(name, single.clone())?;
        Ok(single)
    }
}

/// Metrics of one name, split by labels.
#[derive(Clone)]
pub struct Family<S: Single, const N: usize> {
    several: S::Several,
    labels: &'static [Label],
    /// The values that each label has shown, where it has no fixed ones.
    seen: Arc<[RwLock<BTreeSet<String>>; N]>,
}

impl<S: Single, const N: usize> Family<S, N> {
    /// The one with these values, in the order of the declaration. Where it is counted often, keep
    /// it.
    #[must_use]
    pub fn with(&self, values: [&str; N]) -> S {
        let mut shown = values;
        for ((value, label), seen) in shown.iter_mut().zip(self.labels).zip(self.seen.iter()) {
            let is_shown = match label.values {
                Values::Fixed(known) => known.contains(value),
                Values::AtMost(count) => is_among_first(seen, value, count),
            };
            if !is_shown {
                *value = OTHER;
            }
        }
        S::of(&self.several, &shown)
    }

    /// A series that appears with its first count cannot be told from one that grew by it.
    fn show_from_start(&self) {
        let mut combinations = vec![Vec::<&str>::new()];
        for label in self.labels {
            let Values::Fixed(known) = label.values else { return };
            combinations = combinations
                .iter()
                .flat_map(|start| {
                    known.iter().map(move |value| [start.as_slice(), &[*value]].concat())
                })
                .collect();
            if combinations.len() > SHOWN_FROM_START_MAX {
                return;
            }
        }
        for values in combinations {
            drop(S::of(&self.several, &values));
        }
    }
}

fn is_among_first(seen: &RwLock<BTreeSet<String>>, value: &str, count: usize) -> bool {
    if seen.read().unwrap_or_else(PoisonError::into_inner).contains(value) {
        return true;
    }
    let mut seen = seen.write().unwrap_or_else(PoisonError::into_inner);
    seen.contains(value) || (seen.len() < count && seen.insert(value.to_owned()))
}

impl<S: Single, const N: usize> Metric for Family<S, N> {
    const KIND: Kind = S::KIND;
    const LABELS: usize = N;

    fn register(registry: &Registry, declaration: &Declaration) -> Result<Self, MetricsError> {
        let name = declaration.name;
        let labels: Vec<&str> = declaration.labels.iter().map(|label| label.name).collect();
        let several = S::several(opts(registry, declaration), &labels)
            .map_err(|source| MetricsError::Refused { name, source })?;
        registry.add(name, several.clone())?;
        let seen = Arc::new(std::array::from_fn(|_| RwLock::default()));
        let family = Self { several, labels: declaration.labels, seen };
        family.show_from_start();
        Ok(family)
    }
}

impl<S: Single, const N: usize> fmt::Debug for Family<S, N> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let labels: Vec<&str> = self.labels.iter().map(|label| label.name).collect();
        write!(formatter, "Family(by {})", labels.join(", "))
    }
}
