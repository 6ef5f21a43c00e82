//! Authentication: of clients at a front, and of the proxy at a backend.

use crate::config::auth_domains::AuthDomainKind;
use crate::config::backend_url::BackendUrl;
use crate::config::ids::{BackendId, LabelId, ListId};

/// How the clients of a front prove who they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FrontAuth {
    /// They need not. The proxy itself holds what the backends want.
    Managed,
    /// To the backends, through the token endpoint of the front.
    Upstream {
        /// Whose token service answers a request without a scope, which is what `docker login`
        /// makes.
        login: BackendId,
        /// The list that has this backend and nobody else.
        list: ListId,
        /// What clients are asked for: that of this backend's auth domain, and of everybody else
        /// whom the front's rules name. Clients remember one answer for a whole host.
        kind: AuthDomainKind,
    },
    /// To the front, with a name and a password. The proxy itself holds what the backends want.
    Basic(Verifier),
}

/// The HTTP service that knows the passwords of a front's clients: it is sent their `Authorization`
/// and answers with a status of 200 to 299, or with 401.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verifier {
    pub(crate) url: BackendUrl,
    pub(crate) cluster: String,
}

impl Verifier {
    /// Where it is; the base path is the path that is asked.
    #[must_use]
    pub const fn url(&self) -> &BackendUrl {
        &self.url
    }

    /// The name of the Envoy cluster by which the filter reaches the service.
    #[must_use]
    pub fn cluster(&self) -> &str {
        &self.cluster
    }
}

/// What a backend wants to see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BackendAuth {
    /// Nothing.
    Open,
    /// Tokens of a token service (distribution project, "Token Authentication Specification").
    Token(TokenService),
    /// A name and a password (RFC 7617).
    Basic {
        /// Which user database. Backends with the same label accept the same passwords.
        label: String,
    },
}

/// Where the tokens of a backend come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenService {
    pub(crate) realm: Option<Realm>,
    pub(crate) service: Option<String>,
    pub(crate) cluster: String,
}

impl TokenService {
    /// The URL of the service. Without one it is what the backend itself says on its `/v2/`, as far
    /// as that is at the backend's own host.
    #[must_use]
    pub const fn realm(&self) -> Option<&Realm> {
        self.realm.as_ref()
    }

    /// The name by which the backend is known to the service.
    #[must_use]
    pub fn service(&self) -> Option<&str> {
        self.service.as_deref()
    }

    /// The Envoy cluster that reaches the service.
    #[must_use]
    pub fn cluster(&self) -> &str {
        &self.cluster
    }
}

/// The URL of a token service.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Realm {
    origin: BackendUrl,
    target: String,
}

/// What to write where the URL of a token service is expected.
pub(crate) const WANTED_REALM: &str = "the URL of a token service such as \
     `https://auth.docker.io/token`: scheme `http` or `https`, no credentials and no fragment";

impl Realm {
    /// Reads an absolute URL. A query belongs to it: some services are told apart by it.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let visible = |byte: u8| (0x21..=0x7e).contains(&byte) && !b"#\"\\<>".contains(&byte);
        if !text.bytes().all(visible) {
            return None;
        }
        let (scheme, rest) = text.split_once("://")?;
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, target) = rest.split_at_checked(end)?;
        let origin = BackendUrl::parse(&format!("{scheme}://{authority}"))?;
        let slash = if target.starts_with('/') { "" } else { "/" };
        Some(Self { origin, target: format!("{slash}{target}") })
    }

    /// Scheme, host and port.
    #[must_use]
    pub const fn origin(&self) -> &BackendUrl {
        &self.origin
    }

    /// Path and query, starting with a slash.
    #[must_use]
    pub fn target(&self) -> &str {
        &self.target
    }
}

/// Who may read the repositories of a rule for which the proxy uses a credential of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Readers {
    /// Everybody who reaches the front.
    Anyone,
    /// Clients that have proved to the front who they are.
    Authenticated,
    /// Clients in networks with one of these labels.
    Networks(Vec<LabelId>),
}

/// A credential of the proxy's own. The policy knows only where Envoy finds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    pub(crate) name: String,
    pub(crate) file: String,
}

impl Credential {
    /// Its name in the policy.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The path of the file that Envoy reads it from, and reads again when the file is replaced.
    #[must_use]
    pub fn file(&self) -> &str {
        &self.file
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn realms() {
        #[rustfmt::skip]
        let rows: &[(&str, Option<(&str, &str)>, &str)] = &[
            ("https://auth.docker.io/token", Some(("auth.docker.io", "/token")), "Docker Hub"),
            ("https://quay.io/v2/auth", Some(("quay.io", "/v2/auth")), "Quay"),
            ("https://git.example:8443/jwt/auth?a=b", Some(("git.example:8443", "/jwt/auth?a=b")), "port and query"),
            ("http://token.internal", Some(("token.internal", "/")), "no path"),
            ("https://token.internal?x", Some(("token.internal", "/?x")), "a query without a path"),
            ("/token", None, "relative"),
            ("https://user@auth.example/token", None, "credentials"),
            ("https://auth.example/token#x", None, "a fragment"),
            ("https://auth.example/to ken", None, "a space"),
            ("ftp://auth.example/token", None, "another scheme"),
        ];
        for (text, expected, reason) in rows {
            let realm = Realm::parse(text);
            let found = realm.as_ref().map(|realm| (realm.origin().authority(), realm.target()));
            assert_eq!(found, *expected, "{text}: {reason}");
        }
    }
}
