//! Regions: every country, prefix and label belongs to at most one of them.

use std::collections::BTreeMap;

use ipnet::IpNet;

use crate::config::compile::names::Once;
use crate::config::ids::{LabelId, RegionId};
use crate::config::mistake::{Mistakes, Path};
use crate::config::nearest::nearest;
use crate::config::network_table::{NetworkEntry, canonical};
use crate::config::ordered::map;
use crate::config::regions::DEFAULT_REGION;
use crate::config::regions::{GeoSource, Regions, RegionsParts};
use crate::config::user_info::hidden;
use crate::config::wire::RegionWire;

type Networks = [(String, Vec<IpNet>)];

#[inline(never)]
pub(super) fn compile(
    wire: Option<&[RegionWire]>,
    networks: &Networks,
    trusted_proxies: &[IpNet],
    geo_source: GeoSource,
    mistakes: &Mistakes,
) -> Option<Regions> {
    let root = Path::Root.key("regions");
    let wire = wire?;
    let default = wire.iter().position(|region| region.name == DEFAULT_REGION);
    if default.is_none() {
        let message = format!(
            "there is no region `{DEFAULT_REGION}`; write `{DEFAULT_REGION}: {{}}`: it \
             takes every client that no other region does"
        );
        mistakes.add(&root, message);
    }
    check_criteria(wire, &root, mistakes);
    let labels = regions_of_labels(wire, networks, &root, mistakes);
    let parts = RegionsParts {
        names: wire.iter().map(|region| region.name.clone()).collect(),
        default: region_id(default?),
        labels: networks.iter().map(|(label, _)| label.clone()).collect(),
        countries: pairs(wire, |region| &region.countries),
        subdivisions: pairs(wire, |region| &region.subdivisions),
        continents: pairs(wire, |region| &region.continents),
        networks: network_entries(wire, networks, &labels, mistakes),
        trusted_proxies: trusted_proxies.to_vec(),
        geo_source,
    };
    Some(Regions::new(parts))
}

/// The regions whose clients are served as those of the default region.
#[inline(never)]
pub(super) fn drained<'w>(wire: &'w [RegionWire], mistakes: &Mistakes) -> Vec<&'w str> {
    let names = wire.iter().filter(|region| region.drained).map(|region| region.name.as_str());
    let names: Vec<&str> = names.collect();
    if names.contains(&DEFAULT_REGION) {
        let root = Path::Root.key("regions");
        let path = root.key(DEFAULT_REGION);
        let message = "takes the clients of drained regions and cannot be drained itself; drain \
             its backends instead";
        mistakes.add(&path.key("drained"), message);
    }
    names
}

/// A policy has far fewer regions than `u32` holds; the cap only keeps this total.
fn region_id(index: usize) -> RegionId {
    RegionId::new(u32::try_from(index).unwrap_or(u32::MAX))
}

fn pairs<T: Copy>(wire: &[RegionWire], criteria: fn(&RegionWire) -> &Vec<T>) -> Vec<(T, RegionId)> {
    let each = wire.iter().enumerate();
    each.flat_map(|(index, region)| {
        criteria(region).iter().map(move |value| (*value, region_id(index)))
    })
    .collect()
}

/// Countries, subdivisions and continents that two regions claim.
fn check_criteria(wire: &[RegionWire], root: &Path<'_>, mistakes: &Mistakes) {
    let mut countries = Once::new(mistakes);
    let mut subdivisions = Once::new(mistakes);
    let mut continents = Once::new(mistakes);
    for region in wire {
        let path = root.key(&region.name);
        let owner = &region.name;
        let list = path.key("countries");
        for (index, value) in region.countries.iter().enumerate() {
            countries.claim(*value, owner, &format!("the country `{value}`"), &list.item(index));
        }
        let list = path.key("subdivisions");
        for (index, value) in region.subdivisions.iter().enumerate() {
            let what = format!("the subdivision `{value}`");
            subdivisions.claim(*value, owner, &what, &list.item(index));
        }
        let list = path.key("continents");
        for (index, value) in region.continents.iter().enumerate() {
            continents.claim(*value, owner, &format!("the continent `{value}`"), &list.item(index));
        }
    }
}

/// Which region each label belongs to; a label need not belong to any.
///
/// The most specific pattern decides, as the longest prefix does among networks: `aws:eu-*` beside
/// `aws:*` is an exception from it. Two patterns of one length that mean one label are the same.
fn regions_of_labels<'n>(
    wire: &[RegionWire],
    networks: &'n Networks,
    root: &Path<'_>,
    mistakes: &Mistakes,
) -> BTreeMap<&'n str, RegionId> {
    let mut claimed = Once::new(mistakes);
    let mut regions: BTreeMap<&str, (usize, RegionId)> = BTreeMap::new();
    for (position, region) in wire.iter().enumerate() {
        let path = root.key(&region.name);
        let list = path.key("labels");
        for (index, pattern) in region.labels.iter().enumerate() {
            let item = list.item(index);
            let known = networks.iter().map(|(label, _)| label.as_str());
            let meant = labels_meant(pattern, known, &item, mistakes);
            let what = format!("the label `{pattern}`");
            if !claimed.claim(pattern, &region.name, &what, &item) {
                continue;
            }
            let specificity = specificity(pattern);
            for label in meant {
                let found = regions.entry(label).or_insert((specificity, region_id(position)));
                if found.0 < specificity {
                    *found = (specificity, region_id(position));
                }
            }
        }
    }
    map(regions.into_iter().map(|(label, (_, region))| (label, region)))
}

