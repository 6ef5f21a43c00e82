//! Headers that must not cross between the client and a backend.

use portolan_core::config::Clients;
use portolan_core::contract::headers;

/// What the filter and Envoy say to each other. A credential is named later, by the attempt phase, when
/// these have been removed.
const INTERNAL: [&str; 3] = [headers::CLUSTER, headers::PEER, headers::CREDENTIAL];

/// What Envoy itself says of the client and of the front. The filter has removed the rest before
/// ([`portolan_core::is_withheld`]): each name of a list costs every request, also where it is not there.
const ENVOYS: [&str; 3] = ["x-forwarded-for", "x-forwarded-proto", "x-envoy-external-address"];

/// What a browser or a client would bind to the front's name though only one backend said it: cookies
/// for all others, TLS or a key for ever, another address for the same name, another place for the
/// content, where to report. `proxy-authenticate` is not here: the filter turns what has it into an error.
/// The mark by which Envoy goes on to the next backend is the filter's own, and has done its work by then.
pub(super) const REMOVED_FROM_RESPONSES: [&str; 15] = [
    headers::GO_ON,
    "set-cookie",
    "set-cookie2",
    "strict-transport-security",
    "public-key-pins",
    "public-key-pins-report-only",
    "expect-ct",
    "alt-svc",
    "content-location",
    "refresh",
    "nel",
    "report-to",
    "reporting-endpoints",
    "clear-site-data",
    "proxy-authentication-info",
];

/// The headers that Envoy takes out of a request, behind the filter.
pub(super) fn removed_from_requests(clients: &Clients) -> Vec<String> {
    let geo = clients.geo_headers();
    let geo = [geo.country, geo.subdivision, geo.continent].into_iter().flatten();
    let fixed = INTERNAL.iter().chain(&ENVOYS);
    fixed.map(ToString::to_string).chain(geo).collect()
}
