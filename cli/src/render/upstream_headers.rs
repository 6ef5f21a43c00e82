//! Headers that must not cross between the client and a backend.

use portolan_core::attempt;
use portolan_core::config::Clients;

use super::credential_filter::CREDENTIAL_HEADER;

/// What the filter and Envoy say to each other. A credential is named later, by the attempt phase, when
/// these have been removed.
const INTERNAL: [&str; 3] = ["x-portolan-cluster", "x-portolan-peer", CREDENTIAL_HEADER];

/// Who the client is. A backend is somebody else's registry, in another country perhaps; it sees
/// one client, the proxy.
const CLIENT: [&str; 10] = [
    "x-forwarded-for",
    "x-envoy-external-address",
    "x-real-ip",
    "x-client-ip",
    "true-client-ip",
    "cf-connecting-ip",
    "x-cluster-client-ip",
    "x-original-forwarded-for",
    "fastly-client-ip",
    "x-azure-clientip",
];

/// How the client reached the front. Registries build the URLs of their answers from these, and
/// would build one of the front's host, or with a scheme that the backend is not served by.
const FRONT: [&str; 11] = [
    "forwarded",
    "x-forwarded-host",
    "x-forwarded-port",
    "x-forwarded-proto",
    "x-forwarded-prefix",
    "x-forwarded-server",
    "x-forwarded-scheme",
    "x-forwarded-ssl",
    "x-original-host",
    "x-host",
    "front-end-https",
];

/// Another request than the one that was decided about. Frameworks behind a proxy take the method or the path
/// from these, and this proxy shows them its own credential.
const ANOTHER_REQUEST: [&str; 10] = [
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
    "x-original-method",
    "x-original-uri",
    "x-original-url",
    "x-rewrite-url",
    "x-forwarded-uri",
    "x-forwarded-method",
    "x-accel-redirect",
];

/// What the client may carry for the front's domain, such as a company's single sign-on.
const CREDENTIALS_OF_THE_FRONT: [&str; 3] = ["cookie", "cookie2", "proxy-authorization"];

/// What a browser or a client would bind to the front's name though only one backend said it: cookies
/// for all others, TLS or a key for ever, another address for the same name, another place for the
/// content, where to report. `proxy-authenticate` is not here: the filter turns what has it into an error.
/// The mark by which Envoy goes on to the next backend is the filter's own, and has done its work by then.
pub(super) const REMOVED_FROM_RESPONSES: [&str; 15] = [
    attempt::MARK,
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

/// The headers that a request loses on its way to a backend, `authorization` not being one.
pub(super) fn removed_from_requests(clients: &Clients) -> Vec<String> {
    let geo = clients.geo_headers();
    let geo = [geo.country, geo.subdivision, geo.continent].into_iter().flatten();
    let of_the_front = FRONT.iter().chain(&ANOTHER_REQUEST).chain(&CREDENTIALS_OF_THE_FRONT);
    let fixed = INTERNAL.iter().chain(&CLIENT).chain(of_the_front);
    fixed.map(ToString::to_string).chain(geo).collect()
}
