//! Compiles the sources of the facts about a client.

use ipnet::IpNet;

use crate::config::client_limits::ClientLimits;
use crate::config::clients::{Clients, Geo, GeoHeaders};
use crate::config::compile::regions::labels_meant;
use crate::config::mistake::{Mistakes, Path};
use crate::config::network_table::NetworkTable;
use crate::config::refused::Refused;
use crate::config::regions::GeoSource;
use crate::config::wire::{ClientLimitsWire, ClientsWire, GeoHeadersWire, ProxyWire, RefusedWire};

#[inline(never)]
pub(super) fn compile(
    wire: ClientsWire,
    networks: &[(String, Vec<IpNet>)],
    mistakes: &Mistakes,
) -> (Clients, GeoSource) {
    let root = Path::Root.key("clients");
    if wire.trusted_hops.is_some() && !wire.trusted_proxies.is_empty() {
        let message = "stands beside `trusted_proxies`; keep one: the addresses of your proxies if \
             they are known, else their number";
        mistakes.add(&root.key("trusted_hops"), message);
    }
    let geo_path = root.key("geo");
    if wire.headers.is_some() && wire.database.is_some() {
        let message =
            "has both `database` and `headers`; keep one, the source that locates clients";
        mistakes.add(&geo_path, message);
    }
    // A header from anybody is a client that says where it wants to be.
    if wire.headers.is_some() && !wire.names_proxies {
        let message = "is believed only from trusted proxies; write their address prefixes in \
             `clients.trusted_proxies`";
        mistakes.add(&geo_path.key("headers"), message);
    }
    let (geo, source) = match (wire.headers, wire.database) {
        (Some(headers), _) => {
            (compile_headers(headers, &geo_path, mistakes), GeoSource::ProxyHeaders)
        }
        (None, Some(path)) => (Geo::Database(path), GeoSource::TrustedHeaders),
        (None, None) => (Geo::None, GeoSource::None),
    };
    let clients = Clients {
        trusted_hops: wire.trusted_hops.unwrap_or(0),
        trusted_proxies: proxies(
            &wire.trusted_proxies,
            networks,
            &root.key("trusted_proxies"),
            mistakes,
        ),
        proxy_protocol: proxies(
            &wire.proxy_protocol,
            networks,
            &root.key("proxy_protocol"),
            mistakes,
        ),
        geo,
        refused: compile_refused(wire.refused, networks, &root.key("refused"), mistakes),
        limits: wire.limits.map(|limits| compile_limits(limits, networks, &root, mistakes)),
    };
    (clients, source)
}

fn compile_limits(
    wire: ClientLimitsWire,
    networks: &[(String, Vec<IpNet>)],
    root: &Path<'_>,
    mistakes: &Mistakes,
) -> ClientLimits {
    let path = root.key("limits");
    ClientLimits {
        networks: wire.networks,
        budgets: wire.budgets,
        except: proxies(&wire.except, networks, &path.key("except"), mistakes),
        entries: wire.entries,
    }
}

#[inline(never)]
fn compile_refused(
    wire: Vec<RefusedWire>,
    networks: &[(String, Vec<IpNet>)],
    list: &Path<'_>,
    mistakes: &Mistakes,
) -> Vec<Refused> {
    let all = wire.into_iter().enumerate().map(|(index, one)| {
        let item = list.item(index);
        let prefixes = proxies(&one.networks, networks, &item.key("networks"), mistakes);
        Refused {
            networks: one.names_networks.then(|| NetworkTable::of_prefixes(prefixes)),
            user_agents: one.user_agents,
            images: one.images,
            reason: one.reason,
        }
    });
    all.collect()
}

/// The prefixes of all of them; those of labels as `networks` has them.
fn proxies(
    wire: &[ProxyWire],
    networks: &[(String, Vec<IpNet>)],
    list: &Path<'_>,
    mistakes: &Mistakes,
) -> Vec<IpNet> {
    let mut all = Vec::new();
    for (index, proxy) in wire.iter().enumerate() {
        match proxy {
            ProxyWire::Prefix(prefix) => all.push(*prefix),
            ProxyWire::Label(pattern) => {
                let known = networks.iter().map(|(label, _)| label.as_str());
                let meant = labels_meant(pattern, known, &list.item(index), mistakes);
                let of = networks.iter().filter(|(label, _)| meant.contains(&label.as_str()));
                all.extend(of.flat_map(|(_, prefixes)| prefixes));
            }
        }
    }
    all
}

#[inline(never)]
fn compile_headers(wire: GeoHeadersWire, path: &Path<'_>, mistakes: &Mistakes) -> Geo {
    if !wire.names_any {
        let message = "names no header; write at least `country`";
        mistakes.add(&path.key("headers"), message);
    }
    let headers = GeoHeaders {
        country: wire.country,
        subdivision: wire.subdivision,
        continent: wire.continent,
    };
    Geo::Headers(headers)
}
