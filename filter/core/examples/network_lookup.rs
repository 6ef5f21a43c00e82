//! Times the network table natively: one JSON line, for the benchmark report.
//!
//! ```text
//! cargo run --release -p portolan-core --example network_lookup
//! ```
//!
//! The table holds as many prefixes as a policy that lists every large cloud, nested and of both
//! families. The addresses are half inside them and half anywhere, in an order that a processor
//! cannot predict, so that a lookup pays for its cache misses.

#![expect(
    clippy::disallowed_types,
    reason = "the core has no clock, but what measures it needs one"
)]
#![expect(
    clippy::arithmetic_side_effects,
    reason = "small constants and a modulus that is never zero; no request comes here"
)]

use ipnet::IpNet;
use portolan_core::config::ids::{LabelId, RegionId};
use portolan_core::config::network_table::{NetworkEntry, NetworkTable};
use std::hint::black_box;
use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::{Duration, Instant};

const PREFIXES: u32 = 100_000;
const ADDRESSES: u32 = 1 << 20;
const ROUNDS: usize = 5;

fn main() -> std::io::Result<()> {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let entries: Vec<_> = (0..PREFIXES).map(|_| random.entry()).collect();
    let addresses: Vec<_> =
        (0..ADDRESSES).map(|index| random.address_near(&entries, index)).collect();

    let table = NetworkTable::new(entries.iter().copied());
    let build = best_of(|| NetworkTable::new(entries.iter().copied()));
    let lookups = best_of(|| {
        let inside = |address: &&IpAddr| table.lookup(**address).is_some();
        addresses.iter().filter(inside).count()
    });

    let lookup_ns = lookups.as_secs_f64() * 1e9 / f64::from(ADDRESSES);
    let build_ms = build.as_secs_f64() * 1e3;
    writeln!(
        std::io::stdout(),
        "{{\"networks_lookup_native_ns\": {lookup_ns:.1}, \"networks_build_native_ms\": {build_ms:.1}}}"
    )
}

/// The shortest of a few runs: the one that least else happened in.
fn best_of<T>(mut run: impl FnMut() -> T) -> Duration {
    (0..ROUNDS)
        .map(|_| {
            let begun = Instant::now();
            black_box(run());
            begun.elapsed()
        })
        .min()
        .unwrap_or_default()
}

/// Xorshift64: the same table on every machine, without a dependency.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: u32) -> u32 {
        u32::try_from(self.next() % u64::from(limit)).unwrap_or_default()
    }

    /// Two thirds IPv4, as in the lists that clouds publish.
    fn address(&mut self) -> IpAddr {
        let high = u128::from(self.next());
        if self.below(3) == 0 {
            // Published networks are all in 2000::/3.
            let bits = (high << 64 | u128::from(self.next())) >> 3 | 1 << 125;
            IpAddr::V6(Ipv6Addr::from_bits(bits))
        } else {
            IpAddr::V4(Ipv4Addr::from_bits(self.below(u32::MAX)))
        }
    }

    /// Short prefixes are around longer ones: /8 to /32, and /20 to /64.
    fn entry(&mut self) -> NetworkEntry {
        let address = self.address();
        let length = if address.is_ipv4() { 8 + self.below(25) } else { 20 + self.below(45) };
        let length = u8::try_from(length).unwrap_or_default();
        NetworkEntry {
            prefix: IpNet::new_assert(address, length),
            region: (self.below(2) == 0).then(|| RegionId::new(self.below(8))),
            label: (self.below(2) == 0).then(|| LabelId::new(self.below(64))),
        }
    }

    /// Every second address is the first of a prefix, the others are anywhere.
    fn address_near(&mut self, entries: &[NetworkEntry], index: u32) -> IpAddr {
        let anywhere = self.address();
        let entry = entries.get(usize::try_from(self.below(PREFIXES)).unwrap_or_default());
        match entry {
            Some(entry) if index.is_multiple_of(2) => entry.prefix.addr(),
            _ => anywhere,
        }
    }
}
