//! The upstream that a request means, and the names of its repository.

mod properties;
mod twin;

use super::*;
use crate::config::Config;
use crate::oci::parse;

/// Two registries that are named in every way, one that only its host names, and a front that has
/// none.
const POLICY: &str = r#"{
    "version": 1,
    "fronts": {
        "mirror": {
            "hosts": ["mirror.example", "127.0.0.1:5000"],
            "upstreams": {
                "docker.io": {"prefix": "hub/", "library": true, "hosts": ["hub.mirror.example"],
                              "ns": ["docker.io", "index.docker.io", "registry-1.docker.io"]},
                "ghcr.io": {"hosts": ["ghcr.mirror.example:8443"]},
                "own": {"prefix": "", "ns": ["registry.example:5000"]},
                "host-only": {"prefix": "quiet/", "hosts": ["quiet.mirror.example"], "ns": [],
                              "path": false}
            },
            "default_upstream": "docker.io"
        },
        "strict": {"hosts": ["strict.example"], "upstreams": {"docker.io": {}, "quay.io": {}}},
        "plain": {"hosts": ["plain.example"]}
    },
    "backends": {"b": {"url": "https://b.example"}},
    "regions": {"default": {}},
    "rules": [{"name": "all", "repositories": ["**"], "chains": {"default": ["b"]}}]
}"#;

pub(super) fn config() -> Config {
    Config::from_json(POLICY.as_bytes()).unwrap()
}

pub(super) fn naming(config: &Config, host: &str, target: &str) -> Result<Naming, Refusal> {
    let front = config.fronts().find(host.as_bytes()).unwrap();
    let request = parse(b"GET", target.as_bytes()).unwrap();
    Naming::of(config.fronts().get(front).unwrap(), host.as_bytes(), &request)
}

/// The policy's name of what is asked for, and the client's name of that again.
fn names(host: &str, name: &str, query: &str) -> String {
    let config = config();
    match naming(&config, host, &format!("/v2/{name}/tags/list{query}")) {
        Err(refusal) => format!("{refusal:?}"),
        Ok(naming) => {
            let in_policy = naming.to_policy(name).unwrap();
            assert_eq!(naming.to_client(&in_policy).as_deref(), Some(name), "and back");
            in_policy.into_owned()
        }
    }
}

