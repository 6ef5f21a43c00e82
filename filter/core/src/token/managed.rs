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
    /// Write to it. The scope has `pull` as well: an upload is read back, and a mount has to be
    /// found.
    Push,
    /// Delete from it.
    Delete,
}

/// The scope of the list of all repositories.
pub const CATALOG_SCOPE: &str = "registry:catalog:*";

const DELETE: &str = "delete";
const PUSH: &str = "pull,push";

/// The scope of a request for one repository, by the name that the backend knows
/// ("Docker Registry Token Scope and Access" of the distribution project).
#[must_use]
pub fn repository_scope(name: RepositoryName<'_>, access: Access) -> String {
    let actions = match access {
        Access::Pull => "pull",
        Access::Push => PUSH,
        Access::Delete => DELETE,
    };
    // It is made for every request that has a token; `format!` takes three times as long.
    ["repository:", name.as_str(), ":", actions].concat()
}

/// What to ask for where a token service does not understand a scope; empty for no scope at all.
///
/// `delete` is an action of the distribution project's registry, Harbor, GitLab, Azure and IBM.
/// Quay knows `pull`, `push` and `*`, deletes with `push`, and answers 400 to every scope with
/// another action or of another type (its `endpoints/v2/v2auth.py`). `*` would be understood by
/// both, but it is more than a request needs, and who has less than everything is given nothing.
#[must_use]
pub fn other_scope(scope: &str) -> Option<String> {
    if scope == CATALOG_SCOPE {
        return Some(String::new());
    }
    let resource = scope.strip_suffix(DELETE)?;
    resource.ends_with(':').then(|| format!("{resource}{PUSH}"))
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
    fn other_scopes() {
        #[rustfmt::skip]
        let rows: &[(&str, Option<&str>, &str)] = &[
            ("repository:a/b:delete", Some("repository:a/b:pull,push"), "Quay deletes with push"),
            ("registry:catalog:*", Some(""), "Quay lists for whoever asks"),
            ("repository:a/b:pull", None, "understood by all"),
            ("repository:a/b:pull,push", None, "understood by all"),
            ("repository:a/delete:pull", None, "a name"),
            ("repository:a:undelete", None, "another action"),
            ("", None, "no scope"),
        ];
        for (scope, expected, reason) in rows {
            assert_eq!(other_scope(scope).as_deref(), *expected, "{scope}: {reason}");
        }
    }
}
