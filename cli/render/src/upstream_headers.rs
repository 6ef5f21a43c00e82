//! Headers of a backend that must not reach the client.

use portolan_core::contract::headers;

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
