//! The labels of what the filter counts itself.
//!
//! Envoy knows no labels of a filter in `WebAssembly`: they stand in the names, and Envoy takes
//! them out. A machine for `WebAssembly` serves all filters and counts under the name of whichever
//! was made first, which may be one of a cluster; its name is taken out as well.

use portolan_core::contract::counted;
use portolan_core::record::metric::OF_LOOKUPS;
use serde_json::{Value, json};

/// What stands before the names where a cluster's filter was made first.
const OF_A_CLUSTER: &str = r"cluster\..+\.";

/// The entries of `stats_tags`.
pub(crate) fn of_names() -> Vec<Value> {
    let mut labels: Vec<&str> =
        OF_LOOKUPS.iter().flat_map(|metric| metric.labels).map(|label| label.name()).collect();
    labels.sort_unstable();
    labels.dedup();
    let tag = |name: &str, regex: String| json!({"tag_name": name, "regex": regex});
    let labels = labels.into_iter().map(|label| tag(label, counted::pattern(label)));
    let names = names();
    // The second group is empty, and an empty label is none.
    let cluster = tag("portolan_counted_by", format!("^({OF_A_CLUSTER}()){names}"));
    labels.chain([cluster]).collect()
}

/// By what the statistics are kept that a filter of a cluster has made.
pub(crate) fn of_clusters() -> Value {
    json!({"safe_regex": {"regex": format!("{OF_A_CLUSTER}{}.+", names())}})
}

fn names() -> String {
    [counted::NAMESPACE, counted::PREFIX].concat().replace('.', r"\.")
}
