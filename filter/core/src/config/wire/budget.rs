//! The wire form of a budget of requests.

use crate::config::budget::{Budget, CLASSES, EACH};
use crate::config::fields::BUDGET;
use crate::config::reader::Node;
use crate::config::wire::rate::{Rate, read_rate};
use crate::config::wire::values::list;

pub(super) fn read_budget(node: &Node<'_>) -> Option<Budget> {
    const CLASS: &str =
        "`read_manifest`, `read_blob`, `tags`, `referrers`, `write`, `upload` or `catalog`";
    const KEPT_APART: &str = "`front`, `class`, `region` or `client`";
    let fields = node.fields(&BUDGET);
    let name = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let class = |text: &str| CLASSES.iter().copied().find(|class| *class == text);
    let word = |text: &str| EACH.iter().find(|(word, _)| *word == text).map(|(_, each)| *each);
    let fronts = list(&fields, "fronts", "the name of a front", name);
    let classes = list(&fields, "classes", CLASS, class);
    let regions = list(&fields, "regions", "the name of a region", name);
    let backends = list(&fields, "backends", "the name of a backend", name);
    let mut each = list(&fields, "each", KEPT_APART, word);
    each.sort_unstable();
    each.dedup();
    let Rate { requests, per, burst } = read_rate(&fields)?;
    Some(Budget { requests, per, burst, fronts, classes, regions, backends, each })
}
