//! The tokens that the proxy fetches for itself.

use super::call::TokenCall;
use super::request::{Grant, TokenRequest};
use crate::grammar::RepositoryName;

/// How the proxy names itself to token services.
const CLIENT_ID: &str = "portolan";

/// What a request wants to do to a repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Access {
    /// Read it.
    Pull,
    /// Write to it. Registries ask for `pull` too: uploads are read back, mounts are found.
    Push,
    /// Delete from it.
    Delete,
}

/// The scope of a request for one repository, by the name that the backend knows
/// ("Docker Registry Token Scope and Access" of the distribution project).
#[must_use]
pub fn repository_scope(name: RepositoryName<'_>, access: Access) -> String {
    let actions = match access {
        Access::Pull => "pull",
        Access::Push => "pull,push",
        Access::Delete => "delete",
    };
    format!("repository:{}:{actions}", name.as_str())
}

/// Under which key a token is kept: whose it is, and for what. `operator` is a name of the policy;
/// neither it nor a scope has a space, so that different ones never make the same key.
#[must_use]
pub fn key(operator: &str, scope: &str) -> String {
    format!("{operator} {scope}")
}

/// The path and query of the proxy's own GET for a token. `realm` is the path and query of the
/// realm, `scope` empty for what needs no scope (the ping).
#[must_use]
pub fn target(realm: &str, service: Option<&str>, scope: &str) -> String {
    let request = TokenRequest {
        grant: Grant::Get,
        service: None,
        scopes: Vec::new(),
        account: None,
        client_id: Some(CLIENT_ID.to_owned()),
        offline_token: None,
        access_type: None,
        others: Vec::new(),
    };
    let scopes: Vec<&str> = Some(scope).into_iter().filter(|scope| !scope.is_empty()).collect();
    match request.for_realm(realm, service, &scopes) {
        TokenCall::Get { target } | TokenCall::Post { target, .. } => target,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes() {
        let name = RepositoryName::parse(b"library/nginx").unwrap();
        let scope = |access| repository_scope(name, access);
        assert_eq!(scope(Access::Pull), "repository:library/nginx:pull");
        assert_eq!(scope(Access::Push), "repository:library/nginx:pull,push");
        assert_eq!(scope(Access::Delete), "repository:library/nginx:delete");
    }

    #[test]
    fn targets() {
        let cases: &[(&str, Option<&str>, &str, &str, &str)] = &[
            (
                "/token",
                Some("ghcr.io"),
                "repository:a/b:pull",
                "/token?service=ghcr.io&client_id=portolan&scope=repository%3Aa%2Fb%3Apull",
                "GHCR",
            ),
            ("/v2/auth", None, "", "/v2/auth?client_id=portolan", "no service, no scope"),
            (
                "/auth?tenant=1&service=x",
                Some("s"),
                "t",
                "/auth?tenant=1&service=s&client_id=portolan&scope=t",
                "the realm's query stays, its service does not",
            ),
        ];
        for (realm, service, scope, expected, reason) in cases {
            assert_eq!(target(realm, *service, scope), *expected, "{reason}");
        }
    }

    #[test]
    fn keys_differ() {
        assert_eq!(key("ghcr", "repository:a:pull"), "ghcr repository:a:pull");
        assert_ne!(key("a", "b:c"), key("a:b", "c"));
    }
}
