//! One row of a database of autonomous systems: a range of addresses, and the number of its system.

use std::fmt;
use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Subnets, Ipv6Subnets};

/// A range and its system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    /// The lowest address.
    pub(super) first: IpAddr,
    /// The highest one, of the same family.
    pub(super) last: IpAddr,
    /// The number of the system.
    pub(super) asn: u32,
}

impl Row {
    /// A range; none if its ends are of two families, or in the wrong order.
    pub(super) fn of(first: IpAddr, last: IpAddr, asn: u32) -> Option<Self> {
        (first.is_ipv4() == last.is_ipv4() && first <= last).then_some(Self { first, last, asn })
    }

    /// Whether the one that comes next begins before this one ends. Of all rows in their order, two
    /// that overlap are neighbours, or one of them overlaps a neighbour.
    pub(super) fn overlaps(&self, next: &Self) -> bool {
        self.first.is_ipv4() == next.first.is_ipv4() && next.first <= self.last
    }

    /// The fewest prefixes that are the range.
    pub(super) fn networks(&self) -> Vec<IpNet> {
        match (self.first, self.last) {
            (IpAddr::V4(first), IpAddr::V4(last)) => {
                Ipv4Subnets::new(first, last, 0).map(IpNet::V4).collect()
            }
            (IpAddr::V6(first), IpAddr::V6(last)) => {
                Ipv6Subnets::new(first, last, 0).map(IpNet::V6).collect()
            }
            _ => Vec::new(),
        }
    }

    /// The label of its networks.
    pub(super) fn label(&self) -> String {
        format!("asn:{}", self.asn)
    }
}

impl fmt::Display for Row {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}-{} of AS{}", self.first, self.last, self.asn)
    }
}

/// The number of an autonomous system, as RFC 5396 writes it (asplain), perhaps behind `AS`. Zero
/// is nobody's (RFC 7607).
pub(super) fn number(text: &str) -> Result<u32, String> {
    let digits = text.get(..2).filter(|start| start.eq_ignore_ascii_case("as"));
    let digits = digits.and_then(|_| text.get(2..)).unwrap_or(text);
    let wanted = digits.bytes().all(|byte| byte.is_ascii_digit());
    let number = digits.parse().ok().filter(|&number: &u32| wanted && number > 0);
    number.ok_or_else(|| {
        format!("`{text}` is no number of an autonomous system; write `64496` or `AS64496`")
    })
}
