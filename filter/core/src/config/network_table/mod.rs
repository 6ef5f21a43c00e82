//! Longest-prefix match: which region and label the policy gives an address.
//!
//! Prefixes are flattened, when the policy is compiled, into sorted ranges that do not overlap
//! and that already carry what nested prefixes inherit. A request then costs one binary search,
//! however deep the nesting: no walk up a trie, no second look for the parent's region.

mod ranges;

use crate::config::ids::{LabelId, RegionId};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use ranges::{Prefix, Ranges};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The bits of `::ffff:0:0/96`, where IPv6 keeps the IPv4 addresses (RFC 4291 section 2.5.5.2).
const MAPPED_LENGTH: u8 = 96;

/// What the policy says about one prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NetworkEntry {
    /// The prefix. Bits behind its length are ignored.
    pub prefix: IpNet,
    /// The region of its clients; `None` takes that of the closest prefix around it.
    pub region: Option<RegionId>,
    /// The label of its clients; `None` takes that of the closest prefix around it.
    pub label: Option<LabelId>,
}

/// What the table says about one address that is in at least one prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NetworkMatch {
    /// The region and the prefix that gave it: the longest around the address that names one.
    pub region: Option<(RegionId, IpNet)>,
    /// The label of the longest prefix around the address that names one.
    pub label: Option<LabelId>,
}

/// Every prefix of a policy, ready to be asked.
///
/// A range costs 8 bytes in IPv4 and 20 in IPv6, and `n` prefixes make at most `2n` ranges. Each
/// different answer is kept once. It holds the length of the deciding prefix, not the prefix:
/// that is cut from the address, and so thousands of prefixes share one answer.
#[derive(Clone, Debug, Default)]
pub struct NetworkTable {
    v4: Ranges<u32>,
    v6: Ranges<u128>,
}

impl NetworkTable {
    /// Flattens the entries. Total: any list makes a table.
    ///
    /// A prefix that comes twice is merged, field by field, and the first that has a field wins;
    /// a policy in which the two disagree has been refused before.
    #[must_use]
    pub fn new(entries: impl IntoIterator<Item = NetworkEntry>) -> Self {
        let mut v4 = Vec::new();
        let mut v6 = Vec::new();
        for entry in entries {
            match canonical(entry.prefix) {
                IpNet::V4(net) => v4.push(prefix_v4(net, &entry)),
                IpNet::V6(net) => v6.push(prefix_v6(net, &entry)),
            }
        }
        Self { v4: Ranges::new(v4), v6: Ranges::new(v6) }
    }

    /// A table that only knows which addresses are in one of the prefixes.
    #[must_use]
    pub fn of_prefixes(prefixes: impl IntoIterator<Item = IpNet>) -> Self {
        Self::new(prefixes.into_iter().map(|prefix| NetworkEntry {
            prefix,
            region: None,
            label: None,
        }))
    }

    /// What holds for the address; `None` if no prefix is around it.
    ///
    /// An IPv4-mapped IPv6 address is looked up as the IPv4 address that it stands for.
    #[must_use]
    pub fn lookup(&self, address: IpAddr) -> Option<NetworkMatch> {
        let address = address.to_canonical();
        let verdict = match address {
            IpAddr::V4(v4) => self.v4.find(v4.to_bits()),
            IpAddr::V6(v6) => self.v6.find(v6.to_bits()),
        }?;
        Some(NetworkMatch {
            region: verdict
                .region
                .and_then(|(region, length)| Some((region, network(address, length)?))),
            label: verdict.label,
        })
    }

    /// Whether the table has no prefix at all, so that no address can be found in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.v4.is_empty() && self.v6.is_empty()
    }

    /// Whether any prefix of the table is around the address.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        self.lookup(address).is_some()
    }
}

/// The prefix as the table sees it: host bits cleared, and an IPv4-mapped IPv6 prefix as IPv4.
///
/// Two prefixes with the same canonical form are the same prefix. One that is shorter than
/// `::ffff:0:0/96` and around it, such as `::/0`, stays IPv6 and says nothing about IPv4.
#[must_use]
pub fn canonical(prefix: IpNet) -> IpNet {
    match prefix.trunc() {
        IpNet::V6(net) => mapped(net).map_or(IpNet::V6(net), IpNet::V4),
        v4 @ IpNet::V4(_) => v4,
    }
}

fn mapped(net: Ipv6Net) -> Option<Ipv4Net> {
    let address = net.network().to_ipv4_mapped()?;
    let length = net.prefix_len().checked_sub(MAPPED_LENGTH)?;
    Ipv4Net::new(address, length).ok()
}

fn network(address: IpAddr, length: u8) -> Option<IpNet> {
    Some(IpNet::new(address, length).ok()?.trunc())
}

fn prefix_v4(net: Ipv4Net, entry: &NetworkEntry) -> Prefix<u32> {
    Prefix {
        first: Ipv4Addr::to_bits(net.network()),
        last: Ipv4Addr::to_bits(net.broadcast()),
        length: net.prefix_len(),
        region: entry.region,
        label: entry.label,
    }
}

fn prefix_v6(net: Ipv6Net, entry: &NetworkEntry) -> Prefix<u128> {
    Prefix {
        first: Ipv6Addr::to_bits(net.network()),
        last: Ipv6Addr::to_bits(net.broadcast()),
        length: net.prefix_len(),
        region: entry.region,
        label: entry.label,
    }
}

#[cfg(test)]
mod tests;
