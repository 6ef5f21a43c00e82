//! From the wire form to the compiled form: every reference is resolved, every contradiction
//! between two places is a mistake at the later one.

mod backends;
mod clients;
mod fronts;
mod regions;
mod rules;

use std::collections::BTreeMap;

use super::Config;
use super::mistake::{Mistakes, Path};
use super::wire::PolicyWire;

/// Compiles a policy. `None` is returned only together with at least one mistake.
pub(crate) fn compile(wire: PolicyWire, mistakes: &Mistakes) -> Option<Config> {
    let (clients, geo_source) = clients::compile(wire.clients, mistakes);
    let fronts = fronts::compile(&wire.fronts, mistakes);
    let regions = regions::compile(
        &wire.regions,
        &wire.networks,
        &clients.trusted_proxies,
        geo_source,
        mistakes,
    );
    let backend_ids = ids_by_name(wire.backends.iter().map(|backend| backend.name.as_str()));
    let region_ids = ids_by_name(wire.regions.iter().map(|region| region.name.as_str()));
    let rules = rules::compile(wire.rules, &backend_ids, &region_ids, mistakes);
    let backends = backends::compile(wire.backends, mistakes);
    Some(Config { fronts, backends: backends?, regions: regions?, clients, rules })
}

/// The position of each name.
fn ids_by_name<'a>(names: impl Iterator<Item = &'a str>) -> BTreeMap<&'a str, u32> {
    names.zip(0..).collect()
}

/// Remembers where each value was declared and complains about the second place.
struct Once<'m, K> {
    seen: BTreeMap<K, String>,
    mistakes: &'m Mistakes,
}

impl<'m, K: Ord> Once<'m, K> {
    fn new(mistakes: &'m Mistakes) -> Self {
        Self { seen: BTreeMap::new(), mistakes }
    }

    /// Whether this is the first place of `key`; `what` names it for the message.
    fn claim(&mut self, key: K, owner: &str, what: &str, path: &Path<'_>) -> bool {
        if let Some(first) = self.seen.get(&key) {
            let message = format!("{what} already belongs to `{first}`; keep it in one place");
            self.mistakes.add(path, message);
            return false;
        }
        self.seen.insert(key, owner.to_owned());
        true
    }
}