#[test]
fn the_upstream_and_the_repository_of_a_request() {
    #[rustfmt::skip]
    let rows = [
        // One namespace.
        ("plain.example", "nginx", "", "nginx", "no upstreams: every name is itself"),
        ("plain.example", "docker.io/nginx", "?ns=docker.io", "docker.io/nginx", "and `ns` means nothing"),
        // By host.
        ("hub.mirror.example", "library/nginx", "", "hub/library/nginx", "Host"),
        ("HUB.mirror.example.:443", "library/nginx", "", "hub/library/nginx", "Host, in any form"),
        ("ghcr.mirror.example:8443", "a/b", "", "ghcr.io/a/b", "Host with a port"),
        ("quiet.mirror.example", "a/b", "", "quiet/a/b", "Host alone"),
        ("hub.mirror.example", "a/b", "?ns=ghcr.io", "hub/a/b", "Host before ns"),
        ("hub.mirror.example", "a/b", "?ns=evil.example", "hub/a/b", "Host before an unknown ns"),
        ("hub.mirror.example", "ghcr.io/b", "", "hub/ghcr.io/b", "Host before the path"),
        ("hub.mirror.example", "hub/b", "", "hub/hub/b", "Host: the path has no prefix to take off"),
        // By ns.
        ("mirror.example", "library/nginx", "?ns=docker.io", "hub/library/nginx", "ns"),
        ("mirror.example", "a/b", "?ns=index.docker.io", "hub/a/b", "an alias"),
        ("mirror.example", "a/b", "?ns=registry-1.docker.io", "hub/a/b", "an alias"),
        ("mirror.example", "a/b", "?ns=Docker.IO:443", "hub/a/b", "case and default port"),
        ("mirror.example", "a/b", "?n=5&ns=docker.io&last=x", "hub/a/b", "anywhere in the query"),
        ("mirror.example", "a/b", "?ns=registry.example%3A5000", "a/b", "escaped port, empty prefix"),
        ("mirror.example", "a/b", "?ns=registry.example:5000", "a/b", "port"),
        ("mirror.example", "a/b", "?ns=registry.example", "NamespaceUnknown", "a port that is not the default one counts"),
        ("mirror.example", "a/b", "?ns=ghcr.io", "ghcr.io/a/b", "the upstream's own name, where nothing else is said"),
        ("mirror.example", "a/b", "?ns=host-only", "NamespaceUnknown", "not where the list is empty"),
        ("mirror.example", "a/b", "?ns=evil.example", "NamespaceUnknown", "unknown"),
        ("mirror.example", "a/b", "?ns=10.0.0.1", "NamespaceUnknown", "an address"),
        ("mirror.example", "a/b", "?ns=docker.io%00", "NamespaceUnknown", "no host at all"),
        ("mirror.example", "a/b", "?ns=docker.io&ns=docker.io", "hub/a/b", "equal repeats"),
        ("mirror.example", "a/b", "?ns=docker.io&ns=%64ocker.io", "hub/a/b", "equal once decoded"),
        ("mirror.example", "a/b", "?ns=docker.io&ns=ghcr.io", "NamespaceInvalid", "conflicting"),
        ("mirror.example", "a/b", "?ns=docker.io&%6es=ghcr.io", "NamespaceInvalid", "conflicting, escaped key"),
        ("mirror.example", "a/b", "?ns=docker.io&ns=index.docker.io", "NamespaceInvalid", "two aliases are two values"),
        ("mirror.example", "a/b", "?ns=%zz", "NamespaceInvalid", "no escape"),
        ("hub.mirror.example", "a/b", "?ns=a&ns=b", "NamespaceInvalid", "also where the host says all"),
        ("mirror.example", "a/b", "?ns=", "hub/a/b", "empty is absent"),
        ("mirror.example", "a/b", "?NS=ghcr.io", "hub/a/b", "another parameter"),
        ("mirror.example", "hub/a/b", "?ns=docker.io", "hub/a/b", "containerd's override_path: named twice"),
        ("mirror.example", "ghcr.io/a/b", "?ns=docker.io", "hub/ghcr.io/a/b", "ns before another's prefix"),
        // By path.
        ("mirror.example", "hub/library/nginx", "", "hub/library/nginx", "path"),
        ("mirror.example", "ghcr.io/a/b", "", "ghcr.io/a/b", "path before the default"),
        ("mirror.example", "ghcr.iox/a", "", "hub/ghcr.iox/a", "a prefix ends where a component does"),
        ("mirror.example", "quiet/a", "", "hub/quiet/a", "not where the policy says `path: false`"),
        // By nothing.
        ("mirror.example", "a/b", "", "hub/a/b", "the default"),
        ("127.0.0.1:5000", "a/b", "", "hub/a/b", "on any host of the front"),
        ("strict.example", "a/b", "", "UpstreamUnknown", "no default"),
        ("strict.example", "docker.io", "", "UpstreamUnknown", "the prefix alone is no repository of it"),
        ("strict.example", "ghcr.io/a/b", "", "UpstreamUnknown", "a registry that is not served"),
        ("strict.example", "quay.io/a/b", "", "quay.io/a/b", "one that is"),
        // `library/`.
        ("mirror.example", "nginx", "", "hub/library/nginx", "one component"),
        ("mirror.example", "hub/nginx", "", "hub/library/nginx", "behind the prefix"),
        ("mirror.example", "nginx", "?ns=docker.io", "hub/library/nginx", "with ns"),
        ("mirror.example", "hub/nginx", "?ns=docker.io", "hub/library/nginx", "with both"),
        ("hub.mirror.example", "nginx", "", "hub/library/nginx", "with Host"),
        ("mirror.example", "grafana/grafana", "", "hub/grafana/grafana", "not two components"),
        ("mirror.example", "library", "", "hub/library/library", "a word like any other"),
        ("mirror.example", "ghcr.io/nginx", "", "ghcr.io/nginx", "not of other registries"),
        ("ghcr.mirror.example:8443", "nginx", "", "ghcr.io/nginx", "not of other registries"),
    ];
    for (host, name, query, expected, reason) in rows {
        assert_eq!(names(host, name, query), expected, "{host} {name}{query}: {reason}");
    }
}

