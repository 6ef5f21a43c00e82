//! Headers that must not cross between the client and a backend.

use portolan_core::config::Clients;

/// What the filter and Envoy say to each other.
const INTERNAL: [&str; 2] = ["x-portolan-cluster", "x-portolan-peer"];

/// Who the client is. A backend is somebody else's registry, in another country perhaps; it sees
/// one client, the proxy.
const CLIENT: [&str; 6] = [
    "x-forwarded-for",
    "x-envoy-external-address",
    "x-real-ip",
    "x-client-ip",
    "true-client-ip",
    "cf-connecting-ip",
];

/// How the client reached the front. Registries build the URLs of their answers from these, and
/// would build one of the front's host, or with a scheme that the backend is not served by.
const FRONT: [&str; 4] = ["forwarded", "x-forwarded-host", "x-forwarded-port", "x-forwarded-proto"];

/// What the client may carry for the front's domain, such as a company's single sign-on.
const CREDENTIALS_OF_THE_FRONT: [&str; 2] = ["cookie", "proxy-authorization"];

/// What a browser or a client would bind to the front's name though only one backend said it:
/// cookies for all others, TLS for ever, another address for the same name, where to report.
pub(super) const REMOVED_FROM_RESPONSES: [&str; 7] = [
    "set-cookie",
    "strict-transport-security",
    "alt-svc",
    "nel",
    "report-to",
    "reporting-endpoints",
    "clear-site-data",
];

/// The headers that a request loses on its way to a backend, `authorization` not being one.
pub(super) fn removed_from_requests(clients: &Clients) -> Vec<String> {
    let geo = clients.geo_headers();
    let geo = [geo.country, geo.subdivision, geo.continent].into_iter().flatten();
    let fixed = INTERNAL.iter().chain(&CLIENT).chain(&FRONT).chain(&CREDENTIALS_OF_THE_FRONT);
    fixed.map(ToString::to_string).chain(geo).collect()
}