/// How much a pattern says: the letters before its `*`; all of them, and more, where it has none.
fn specificity(pattern: &str) -> usize {
    pattern.strip_suffix('*').map_or(usize::MAX, str::len)
}

/// The labels that a pattern means. That there is none is a mistake.
#[inline(never)]
pub(crate) fn labels_meant<'l>(
    pattern: &str,
    known: impl Iterator<Item = &'l str>,
    path: &Path<'_>,
    mistakes: &Mistakes,
) -> Vec<&'l str> {
    let known: Vec<&str> = known.collect();
    let meant: Vec<&str> = known.iter().copied().filter(|label| is_meant(pattern, label)).collect();
    if meant.is_empty() {
        let advice = match nearest(pattern, known.into_iter()) {
            Some(label) => format!("did you mean `{label}`?"),
            None => {
                "add its prefixes there, for instance with `portolan networks import`".to_owned()
            }
        };
        let message = format!("no label of `networks` matches `{}`; {advice}", hidden(pattern));
        mistakes.add(path, message);
    }
    meant
}

/// The ids of the labels that a list of patterns means, each pattern at its place in the list.
pub(crate) fn labels_of_list(
    patterns: &[String],
    known: &BTreeMap<&str, u32>,
    path: &Path<'_>,
    mistakes: &Mistakes,
) -> Vec<LabelId> {
    let mut ids = Vec::new();
    for (index, pattern) in patterns.iter().enumerate() {
        // An empty name is a value that could not be read; it has its own mistake.
        if pattern.is_empty() {
            continue;
        }
        let meant = labels_meant(pattern, known.keys().copied(), &path.item(index), mistakes);
        ids.extend(meant.iter().filter_map(|one| known.get(one)).copied().map(LabelId::new));
    }
    ids
}

/// `aws:eu-*` means every label that starts with `aws:eu-`.
fn is_meant(pattern: &str, label: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) => label.starts_with(start),
        None => pattern == label,
    }
}

fn is_other(wire: &[RegionWire], id: RegionId, region: &RegionWire) -> bool {
    wire.get(id.index()).is_some_and(|own| own.name != region.name)
}

/// All prefixes: those of regions, then those of labels.
fn network_entries(
    wire: &[RegionWire],
    networks: &Networks,
    labels: &BTreeMap<&str, RegionId>,
    mistakes: &Mistakes,
) -> Vec<NetworkEntry> {
    let mut by_region = Once::new(mistakes);
    let mut by_label = Once::new(mistakes);
    let mut entries = Vec::new();
    // The region that claims each prefix by itself.
    let mut own: BTreeMap<IpNet, usize> = BTreeMap::new();
    let root = Path::Root.key("regions");
    for (position, region) in wire.iter().enumerate() {
        let path = root.key(&region.name);
        let list = path.key("networks");
        for (index, prefix) in region.networks.iter().enumerate() {
            let what = format!("the prefix `{prefix}`");
            by_region.claim(canonical(*prefix), &region.name, &what, &list.item(index));
            let region = Some(region_id(position));
            own.insert(canonical(*prefix), position);
            entries.push(NetworkEntry { prefix: *prefix, region, label: None });
        }
    }
    let root = Path::Root.key("networks");
    for ((label, prefixes), id) in networks.iter().zip((0..).map(LabelId::new)) {
        let list = root.key(label);
        let region = labels.get(label.as_str()).copied();
        for (index, prefix) in prefixes.iter().enumerate() {
            by_label.claim(canonical(*prefix), label, "the prefix", &list.item(index));
            let other = own.get(&canonical(*prefix)).and_then(|position| wire.get(*position));
            let other = other.filter(|other| region.is_some_and(|own| is_other(wire, own, other)));
            if let (Some(other), Some(region)) = (other, region) {
                let mine = wire.get(region.index()).map_or("", |region| region.name.as_str());
                let message = format!(
                    "the prefix `{prefix}` stands in `networks` of the region `{}` too, and the label \
                     belongs to `{mine}`; keep it in one place, or write the two halves of it there",
                    other.name
                );
                mistakes.add(&list.item(index), message);
            }
            entries.push(NetworkEntry { prefix: *prefix, region, label: Some(id) });
        }
    }
    entries
}
