//! Where a policy uses the proxy's own credentials.

use crate::config::{Backend, BackendAuth, Config, Credential, FrontAuth};

/// Who is sent a credential of the proxy's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// The registry itself.
    Backend,
    /// The service that mints tokens for the registry, which itself never sees the credential.
    TokenService,
}

/// The credential that is used for a backend, and who is sent it.
///
/// Where clients bring tokens of their own, the proxy fetches none, and a credential for the token
/// service is used for nothing.
#[must_use]
pub fn of<'c>(config: &'c Config, backend: &Backend) -> Option<(&'c Credential, Audience)> {
    let name = backend.credential()?;
    let credential = config.credentials().iter().find(|each| each.name() == name)?;
    let audience = match backend.auth() {
        BackendAuth::Basic { .. } => Audience::Backend,
        BackendAuth::Token(_) if proxy_authenticates(config) => Audience::TokenService,
        BackendAuth::Token(_) | BackendAuth::Open => return None,
    };
    Some((credential, audience))
}

/// Whether the proxy itself holds what the backends want, for the clients of some front.
#[must_use]
pub fn proxy_authenticates(config: &Config) -> bool {
    let fronts = config.fronts().all();
    fronts.iter().any(|front| !matches!(front.auth(), FrontAuth::Upstream { .. }))
}

#[cfg(test)]
mod tests {
    use portolan_policy_builder::{Backend, Front, Policy, Rule};
    use serde_json::{Value, json};

    use super::*;

    fn audiences(auth: Value) -> Vec<Option<(String, Audience)>> {
        let config = Policy::new()
            .front("main", Front::at(["r.example"]).with("auth", auth))
            .backend("token", Backend::at("https://t.example").tokens().credential("one"))
            .backend("basic", Backend::at("https://b.example").basic("two"))
            .backend("login", Backend::at("https://l.example").tokens())
            .backend("open", Backend::at("https://o.example"))
            .credential("one")
            .credential("two")
            .rule(Rule::all().chain(["open"]))
            .read_by(Config::from_json);
        let used = config.backends().iter().map(|backend| of(&config, backend));
        used.map(|used| used.map(|(credential, who)| (credential.name().to_owned(), who))).collect()
    }

    #[test]
    fn a_credential_has_one_audience() {
        let (one, two) = ("one".to_owned(), "two".to_owned());
        let token = Some((one, Audience::TokenService));
        let basic = Some((two, Audience::Backend));
        assert_eq!(audiences("managed".into()), [token, basic.clone(), None, None]);
        let upstream = audiences(json!({"upstream": {"login": "login"}}));
        assert_eq!(upstream, [None, basic, None, None], "clients bring tokens of their own");
    }
}
