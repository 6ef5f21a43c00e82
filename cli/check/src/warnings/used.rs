//! The backends that rules name, as they are written.

use std::collections::BTreeSet;

use portolan_command::policy_file::view;
use portolan_core::config::Document;

/// The names of the backends that some rule sends requests to.
pub(super) fn used_backends(rules: &[Document]) -> BTreeSet<&str> {
    let mut used = BTreeSet::new();
    for rule in rules {
        used.extend(view::field(rule, "owner").and_then(view::text));
        used.extend(view::field(rule, "signatures").and_then(view::text));
        for (_, chain) in view::mapping(view::field(rule, "chains")) {
            used.extend(links(chain));
        }
    }
    used
}

/// The names of a chain's backends, each a name or `{backend: NAME, share: PERCENT}`.
pub(super) fn links(chain: &Document) -> impl Iterator<Item = &str> {
    let name =
        |link| view::text(link).or_else(|| view::field(link, "backend").and_then(view::text));
    view::list(Some(chain)).iter().filter_map(name)
}
