//! Times the network table where it is used: inside the filter, by Envoy's clock.
//!
//! Only built with the feature `bench`, never into what is shipped. It runs once, when a policy
//! has been loaded, and says what it found in Envoy's log.

use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use portolan_core::config::Config;
use portolan_core::config::network_table::NetworkTable;

use crate::host;

const ADDRESSES: u32 = 1 << 20;
/// V8 compiles a function again, and better, after it has run for a while; from then on a
/// round takes the better code. The shortest round is the one that counts.
const ROUNDS: u32 = 8;

/// Looks every address of a long list up, several times, and logs the shortest time.
pub(crate) fn time_network_lookups(configuration: &[u8]) {
    let Ok(config) = Config::from_json(configuration) else { return };
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let addresses: Vec<IpAddr> = (0..ADDRESSES).map(|_| random.address()).collect();
    let networks = config.regions().networks();
    let shortest = (0..ROUNDS).map(|_| time_round(networks, &addresses)).min().unwrap_or_default();
    log::info!("portolan: {ADDRESSES} network lookups in {shortest} ns");
}

/// Nanoseconds for one round. Not inlined, so that a call can switch to better code.
#[inline(never)]
fn time_round(networks: &NetworkTable, addresses: &[IpAddr]) -> u64 {
    let begun = host::now();
    let inside = addresses.iter().filter(|address| networks.lookup(**address).is_some());
    black_box(inside.count());
    host::now().saturating_sub(begun)
}

/// Xorshift64: an order that a processor cannot predict, the same on every machine.
struct Random(u64);

impl Random {
    const fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// Any IPv4 address, or as often one of `2000::/3`, where all published IPv6 networks are.
    fn address(&mut self) -> IpAddr {
        let bits = u128::from(self.next()) << 64 | u128::from(self.next());
        match bits.to_be_bytes() {
            [0..0x80, .., a, b, c, d] => IpAddr::V4(Ipv4Addr::new(a, b, c, d)),
            _ => IpAddr::V6(Ipv6Addr::from_bits(bits >> 3 | 1 << 125)),
        }
    }
}
