//! The naive twin: the words of the documentation, one sentence after the other. It knows nothing
//! of how a request is read.

use crate::config::{Front, Upstream};

/// The policy's name of `name`, given which upstream the host and `ns` name, by their positions.
pub(super) fn to_policy(
    front: &Front,
    host: Option<usize>,
    namespace: Option<usize>,
    name: &str,
) -> Option<String> {
    let upstreams = front.upstreams().unwrap();
    let all = upstreams.all();
    let begins = |upstream: &Upstream| {
        upstream.is_in_paths()
            && name.len() > upstream.prefix().len()
            && &name[..upstream.prefix().len()] == upstream.prefix()
    };
    // 1. The host decides, and the whole name is the registry's.
    if let Some(upstream) = host.map(|index| &all[index]) {
        return Some(complete(upstream, name));
    }
    // 2. `ns` decides, and the prefix may be there.
    if let Some(upstream) = namespace.map(|index| &all[index]) {
        let rest = if begins(upstream) { &name[upstream.prefix().len()..] } else { name };
        return Some(complete(upstream, rest));
    }
    // 3. The prefix decides.
    if let Some(upstream) = all.iter().find(|upstream| begins(upstream)) {
        return Some(complete(upstream, &name[upstream.prefix().len()..]));
    }
    // 4. The default decides.
    let default = upstreams.get(upstreams.for_unnamed()?)?;
    Some(complete(default, name))
}

fn complete(upstream: &Upstream, name: &str) -> String {
    let components = name.split('/').count();
    let library = if upstream.has_library() && components == 1 { "library/" } else { "" };
    format!("{}{library}{name}", upstream.prefix())
}
