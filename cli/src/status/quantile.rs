//! Quantiles of a histogram.

use std::collections::BTreeMap;

use super::scrape::Change;

/// The time that a share (between 0 and 1) of what was counted did not exceed, in seconds; `None`
/// where nothing was counted. `metric` is the name of a histogram of milliseconds.
///
/// As in Prometheus' `histogram_quantile`, values count as spread evenly in their bucket, and what
/// is above all buckets counts as the greatest boundary.
pub(super) fn seconds(
    change: &Change,
    metric: &str,
    labels: &[(&str, &str)],
    share: f64,
) -> Option<f64> {
    let buckets = change.by(&format!("{metric}_bucket"), labels, "le");
    let buckets = buckets.into_iter().filter_map(|(le, count)| Some((le.parse().ok()?, count)));
    Some(quantile(buckets.collect(), share)? / 1000.0)
}

/// How many times were counted, by the values of a label.
pub(super) fn count(
    change: &Change,
    metric: &str,
    labels: &[(&str, &str)],
    by: &str,
) -> BTreeMap<String, f64> {
    change.by(&format!("{metric}_count"), labels, by)
}

/// The buckets are upper boundaries and how many are not above each.
fn quantile(mut buckets: Vec<(f64, f64)>, share: f64) -> Option<f64> {
    buckets.sort_by(|one, other| one.0.total_cmp(&other.0));
    let (_, all) = *buckets.last()?;
    let rank = all * share;
    let mut lower = (0.0, 0.0);
    for (boundary, count) in buckets {
        if count >= rank && count > lower.1 {
            if boundary.is_infinite() {
                return Some(lower.0);
            }
            let part = (rank - lower.1) / (count - lower.1);
            return Some((boundary - lower.0).mul_add(part.max(0.0), lower.0));
        }
        lower = (boundary, count);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::names;
    use super::super::scrape::Scrape;
    use super::*;

    /// Buckets, the share, the time, and the reason.
    type Row<'a> = (&'a [(f64, f64)], f64, Option<f64>, &'a str);

    #[test]
    fn quantiles() {
        let infinite = f64::INFINITY;
        #[rustfmt::skip]
        let rows: [Row<'_>; 8] = [
            (&[], 0.5, None, "no buckets"),
            (&[(10.0, 4.0), (infinite, 4.0)], 0.5, Some(5.0), "half of the first bucket"),
            (&[(infinite, 4.0), (20.0, 4.0), (10.0, 0.0)], 0.5, Some(15.0), "in any order; the middle of the second"),
            (&[(10.0, 5.0), (20.0, 10.0), (infinite, 10.0)], 0.5, Some(10.0), "a boundary"),
            (&[(10.0, 5.0), (20.0, 10.0), (infinite, 10.0)], 0.95, Some(19.0), "near the end"),
            (&[(10.0, 5.0), (20.0, 5.0), (infinite, 10.0)], 0.95, Some(20.0), "above all boundaries"),
            (&[(10.0, 0.0), (20.0, 1.0), (infinite, 1.0)], 0.0, Some(10.0), "the least"),
            (&[(10.0, 0.0), (infinite, 0.0)], 0.5, None, "nothing was counted"),
        ];
        for (buckets, share, wanted, reason) in rows {
            let found = quantile(buckets.to_vec(), share);
            let is_close = match (found, wanted) {
                (Some(found), Some(wanted)) => (found - wanted).abs() < 1e-9,
                (found, wanted) => found == wanted,
            };
            assert!(is_close, "{reason}: {found:?}");
        }
    }

    #[test]
    fn of_one_backend() {
        let text = "portolan_first_byte_milliseconds_bucket{backend=\"a\",le=\"200\"} 3\n\
                    portolan_first_byte_milliseconds_bucket{backend=\"a\",le=\"+Inf\"} 3\n\
                    portolan_first_byte_milliseconds_count{backend=\"a\"} 3\n";
        let change = Scrape::read(text).unwrap().since(&Scrape::default());
        let found = seconds(&change, names::FIRST_BYTE, &[("backend", "a")], 0.5).unwrap();
        assert!((found - 0.1).abs() < 1e-9, "{found}");
        assert_eq!(seconds(&change, names::FIRST_BYTE, &[("backend", "b")], 0.5), None);
        let counts = count(&change, names::FIRST_BYTE, &[], "backend");
        assert_eq!(counts, BTreeMap::from([("a".to_owned(), 3.0)]));
    }
}
