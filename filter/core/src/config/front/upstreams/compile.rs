//! Compiles the upstreams of a front, and checks that no name means two of them.

use crate::config::compile::names::Once;
use crate::config::front::host::FrontHost;
use crate::config::front::upstreams::{Upstream, Upstreams};
use crate::config::ids::UpstreamId;
use crate::config::mistake::{Mistakes, Path};
use crate::config::nearest::unknown_name;
use crate::config::user_info::hidden;
use crate::config::wire::{FrontWire, UpstreamWire};
use crate::grammar::is_repository_prefix;

/// Compiles the upstreams of one front; `hosts` are those of all fronts so far.
#[inline(never)]
pub(crate) fn compile(
    front: &FrontWire,
    hosts: &mut Once<'_, FrontHost>,
    path: &Path<'_>,
    mistakes: &Mistakes,
) -> Option<Upstreams> {
    let root = path.key("upstreams");
    let wire = front.upstreams.as_deref();
    if wire.is_some_and(<[_]>::is_empty) {
        let message = "is empty; write at least one registry that clients name, or leave it out \
             where all names are of one namespace";
        mistakes.add(&root, message);
    }
    let mut compiled = Upstreams::default();
    let mut namespaces = Once::new(mistakes);
    for (wire, id) in wire.unwrap_or_default().iter().zip((0..).map(UpstreamId::new)) {
        let path = root.key(&wire.name);
        let upstream = upstream(wire, &path, mistakes);
        check_prefix(&upstream, &compiled.list, &path, mistakes);
        for (index, host) in upstream.hosts.iter().enumerate() {
            let (owner, what) = (owner(front, wire), format!("the host `{}`", host.as_str()));
            if hosts.claim(host.clone(), &owner, &what, &path.key("hosts").item(index)) {
                compiled.by_host.insert(host.clone(), id);
            }
        }
        for (index, namespace) in upstream.namespaces.iter().enumerate() {
            let what = format!("the `ns` `{}`", namespace.as_str());
            let place = path.key("ns");
            if namespaces.claim(namespace.clone(), &wire.name, &what, &place.item(index)) {
                compiled.by_namespace.insert(namespace.clone(), id);
            }
        }
        compiled.list.push(upstream);
    }
    compiled.default = default(front, &compiled, &path.key("default_upstream"), mistakes);
    check_nameable(&compiled, &root, mistakes);
    wire.is_some().then_some(compiled)
}

/// How a message names the place of an upstream.
fn owner(front: &FrontWire, upstream: &UpstreamWire) -> String {
    format!("{}.upstreams.{}", front.name, upstream.name)
}

fn upstream(wire: &UpstreamWire, path: &Path<'_>, mistakes: &Mistakes) -> Upstream {
    let prefix = wire.prefix();
    if !is_repository_prefix(&prefix) {
        let message = "its name cannot stand before a repository's; write `prefix`, the start of \
             its repositories' names in the policy";
        mistakes.add(path, message);
    }
    if wire.path == Some(true) && prefix.is_empty() {
        let message = "an empty `prefix` cannot be seen in a path; leave `path` out, or write a \
             `prefix`";
        mistakes.add(&path.key("path"), message);
    }
    Upstream {
        name: wire.name.clone(),
        path: wire.path.unwrap_or(!prefix.is_empty()),
        prefix,
        hosts: wire.hosts.clone(),
        namespaces: wire
            .namespaces
            .clone()
            .unwrap_or_else(|| FrontHost::parse(&wire.name).into_iter().collect()),
        completes_library: wire.completes_library,
    }
}

/// One name in the policy must mean one repository. `before` are the upstreams that stand before.
fn check_prefix(upstream: &Upstream, before: &[Upstream], path: &Path<'_>, mistakes: &Mistakes) {
    let prefix = upstream.prefix();
    let overlaps = |other: &&Upstream| {
        let other = other.prefix();
        prefix.is_empty() == other.is_empty()
            && (prefix.starts_with(other) || other.starts_with(prefix))
    };
    let Some(other) = before.iter().find(overlaps) else { return };
    let (theirs, name) = (other.prefix(), other.name());
    let message = if prefix.is_empty() {
        format!("is empty, as that of `{name}`; write a prefix for one of them")
    } else {
        format!(
            "`{prefix}` and `{theirs}` of `{name}` can begin one name, which would then mean two \
             repositories; write prefixes of which none begins another"
        )
    };
    mistakes.add(&path.key("prefix"), message);
}

fn default(
    front: &FrontWire,
    upstreams: &Upstreams,
    path: &Path<'_>,
    mistakes: &Mistakes,
) -> Option<UpstreamId> {
    let name = front.default_upstream.as_ref()?;
    let found = upstreams.called(name);
    if found.is_none() {
        let names: Vec<&str> = upstreams.all().iter().map(Upstream::name).collect();
        let message = match names.as_slice() {
            [] => "there are no `upstreams`; write them, or leave this out".to_owned(),
            _ => unknown_name("upstream", &hidden(name), &names),
        };
        mistakes.add(path, message);
    }
    found
}

/// An upstream that no request can name is a mistake of whoever wrote it.
fn check_nameable(upstreams: &Upstreams, root: &Path<'_>, mistakes: &Mistakes) {
    for upstream in upstreams.all() {
        let is_default = upstreams.default.and_then(|id| upstreams.get(id)) == Some(upstream);
        let is_named = !upstream.hosts.is_empty() || !upstream.namespaces.is_empty();
        if !is_named && !upstream.path && !is_default {
            let message = "no request can name it; write `hosts`, `ns` or `path: true`, or make it \
                 `default_upstream`";
            mistakes.add(&root.key(&upstream.name), message);
        }
    }
}
