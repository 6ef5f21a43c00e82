//! Discovery: the token service that a backend itself names.

use crate::challenge;
use crate::config::Realm;
use crate::grammar::RepositoryName;

/// What a backend's answer to `GET /v2/` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Discovery {
    /// Tokens come from here. It is kept from then on: a backend that is taken over later does not
    /// get to send the proxy's credentials to somebody else.
    Pinned(Pinned),
    /// It wants none.
    Open,
    /// Tokens come from another host. Only the policy may name one: an upstream that could would
    /// steer the proxy, with its credentials, to any address.
    Elsewhere,
    /// It did not say.
    Unavailable,
}

/// A token service at the backend's own host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pinned {
    /// Path and query.
    pub target: String,
    /// The name of the backend at the service.
    pub service: Option<String>,
}

/// What else to ask a backend that answers everybody on `/v2/`: something of the repository that a
/// scope is for, which may be less public. `None` for a scope of no repository, and for a name that
/// is none.
#[must_use]
pub fn repository_target(base_path: &str, scope: &str) -> Option<String> {
    let scope = challenge::Scope::parse(scope)?;
    let name = RepositoryName::parse(scope.repository()?.as_bytes())?;
    Some(format!("{base_path}/v2/{}/tags/list?n=1", name.as_str()))
}

/// Reads the answer of the backend at `authority` (`host[:port]`): its status, and all values of
/// `WWW-Authenticate`.
#[must_use]
pub fn discover(status: u16, values: &[&[u8]], authority: &str) -> Discovery {
    match (status, challenge::token_service(values)) {
        (401, Some(found)) => match Realm::parse(&found.realm) {
            Some(realm) if realm.origin().authority() == authority => Discovery::Pinned(Pinned {
                target: realm.target().to_owned(),
                service: found.service,
            }),
            _ => Discovery::Elsewhere,
        },
        (200..=299, _) => Discovery::Open,
        _ => Discovery::Unavailable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_that_find_the_realm_of_a_backend() {
        let rows = [
            ("repository:a/b:pull", Some("/base/v2/a/b/tags/list?n=1")),
            ("repository(plugin):a:pull,push", Some("/base/v2/a/tags/list?n=1")),
            ("repository:a/../b:pull", None),
            ("repository:A:pull", None),
            ("registry:catalog:*", None),
            ("", None),
        ];
        for (scope, expected) in rows {
            assert_eq!(repository_target("/base", scope).as_deref(), expected, "{scope}");
        }
    }

    #[test]
    fn realms_that_backends_name() {
        let pinned = |target: &str, service: Option<&str>| {
            Discovery::Pinned(Pinned { target: target.into(), service: service.map(Into::into) })
        };
        #[rustfmt::skip]
        let rows: &[(u16, &str, Discovery, &str)] = &[
            (401, r#"Bearer realm="https://ghcr.io/token",service="ghcr.io",scope="repository:user/image:pull""#, pinned("/token", Some("ghcr.io")), "GHCR"),
            (401, r#"Bearer realm="https://GHCR.io:443/v2/auth?a=b""#, pinned("/v2/auth?a=b", None), "case, port, query"),
            (401, r#"Bearer realm="https://auth.evil.example/token""#, Discovery::Elsewhere, "another host"),
            (401, r#"Bearer realm="https://ghcr.io:8443/token""#, Discovery::Elsewhere, "another port"),
            (401, r#"Bearer realm="https://ghcr.io@evil.example/token""#, Discovery::Unavailable, "credentials in a URL"),
            (401, r#"Bearer realm="/token""#, Discovery::Unavailable, "relative"),
            (401, r#"Basic realm="x""#, Discovery::Unavailable, "passwords"),
            (401, "", Discovery::Unavailable, "nothing"),
            (200, "", Discovery::Open, "open"),
            (503, r#"Bearer realm="https://ghcr.io/token""#, Discovery::Unavailable, "trouble"),
        ];
        for (status, value, expected, reason) in rows {
            let values: &[&[u8]] = if value.is_empty() { &[] } else { &[value.as_bytes()] };
            assert_eq!(discover(*status, values, "ghcr.io"), *expected, "{value}: {reason}");
        }
    }
}
