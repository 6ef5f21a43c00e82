//! The realm and the service that a front has for a client.

use super::naming::Naming;
use crate::challenge::{Accepts, FrontChallenge};
use crate::config::ids::FrontId;
use crate::config::{AuthDomainKind, Config, FrontAuth, FrontHost};

/// The path of a front's token endpoint. It is outside of `/v2/`, where some registries keep
/// theirs, so that no repository can be meant. A slash and the name of an upstream may follow.
pub const TOKEN_PATH: &str = "/portolan/token";

/// The path at which a front tells how its backends are.
pub const HEALTH_PATH: &str = "/healthcheck";
/// The path at which a front hands out what Envoy counts.
pub const METRICS_PATH: &str = "/metrics";
/// The path at which it tells that it is there at all.
pub const LIVENESS_PATH: &str = "/livez";

/// The name of the upstream in a path of a token endpoint, empty if the path has none; `None` for
/// any other path.
///
/// It stands in the path, not in a query, since some clients replace the query of a realm.
#[must_use]
pub fn in_token_path(path: &[u8]) -> Option<&str> {
    let rest = std::str::from_utf8(path.strip_prefix(TOKEN_PATH.as_bytes())?).ok()?;
    if rest.is_empty() {
        return Some(rest);
    }
    rest.strip_prefix('/').filter(|name| !name.is_empty())
}

/// The names by which a front challenges one client: on the scheme, host and port that the client
/// itself used, since several clients refuse a realm elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrontRealm {
    realm: String,
    service: String,
    label: String,
    accepts: Accepts,
}

impl FrontRealm {
    /// `scheme` and `authority` are those of the request. An authority that the front does not
    /// declare is not repeated, and neither is a scheme that is not one: both are the client's
    /// word.
    #[must_use]
    pub fn new(
        config: &Config,
        front: FrontId,
        naming: &Naming,
        scheme: &[u8],
        authority: &[u8],
    ) -> Option<Self> {
        let front = config.fronts().get(front)?;
        let own = front.hosts().first().map_or("", FrontHost::as_str);
        let declared = FrontHost::of_authority(authority);
        let is_declared = declared.is_some_and(|host| front.hosts().contains(&host));
        let asked = std::str::from_utf8(authority).ok().filter(|_| is_declared);
        let scheme = if scheme.eq_ignore_ascii_case(b"http") { "http" } else { "https" };
        let accepts = match front.auth() {
            FrontAuth::Managed => Accepts::Nothing,
            FrontAuth::Upstream { kind: AuthDomainKind::Token, .. } => Accepts::Bearer,
            FrontAuth::Basic(_) | FrontAuth::Upstream { kind: AuthDomainKind::Basic, .. } => {
                Accepts::Basic
            }
        };
        let (slash, upstream) = naming.in_realm().map_or(("", ""), |name| ("/", name));
        Some(Self {
            realm: format!("{scheme}://{}{TOKEN_PATH}{slash}{upstream}", asked.unwrap_or(own)),
            service: own.to_owned(),
            label: own.to_owned(),
            accepts,
        })
    }

    /// What clients are challenged with.
    #[must_use]
    pub fn challenge(&self) -> FrontChallenge<'_> {
        FrontChallenge {
            realm: &self.realm,
            service: &self.service,
            label: &self.label,
            accepts: self.accepts,
        }
    }
}

#[cfg(test)]
mod tests {
    use portolan_policy_builder::{Backend, Front, Policy, Rule};

    use super::*;

    fn policy() -> Policy {
        Policy::new()
            .front(
                "main",
                Front::at(["Registry.example.com", "127.0.0.1:5000"])
                    .with("default", true)
                    .with("auth", "upstream"),
            )
            .backend("hub", Backend::at("https://hub.example").tokens())
            .rule(Rule::all().chain(["hub"]))
    }

    #[test]
    fn realms_are_where_the_client_asked() {
        let config = policy().read_by(Config::from_json);
        #[rustfmt::skip]
        let rows: &[(&str, &str, &str, &str)] = &[
            ("https", "registry.example.com", "https://registry.example.com/portolan/token", "declared"),
            ("https", "registry.example.com:443", "https://registry.example.com:443/portolan/token", "as the client has it"),
            ("http", "127.0.0.1:5000", "http://127.0.0.1:5000/portolan/token", "with its port"),
            ("HTTP", "127.0.0.1:5000", "http://127.0.0.1:5000/portolan/token", "in any case"),
            ("https", "evil.example", "https://registry.example.com/portolan/token", "not declared: the front's first"),
            ("gopher", "127.0.0.1:5001", "https://registry.example.com/portolan/token", "another port, no scheme"),
        ];
        for (scheme, authority, expected, reason) in rows {
            let front = config.fronts().find(authority.as_bytes()).unwrap();
            let front_realm = FrontRealm::new(
                &config,
                front,
                &Naming::default(),
                scheme.as_bytes(),
                authority.as_bytes(),
            );
            assert_eq!(front_realm.unwrap().challenge().realm, *expected, "{authority}: {reason}");
        }
    }
}
