//! Counters and times that the worker measures itself, because its host has no record of them.

use portolan_core::contract::counted;
use portolan_core::record::metric::{BLOB_PROBES, Metric, Shape, TOKEN_EXPIRES, TOKEN_FETCHES};
use portolan_core::record::{FetchResult, ProbeResult};

const SECOND: u64 = 1_000_000_000;

/// What the worker counts or measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quantity(Metric);

/// Everything that the worker counts or measures.
pub const QUANTITIES: [Quantity; 3] =
    [Quantity(TOKEN_FETCHES), Quantity(TOKEN_EXPIRES), Quantity(BLOB_PROBES)];

impl Quantity {
    /// The name, for a host that knows labels.
    #[must_use]
    pub fn name(self) -> String {
        counted::name(self.0.name)
    }

    /// The names of the labels.
    #[must_use]
    pub fn labels(self) -> Vec<&'static str> {
        self.0.labels.iter().map(|label| label.name()).collect()
    }

    /// Whether its values are added up; else the last one stays.
    #[must_use]
    pub const fn is_counter(self) -> bool {
        matches!(self.0.shape, Shape::Counter)
    }
}

/// One more for a counter, or the new value of a gauge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Measured {
    /// Of what.
    pub quantity: Quantity,
    /// The values of its labels, in their order: names of the policy, or words of a fixed set.
    pub labels: Vec<String>,
    /// By how much a counter grows, or what a gauge is from now on.
    pub value: u64,
}

impl Measured {
    /// The fetch of a token has ended.
    pub(crate) fn fetch(backend: &str, result: FetchResult) -> Self {
        one(TOKEN_FETCHES, [backend, result.as_str()])
    }

    /// A token is there, until this moment in nanoseconds since 1970.
    pub(crate) fn token(backend: &str, ends: u64) -> Self {
        Self { value: ends / SECOND, ..one(TOKEN_EXPIRES, [backend]) }
    }

    /// A question to a blob store has ended.
    pub(crate) fn probe(store: &str, result: ProbeResult) -> Self {
        one(BLOB_PROBES, [store, result.as_str()])
    }

    /// The name with the labels in it, for a host that knows no labels.
    #[must_use]
    pub fn name(&self) -> String {
        let labels = self.quantity.labels().into_iter();
        let labels: Vec<(&str, &str)> =
            labels.zip(self.labels.iter().map(String::as_str)).collect();
        counted::labelled(self.quantity.0.name, &labels)
    }
}

fn one<const N: usize>(metric: Metric, labels: [&str; N]) -> Measured {
    Measured { quantity: Quantity(metric), labels: labels.map(str::to_owned).to_vec(), value: 1 }
}

#[cfg(test)]
mod tests {
    use portolan_core::record::metric::OF_LOOKUPS;

    use super::*;

    #[test]
    fn the_host_is_told_of_all_that_is_documented() {
        assert_eq!(QUANTITIES.map(|quantity| quantity.0), OF_LOOKUPS);
        assert_eq!(QUANTITIES.map(Quantity::is_counter), [true, false, true]);
        assert_eq!(Quantity(BLOB_PROBES).labels(), ["store", "result"]);
    }

    #[test]
    fn each_has_the_labels_of_its_metric() {
        let rows = [
            (
                Measured::fetch("hub", FetchResult::Ok),
                "token_fetches_total;backend=hub;result=ok",
                1,
            ),
            (
                Measured::token("hub", 90 * SECOND),
                "token_expires_timestamp_seconds;backend=hub",
                90,
            ),
            (
                Measured::probe("s3", ProbeResult::Absent),
                "blob_probes_total;store=s3;result=absent",
                1,
            ),
        ];
        for (measured, name, value) in rows {
            assert_eq!(measured.name(), format!("{}{name}", counted::PREFIX));
            assert_eq!(measured.labels.len(), measured.quantity.labels().len());
            assert_eq!(measured.value, value);
            assert!(QUANTITIES.contains(&measured.quantity));
        }
    }
}
