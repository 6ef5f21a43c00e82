//! Fronts: which authority belongs to which.

use super::{Once, auth};
use crate::config::fronts::{Front, Fronts};
use crate::config::ids::FrontId;
use crate::config::landing::Landing;
use crate::config::list::ListTable;
use crate::config::mistake::{Mistakes, Path};
use crate::config::wire::FrontWire;

pub(super) fn compile(
    wire: Option<&[FrontWire]>,
    scope: &auth::Scope<'_>,
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
    for (front, id) in wire.unwrap_or_default().iter().zip((0..).map(FrontId::new)) {
        let path = root.key(&front.name);
        let list = path.key("hosts");
        if front.hosts.as_ref().is_some_and(Vec::is_empty) {
            mistakes.add(&list, "is empty; write at least one host that clients use");
        }
        for (index, host) in front.hosts.iter().flatten().enumerate() {
            let what = format!("the host `{}`", host.as_str());
            if hosts.claim(host.clone(), &front.name, &what, &list.item(index)) {
                compiled.by_host.insert(host.clone(), id);
            }
        }
        if front.default && defaults.claim((), &front.name, "`default`", &path.key("default")) {
            compiled.default = Some(id);
        }
        compiled.list.push(Front {
            name: front.name.clone(),
            hosts: front.hosts.clone().unwrap_or_default(),
            auth: scope.front_auth(front, table, &path.key("auth")),
            landing: Landing { pages: front.landing.iter().cloned().collect() },
        });
    }
    compiled
}
