//! Compiles budgets, and checks that everything they name exists.

use crate::config::budget::{Budget, Each};
use crate::config::compile::names::{ids_by_name, unknown};
use crate::config::mistake::{Mistakes, Path};
use crate::config::wire::{FrontAuthWire, PolicyWire};

#[inline(never)]
pub(super) fn check(wire: &PolicyWire, mistakes: &Mistakes) {
    let Some(limits) = &wire.clients.limits else { return };
    let fronts = ids_by_name(wire.fronts.iter().flatten().map(|front| front.name.as_str()));
    let regions = ids_by_name(wire.regions.iter().flatten().map(|region| region.name.as_str()));
    let backends = ids_by_name(wire.backends.iter().flatten().map(|backend| backend.name.as_str()));
    let root = Path::Root.key("clients");
    let root = root.key("limits");
    let root = root.key("budgets");
    for (index, budget) in limits.budgets.iter().enumerate() {
        let item = root.item(index);
        let Budget { fronts: of_fronts, regions: of_regions, backends: of_backends, .. } = budget;
        let lists = [
            ("fronts", "front", of_fronts, &fronts),
            ("regions", "region", of_regions, &regions),
            ("backends", "backend", of_backends, &backends),
        ];
        for (field, what, named, known) in lists {
            let list = item.key(field);
            for (place, name) in named.iter().enumerate() {
                if !known.contains_key(name.as_str()) {
                    mistakes.add(&list.item(place), unknown(what, name, known));
                }
            }
        }
        if let Some(place) = budget.each.iter().position(|each| *each == Each::User)
            && !may_know_users(wire, of_fronts)
        {
            mistakes.add(&item.key("each").item(place), NO_USERS);
        }
    }
}

const NO_USERS: &str = "no front that it counts asks for passwords, so nobody has a user name; write `client`, or \
                        name a front with `auth.basic` in `fronts`";

/// Whether one of these fronts, or of all where none is named, knows who its users are.
fn may_know_users(wire: &PolicyWire, named: &[String]) -> bool {
    let counted = (wire.fronts.iter().flatten())
        .filter(|front| named.is_empty() || named.contains(&front.name));
    counted.into_iter().any(|front| matches!(front.auth, Some(FrontAuthWire::Basic { .. })))
}
