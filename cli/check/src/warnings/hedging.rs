//! Warnings about backends whose reads are never hedged, though the policy says so.

use std::collections::BTreeSet;

use portolan_command::policy_file::join;
use portolan_core::attempt::hedge;
use portolan_core::config::{Backend, Config, HedgeAfter};

use super::doubt::Doubt;

/// `hedge_after` of backends that stand in no chain of two beside another one that has it.
pub(super) fn doubts(config: &Config) -> Vec<Doubt> {
    let hedged = config.lists().iter().filter_map(|list| hedge(config, list));
    let used: BTreeSet<&str> = hedged.flat_map(|hedge| [hedge.first, hedge.second]).collect();
    let says_so = config
        .backends()
        .iter()
        .filter(|backend| backend.resilience().hedge_after != HedgeAfter::Never)
        .map(Backend::name);
    let doubt = |name: &str| {
        let message = "is not used: reads are hedged between the two backends of a chain of two \
                       that both have it; write it at both, or leave it out";
        (join(&join("backends", name), "hedge_after"), message.to_owned())
    };
    says_so.filter(|name| !used.contains(name)).map(doubt).collect()
}
