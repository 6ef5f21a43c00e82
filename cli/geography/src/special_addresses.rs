//! IPv4 addresses that are not public.

use std::net::Ipv4Addr;

/// The networks of the IANA IPv4 Special-Purpose Address Registry (RFC 6890 and its successors) to
/// which packets stay near or go nowhere, and multicast: address and length of each prefix, rising,
/// none within another.
pub const V4: [(Ipv4Addr, u8); 14] = [
    (Ipv4Addr::UNSPECIFIED, 8), // this network; Linux takes it for the machine itself
    (Ipv4Addr::new(10, 0, 0, 0), 8), // private, RFC 1918
    (Ipv4Addr::new(100, 64, 0, 0), 10), // behind a carrier's NAT, RFC 6598; a cloud's metadata
    (Ipv4Addr::new(127, 0, 0, 0), 8), // the machine itself
    (Ipv4Addr::new(169, 254, 0, 0), 16), // link-local; the clouds' metadata, secrets among them
    (Ipv4Addr::new(172, 16, 0, 0), 12), // private, RFC 1918
    (Ipv4Addr::new(192, 0, 0, 0), 24), // protocol assignments; a cloud's metadata
    (Ipv4Addr::new(192, 0, 2, 0), 24), // documentation
    (Ipv4Addr::new(192, 168, 0, 0), 16), // private, RFC 1918
    (Ipv4Addr::new(198, 18, 0, 0), 15), // benchmarks, RFC 2544
    (Ipv4Addr::new(198, 51, 100, 0), 24), // documentation
    (Ipv4Addr::new(203, 0, 113, 0), 24), // documentation
    (Ipv4Addr::new(224, 0, 0, 0), 4), // multicast
    (Ipv4Addr::new(240, 0, 0, 0), 4), // reserved, and the broadcast
];
