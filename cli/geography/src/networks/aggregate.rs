//! Fewer prefixes that say the same.
//!
//! The same means: for every address, the longest prefix around it has the same label as before.
//! Aggregating each label on its own does not keep that. Where A has both halves of a block that B
//! has too, both would claim the block in the end; where A is inside B inside A, the inner A would
//! vanish and its addresses fall to B. So every step here looks at all labels.

use ipnet::IpNet;
use std::collections::BTreeMap;

/// The length of the longest prefix.
const LONGEST: u8 = 128;

/// Joins the halves of a block that have one label, and drops what the prefix around says anyway.
pub(crate) fn aggregate(mut networks: BTreeMap<IpNet, String>) -> BTreeMap<IpNet, String> {
    // From the longest up, so that four quarters become two halves and then the whole.
    for length in (1..=LONGEST).rev() {
        join_halves(&mut networks, length);
    }
    drop_repetitions(networks)
}

fn join_halves(networks: &mut BTreeMap<IpNet, String>, length: u8) {
    let prefixes: Vec<_> =
        (networks.keys().copied()).filter(|prefix| prefix.prefix_len() == length).collect();
    for pair in prefixes.windows(2) {
        let [lower, upper] = pair else { continue };
        if let Some(block) = joined(networks, *lower, *upper) {
            networks.remove(upper);
            if let Some(label) = networks.remove(lower) {
                // Whoever had the block itself loses nothing: the halves left it no address.
                networks.insert(block, label);
            }
        }
    }
}

/// The block of which the two are the halves, if they have one label.
fn joined(networks: &BTreeMap<IpNet, String>, lower: IpNet, upper: IpNet) -> Option<IpNet> {
    let block = lower.supernet().filter(|block| block.contains(&upper))?;
    (networks.get(&lower)? == networks.get(&upper)?).then_some(block)
}

fn drop_repetitions(networks: BTreeMap<IpNet, String>) -> BTreeMap<IpNet, String> {
    let mut kept = BTreeMap::new();
    // The kept prefixes around the current one, outermost first: sorted by address, then by
    // length, a prefix comes before those inside it.
    let mut around: Vec<(IpNet, String)> = Vec::new();
    for (prefix, label) in networks {
        while (around.pop_if(|(outer, _)| !outer.contains(&prefix))).is_some() {}
        if around.last().is_none_or(|(_, outer)| *outer != label) {
            around.push((prefix, label.clone()));
            kept.insert(prefix, label);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn networks(rows: &[(&str, &str)]) -> BTreeMap<IpNet, String> {
        let row = |&(prefix, label): &(&str, &str)| (prefix.parse().unwrap(), label.to_owned());
        rows.iter().map(row).collect()
    }

    type Rows = &'static [(&'static str, &'static str)];

    #[rustfmt::skip] // one row a case
    const CASES: &[(Rows, Rows, &str)] = &[
        (&[("10.0.0.0/25", "a"), ("10.0.0.128/25", "a")], &[("10.0.0.0/24", "a")], "two halves"),
        (&[("10.0.0.0/25", "a"), ("10.0.0.128/25", "b")],
         &[("10.0.0.0/25", "a"), ("10.0.0.128/25", "b")], "two labels"),
        (&[("10.0.0.128/25", "a"), ("10.0.1.0/25", "a")],
         &[("10.0.0.128/25", "a"), ("10.0.1.0/25", "a")], "neighbours, but no halves of a block"),
        (&[("10.0.0.0/26", "a"), ("10.0.0.64/26", "a"), ("10.0.0.128/26", "a"), ("10.0.0.192/26", "a")],
         &[("10.0.0.0/24", "a")], "four quarters"),
        (&[("10.0.0.0/8", "a"), ("10.1.0.0/16", "a")], &[("10.0.0.0/8", "a")], "inside its own"),
        (&[("10.0.0.0/8", "a"), ("10.1.0.0/16", "b"), ("10.1.1.0/24", "a")],
         &[("10.0.0.0/8", "a"), ("10.1.0.0/16", "b"), ("10.1.1.0/24", "a")], "A in B in A"),
        (&[("10.0.0.0/24", "b"), ("10.0.0.0/25", "a"), ("10.0.0.128/25", "a")], &[("10.0.0.0/24", "a")],
         "A has both halves, so B's block has no address"),
        (&[("2001:db8::/33", "a"), ("2001:db8:8000::/33", "a")], &[("2001:db8::/32", "a")], "IPv6"),
        (&[("0.0.0.0/1", "a"), ("128.0.0.0/1", "a"), ("::/1", "b"), ("8000::/1", "b")],
         &[("0.0.0.0/0", "a"), ("::/0", "b")], "everything"),
        (&[("0.0.0.0/0", "a"), ("::/0", "a")], &[("0.0.0.0/0", "a"), ("::/0", "a")], "two families"),
    ];

    #[test]
    fn joins_and_drops_only_what_loses_nothing() {
        for &(given, expected, why) in CASES {
            assert_eq!(aggregate(networks(given)), networks(expected), "{why}");
        }
    }

    /// The blocks of a /30: itself, two halves, four addresses.
    const BLOCKS: [&str; 7] = [
        "10.0.0.0/30",
        "10.0.0.0/31",
        "10.0.0.2/31",
        "10.0.0.0/32",
        "10.0.0.1/32",
        "10.0.0.2/32",
        "10.0.0.3/32",
    ];

    /// A table for each number in base 3: each block has no label, `a` or `b`.
    fn table(mut number: u32) -> BTreeMap<IpNet, String> {
        let mut rows = Vec::new();
        for block in BLOCKS {
            match number.checked_rem(3) {
                Some(1) => rows.push((block, "a")),
                Some(2) => rows.push((block, "b")),
                _ => {}
            }
            number = number.checked_div(3).unwrap();
        }
        networks(&rows)
    }

    fn label_of<'a>(networks: &'a BTreeMap<IpNet, String>, address: &str) -> Option<&'a String> {
        let address: std::net::IpAddr = address.parse().unwrap();
        (networks.iter())
            .filter(|(prefix, _)| prefix.contains(&address))
            .max_by_key(|(prefix, _)| prefix.prefix_len())
            .map(|(_, label)| label)
    }

    #[test]
    fn every_address_keeps_its_label_in_every_small_table() {
        let addresses = ["10.0.0.0", "10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"];
        for number in 0..3u32.pow(7) {
            let before = table(number);
            let after = aggregate(before.clone());
            for address in addresses {
                assert_eq!(
                    label_of(&after, address),
                    label_of(&before, address),
                    "{address} of {before:?}"
                );
            }
            assert!(after.len() <= before.len(), "{before:?}");
            assert_eq!(aggregate(after.clone()), after, "{before:?}");
        }
    }
}
