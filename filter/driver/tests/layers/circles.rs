//! Modules that need themselves through others.

use std::collections::{BTreeMap, BTreeSet};

use crate::paths::named;
use crate::sources::{Module, Sources};

/// The modules that each one names.
type Graph = BTreeMap<Module, BTreeSet<Module>>;

/// The modules that can be reached from themselves, each with the first step of a way back.
pub(crate) fn circles(all: &Sources) -> Vec<String> {
    let graph: Graph = all
        .iter()
        .map(|(module, text)| (module.clone(), named(module, text, all).into_iter().collect()))
        .collect();
    let found = graph.iter().filter_map(|(module, next)| {
        let back = next.iter().find(|next| leads_to(next, module, &graph))?;
        Some(format!("{} (by {})", module.join("::"), back.join("::")))
    });
    found.collect()
}

fn leads_to(start: &Module, end: &Module, graph: &Graph) -> bool {
    let mut seen = BTreeSet::new();
    let mut open = vec![start];
    while let Some(module) = open.pop() {
        if module == end {
            return true;
        }
        if seen.insert(module) {
            open.extend(graph.get(module).into_iter().flatten());
        }
    }
    false
}
