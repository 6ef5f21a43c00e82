//! The features of a policy that access log and metrics depend on, decided once: fragments do not
//! ask the policy.

use portolan_core::config::{BackendList, Config, FrontAuth, Geo};

use super::followed_redirects::are_followed;
use crate::options::Options;

/// What has to be there for the requests of a policy.
///
/// A listener stays when the policy changes while Envoy runs: it has what any policy may need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a question of its own")]
pub(crate) struct Needs {
    /// Redirects are followed: a request may go through the filters several times.
    pub(crate) follows_redirects: bool,
    /// A later backend may answer in place of the first.
    pub(crate) falls_back: bool,
    /// Clients may be redirected to a backend or a blob store.
    pub(crate) redirects_clients: bool,
    /// Clients name one of several registries.
    pub(crate) has_upstreams: bool,
    /// Clients have passwords of a front.
    pub(crate) has_passwords: bool,
    /// Content may come from a cache. A listener has what that needs from the first policy with
    /// caches on.
    pub(crate) has_caches: bool,
    /// The filter, and not Envoy, knows the country of a client: headers say it.
    pub(crate) reads_country: bool,
}

impl Needs {
    /// Those of a policy.
    pub(crate) fn of(config: &Config, options: &Options) -> Self {
        let any = options.target.is_changed_while_envoy_runs();
        let fronts = config.fronts().all();
        let has_password = |auth: &FrontAuth| matches!(auth, FrontAuth::Basic(_));
        Self {
            follows_redirects: any || are_followed(config, options),
            falls_back: any || config.lists().iter().any(BackendList::has_fallback),
            redirects_clients: any
                || config.rules().all().iter().any(|rule| rule.client_redirects().is_some()),
            has_upstreams: any || fronts.iter().any(|front| front.upstreams().is_some()),
            has_passwords: any || fronts.iter().any(|front| has_password(front.auth())),
            has_caches: !config.caches().is_empty(),
            reads_country: matches!(config.clients().geo(), Geo::Headers(_)),
        }
    }
}

#[cfg(test)]
mod tests {
    use portolan_policy_builder::{Backend, Policy, Rule};
    use serde_json::json;

    use super::*;
    use crate::options::Target;
    use crate::tests::options;

    /// What a policy needs that has these fields besides those of the smallest one.
    fn needs(path: &str, value: &serde_json::Value, target: Target) -> Needs {
        let mut policy = Policy::new()
            .backend("a", Backend::at("https://a.example"))
            .backend("b", Backend::at("https://b.example"))
            .rule(Rule::all().chain(["a"]));
        for (field, value) in value.as_object().unwrap() {
            policy = policy.set(&format!("{path}/{field}"), value.clone());
        }
        let config = policy.read_by(Config::from_json);
        Needs::of(&config, &Options { target, ..options(true, None) })
    }

    const NOTHING: Needs = Needs {
        follows_redirects: false,
        falls_back: false,
        redirects_clients: false,
        has_upstreams: false,
        has_passwords: false,
        has_caches: false,
        reads_country: false,
    };

    #[test]
    fn each_need_has_its_field_of_the_policy() {
        let follow = json!({"redirect_handling": "follow", "followed_redirects": {"hosts": ["cdn.example"]}});
        let headers = json!({"trusted_proxies": ["10.0.0.0/8"], "geo": {"headers": {"country": "x-country"}}});
        let rows = [
            ("/clients", json!({}), NOTHING),
            ("/backends/a", follow, Needs { follows_redirects: true, ..NOTHING }),
            (
                "/rules/0",
                json!({"chains": {"default": ["a", "b"]}, "replicas": ["a", "b"]}),
                Needs { falls_back: true, ..NOTHING },
            ),
            (
                "/rules/0",
                json!({"client_redirects": {"classes": ["blobs"]}}),
                Needs { redirects_clients: true, ..NOTHING },
            ),
            (
                "/fronts/main",
                json!({"upstreams": {"hub": {"backend": "https://hub.example"}}}),
                Needs { has_upstreams: true, ..NOTHING },
            ),
            (
                "/fronts/main",
                json!({"auth": {"basic": {"verifier": "https://v.example"}}}),
                Needs { has_passwords: true, ..NOTHING },
            ),
            (
                "",
                json!({"caches": {"near": {"nodes": ["http://192.0.2.1:8300"]}}}),
                Needs { has_caches: true, ..NOTHING },
            ),
            ("/clients", headers, Needs { reads_country: true, ..NOTHING }),
        ];
        for (path, value, expected) in rows {
            assert_eq!(needs(path, &value, Target::Bootstrap), expected, "{path}: {value}");
        }
    }

    #[test]
    fn a_listener_that_stays_has_what_any_policy_may_need() {
        let all = Needs {
            follows_redirects: true,
            falls_back: true,
            redirects_clients: true,
            has_upstreams: true,
            has_passwords: true,
            has_caches: false,
            reads_country: false,
        };
        for target in [Target::Files, Target::Istio, Target::Kubernetes] {
            assert_eq!(needs("/clients", &json!({}), target), all, "{target:?}");
        }
    }
}
