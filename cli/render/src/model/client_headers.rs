//! The headers of clients that are removed, kept or replaced.

use portolan_core::config::{Clients, Geo};
use portolan_core::contract::headers;

/// Those of a policy's clients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ClientHeaders {
    /// What the names of those begin with that are removed before anything reads them: the filter
    /// and Envoy would take them for their own.
    pub(crate) removed_first: &'static [&'static str],
    /// Whose word the geo headers are, where the filter reads any: it believes the networks of the
    /// policy.
    pub(crate) peer: Option<Peer>,
    /// Those that no backend is shown, in lower case.
    pub(crate) removed_for_backends: Vec<String>,
}

/// Whose word geo headers are. The address that `x-forwarded-for` leads to would be the client's,
/// and is not known yet when they are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Peer {
    /// The other end of the connection.
    Connected,
    /// The one that a balancer has named as that by the PROXY protocol.
    NamedByBalancer,
}

/// What the filter and Envoy say to each other. A credential is named later, by the attempt phase,
/// when these have been removed.
const INTERNAL: [&str; 3] = [headers::CLUSTER, headers::PEER, headers::CREDENTIAL];
/// What Envoy itself says of the client and of the front. The filter has removed the rest before
/// ([`portolan_core::is_withheld`]): each name of a list costs every request, also where it is not
/// there.
const ENVOYS: [&str; 3] = ["x-forwarded-for", "x-forwarded-proto", "x-envoy-external-address"];

impl ClientHeaders {
    /// What a policy says of them.
    pub(super) fn of(clients: &Clients) -> Self {
        let reads_headers = matches!(clients.geo(), Geo::Headers(_));
        let is_told = !clients.proxy_protocol().is_empty();
        let peer = if is_told { Peer::NamedByBalancer } else { Peer::Connected };
        Self {
            removed_first: removed_first(clients.geo()),
            peer: reads_headers.then_some(peer),
            removed_for_backends: removed_for_backends(clients),
        }
    }
}

/// Geo headers that proxies in front set may well be called `x-geo-country`. They stay: the
/// filter believes them only if the connection comes from such a proxy, and nobody else sets any.
const fn removed_first(geo: &Geo) -> &'static [&'static str] {
    match geo {
        Geo::Headers(_) => &[headers::PREFIX, "x-envoy-"],
        Geo::None | Geo::Database(_) => &["x-geo-", headers::PREFIX, "x-envoy-"],
    }
}

/// The headers that Envoy takes out of a request, behind the filter.
fn removed_for_backends(clients: &Clients) -> Vec<String> {
    let geo = clients.geo_headers();
    let geo = [geo.country, geo.subdivision, geo.continent].into_iter().flatten();
    let fixed = INTERNAL.iter().chain(&ENVOYS);
    fixed.map(ToString::to_string).chain(geo).collect()
}
