//! The properties of fronts that Envoy itself needs.

use portolan_core::config::{Backend, Config, Cors, Fingerprint, Front, FrontHost};

use crate::secret::Secret;

/// Those of a policy.
pub(crate) struct Fronts<'p> {
    /// The certificates that clients are shown, one for each front that has any; without one there
    /// is no TLS.
    pub(crate) certificates: Vec<Secret>,
    /// The fronts that pages of other origins may read.
    pub(crate) pages: Vec<(&'p Front, &'p Cors)>,
    /// What pages may do with hosts that no front names.
    pub(crate) pages_of_other_hosts: Option<&'p Cors>,
    /// Whether any front shows how it is.
    pub(crate) shows_health: bool,
    /// The token endpoint, if clients of any front have tokens.
    pub(crate) token_endpoint: Option<TokenEndpoint>,
    /// The host of a request that names none (HTTP/1.0).
    pub(crate) host_of_nobody: Option<&'p str>,
    /// By which this installation knows a request that has passed here before.
    pub(crate) identity: String,
}

/// The token endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TokenEndpoint {
    /// Whether the name of an upstream may follow in its path.
    pub(crate) has_upstreams: bool,
}

impl<'p> Fronts<'p> {
    /// Those of a policy.
    pub(super) fn of(config: &'p Config) -> Self {
        let fronts = config.fronts();
        let all = || fronts.all().iter();
        let certificate = |front: &Front| Some(Secret::front(front.name(), front.tls()?));
        let has_upstreams = all().any(|front| front.upstreams().is_some());
        Self {
            certificates: all().filter_map(certificate).collect(),
            pages: all().filter_map(|front| Some((front, front.cors()?))).collect(),
            pages_of_other_hosts: of_every_host(config).and_then(Front::cors),
            shows_health: all().any(Front::has_health),
            token_endpoint: fronts.any_upstream().then_some(TokenEndpoint { has_upstreams }),
            host_of_nobody: host_of_nobody(config),
            identity: identity(config),
        }
    }
}

/// Whether clients come by TLS.
pub(super) fn has_tls(config: &Config) -> bool {
    config.fronts().all().iter().any(|front| front.tls().is_some())
}

/// The front that has every host that no other one names: the default front.
pub(super) fn of_every_host(config: &Config) -> Option<&Front> {
    config.fronts().find(b"").and_then(|id| config.fronts().get(id))
}

/// The host that is meant by an HTTP/1.0 request that names none: that of the default front, or of
/// the only one.
fn host_of_nobody(config: &Config) -> Option<&str> {
    let only = match config.fronts().all() {
        [only] => Some(only),
        _ => None,
    };
    let front = of_every_host(config).or(only)?;
    front.hosts().first().map(FrontHost::as_str)
}

/// What this installation calls itself: made of the hosts of its fronts and the URLs of its
/// backends. All machines with one policy are one, for a request that goes round among them loops
/// as well. An edge and the region behind it have other backends, and other names.
fn identity(config: &Config) -> String {
    let hosts = config.fronts().all().iter().flat_map(Front::hosts).map(FrontHost::as_str);
    let urls = config.backends().iter().map(Backend::url);
    let urls = urls.map(|url| format!("{}{}", url.origin(), url.base_path()));
    format!("portolan-{}", Fingerprint::of(hosts.map(str::to_owned).chain(urls)))
}

#[cfg(test)]
mod tests {
    use portolan_policy_builder::{Backend, Front, Policy};

    use super::*;

    fn of(host: &str, url: &str) -> String {
        let policy = Policy::new().front("main", Front::at([host])).backend("b", Backend::at(url));
        identity(&policy.read_by(Config::from_json))
    }

    #[test]
    fn installations_have_names_of_their_own() {
        let edge = of("registry.example.com", "https://region.example.com");
        assert_eq!(edge, of("registry.example.com", "https://region.example.com"));
        assert_ne!(edge, of("registry.example.com", "https://ghcr.io"), "the region behind it");
        assert_ne!(edge, of("other.example.com", "https://region.example.com"));
        assert_ne!(edge, of("registry.example.com", "https://region.example.com/mirror"));
        assert!(edge.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'), "RFC 8586");
    }
}
