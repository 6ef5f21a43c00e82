//! Budgets of requests: whether there is what they name.

use super::names::{ids_by_name, unknown};
use crate::config::budget::Budget;
use crate::config::mistake::{Mistakes, Path};
use crate::config::wire::PolicyWire;

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
    }
}
