//! Medians and other statistics of measured values.

use serde::Serialize;

/// What some values come to, in the unit of the values.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Summary {
    /// Their sum, divided by their number.
    pub(crate) average: f64,
    /// The value in the middle; of an even number of values, the average of the two in the middle.
    pub(crate) median: f64,
    /// The least of the values that at least 95 % of them do not exceed ("nearest rank"). Of fewer
    /// than 20 values that is the greatest.
    pub(crate) p95: f64,
    /// The least.
    pub(crate) minimum: f64,
    /// The greatest.
    pub(crate) maximum: f64,
}

impl Summary {
    /// What the values come to; `None` if there are none.
    pub(crate) fn of(values: &[f64]) -> Option<Self> {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let count = u32::try_from(sorted.len()).ok()?;
        Some(Self {
            average: sorted.iter().sum::<f64>() / f64::from(count),
            median: median(&sorted)?,
            p95: *sorted.get(nearest_rank(sorted.len(), 95))?,
            minimum: *sorted.first()?,
            maximum: *sorted.last()?,
        })
    }
}

fn median(sorted: &[f64]) -> Option<f64> {
    let upper = sorted.len() / 2;
    let lower = sorted.len().checked_sub(1)? / 2;
    Some(f64::midpoint(*sorted.get(lower)?, *sorted.get(upper)?))
}

/// The index of a percentile among `count` sorted values, at least one.
const fn nearest_rank(count: usize, percent: usize) -> usize {
    count.saturating_mul(percent).div_ceil(100).saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use portolan_command::quantity::real;

    fn up_to(count: u32) -> Vec<f64> {
        (1..=count).map(f64::from).collect()
    }

    #[test]
    fn summaries() {
        #[rustfmt::skip]
        let rows: &[(&[f64], [f64; 5], &str)] = &[
            // values, average, median, p95, minimum, maximum
            (&[7.0], [7.0, 7.0, 7.0, 7.0, 7.0], "one value is everything"),
            (&[3.0, 1.0], [2.0, 2.0, 3.0, 1.0, 3.0], "two: the median is between them"),
            (&[9.0, 1.0, 2.0], [4.0, 2.0, 9.0, 1.0, 9.0], "an outlier moves the average alone"),
            (&[1.0, 2.0, 4.0, 100.0], [26.75, 3.0, 100.0, 1.0, 100.0], "an even number"),
            (&up_to(19), [10.0, 10.0, 19.0, 1.0, 19.0], "19 values: 95 % of them are 18.05"),
            (&up_to(20), [10.5, 10.5, 19.0, 1.0, 20.0], "20: 19 of them are 95 %"),
            (&up_to(100), [50.5, 50.5, 95.0, 1.0, 100.0], "100"),
        ];
        for (values, [average, median, p95, minimum, maximum], reason) in rows {
            let wanted = Summary {
                average: *average,
                median: *median,
                p95: *p95,
                minimum: *minimum,
                maximum: *maximum,
            };
            assert_eq!(Summary::of(values), Some(wanted), "{reason}");
        }
        assert_eq!(Summary::of(&[]), None);
    }

    proptest! {
        /// The twin says what a percentile is for, without ranks: 95 of 100 are not above it, and
        /// the next lesser value would not do.
        #[test]
        fn p95_is_the_least_that_will_do(values in prop::collection::vec(0.0..1e6_f64, 1..200)) {
            let found = Summary::of(&values).unwrap().p95;
            let not_above = |bound: f64| values.iter().filter(|value| **value <= bound).count();
            let share = |part: usize| real(part as u64) / real(values.len() as u64);
            prop_assert!(share(not_above(found)) >= 0.95);
            let below = values.iter().filter(|value| **value < found);
            if let Some(next) = below.copied().max_by(f64::total_cmp) {
                prop_assert!(share(not_above(next)) < 0.95);
            }
        }

        #[test]
        fn half_are_on_either_side_of_the_median(values in prop::collection::vec(0.0..1e6_f64, 1..200)) {
            let median = Summary::of(&values).unwrap().median;
            let above = values.iter().filter(|value| **value > median).count();
            let below = values.iter().filter(|value| **value < median).count();
            prop_assert!(above <= values.len() / 2 && below <= values.len() / 2);
        }
    }
}
