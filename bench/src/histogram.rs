//! Quantiles from a histogram in Prometheus' text form.

/// How often a value was at most so great, for each bound of a bucket.
#[derive(Clone, Debug, PartialEq)]
pub struct Histogram(Vec<(f64, f64)>);

impl Histogram {
    /// The histogram of a name.
    #[must_use]
    pub fn read(exposition: &str, name: &str) -> Self {
        let bucket = |line: &str| {
            let rest = line.strip_prefix(name)?.strip_prefix("_bucket{")?;
            let (labels, count) = rest.rsplit_once("} ")?;
            let bound = labels.split("le=\"").nth(1)?.split('"').next()?;
            Some((bound.replace("+Inf", "inf").parse().ok()?, count.parse().ok()?))
        };
        Self(exposition.lines().filter_map(bucket).collect())
    }

    /// What was seen since an earlier look at the same histogram.
    #[must_use]
    pub fn since(mut self, earlier: &Self) -> Self {
        for ((_, count), (_, before)) in self.0.iter_mut().zip(&earlier.0) {
            *count -= before;
        }
        self
    }

    /// How many values were seen.
    #[must_use]
    pub fn count(&self) -> Option<f64> {
        self.0.last().map(|(_, count)| *count)
    }

    /// The value below which `share` of what was seen lies, straight between the bounds of a
    /// bucket; none if nothing was seen.
    #[must_use]
    pub fn quantile(&self, share: f64) -> Option<f64> {
        let total = self.count().filter(|total| *total > 0.0)?;
        let rank = total * share;
        let mut below = (0.0, 0.0);
        for (bound, count) in self.0.iter().copied() {
            if count >= rank {
                // Beyond the last bound nothing is known.
                let upper = if bound.is_finite() { bound } else { below.0 };
                let part = if count > below.1 { (rank - below.1) / (count - below.1) } else { 1.0 };
                return Some((upper - below.0).mul_add(part, below.0));
            }
            below = (bound, count);
        }
        None
    }
}

/// The value of a metric without labels of its own.
#[must_use]
pub fn value(exposition: &str, name: &str) -> Option<f64> {
    let line = exposition
        .lines()
        .find(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with([' ', '{'])))?;
    line.rsplit(' ').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# TYPE x histogram\n\
        x_bucket{service=\"s\",le=\"0.005\"} 40\n\
        x_bucket{service=\"s\",le=\"0.01\"} 90\n\
        x_bucket{service=\"s\",le=\"+Inf\"} 100\n\
        x_sum{service=\"s\"} 1.5\nx_count{service=\"s\"} 100\nxy_total{service=\"s\"} 7\n";

    #[test]
    fn quantiles_lie_between_the_bounds_of_their_bucket() {
        let near = |share, expected: f64| {
            let found = Histogram::read(TEXT, "x").quantile(share).unwrap();
            assert!((found - expected).abs() < 1e-9, "{share}: {found}");
        };
        near(0.2, 0.0025);
        near(0.5, 0.006);
        near(0.9, 0.01);
        near(0.99, 0.01);
        assert_eq!(Histogram::read(TEXT, "y").quantile(0.5), None);
    }

    #[test]
    fn what_was_seen_before_does_not_count() {
        let (seen, later) = (Histogram::read(TEXT, "x"), TEXT.replace("} 100", "} 140"));
        let fresh = Histogram::read(&later, "x").since(&seen);
        // Forty values, all beyond the last bound.
        assert_eq!(fresh.quantile(0.1), Some(0.01));
        assert_eq!(seen.clone().since(&seen).quantile(0.5), None);
    }

    #[test]
    fn a_value_is_that_of_the_whole_name() {
        assert_eq!(value(TEXT, "xy_total"), Some(7.0));
        assert_eq!(value(TEXT, "xy"), None);
    }
}
