//! The lines that mend what was found, as a file for `network_files`.

use std::collections::BTreeMap;
use std::fmt::Write;

use ipnet::IpNet;
use portolan_core::config::Config;
use portolan_core::config::ids::RegionId;

use super::misplaced::Misplaced;

/// How many networks of each kind are shown with their reason.
const SHOWN: usize = 20;

/// The label of networks that belong into a region.
pub(super) fn label(region: &str) -> String {
    let plain =
        |byte: char| if byte.is_ascii_alphanumeric() { byte.to_ascii_lowercase() } else { '-' };
    let name: String = region.chars().map(plain).collect();
    format!("audit:{}", name.trim_matches('-'))
}

/// What was found, the most requests first, and the networks by the region that they belong into.
///
/// A network that several sources name has what the first of them says.
pub(super) fn write(config: &Config, found: &[Misplaced]) -> String {
    let name = |region: RegionId| config.regions().name(region);
    let mut text = String::new();
    let mut ordered: Vec<&Misplaced> = found.iter().collect();
    ordered.sort_by_key(|one| std::cmp::Reverse(one.requests));
    for one in ordered.iter().take(SHOWN) {
        let Misplaced { prefix, region, right, reason, requests } = one;
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "# {prefix}: {requests} requests; in {}, and belongs to {}: {reason}",
            name(*region),
            name(*right)
        );
    }
    if let Some(more) = ordered.len().checked_sub(SHOWN).filter(|more| *more > 0) {
        let _ = writeln!(text, "# and {more} more");
    }
    let mut networks: BTreeMap<IpNet, RegionId> = BTreeMap::new();
    for one in found {
        networks.entry(one.prefix).or_insert(one.right);
    }
    let mut by_region: BTreeMap<&str, Vec<IpNet>> = BTreeMap::new();
    for (prefix, region) in networks {
        by_region.entry(name(region)).or_default().push(prefix);
    }
    for region in by_region.keys() {
        let _ = writeln!(text, "# regions.{region}.labels needs {}", label(region));
    }
    let empty = if by_region.is_empty() { " {}" } else { "" };
    let _ = writeln!(text, "networks:{empty}");
    for (region, prefixes) in by_region {
        let _ = writeln!(text, "  {}:", label(region));
        for prefix in aggregated(&prefixes) {
            let _ = writeln!(text, "    - {prefix}");
        }
    }
    text
}

/// Halves of a block as the block.
fn aggregated(prefixes: &[IpNet]) -> Vec<IpNet> {
    let named = prefixes.iter().map(|prefix| (*prefix, String::new())).collect();
    crate::networks::aggregate(named).into_keys().collect()
}

#[cfg(test)]
mod tests {
    use super::super::misplaced::tests::policy;
    use super::*;

    #[test]
    fn written_networks_are_read_by_a_policy() {
        let config = policy().read_by(Config::from_json);
        let id = |name: &str| {
            config.regions().ids().find(|id| config.regions().name(*id) == name).unwrap()
        };
        let one = |prefix: &str, right: &str, requests| Misplaced {
            prefix: prefix.parse().unwrap(),
            region: id("default"),
            right: id(right),
            reason: "x".into(),
            requests,
        };
        let found = [
            one("9.0.0.0/17", "eu", 1),
            one("9.0.128.0/17", "eu", 9),
            one("2001:db8::/48", "eu", 0),
            one("9.0.0.0/17", "office", 1),
        ];
        let text = write(&config, &found);
        assert_eq!(
            text,
            "# 9.0.128.0/17: 9 requests; in default, and belongs to eu: x\n\
             # 9.0.0.0/17: 1 requests; in default, and belongs to eu: x\n\
             # 9.0.0.0/17: 1 requests; in default, and belongs to office: x\n\
             # 2001:db8::/48: 0 requests; in default, and belongs to eu: x\n\
             # regions.eu.labels needs audit:eu\nnetworks:\n  audit:eu:\n    - 9.0.0.0/16\n    - 2001:db8::/48\n"
        );
        assert_eq!(write(&config, &[]), "networks: {}\n");
        assert_eq!(label("EU_west"), "audit:eu-west");
    }
}
