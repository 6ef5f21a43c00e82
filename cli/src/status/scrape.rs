//! The metrics of one Envoy at one moment, and the changes between two moments.

use std::collections::BTreeMap;

use super::exposition::{Sample, Unreadable, read};
use super::names;

/// Names of labels and their values, in alphabetical order.
type Labels = BTreeMap<String, String>;

/// The numbers of one Envoy at one moment, by metric and labels.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Scrape(BTreeMap<String, BTreeMap<Labels, f64>>);

/// By how much counters have grown in a while; of one Envoy, or of several together.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Change(BTreeMap<String, BTreeMap<Labels, f64>>);

impl Scrape {
    /// Reads what the metrics listener or the admin interface says.
    ///
    /// # Errors
    ///
    /// It is not Prometheus' text.
    pub(super) fn read(text: &str) -> Result<Self, Unreadable> {
        let mut metrics: BTreeMap<String, BTreeMap<Labels, f64>> = BTreeMap::new();
        for Sample { name, labels, value } in read(text, names::is_wanted)? {
            let series = metrics.entry(names::plain(&name).to_owned()).or_default();
            let before = series.entry(labels.into_iter().collect()).or_default();
            *before = if names::is_refusal(&name) { *before + value } else { value };
        }
        Ok(Self(metrics))
    }

    /// The one value of a metric without labels.
    pub(super) fn value(&self, metric: &str) -> Option<f64> {
        self.series(metric).next().map(|(_, value)| value)
    }

    /// The values of a metric by one of its labels; the greatest, if there are several.
    pub(super) fn by(&self, metric: &str, label: &str) -> BTreeMap<&str, f64> {
        let mut found = BTreeMap::new();
        for (labels, value) in self.series(metric) {
            if let Some(text) = labels.get(label).filter(|text| *text != names::NOTHING) {
                let greatest = found.entry(text.as_str()).or_insert(value);
                *greatest = value.max(*greatest);
            }
        }
        found
    }

    fn series(&self, metric: &str) -> impl Iterator<Item = (&Labels, f64)> {
        let series = self.0.get(metric).into_iter().flatten();
        series.map(|(labels, value)| (labels, *value))
    }

    /// By how much each number has grown since an earlier moment. A number that was not there began
    /// at zero, and one that is less than before has begun anew: Envoy was started again.
    pub(super) fn since(&self, before: &Self) -> Change {
        let grown = |name: &String, labels: &Labels, now: f64| {
            let then = before.0.get(name).and_then(|series| series.get(labels)).copied();
            then.filter(|then| *then <= now).map_or(now, |then| now - then)
        };
        let of = |(name, series): (&String, &BTreeMap<Labels, f64>)| {
            let series =
                series.iter().map(|(labels, now)| (labels.clone(), grown(name, labels, *now)));
            (name.clone(), series.collect())
        };
        Change(self.0.iter().map(of).collect())
    }
}

impl Change {
    /// Adds what has changed at another Envoy.
    pub(super) fn add(&mut self, other: Self) {
        for (name, series) in other.0 {
            let sums = self.0.entry(name).or_default();
            for (labels, by) in series {
                *sums.entry(labels).or_default() += by;
            }
        }
    }

    /// By how much the series of a metric grew that have these labels.
    pub(super) fn sum(&self, metric: &str, wanted: &[(&str, &str)]) -> f64 {
        self.matching(metric, wanted).map(|(_, by)| by).sum()
    }

    /// The same, by the value of one more label.
    pub(super) fn by(
        &self,
        metric: &str,
        wanted: &[(&str, &str)],
        label: &str,
    ) -> BTreeMap<String, f64> {
        let mut sums = BTreeMap::new();
        for (labels, by) in self.matching(metric, wanted) {
            let text = labels.get(label).map_or(names::NOTHING, String::as_str);
            *sums.entry(text.to_owned()).or_default() += by;
        }
        sums
    }

    /// The series of a metric that grew and have these labels.
    pub(super) fn matching<'a>(
        &'a self,
        metric: &str,
        wanted: &'a [(&str, &str)],
    ) -> impl Iterator<Item = (&'a Labels, f64)> {
        let series = self.0.get(metric).into_iter().flatten();
        let has = |labels: &Labels, (name, text): &(&str, &str)| {
            labels.get(*name).is_some_and(|found| found == text)
        };
        let series = series.filter(move |(labels, _)| wanted.iter().all(|one| has(labels, one)));
        series.map(|(labels, by)| (labels, *by))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scrape(text: &str) -> Scrape {
        Scrape::read(text).unwrap()
    }

    #[test]
    fn counters_that_grow() {
        let before = scrape(
            "portolan_attempts_total{backend=\"a\",result=\"ok\"} 5\n\
             portolan_attempts_total{backend=\"a\",result=\"failed\"} 9\n\
             portolan_attempts_total{backend=\"b\",result=\"ok\"} 4\n",
        );
        let after = scrape(
            "envoy_portolan_attempts_total{backend=\"a\",result=\"ok\"} 7\n\
             envoy_portolan_attempts_total{backend=\"a\",result=\"failed\"} 1\n\
             envoy_portolan_attempts_total{backend=\"a\",result=\"reset\"} 3\n\
             envoy_portolan_attempts_total{backend=\"b\",result=\"ok\"} 4\n",
        );
        let mut change = after.since(&before);
        let attempts = names::ATTEMPTS;
        #[rustfmt::skip]
        let rows = [
            (vec![("backend", "a"), ("result", "ok")], 2.0, "it grew"),
            (vec![("backend", "a"), ("result", "failed")], 1.0, "it began anew"),
            (vec![("backend", "a"), ("result", "reset")], 3.0, "it was not there"),
            (vec![("backend", "a")], 6.0, "all of one backend"),
            (vec![("backend", "b")], 0.0, "it did not grow"),
            (vec![("backend", "c")], 0.0, "nobody knows it"),
            (vec![("region", "a")], 0.0, "a label that it has not"),
            (vec![], 6.0, "all"),
        ];
        for (wanted, by, reason) in &rows {
            assert!((change.sum(attempts, wanted) - by).abs() < 1e-9, "{reason}");
        }
        let by_backend = BTreeMap::from([("a".to_owned(), 6.0), ("b".to_owned(), 0.0)]);
        assert_eq!(change.by(attempts, &[], "backend"), by_backend);
        change.add(after.since(&before));
        assert!((change.sum(attempts, &[]) - 12.0).abs() < 1e-9, "two Envoys");
    }

    #[test]
    fn gauges() {
        let text = "envoy_cluster_membership_healthy{envoy_cluster_name=\"a\",zone=\"x\"} 0\n\
                    envoy_cluster_membership_healthy{envoy_cluster_name=\"a\",zone=\"y\"} 1\n\
                    envoy_cluster_membership_healthy{envoy_cluster_name=\"\"} 1\n\
                    envoy_server_state{} 1\n\
                    envoy_http_downstream_rq_total{} 1\n";
        let found = scrape(text);
        assert_eq!(
            found.by(names::MEMBERSHIP_HEALTHY, names::CLUSTER),
            BTreeMap::from([("a", 1.0)])
        );
        assert_eq!(found.value(names::SERVER_STATE), Some(1.0));
        assert_eq!(found.value("envoy_http_downstream_rq_total"), None, "nobody wants it");
    }
}
