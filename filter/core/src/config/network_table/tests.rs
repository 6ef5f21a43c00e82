//! The table against a case table, and against a twin that looks at every prefix.

use super::*;
use proptest::prelude::*;

fn entry(prefix: &str, region: Option<u32>, label: Option<u32>) -> NetworkEntry {
    NetworkEntry {
        prefix: prefix.parse().unwrap(),
        region: region.map(RegionId::new),
        label: label.map(LabelId::new),
    }
}

/// The whole specification: of the prefixes around the address, the longest that has the field.
fn twin(entries: &[NetworkEntry], address: IpAddr) -> Option<NetworkMatch> {
    let address = address.to_canonical();
    let mut around: Vec<_> = entries
        .iter()
        .map(|entry| (canonical(entry.prefix), entry))
        .filter(|(prefix, _)| prefix.contains(&address))
        .collect();
    around.sort_by_key(|(prefix, _)| std::cmp::Reverse(prefix.prefix_len()));
    (!around.is_empty()).then(|| NetworkMatch {
        region: around.iter().find_map(|(prefix, entry)| Some((entry.region?, *prefix))),
        label: around.iter().find_map(|(_, entry)| entry.label),
    })
}

fn nested() -> Vec<NetworkEntry> {
    vec![
        entry("10.0.0.0/8", Some(1), Some(1)),
        entry("10.1.0.0/16", None, Some(2)),
        entry("10.1.1.0/24", Some(2), None),
        entry("10.1.1.1/32", None, Some(3)),
        entry("10.1.2.0/24", Some(3), None),
        entry("192.0.2.77/24", None, Some(4)),
        entry("2001:db8::/32", Some(4), None),
        entry("2001:db8:1::/48", None, Some(5)),
        entry("::ffff:198.51.100.0/120", Some(5), None),
    ]
}

/// The address; the region and the prefix that gives it; the label; the reason.
type Row = (&'static str, Option<(u32, &'static str)>, Option<u32>, &'static str);

#[rustfmt::skip] // one row a case
const NESTED: &[Row] = &[
    ("10.9.9.9", Some((1, "10.0.0.0/8")), Some(1), "the outermost"),
    ("10.1.9.9", Some((1, "10.0.0.0/8")), Some(2), "own label, region inherited"),
    ("10.1.1.9", Some((2, "10.1.1.0/24")), Some(2), "own region, label inherited"),
    ("10.1.1.1", Some((2, "10.1.1.0/24")), Some(3), "a host three levels down"),
    ("10.1.1.255", Some((2, "10.1.1.0/24")), Some(2), "last of a prefix"),
    ("10.1.2.0", Some((3, "10.1.2.0/24")), Some(2), "first of the adjacent one"),
    ("10.1.3.0", Some((1, "10.0.0.0/8")), Some(2), "behind both: the outer one again"),
    ("10.0.0.0", Some((1, "10.0.0.0/8")), Some(1), "first of all"),
    ("10.255.255.255", Some((1, "10.0.0.0/8")), Some(1), "last of all"),
    ("192.0.2.1", None, Some(4), "host bits masked; a label alone"),
    ("2001:db8:2::1", Some((4, "2001:db8::/32")), None, "IPv6"),
    ("2001:db8:1::1", Some((4, "2001:db8::/32")), Some(5), "IPv6, inherited"),
    ("198.51.100.7", Some((5, "198.51.100.0/24")), None, "a mapped prefix is IPv4"),
    ("::ffff:10.9.9.9", Some((1, "10.0.0.0/8")), Some(1), "a mapped address is IPv4"),
];

#[test]
fn the_longest_prefix_decides_each_field() {
    let table = NetworkTable::new(nested());
    for &(address, region, label, why) in NESTED {
        let expected = NetworkMatch {
            region: region.map(|(id, prefix)| (RegionId::new(id), prefix.parse().unwrap())),
            label: label.map(LabelId::new),
        };
        let address = address.parse().unwrap();
        assert_eq!(table.lookup(address), Some(expected), "{address}: {why}");
    }
}

#[test]
fn outside_every_prefix_there_is_no_answer() {
    let table = NetworkTable::new(nested());
    for address in [
        "9.255.255.255",
        "11.0.0.0",
        "0.0.0.0",
        "255.255.255.255",
        "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff",
        "2001:db9::",
        "::",
        "::10.9.9.9", // IPv4-compatible, deprecated by RFC 4291: another address than the mapped one
    ] {
        assert_eq!(table.lookup(address.parse().unwrap()), None, "{address}");
    }
    let empty = NetworkTable::default();
    assert_eq!(empty.lookup("10.0.0.1".parse().unwrap()), None);
}

