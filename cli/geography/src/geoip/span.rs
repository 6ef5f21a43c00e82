//! Ranges of addresses, as positions in the one tree that holds both families.
//!
//! A `MaxMind` DB for IPv6 keeps the IPv4 address a.b.c.d at `::a.b.c.d`
//! (<https://maxmind.github.io/MaxMind-DB/>, "IPv4 addresses in an IPv6 tree").

use std::net::{IpAddr, Ipv6Addr};

use ipnet::{IpNet, Ipv6Subnets};

use super::alias;
use super::error::Fault;

/// A range of tree positions, both ends included; never empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    /// The lowest position.
    pub(super) first: u128,
    /// The highest position.
    pub(super) last: u128,
}

/// `::/96`, where the tree keeps IPv4.
const IPV4: Span = Span { first: 0, last: 0xffff_ffff };

/// Where a tree leads to its IPv4 networks from elsewhere.
fn aliases() -> impl Iterator<Item = Span> {
    alias::PLACES.iter().map(|place| {
        let first = place.to_bits();
        Span { first, last: first | IPV4.last }
    })
}

impl Span {
    /// The positions of the addresses from `first` to `last`, both included.
    ///
    /// All blocks that stand for IPv4 are cut out of an IPv6 range: a line such as `::/3,US`
    /// speaks of IPv6 and must not locate the whole of IPv4. IPv4-mapped ends are IPv4.
    ///
    /// # Errors
    ///
    /// Where the ends are of two families, in the wrong order, or inside `::/96`.
    pub(super) fn between(first: IpAddr, last: IpAddr) -> Result<Vec<Self>, Fault> {
        match (first.to_canonical(), last.to_canonical()) {
            (IpAddr::V4(low), IpAddr::V4(high)) => {
                let span = Self::ordered(low.to_bits().into(), high.to_bits().into());
                Ok(vec![span.ok_or(Fault::Backwards { first, last })?])
            }
            (IpAddr::V6(low), IpAddr::V6(high)) => {
                let span = Self::ordered(low.to_bits(), high.to_bits());
                let pieces = span.ok_or(Fault::Backwards { first, last })?.outside_ipv4();
                if pieces.is_empty() {
                    return Err(Fault::InsideIpv4 { first });
                }
                Ok(pieces)
            }
            _ => Err(Fault::MixedFamilies { first, last }),
        }
    }

    /// The positions of a network's addresses.
    ///
    /// # Errors
    ///
    /// Where the prefix has bits set behind its length (most often a typing error in one of
    /// the two), or lies inside `::/96`.
    pub(super) fn of(network: IpNet) -> Result<Vec<Self>, Fault> {
        if network.trunc() != network {
            return Err(Fault::HostBits(network));
        }
        Self::between(network.network(), network.broadcast())
    }

    /// The positions of a network that stands in such a tree already, its ends as they are.
    ///
    /// Nothing is left of an IPv4-mapped or translated network: what a tree has there are its IPv4
    /// networks once more, and the way to them is made anew.
    pub(super) fn in_tree(first: IpAddr, last: IpAddr) -> Vec<Self> {
        let position = |address| match address {
            IpAddr::V4(address) => u128::from(address.to_bits()),
            IpAddr::V6(address) => address.to_bits(),
        };
        let span = Self::ordered(position(first), position(last)).into_iter();
        let whole: Vec<Self> = span.collect();
        without_aliases(whole)
    }

    fn ordered(first: u128, last: u128) -> Option<Self> {
        (first <= last).then_some(Self { first, last })
    }

    fn outside_ipv4(self) -> Vec<Self> {
        let pieces = self.without(IPV4);
        without_aliases(pieces.collect())
    }

    /// What is left of this range on both sides of a hole.
    fn without(self, hole: Self) -> impl Iterator<Item = Self> {
        let below = Self::ordered(self.first, self.last.min(hole.first.wrapping_sub(1)));
        let above = Self::ordered(self.first.max(hole.last.wrapping_add(1)), self.last);
        let left = below.filter(|_| self.first < hole.first);
        let right = above.filter(|_| self.last > hole.last);
        left.into_iter().chain(right)
    }

    /// How many addresses lie between the ends: one less than the range has, so that it fits.
    pub(super) fn width(self) -> u128 {
        self.last.saturating_sub(self.first)
    }

    /// The fewest networks that together hold exactly this range, in rising order.
    pub(super) fn networks(self) -> Ipv6Subnets {
        Ipv6Subnets::new(Ipv6Addr::from_bits(self.first), Ipv6Addr::from_bits(self.last), 0)
    }
}

