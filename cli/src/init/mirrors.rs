//! Mirrors of registries, as clients are configured with them, and the backends that they become.

use std::collections::HashSet;

use portolan_core::config::BackendUrl;

/// What a program's configuration says of mirrors.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    /// Registries, and who is asked in their place.
    pub(super) mirrors: Vec<Endpoints>,
    /// What of it has no place in a policy, or needs a person.
    pub(super) left_out: Vec<String>,
}

/// A registry, and who is asked in its place, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Endpoints {
    /// As image names have it.
    pub(super) registry: String,
    /// The registry itself comes last, whether it is named or not: so do containerd and k3s.
    pub(super) endpoints: Vec<Endpoint>,
}

/// One place that is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Endpoint {
    /// Scheme, host, port and perhaps a path, without `/v2`.
    pub(super) url: String,
    /// What repositories' names begin with there: empty, or with a `/` at its end.
    pub(super) prefix: String,
    /// A PEM file of CA certificates.
    pub(super) ca_file: Option<String>,
}

/// A registry of a front, and its backends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mirror {
    /// As image names have it.
    pub(super) registry: String,
    /// In the order in which they are asked.
    pub(super) backends: Vec<Backend>,
}

/// A backend of a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Backend {
    pub(super) name: String,
    pub(super) url: String,
    /// The registry that it stands for.
    pub(super) registry: String,
    pub(super) prefix: String,
    pub(super) ca_file: Option<String>,
    /// The policy's `auth`, where it is known.
    pub(super) auth: Option<&'static str>,
}

impl Endpoint {
    /// The endpoint of a URL as it is written. What stands behind `/v2/` is where the registry's
    /// names begin there.
    pub(super) fn of(text: &str) -> Self {
        let text = text.trim().trim_end_matches('/');
        let text = if text.contains("://") { text.to_owned() } else { format!("https://{text}") };
        let whole = format!("{text}/");
        let (url, behind) = whole.split_once("/v2/").unwrap_or((text.as_str(), ""));
        let prefix = behind.trim_end_matches('/');
        let prefix = if prefix.is_empty() { String::new() } else { format!("{prefix}/") };
        Self { url: url.to_owned(), prefix, ca_file: None }
    }
}

/// The policy's own words for what mirrors say: each place a backend, the registry itself the last.
pub(super) fn backends(found: Vec<Endpoints>) -> Vec<Mirror> {
    let mut names = HashSet::new();
    let each = found.into_iter().filter(|one| !one.endpoints.is_empty()).map(|mut one| {
        let own = Endpoint::of(itself(&one.registry).as_deref().unwrap_or(&one.registry));
        if !one.endpoints.iter().any(|endpoint| endpoint.url == own.url) {
            one.endpoints.push(own);
        }
        let registry = one.registry.as_str();
        let backend = |endpoint: Endpoint| {
            let host = BackendUrl::parse(&endpoint.url).map(|url| url.host().to_owned());
            let auth = host.as_deref().and_then(auth);
            let name = name(&endpoint.url, registry, &mut names);
            let Endpoint { url, prefix, ca_file } = endpoint;
            Backend { name, url, registry: registry.to_owned(), prefix, ca_file, auth }
        };
        let backends = one.endpoints.clone().into_iter().map(backend).collect();
        Mirror { registry: one.registry, backends }
    });
    each.collect()
}

/// Where a registry is whose images are named by another host.
fn itself(registry: &str) -> Option<String> {
    (registry == "docker.io").then(|| "https://registry-1.docker.io".to_owned())
}

/// What public registries want to see, as they say themselves on their `/v2/`.
fn auth(host: &str) -> Option<&'static str> {
    Some(match host {
        "registry-1.docker.io" => {
            "{token: {realm: \"https://auth.docker.io/token\", service: registry.docker.io}}"
        }
        "registry.gitlab.com" => {
            "{token: {realm: \"https://gitlab.com/jwt/auth\", service: container_registry}}"
        }
        "ghcr.io" | "quay.io" | "public.ecr.aws" => "token",
        _ => return None,
    })
}

/// A name that no other backend has: that of its host, and that of the registry where the host
/// stands for several.
fn name(url: &str, registry: &str, taken: &mut HashSet<String>) -> String {
    let authority = url.split("://").nth(1).unwrap_or(url);
    let known = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let plain = |text: &str| -> String {
        let text: String = text.chars().map(|c| if known(c) { c } else { '-' }).collect();
        text.trim_matches(['-', '_', '.']).to_owned()
    };
    let short = plain(authority);
    let long = format!("{short}-{}", plain(registry));
    let numbered = (2_u32..).map(|number| format!("{long}-{number}"));
    let mut all = [short, long.clone()].into_iter().chain(numbered);
    all.find(|name| taken.insert(name.clone())).unwrap_or_else(|| long.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints() {
        let rows = [
            ("https://m.example", "https://m.example", ""),
            ("https://m.example/v2", "https://m.example", ""),
            ("https://m.example/v2/", "https://m.example", ""),
            ("https://m.example/v2/hub", "https://m.example", "hub/"),
            ("https://m.example/a/v2/hub/b/", "https://m.example/a", "hub/b/"),
            ("https://m.example/a", "https://m.example/a", ""),
            ("m.example:5000", "https://m.example:5000", ""),
        ];
        for (text, url, prefix) in rows {
            let found = Endpoint::of(text);
            assert_eq!((found.url.as_str(), found.prefix.as_str()), (url, prefix), "{text}");
        }
    }

    #[test]
    fn the_registry_itself_is_last_and_names_are_unique() {
        let one = |registry: &str, urls: &[&str]| Endpoints {
            registry: registry.to_owned(),
            endpoints: urls.iter().map(|url| Endpoint::of(url)).collect(),
        };
        let found = backends(vec![
            one("docker.io", &["https://m.example:5000"]),
            one("ghcr.io", &["https://m.example:5000", "https://ghcr.io"]),
            one("none.example", &[]),
        ]);
        let names: Vec<Vec<&str>> = found
            .iter()
            .map(|mirror| mirror.backends.iter().map(|one| one.name.as_str()).collect())
            .collect();
        assert_eq!(
            names,
            [
                vec!["m.example-5000", "registry-1.docker.io"],
                vec!["m.example-5000-ghcr.io", "ghcr.io"],
            ]
        );
    }
}
