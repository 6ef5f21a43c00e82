//! The region of a client, and the reason: decided by the trusted address and the geo headers.
//!
//! Nothing here fails. An address that cannot be read and a country that does not exist are the
//! same as none, and the client is placed by the next best fact, at last in the default region:
//! a strange header must not cost a client its image.

mod address;
mod facts;
mod geo;
mod nat64;
mod why;

use crate::config::geography::Country;
use crate::config::ids::{LabelId, RegionId};
use crate::config::network_table::{NetworkMatch, NetworkTable};
use crate::config::regions::Regions;
pub use facts::ClientFacts;
use facts::address_of;
use geo::GeoFacts;
use nat64::inside;
use std::net::IpAddr;
pub use why::Why;

/// Where a client is, and how that was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Locality {
    /// The region that the policy puts the client in.
    pub region: RegionId,
    /// The label of the client's network, which does not depend on what decided the region.
    pub label: Option<LabelId>,
    /// The client's country, if a believed header names one.
    pub country: Option<Country>,
    /// The fact that decided the region.
    pub why: Why,
}

/// Places a client. Total: every input has a region.
///
/// Of the facts that the policy has a region for, the most specific decides; [`Why`] says which
/// is more specific than which.
#[must_use]
pub fn locate(regions: &Regions, facts: &ClientFacts<'_>) -> Locality {
    let network = address_of(facts.address).and_then(|found| network_of(regions, found));
    let geo = GeoFacts::believed(regions, facts);
    let candidates = [
        network.and_then(|network| network.region.map(|(region, by)| (region, Why::Network(by)))),
        candidate(geo.subdivision, |s| regions.of_subdivision(s), Why::Subdivision),
        candidate(geo.country, |c| regions.of_country(c), Why::Country),
        candidate(geo.continent, |c| regions.of_continent(c), Why::Continent),
    ];
    let (region, why) = (candidates.into_iter().flatten())
        .max_by_key(|(_, why)| why.specificity())
        .unwrap_or((regions.default_region(), Why::Default));
    Locality { region, label: network.and_then(|network| network.label), country: geo.country, why }
}

/// What the policy says about an address; behind a NAT64 about the address inside, if it says
/// anything of that.
fn network_of(regions: &Regions, address: IpAddr) -> Option<NetworkMatch> {
    let networks = regions.networks();
    let inner = inside(address).and_then(|inner| networks.lookup(inner));
    inner.or_else(|| networks.lookup(address))
}

/// Whether a client's address is in one of the networks of a table; behind a NAT64 also the address
/// inside.
#[must_use]
pub fn is_in(networks: &NetworkTable, facts: &ClientFacts<'_>) -> bool {
    let is_known = |address: IpAddr| networks.lookup(address).is_some();
    address_of(facts.address)
        .is_some_and(|address| is_known(address) || inside(address).is_some_and(is_known))
}

/// The values of a header that stands more than once, as the one value that means the same: joined
/// by commas, in their order (RFC 9110 section 5.3).
#[must_use]
pub fn joined(values: &[&[u8]]) -> Vec<u8> {
    values.join(&b", "[..])
}

fn candidate<F: Copy>(
    fact: Option<F>,
    region: impl Fn(F) -> Option<RegionId>,
    why: impl Fn(F) -> Why,
) -> Option<(RegionId, Why)> {
    let fact = fact?;
    Some((region(fact)?, why(fact)))
}

#[cfg(test)]
mod tests;
