//! A client's request for a token, rewritten for a backend's token service.

use std::fmt;

use super::form;
use super::request::{Grant, TokenRequest};
use crate::oci::query;

/// What is sent to a token service. `Debug` shows the path only: tokens and passwords stand in
/// the rest.
#[derive(Clone, PartialEq, Eq)]
pub enum TokenCall {
    /// A GET.
    Get {
        /// Path and query.
        target: String,
    },
    /// A POST with content type `application/x-www-form-urlencoded`.
    Post {
        /// Path and query.
        target: String,
        /// The form.
        body: String,
    },
}

impl fmt::Debug for TokenCall {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (method, target) = match self {
            Self::Get { target } => ("GET", target),
            Self::Post { target, .. } => ("POST", target),
        };
        let path = target.split('?').next().unwrap_or_default();
        write!(formatter, "TokenCall({method} {path}, the rest is hidden)")
    }
}

impl TokenRequest {
    /// The same request for the token service at a realm.
    ///
    /// `realm` is the path and query of the real realm; its query is kept. `service` and `scopes`
    /// take the place of the client's own, which name things of the front; without a service none
    /// is sent. In a GET the service and what the client says of itself replace what the realm
    /// says of them, as in Docker's client. A parameter that the proxy does not know never
    /// replaces the realm's: the realm is the operator's word.
    #[must_use]
    pub fn for_realm(
        &self,
        realm: &str,
        service: Option<&str>,
        scopes: &[impl AsRef<str>],
    ) -> TokenCall {
        let known = self.known(service);
        let scopes = scopes.iter().map(AsRef::as_ref);
        if self.grant == Grant::Get {
            let replaced: Vec<&str> = known.iter().map(|(key, _)| *key).collect();
            let scopes = scopes.map(|scope| ("scope", scope));
            let added =
                form::print(known.into_iter().chain(scopes).chain(self.others_beside(realm)));
            return TokenCall::Get { target: with_query(realm, &replaced, &added) };
        }
        let joined = scopes.collect::<Vec<_>>().join(" ");
        let scope = (!joined.is_empty()).then_some(("scope", joined.as_str()));
        let pairs = self.grant.pairs().into_iter().chain(known).chain(scope);
        let body = form::print(pairs.chain(self.others_beside(realm)));
        TokenCall::Post { target: realm.to_owned(), body }
    }

    /// The parameters that are known and have a value.
    fn known<'a>(&'a self, service: Option<&'a str>) -> Vec<(&'a str, &'a str)> {
        let parameters = [
            ("service", service),
            ("account", self.account.as_deref()),
            ("client_id", self.client_id.as_deref()),
            ("offline_token", self.offline_token.as_deref()),
            ("access_type", self.access_type.as_deref()),
        ];
        parameters.into_iter().filter_map(|(key, value)| Some((key, value?))).collect()
    }

    /// The parameters that are not known and that the realm does not set.
    fn others_beside<'a>(&'a self, realm: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        let (_, of_realm) = split_target(realm);
        let is_set =
            |key: &str| query::parameters(of_realm.as_bytes()).any(|other| other.has_key(key));
        let others = self.others.iter().filter(move |pair| !is_set(&pair.key));
        others.map(|pair| (pair.key.as_str(), pair.value.as_str()))
    }
}

fn split_target(target: &str) -> (&str, &str) {
    target.split_once('?').unwrap_or((target, ""))
}

/// The target with more in its query. What is named goes; every other byte stays.
fn with_query(target: &str, replaced: &[&str], added: &str) -> String {
    let (path, query) = split_target(target);
    let kept = query::without(query.as_bytes(), replaced);
    let kept = String::from_utf8_lossy(&kept);
    match (kept.is_empty(), added.is_empty()) {
        (true, true) => path.to_owned(),
        (false, true) => format!("{path}?{kept}"),
        (true, false) => format!("{path}?{added}"),
        (false, false) => format!("{path}?{kept}&{added}"),
    }
}

