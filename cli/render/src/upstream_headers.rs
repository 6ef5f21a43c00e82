//! Headers of answers: those of a backend that must not reach the client, and the one that the
//! front adds.

use portolan_core::contract::headers;
use serde_json::{Value, json};

/// A browser shows content of a registry as a page of nobody (Content Security Policy Level 3,
/// "sandbox"): its scripts do not run, and it has no part in what the browser keeps for the front.
/// Whoever may push says which type content has, `text/html` too. Clients of registries do not look
/// at it.
pub(super) const SANDBOX: (&str, &str) = ("content-security-policy", "sandbox");

/// What a browser or a client would bind to the front's name though only one backend said it:
/// cookies for all others, TLS or a key for ever, another address for the same name, another place
/// for the content, where to report. `proxy-authenticate` is not here: the filter turns what has it
/// into an error. The mark by which Envoy goes on to the next backend is the filter's own, and has
/// done its work by then.
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

/// A header that every answer gets, whatever a backend says in it.
pub(super) fn set(name: &str, value: &str) -> Value {
    json!({
        "header": {"key": name, "value": value},
        "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
    })
}
