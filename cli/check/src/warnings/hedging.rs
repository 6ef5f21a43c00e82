//! Warnings about backends whose reads are never hedged, though the policy says so.

use std::collections::BTreeSet;

use portolan_command::policy_file::join;
use portolan_core::attempt::hedge;
use portolan_core::config::{Backend, Config, HedgeAfter};

use super::doubt::Doubt;

/// A `hedge_after` that is written at a backend of which no read is hedged, and none is to another.
pub(super) fn doubts(config: &Config) -> Vec<Doubt> {
    let hedged = config.lists().iter().filter_map(|list| hedge(config, list));
    let used: BTreeSet<&str> = hedged.flat_map(|hedge| [hedge.first, hedge.second]).collect();
    let says_so = config
        .backends()
        .iter()
        .filter(|backend| {
            let written = backend.resilience().hedge_after;
            written.is_some_and(|after| after != HedgeAfter::Never)
        })
        .map(Backend::name);
    let doubt = |name: &str| {
        let message = "is not used: reads are hedged between the two backends of a chain of two, \
                       of which neither has `off` and the second is not Docker Hub, unless it has \
                       a `hedge_after` of its own; leave it out";
        (join(&join("backends", name), "hedge_after"), message.to_owned())
    };
    says_so.filter(|name| !used.contains(name)).map(doubt).collect()
}
