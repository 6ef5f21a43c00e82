//! Compiles fronts: each `Host` belongs to one front.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::config::backend_list::ListTable;
use crate::config::compile::auth;
use crate::config::compile::names::Once;
use crate::config::compile::regions::labels_of_list;
use crate::config::front::landing::Landing;
use crate::config::front::upstreams::compile as upstreams;
use crate::config::front::{Front, Fronts};
use crate::config::ids::FrontId;
use crate::config::mistake::{Mistakes, Path};
use crate::config::ordered::map;
use crate::config::wire::FrontWire;

#[inline(never)]
pub(crate) fn compile(
    wire: Option<&[FrontWire]>,
    scope: &auth::Scope<'_>,
    labels: &BTreeMap<&str, u32>,
    table: &mut ListTable,
    mistakes: &Mistakes,
) -> Fronts {
    let root = Path::Root.key("fronts");
    if wire.is_some_and(<[_]>::is_empty) {
        mistakes.add(&root, "there is no front; write at least one with its `hosts`");
    }
    let mut compiled = Fronts::default();
    let mut hosts = Once::new(mistakes);
    let mut defaults = Once::new(mistakes);
    check_tls(wire.unwrap_or_default(), &root, mistakes);
    for (front, id) in wire.unwrap_or_default().iter().zip((0..).map(FrontId::new)) {
        let path = root.key(&front.name);
        let list = path.key("hosts");
        for (index, host) in front.hosts.iter().flatten().enumerate() {
            let what = format!("the host `{}`", host.as_str());
            if hosts.claim(host.clone(), &front.name, &what, &list.item(index)) {
                compiled.by_host.insert(host.clone(), id);
            }
        }
        if front.default && defaults.claim((), &front.name, "`default`", &path.key("default")) {
            compiled.default = Some(id);
        }
        let upstreams = upstreams::compile(front, &mut hosts, &path, mistakes);
        let named = upstreams.iter().flat_map(|upstreams| upstreams.by_host.keys());
        compiled.by_host.extend(named.clone().map(|host| (host.clone(), id)));
        compiled.list.push(Front {
            id,
            name: front.name.clone(),
            hosts: front.hosts.iter().flatten().chain(named).cloned().collect(),
            tls: front.tls.clone(),
            auth: scope.front_auth(front, table, &path.key("auth")),
            catalog: scope.catalog(front, table, &path.key("catalog")),
            ping_needs_all: front.ping_needs_all,
            health: front.health,
            scrapers: front.scrapers.as_ref().map(|patterns| {
                let list = path.key("metrics");
                labels_of_list(patterns, labels, &list.key("networks"), mistakes)
            }),
            says_backend: front.says_backend,
            client_configuration: front.client_configuration,
            cors: front.cors.clone(),
            upstreams: upstreams.map(Arc::new),
            writes_refused: front.writes_refused.clone(),
            landing: Landing { pages: map(front.landing.iter().cloned()) },
        });
    }
    compiled
}

/// Clients of all fronts come to one listener, with TLS or without.
fn check_tls(fronts: &[FrontWire], root: &Path<'_>, mistakes: &Mistakes) {
    let Some(with) = fronts.iter().find(|front| front.tls.is_some()) else { return };
    for front in fronts.iter().filter(|front| front.tls.is_none()) {
        let message = format!(
            "has no `tls`, and `{}` has: clients of all fronts come to one listener; write `tls` for \
             all of them, or for none if something before Envoy ends TLS",
            with.name
        );
        mistakes.add(&root.key(&front.name), message);
    }
}