#[test]
fn other_repositories_are_written_as_the_request_writes_its_own() {
    #[rustfmt::skip]
    let rows: &[(&str, &str, &str, Option<&str>, &str)] = &[
        ("mirror.example", "/v2/nginx/tags/list", "hub/library/redis", Some("redis"), "without library/"),
        ("mirror.example", "/v2/library/nginx/tags/list", "hub/library/redis", Some("library/redis"), "with library/"),
        ("mirror.example", "/v2/a/b/tags/list", "hub/library/redis", Some("library/redis"), "who writes two components writes them here too"),
        ("mirror.example", "/v2/hub/nginx/tags/list", "hub/library/redis", Some("hub/redis"), "with the prefix"),
        ("mirror.example", "/v2/nginx/tags/list", "hub/a/b/c", Some("a/b/c"), "deeper ones as they are"),
        ("mirror.example", "/v2/nginx/tags/list", "hub/library/a/b", Some("library/a/b"), "library/ counts before one component"),
        ("mirror.example", "/v2/nginx/tags/list", "hub/nginx", None, "no client of this registry can write that"),
        ("mirror.example", "/v2/nginx/tags/list", "ghcr.io/a/b", None, "another upstream's"),
        ("mirror.example", "/v2/nginx/tags/list", "hub/ghcr.io/a", None, "it would be read as another upstream's"),
        ("mirror.example", "/v2/nginx/tags/list?ns=docker.io", "hub/ghcr.io/a", Some("ghcr.io/a"), "not where ns stands before it"),
        ("mirror.example", "/v2/nginx/tags/list?ns=docker.io", "hub/hub/a", None, "it would be read as having the prefix"),
        ("hub.mirror.example", "/v2/nginx/tags/list", "hub/hub/a", Some("hub/a"), "not where the host names the upstream"),
        ("mirror.example", "/v2/nginx/tags/list", "hubbub/a", None, "a longer word"),
        ("mirror.example", "/v2/", "hub/a", None, "a ping has no repository"),
        ("plain.example", "/v2/nginx/tags/list", "any/thing", Some("any/thing"), "one namespace"),
    ];
    for (host, target, name, expected, reason) in rows {
        let naming = naming(&config(), host, target).unwrap();
        assert_eq!(
            naming.to_client(name).as_deref(),
            *expected,
            "{host} {target} {name}: {reason}"
        );
    }
}

#[test]
fn answers_have_ns_only_if_ns_decided() {
    #[rustfmt::skip]
    let rows = [
        ("mirror.example", "?ns=INDEX.docker.io", "docker.io", Some("index.docker.io"), Some("docker.io")),
        ("mirror.example", "", "docker.io", None, None),
        ("hub.mirror.example", "?ns=docker.io", "docker.io", None, None),
    ];
    for (host, query, upstream, namespace, realm) in rows {
        for path in ["/v2/nginx/tags/list", "/v2/"] {
            let naming = naming(&config(), host, &format!("{path}{query}")).unwrap();
            assert_eq!(naming.namespace(), namespace, "{host} {path}{query}");
            assert_eq!(naming.in_realm(), realm, "{host} {path}{query}");
            let found = naming.upstream().map(Upstream::name);
            let says_nothing = path == "/v2/" && query.is_empty();
            assert_eq!(found, (!says_nothing).then_some(upstream), "{host} {path}{query}");
        }
    }
}

#[test]
fn requests_for_tokens() {
    #[rustfmt::skip]
    let rows: &[(&str, &str, &str, Result<Option<&str>, Refusal>, &str)] = &[
        ("mirror.example", "", "nginx", Ok(Some("hub/library/nginx")), "the default"),
        ("mirror.example", "", "ghcr.io/a", Ok(Some("ghcr.io/a")), "by path"),
        ("hub.mirror.example", "", "a/b", Ok(Some("hub/a/b")), "by host: no state is needed"),
        ("mirror.example", "ghcr.io", "a/b", Ok(Some("ghcr.io/a/b")), "by the realm's path"),
        ("mirror.example", "ghcr.io", "ghcr.io/a/b", Ok(Some("ghcr.io/a/b")), "and with the prefix, of override_path"),
        ("hub.mirror.example", "ghcr.io", "a/b", Ok(Some("hub/a/b")), "Host comes first"),
        ("mirror.example", "evil.example", "a/b", Err(Refusal::Request(RequestError::NotFound)), "a closed lookup"),
        ("mirror.example", "index.docker.io", "a/b", Err(Refusal::Request(RequestError::NotFound)), "by the policy's name alone"),
        ("strict.example", "", "a/b", Ok(None), "of no upstream"),
        ("plain.example", "", "a/b", Ok(Some("a/b")), "one namespace"),
        ("plain.example", "docker.io", "a/b", Err(Refusal::Request(RequestError::NotFound)), "one namespace has no upstreams"),
    ];
    let config = config();
    for (host, upstream, name, expected, reason) in rows {
        let front = config.fronts().get(config.fronts().find(host.as_bytes()).unwrap()).unwrap();
        let naming = Naming::of_token_request(front, host.as_bytes(), upstream);
        let found = naming.map(|naming| naming.to_policy(name).map(Cow::into_owned));
        let found = found.as_ref().map(Option::as_deref).map_err(|refusal| *refusal);
        assert_eq!(found, *expected, "{host} {upstream} {name}: {reason}");
    }
}
