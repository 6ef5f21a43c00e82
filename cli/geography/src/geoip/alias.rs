//! Other places of the tree where IPv4 addresses are found, as `MaxMind`'s own databases have them:
//! a record there leads to the node of `::/96`, so that each costs a few nodes and no copy.

use std::net::Ipv6Addr;

use super::node::{Record, read, write};

/// Where IPv4 stands for itself in IPv6, the first address of each /96. Envoy looks an address up
/// as it is written.
///
/// `::ffff:0:0/96`: IPv4-mapped addresses (RFC 4291 section 2.5.5.2), as sockets of both families
/// write them. `64:ff9b::/96`: clients behind a translator (RFC 6052 section 2.1), whom the filter
/// places by the address inside as well.
pub(super) const PLACES: [Ipv6Addr; 2] =
    [Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, 0, 0), Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0)];

/// How long the prefixes are.
pub(super) const LENGTH: u8 = 96;

/// Lets the record of each place lead to where that of `::/96` leads. Every place must have a
/// record of its own.
///
/// `node_bytes` is the size of a node, two records.
///
/// Returns `None` if the bytes are no such tree.
pub(super) fn link(database: &mut [u8], node_bytes: usize, nodes: usize) -> Option<()> {
    let zero = record_of(database, node_bytes, nodes, 0)?;
    let ipv4 = read(database, node_bytes, zero)?;
    for place in PLACES {
        let record = record_of(database, node_bytes, nodes, place.to_bits())?;
        write(database, node_bytes, record, ipv4)?;
    }
    Some(())
}

/// The record at the 96th bit of an address, or the one before at which the tree ends.
fn record_of(database: &[u8], node_bytes: usize, nodes: usize, address: u128) -> Option<Record> {
    let mut record = (0, bit(address, 0));
    for position in 1..LENGTH {
        match read(database, node_bytes, record)? {
            next if next < nodes => record = (next, bit(address, position)),
            _ => return Some(record),
        }
    }
    Some(record)
}

/// A bit of an address, the first being 0.
fn bit(address: u128, position: u8) -> bool {
    let shift = 127_u32.saturating_sub(u32::from(position));
    address.checked_shr(shift).is_some_and(|rest| rest & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_count_from_the_left() {
        let address = PLACES[1].to_bits();
        let first: String =
            (0..32).map(|position| if bit(address, position) { '1' } else { '0' }).collect();
        assert_eq!(first, "00000000011001001111111110011011");
    }
}