impl Grant {
    /// The parameters of a POST that say who asks.
    fn pairs(&self) -> Vec<(&str, &str)> {
        match self {
            Self::Get => Vec::new(),
            Self::Password { username, password } => vec![
                ("grant_type", "password"),
                ("username", username),
                ("password", password.expose()),
            ],
            Self::RefreshToken { refresh_token } => {
                vec![("grant_type", "refresh_token"), ("refresh_token", refresh_token.expose())]
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::request::{from_get, from_post};
    use super::*;

    const FORM: Option<&[u8]> = Some(b"application/x-www-form-urlencoded");

    const NO_SCOPES: &[&str] = &[];

    #[test]
    fn gets() {
        type Case<'a> = (&'a str, &'a str, Option<&'a str>, &'a [&'a str], &'a str, &'a str);
        let cases: &[Case<'_>] = &[
            ("", "/token", None, &[], "/token", "nothing to add"),
            (
                "service=front&account=ann&client_id=docker&offline_token=true",
                "/token",
                Some("ghcr.io"),
                &[],
                "/token?service=ghcr.io&account=ann&client_id=docker&offline_token=true",
                "docker login; the service is the backend's",
            ),
            (
                "service=front&scope=repository:nginx:pull",
                "/token",
                Some("registry.docker.io"),
                &["repository:library/nginx:pull", "b c"],
                "/token?service=registry.docker.io\
                 &scope=repository%3Alibrary%2Fnginx%3Apull&scope=b%20c",
                "one parameter for each scope; the client's are not sent",
            ),
            ("service=front", "/token", None, &[], "/token", "a backend without a service"),
            (
                "",
                "/auth?tenant=a%2fb&=x",
                Some("s"),
                &[],
                "/auth?tenant=a%2fb&=x&service=s",
                "the realm's own query stays byte for byte",
            ),
            ("", "/auth?", None, &[], "/auth", "an empty query"),
            ("", "/auth?a=b", None, &[], "/auth?a=b", "only the realm's query"),
            (
                "account=ann",
                "/auth?servic%65=x&scope=base&account=bob&offline_token=true",
                Some("s"),
                &["t"],
                "/auth?scope=base&offline_token=true&service=s&account=ann&scope=t",
                "what is known replaces the realm's, but scopes are added",
            ),
            (
                "tenant=evil&x=1&x=2",
                "/auth?t%65nant=good",
                None,
                &[],
                "/auth?t%65nant=good&x=1&x=2",
                "an unknown parameter cannot replace the realm's",
            ),
        ];
        for (query, realm, service, scopes, expected, reason) in cases {
            let request = from_get(Some(query.as_bytes())).unwrap();
            let call = request.for_realm(realm, *service, scopes);
            assert_eq!(call, TokenCall::Get { target: (*expected).to_owned() }, "{reason}");
        }
    }

    #[test]
    fn posts() {
        let cases: &[(&str, Option<&str>, &[&str], &str, &str)] = &[
            (
                "grant_type=password&username=a%26b&password=p+w&service=front&scope=x&client_id=c",
                Some("s"),
                &["repository:a:pull", "repository:b:pull,push"],
                "grant_type=password&username=a%26b&password=p%20w&service=s&client_id=c\
                 &scope=repository%3Aa%3Apull%20repository%3Ab%3Apull%2Cpush",
                "one scope parameter, joined by spaces",
            ),
            (
                "grant_type=refresh_token&refresh_token=r&access_type=offline&scope=x&y=1&realm=2",
                None,
                &[],
                "grant_type=refresh_token&refresh_token=r&access_type=offline&y=1",
                "no scope and no service; the realm's own parameter is not replaced",
            ),
        ];
        for (body, service, scopes, expected, reason) in cases {
            let request = from_post(FORM, body.as_bytes()).unwrap();
            let call = request.for_realm("/oauth2/token?realm=x", *service, scopes);
            let target = "/oauth2/token?realm=x".to_owned();
            assert_eq!(call, TokenCall::Post { target, body: (*expected).to_owned() }, "{reason}");
        }
    }

    #[test]
    fn debug_hides_what_may_be_secret() {
        let form = "grant_type=password&username=u&password=hunter2";
        let call = from_post(FORM, form.as_bytes()).unwrap().for_realm("/t", None, NO_SCOPES);
        assert_eq!(format!("{call:?}"), "TokenCall(POST /t, the rest is hidden)");
        let call = from_get(Some(b"password=hunter2")).unwrap().for_realm("/t", None, NO_SCOPES);
        assert_eq!(format!("{call:?}"), "TokenCall(GET /t, the rest is hidden)");
    }
}
