//! The names of Envoy's clusters, as far as they are derived from names of the policy.
//!
//! A name of the policy has no `@` in it and no `+`, so no two of these run into one. Where
//! clusters say what they connect to, a name has a fingerprint behind it:
//! [`with_fingerprint`](super::with_fingerprint).

use super::cluster_name::joined;

/// What the names of those clusters begin with that no policy changes.
pub const INTERNAL: &str = "portolan@";

/// The cluster by which the filter asks Envoy's admin interface how the backends are. All that it
/// leads to is [`crate::health::TARGET`].
pub const ADMIN: &str = "portolan@admin";

/// The cluster by which the filter asks for metrics: the listener of this Envoy that serves them
/// and nothing else.
pub const SCRAPES: &str = "portolan@scrapes";

/// The cluster of the admin interface itself, which only the renderer's own listeners use.
pub const ADMIN_INTERFACE: &str = "portolan@admin-interface";

/// The listener of this Envoy that fills caches: the filter asks there whether a repository has
/// some content.
pub const FILL: &str = "portolan@fill";

/// With what the name of a cache begins where it stands among backends.
pub const CACHE: &str = "cache@";

/// Where a tag is asked for that no registry answers for: the listener that fills caches, for the
/// manifest that the tag stood for last. It is the last of a list, and neither a backend nor a
/// cache of the policy can be called so.
pub const STALE: &str = "stale@cache";

/// The cluster of the collector of spans, which only Envoy's tracer uses.
pub const COLLECTOR: &str = "portolan@collector";

/// The cluster of the rate limit service, which only Envoy's filter for it uses.
pub const RATE_LIMITS: &str = "portolan@rate-limits";

/// A proxy that is asked to connect to backends; `authority` is its `host:port`. It says all of
/// what it connects to.
#[must_use]
pub fn connect_proxy(authority: &str) -> String {
    format!("{authority}@connect")
}

/// The token service of a backend.
#[must_use]
pub fn token_service(backend: &str) -> String {
    format!("{backend}@token")
}

/// The service that verifies passwords for a front.
#[must_use]
pub fn verifier(front: &str) -> String {
    format!("{front}@verifier")
}

/// A blob store, for the questions of the filter.
#[must_use]
pub fn blob_store(store: &str) -> String {
    format!("{store}@probe")
}

/// The nodes of a cache, by its name in the policy. It is also the name under which the cache
/// stands in a chain: no backend can have it.
#[must_use]
pub fn cache(name: &str) -> String {
    format!("{CACHE}{name}")
}

/// Whether a member of a list is a cache, by its name or its key.
#[must_use]
pub fn is_cache(member: &str) -> bool {
    member.starts_with(CACHE)
}

/// Whether a member of a list is [`STALE`].
#[must_use]
pub fn is_stale(member: &str) -> bool {
    member == STALE
}

/// The cluster of a backend for writes and for what only the owner knows; `cluster` is the
/// backend's.
#[must_use]
pub fn owner(cluster: &str) -> String {
    format!("{cluster}@owner")
}

/// The hosts that a backend redirects to, over TLS.
#[must_use]
pub fn redirect_targets(backend: &str) -> String {
    format!("{backend}@redirects")
}

/// The hosts that a backend redirects to, without TLS.
#[must_use]
pub fn plain_redirect_targets(backend: &str) -> String {
    format!("{backend}@redirects-http")
}

/// Whether a cluster stands for several backends, of which each may be an attempt's.
#[must_use]
pub fn is_of_several(cluster: &[u8]) -> bool {
    cluster.contains(&b'+')
}

/// The cluster of the attempts after the first one: the backends with these keys and no others, in
/// the order of their list.
#[must_use]
pub fn later_attempts(backends: &[&str]) -> String {
    format!("{}@last", joined(backends))
}

/// The cluster of a first attempt where some backends of a list are asked after the others: all of
/// the list, by their keys, in the order in which they are asked, and how many of them are asked
/// after the others.
#[must_use]
pub fn sparing(backends: &[&str], spared: usize) -> String {
    format!("{}@sparing-{spared}", joined(backends))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::{Fingerprint, with_fingerprint};

    #[test]
    fn the_cluster_of_a_list_says_that_it_is_one() {
        let key = with_fingerprint("b", Fingerprint::of(["b"]));
        for several in [joined(&["a", "b"]), joined(&["a", &key]), later_attempts(&["a", "b"])] {
            assert!(is_of_several(several.as_bytes()), "{several}");
        }
        for one in [joined(&["a"]), key.clone(), owner(&key), cache("eu"), FILL.to_owned()] {
            assert!(!is_of_several(one.as_bytes()), "{one}");
        }
    }

    #[test]
    fn names_of_different_clusters_differ() {
        let names = [
            ADMIN.to_owned(),
            FILL.to_owned(),
            cache("a"),
            ADMIN_INTERFACE.to_owned(),
            SCRAPES.to_owned(),
            COLLECTOR.to_owned(),
            RATE_LIMITS.to_owned(),
            token_service("a"),
            verifier("a"),
            blob_store("a"),
            owner("a"),
            redirect_targets("a"),
            plain_redirect_targets("a"),
            later_attempts(&["a"]),
            later_attempts(&["a", "b"]),
            later_attempts(&["b", "a"]),
            later_attempts(&["a", STALE]),
            later_attempts(&[STALE]),
            sparing(&["a", "b"], 1),
            sparing(&["b", "a"], 1),
            sparing(&["c", "b", "a"], 1),
            sparing(&["c", "b", "a"], 2),
            token_service("b"),
        ];
        for (place, name) in names.iter().enumerate() {
            assert_eq!(names.iter().position(|other| other == name), Some(place), "{name}");
            assert!(name.contains('@'), "{name} could be a name of the policy");
        }
    }
}