/// What is left of ranges beside the aliases of IPv4.
fn without_aliases(mut spans: Vec<Span>) -> Vec<Span> {
    for hole in aliases() {
        spans = spans.into_iter().flat_map(|span| span.without(hole)).collect();
    }
    spans
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().expect(text)
    }

    fn networks(first: &str, last: &str) -> Vec<String> {
        let spans = Span::between(address(first), address(last)).expect(first);
        let networks = spans.into_iter().flat_map(Span::networks);
        networks.map(|network| network.to_string()).collect()
    }

    #[test]
    fn ranges_become_networks() {
        let cases: [(&str, &str, &[&str]); 9] = [
            ("1.2.3.4", "1.2.3.4", &["::102:304/128"]),
            ("10.0.0.0", "10.255.255.255", &["::a00:0/104"]),
            ("0.0.0.0", "255.255.255.255", &["::/96"]),
            ("255.255.255.255", "255.255.255.255", &["::ffff:ffff/128"]),
            (
                "192.0.2.1",
                "192.0.2.6",
                &["::c000:201/128", "::c000:202/127", "::c000:204/127", "::c000:206/128"],
            ),
            // IPv4-mapped ends are IPv4.
            ("::ffff:10.0.0.0", "::ffff:10.255.255.255", &["::a00:0/104"]),
            ("2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", &["2001:db8::/32"]),
            ("ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", &["ff00::/8"]),
            ("::1:0:0", "::1:ffff:ffff", &["::1:0:0/96"]), // just above IPv4
        ];
        for (first, last, expected) in cases {
            assert_eq!(networks(first, last), expected, "{first}-{last}");
        }
    }

    #[test]
    fn an_ipv6_range_never_covers_ipv4() {
        let spans = Span::of("::/0".parse().unwrap()).unwrap();
        let expected = [
            Span { first: 0x1_0000_0000, last: 0xfffe_ffff_ffff },
            Span { first: 0x1_0000_0000_0000, last: (0x0064_ff9b << 96) - 1 },
            Span { first: 0x0064_ff9b << 96 | 0x1_0000_0000, last: u128::MAX },
        ];
        assert_eq!(spans, expected);
    }

    #[test]
    fn a_network_of_a_tree_loses_only_what_stands_for_ipv4() {
        let cases = [
            ("10.0.0.0", "10.0.0.255", vec![(0x0a00_0000, 0x0a00_00ff)]),
            ("::", "::ffff:ffff", vec![(0, 0xffff_ffff)]), // all of IPv4 in one record
            ("::ffff:0:0", "::ffff:ffff:ffff", vec![]),
            ("64:ff9b::", "64:ff9b::ffff:ffff", vec![]),
            ("::", "::1:ffff:ffff:ffff", vec![(0, 0xfffe_ffff_ffff), (1 << 48, (1 << 49) - 1)]),
        ];
        for (first, last, expected) in cases {
            let spans = Span::in_tree(address(first), address(last)).into_iter();
            let ends: Vec<_> = spans.map(|span| (span.first, span.last)).collect();
            assert_eq!(ends, expected, "{first}-{last}");
        }
    }

    #[test]
    fn impossible_ranges_are_refused_with_what_to_write() {
        let cases = [
            ("10.0.0.9", "10.0.0.1", "ends before it begins"),
            ("2001:db8::1", "2001:db8::", "ends before it begins"),
            ("10.0.0.1", "2001:db8::", "one IPv4 and one IPv6 address"),
            ("::1", "::2", "where the database keeps IPv4"),
            ("::ffff:10.0.0.1", "2001:db8::", "one IPv4 and one IPv6 address"),
        ];
        for (first, last, message) in cases {
            let fault = Span::between(address(first), address(last)).expect_err(first);
            assert!(fault.to_string().contains(message), "{fault}");
        }
        let fault = Span::of("192.0.2.1/24".parse().unwrap()).unwrap_err();
        assert!(fault.to_string().contains("write 192.0.2.0/24"), "{fault}");
    }

    proptest! {
        /// The networks follow each other without a gap and without an overlap from the first
        /// address to the last: their union is the range.
        #[test]
        fn the_union_of_the_networks_is_the_range(one: u128, other: u128, shift in 0_u32..128) {
            let (one, other) = (one >> shift, other >> shift);
            let span = Span { first: one.min(other), last: one.max(other) };
            let mut next = Some(span.first);
            for network in span.networks() {
                prop_assert_eq!(Some(network.network().to_bits()), next);
                next = network.broadcast().to_bits().checked_add(1);
            }
            prop_assert_eq!(next, span.last.checked_add(1));
        }

        /// A hole takes away its own addresses and no others.
        #[test]
        fn a_hole_takes_only_itself(range: [u8; 2], hole: [u8; 2], probe: u8) {
            let ordered = |ends: [u8; 2]| Span {
                first: ends[0].min(ends[1]).into(),
                last: ends[0].max(ends[1]).into(),
            };
            let (range, hole, probe) = (ordered(range), ordered(hole), u128::from(probe));
            let holds = |span: &Span| (span.first..=span.last).contains(&probe);
            let pieces: Vec<Span> = range.without(hole).collect();
            prop_assert_eq!(pieces.iter().any(holds), holds(&range) && !holds(&hole));
        }
    }
}
