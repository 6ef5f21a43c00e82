//! Compiles chains: from names of backends to lists that a request can be sent to.

use crate::config::backend_list::{ListTable, Purpose};
use crate::config::ids::{BackendId, ListId};
use crate::config::mistake::{Mistakes, Path};
use crate::config::rule::Owner;
use crate::config::rule::chain::{Chain, Lists, Trial};

/// One backend of a chain, resolved.
#[derive(Clone, Copy)]
pub(crate) struct Link {
    pub(crate) backend: BackendId,
    pub(crate) share: Option<u8>,
    pub(crate) drained: bool,
}

/// What the rule around a chain says about tags.
pub(crate) struct Tags<'a> {
    /// The backends that the rule declares as replicas.
    pub(crate) replicas: &'a [BackendId],
    /// The owner of the rule, if it has one.
    pub(crate) owner: Option<Owner>,
    /// Whether tags are read from the owner.
    pub(crate) from_owner: bool,
}

/// Compiles one chain; `None` only together with a mistake.
#[inline(never)]
pub(crate) fn compile(
    (cache, links): (Option<BackendId>, &[Link]),
    tags: &Tags<'_>,
    table: &mut ListTable,
    path: &Path<'_>,
    mistakes: &Mistakes,
) -> Option<Chain> {
    let mut trials = links.iter().filter(|link| !link.drained && link.share.is_some());
    let trial = trials.next();
    if trials.next().is_some() {
        mistakes.add(path, "tries out two backends at once; keep one `share`");
    }
    let whole = lists((cache, links), tags, table);
    if whole.is_none() {
        let message = "has nobody left: every backend that may answer is drained; end the drain \
             of one or write another backend";
        mistakes.add(path, message);
    }
    let trial = match trial {
        None => None,
        Some(tried) => {
            // For the other repositories the chain is what it would be without the backend.
            let others = links.iter().filter(|link| link.backend != tried.backend);
            let without = lists((cache, &others.copied().collect::<Vec<_>>()), tags, table);
            if without.is_none() {
                let message = "has a `share` and nobody for the other repositories; write another \
                     backend into the chain";
                mistakes.add(path, message);
            }
            Some(Trial { share: tried.share?, without: without? })
        }
    };
    Some(Chain { whole: whole?, trial })
}

/// The lists of a chain; `None` if nobody would be left in one of them.
fn lists(
    (cache, links): (Option<BackendId>, &[Link]),
    tags: &Tags<'_>,
    table: &mut ListTable,
) -> Option<Lists> {
    let kept = |link: &&Link| !link.drained;
    let digests: Vec<BackendId> = links.iter().filter(kept).map(|link| link.backend).collect();
    // Who may answer for tags is settled before anybody is left out: a drained replica must
    // not hand its tags to a backend that was never declared one.
    let declared: Vec<&Link> =
        links.iter().filter(|link| tags.replicas.contains(&link.backend)).collect();
    let entitled = if declared.is_empty() { links.first().into_iter().collect() } else { declared };
    let answering: Vec<BackendId> =
        entitled.into_iter().filter(kept).map(|link| link.backend).collect();
    let from_owner = tags.owner.filter(|_| tags.from_owner).map(|owner| owner.list);
    if digests.is_empty() || (answering.is_empty() && from_owner.is_none()) {
        return None;
    }
    let existence = tags.owner.map(|owner| owner_first(owner, &digests, table));
    let behind = |cache| std::iter::once(cache).chain(digests.iter().copied()).collect();
    Some(Lists {
        cached: cache.map(|cache| table.id(Purpose::Read, behind(cache))),
        digests: table.id(Purpose::Read, digests),
        tags: from_owner.unwrap_or_else(|| table.id(Purpose::Read, answering)),
        existence,
    })
}

/// The owner, then the rest of the chain; the owner's own list if there is no rest.
fn owner_first(owner: Owner, chain: &[BackendId], table: &mut ListTable) -> ListId {
    let rest = chain.iter().copied().filter(|backend| *backend != owner.backend);
    let list: Vec<BackendId> = std::iter::once(owner.backend).chain(rest).collect();
    if list.len() == 1 { owner.list } else { table.id(Purpose::Read, list) }
}
