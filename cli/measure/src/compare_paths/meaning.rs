//! Causes of differences between two paths.
//!
//! These are rules of thumb, each with its threshold. A sentence says what was seen, with numbers,
//! and then what it may mean and what to do, so that a reader can disagree.

use portolan_command::quantity::{bit_rate, ratio, real, speed, time};
use portolan_registry_client::registry::Side;

use super::iperf::output::Rate;
use super::way::Role;

/// From which factor on two speeds are different. A line that others use varies by less.
const FASTER: f64 = 1.5;

/// From which factor on one server is nearer than another.
const NEARER: f64 = 2.0;

/// The least difference of round trips that anybody notices, in seconds: a pull begins with some
/// ten of them one after the other.
const NOTICEABLE: f64 = 0.005;

/// How long a server may take for an answer beyond the way there, in seconds.
const PROMPT: f64 = 0.1;

/// How long looking a name up may take, in seconds.
const QUICK_LOOKUP: f64 = 0.05;

/// From which share of lost segments on losses and not windows hold TCP up. At 100 ms a loss of one
/// in a thousand keeps a stream below 5 Mbit/s (Mathis et al. 1997).
const LOSSY: f64 = 0.001;

/// The usual most bytes of a TCP segment over Ethernet.
const SEGMENT: f64 = 1460.0;

/// What a way is judged by: medians, in seconds and bytes a second.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Middle {
    pub(super) role: Role,
    pub(super) dns: f64,
    /// A round trip to the server that was named.
    pub(super) round_trip: f64,
    pub(super) first_byte: f64,
    pub(super) bytes_per_second: Option<f64>,
    /// Where it redirected, if it did.
    pub(super) redirected_to: Option<String>,
}

/// What iperf3 found with one server.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Rates {
    pub(super) single: Option<Rate>,
    pub(super) parallel: Option<Rate>,
    pub(super) reverse: Option<Rate>,
}

/// What the ways say of one another.
pub(super) fn of_ways(ways: &[Middle]) -> Vec<String> {
    let of = |side| ways.iter().find(|way| way.role == Role::Registry(side));
    let (front, upstream) = (of(Side::Front), of(Side::Upstream));
    let others = ways.iter().filter(|way| matches!(way.role, Role::Other(_)));
    let pair = front.zip(upstream);
    let mut said = Vec::new();
    said.extend(pair.map(|(front, upstream)| distance(front, upstream)));
    said.extend(ways.iter().filter_map(detour));
    said.extend(front.and_then(slow_answer));
    said.extend(pair.and_then(|(front, upstream)| speeds(front, upstream)));
    said.extend(others.filter_map(|other| beside(front?, other)));
    said.extend(ways.iter().filter_map(slow_lookup));
    said
}

/// What the streams say of one another.
pub(super) fn of_rates(rates: &Rates) -> Vec<String> {
    let Rates { single, parallel, reverse } = rates;
    let mut said = Vec::new();
    said.extend(single.zip(*parallel).map(|(single, parallel)| streams(&single, &parallel)));
    said.extend(single.zip(*reverse).map(|(single, reverse)| directions(&single, &reverse)));
    said
}

/// What the network could carry from a server's host, against what the server sent over HTTP.
pub(super) fn of_server(server: &Role, network: &Rate, bytes_per_second: f64) -> String {
    let (network, http) = (network.bits_per_second, bytes_per_second * 8.0);
    let seen = format!(
        "The network carries {}, HTTP gets {} from the {server}",
        bit_rate(network),
        bit_rate(http)
    );
    if network >= http * FASTER {
        format!(
            "{seen}: not the way but the server is the limit. Look at its disks, at its processors \
             (TLS) and at what it must fetch itself."
        )
    } else {
        format!("{seen}: the server uses what the way gives it.")
    }
}

fn distance(front: &Middle, upstream: &Middle) -> String {
    let seen = format!(
        "The front is {} away, the upstream {} (one round trip)",
        time(front.round_trip),
        time(upstream.round_trip)
    );
    if is_nearer(front, upstream) {
        format!(
            "{seen}: the front is near and the upstream far. It pays off for whatever the front need not \
             fetch first, most of all for the many small requests with which a pull begins."
        )
    } else if is_nearer(upstream, front) {
        format!(
            "{seen}: the front is a detour from here. Let these clients use a nearer front, or be \
             redirected to the upstream."
        )
    } else {
        format!(
            "{seen}: neither is nearer. From here the front cannot win by its place, only by its cache, \
             its line or its rights."
        )
    }
}

fn is_nearer(this: &Middle, that: &Middle) -> bool {
    that.round_trip >= this.round_trip * NEARER && that.round_trip - this.round_trip >= NOTICEABLE
}