#[test]
fn the_whole_of_each_family_is_its_own() {
    let table = NetworkTable::new([
        entry("0.0.0.0/0", Some(4), None),
        entry("::/0", Some(6), None),
        entry("255.255.255.255/32", Some(7), None),
        entry("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128", Some(8), None),
    ]);
    let rows = [
        ("0.0.0.0", 4, "first of IPv4"),
        ("255.255.255.254", 4, "before the last"),
        ("255.255.255.255", 7, "last of IPv4"),
        ("::", 6, "first of IPv6"),
        ("ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe", 6, "before the last"),
        ("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 8, "last of IPv6"),
        ("::ffff:1.2.3.4", 4, "a mapped address is never looked up in ::/0"),
    ];
    for (address, expected, why) in rows {
        let found = table.lookup(address.parse().unwrap()).unwrap();
        let found = found.region.map(|(region, _)| region.index());
        assert_eq!(found, Some(expected), "{address}: {why}");
    }
}

#[test]
fn a_prefix_given_twice_is_merged_and_the_first_wins() {
    let table = NetworkTable::new([
        entry("10.0.0.0/8", None, Some(1)),
        entry("10.0.0.1/8", Some(1), Some(2)),
        entry("::ffff:10.0.0.0/104", Some(2), None),
    ]);
    let found = table.lookup("10.1.1.1".parse().unwrap()).unwrap();
    let prefix = "10.0.0.0/8".parse().unwrap();
    assert_eq!(found.region, Some((RegionId::new(1), prefix)));
    assert_eq!(found.label, Some(LabelId::new(1)));
}

#[test]
fn equal_answers_share_a_range_and_are_kept_once() {
    let halves = NetworkTable::new([
        entry("10.0.0.0/9", Some(1), None),
        entry("10.128.0.0/9", Some(1), None),
        entry("10.0.0.0/16", None, None),
    ]);
    assert_eq!(halves.v4.range_and_answer_counts(), (2, 2), "inside, behind");
}

#[test]
fn canonical_forms() {
    let rows = [
        ("10.1.2.3/8", "10.0.0.0/8", "host bits"),
        ("2001:db8::1/32", "2001:db8::/32", "host bits"),
        ("::ffff:10.0.0.0/104", "10.0.0.0/8", "mapped"),
        ("::ffff:0:0/96", "0.0.0.0/0", "all of the mapped addresses"),
        ("::ffff:10.1.2.3/128", "10.1.2.3/32", "a mapped host"),
        ("::fffe:0:0/95", "::fffe:0:0/95", "around the mapped addresses"),
        ("::/0", "::/0", "everything"),
    ];
    for (written, expected, why) in rows {
        let found = canonical(written.parse().unwrap());
        assert_eq!(found, expected.parse().unwrap(), "{why}");
    }
}

/// Addresses from few, so that random prefixes are often nested, adjacent or the same.
fn crowded_address() -> impl Strategy<Value = IpAddr> {
    let v4 = prop_oneof![
        (0u32..8).prop_map(|low| 0x0a00_0000 | low),
        (0u32..4, 0u32..4).prop_map(|(high, low)| (high << 30) | low),
        Just(u32::MAX),
        any::<u32>(),
    ];
    let v6 = prop_oneof![
        (0u128..8).prop_map(|low| (0x2001_0db8 << 96) | low),
        (0u128..4, 0u128..4).prop_map(|(high, low)| (high << 126) | low),
        (0u128..8).prop_map(|low| 0xffff_0a00_0000 | low), // ::ffff:10.0.0.x
        Just(u128::MAX),
        any::<u128>(),
    ];
    prop_oneof![
        v4.prop_map(|bits| IpAddr::V4(Ipv4Addr::from_bits(bits))),
        v6.prop_map(|bits| IpAddr::V6(Ipv6Addr::from_bits(bits))),
    ]
}

/// Half of the prefixes have any length, half are among the longest of their family.
fn any_prefix() -> impl Strategy<Value = IpNet> {
    let with_length = |address: IpAddr| {
        let width: u8 = if address.is_ipv4() { 32 } else { 128 };
        let length = prop_oneof![0..=width, width.saturating_sub(3)..=width];
        (Just(address), length)
    };
    (crowded_address().prop_flat_map(with_length))
        .prop_map(|(address, length)| IpNet::new(address, length).unwrap())
}

fn any_entry() -> impl Strategy<Value = NetworkEntry> {
    let region = proptest::option::of((0u32..4).prop_map(RegionId::new));
    let label = proptest::option::of((0u32..4).prop_map(LabelId::new));
    (any_prefix(), region, label).prop_map(|(prefix, region, label)| NetworkEntry {
        prefix,
        region,
        label,
    })
}

/// Every address where the answer may change: the ends of each prefix and their neighbours.
fn boundaries(entries: &[NetworkEntry]) -> Vec<IpAddr> {
    let around = |address: IpAddr| match address {
        IpAddr::V4(v4) => [-1i64, 0, 1]
            .map(|step| v4.to_bits().wrapping_add_signed(i32::try_from(step).unwrap()))
            .map(|bits| IpAddr::V4(Ipv4Addr::from_bits(bits))),
        IpAddr::V6(v6) => [-1i128, 0, 1]
            .map(|step| v6.to_bits().wrapping_add_signed(step))
            .map(|bits| IpAddr::V6(Ipv6Addr::from_bits(bits))),
    };
    entries
        .iter()
        .flat_map(|entry| [entry.prefix.network(), entry.prefix.broadcast()])
        .flat_map(around)
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn same_answer_as_a_loop_over_all_prefixes(
        entries in proptest::collection::vec(any_entry(), 0..24),
        elsewhere in proptest::collection::vec(crowded_address(), 16),
    ) {
        let table = NetworkTable::new(entries.iter().copied());
        for address in boundaries(&entries).into_iter().chain(elsewhere) {
            prop_assert_eq!(table.lookup(address), twin(&entries, address), "{}", address);
        }
    }

    #[test]
    fn the_order_of_different_prefixes_does_not_matter(
        entries in proptest::collection::vec(any_entry(), 0..24),
        elsewhere in proptest::collection::vec(crowded_address(), 16),
    ) {
        let mut unique = entries;
        unique.sort_by_key(|entry| canonical(entry.prefix));
        unique.dedup_by_key(|entry| canonical(entry.prefix));
        let forward = NetworkTable::new(unique.iter().copied());
        let backward = NetworkTable::new(unique.iter().rev().copied());
        for address in boundaries(&unique).into_iter().chain(elsewhere) {
            prop_assert_eq!(forward.lookup(address), backward.lookup(address), "{}", address);
        }
    }
}