fn detour(way: &Middle) -> Option<String> {
    let host = way.redirected_to.as_ref()?;
    Some(format!(
        "The {} redirects to {host} for the content: its speed is that host's, and its times include \
         a second connection.",
        way.role
    ))
}

/// An answer after a redirect has more than one round trip in it, and more than one server's work.
fn slow_answer(front: &Middle) -> Option<String> {
    let beyond = front.first_byte - front.round_trip;
    let is_slow = beyond > PROMPT && front.redirected_to.is_none();
    is_slow.then(|| {
        format!(
            "The front answers {} after the request, {} more than the way there takes: it asks \
             the upstream before it answers (a cache that is cold, or none), or it is busy.",
            time(front.first_byte),
            time(beyond)
        )
    })
}

fn speeds(front: &Middle, upstream: &Middle) -> Option<String> {
    let (fast, slow) = (front.bytes_per_second?, upstream.bytes_per_second?);
    let seen = format!("The front sends {}, the upstream {}", speed(fast), speed(slow));
    Some(if fast >= slow * FASTER {
        format!("{seen}: the front pays off for layers, {} times as fast.", ratio(fast / slow))
    } else if slow >= fast * FASTER {
        format!(
            "{seen}: the front slows layers down. Either its own line, disks or processors are the limit, \
             or it fetches while it sends; until that is mended, let it redirect to where the layers are."
        )
    } else {
        format!(
            "{seen}: no difference that matters. What limits both is what both have in common, most \
             likely the line of this machine."
        )
    })
}

fn beside(front: &Middle, other: &Middle) -> Option<String> {
    let (own, its) = (front.bytes_per_second?, other.bytes_per_second?);
    let name = &other.role;
    let seen = format!("{name} sends {}, the front {}", speed(its), speed(own));
    Some(if its >= own * FASTER {
        format!(
            "{seen}: {name} is fast and the front slow. If the same layers are there, let the front \
             redirect to it instead of carrying them."
        )
    } else if own >= its * FASTER {
        format!("{seen}: the front is the faster one. It does well to carry the layers itself.")
    } else {
        format!(
            "{seen}: no difference that matters. Redirecting would save the front's traffic, and cost \
             clients a connection."
        )
    })
}

fn slow_lookup(way: &Middle) -> Option<String> {
    (way.dns > QUICK_LOOKUP).then(|| {
        format!(
            "Finding the address of the {} takes {}: the resolver is far, or keeps nothing. One that \
             caches, on this machine or beside it, saves that for each client and each redirect.",
            way.role,
            time(way.dns)
        )
    })
}

fn streams(single: &Rate, parallel: &Rate) -> String {
    let seen = format!(
        "One stream gets {}, four together {}",
        bit_rate(single.bits_per_second),
        bit_rate(parallel.bits_per_second)
    );
    if parallel.bits_per_second < single.bits_per_second * FASTER {
        return format!(
            "{seen}: one stream fills the way; more connections will not make a pull faster."
        );
    }
    match lost(single).filter(|share| *share > LOSSY) {
        Some(share) => format!(
            "{seen}, and one segment in {} was sent again: losses hold each stream up. Look for a \
             link that is full or faulty; a congestion control that bears losses (BBR) at the sender \
             helps.",
            ratio(share.recip())
        ),
        None => format!(
            "{seen}: the way has room that one stream cannot use. Its window is too small for the \
             distance (net.ipv4.tcp_rmem at the receiver, tcp_wmem at the sender), or somebody on the path \
             limits each flow. Layers pulled side by side are faster than one large layer."
        ),
    }
}

/// The share of segments that were sent again.
fn lost(rate: &Rate) -> Option<f64> {
    let segments = real(rate.bytes) / SEGMENT;
    rate.retransmits.filter(|_| segments >= 1.0).map(|count| real(count) / segments)
}

fn directions(single: &Rate, reverse: &Rate) -> String {
    let (to, from) = (single.bits_per_second, reverse.bits_per_second);
    let seen = format!("To the server {} get through, from it {}", bit_rate(to), bit_rate(from));
    if to >= from * FASTER {
        format!(
            "{seen}: slow in the direction that pulls go. The route back is another one, or the server's \
             outgoing traffic is limited; ask who runs its line, and try a front elsewhere."
        )
    } else if from >= to * FASTER {
        format!(
            "{seen}: slow in the direction that pushes go, as on lines that are sold with less \
             upwards. Pulls do not suffer."
        )
    } else {
        format!("{seen}: the same in both directions.")
    }
}

#[cfg(test)]
mod tests;
