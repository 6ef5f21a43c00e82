//! A request that has passed here before, because DNS or a proxy leads a backend's name back to this front.

use portolan_core::config::{Backend, Config, Fingerprint, Front, FrontHost};
use serde_json::{Value, json};

use super::typed::extension;

/// The name by which routes can switch it off.
pub(super) const NAME: &str = "envoy.filters.http.cdn_loop";

/// Adds this installation to the `CDN-Loop` of each request (RFC 8586) and refuses one that has it already.
/// The local replies say what that means.
pub(super) fn filter(config: &Config) -> Value {
    extension(
        NAME,
        "extensions.filters.http.cdn_loop.v3.CdnLoopConfig",
        json!({"cdn_id": identity(config)}),
    )
}

/// The same for the listener that fills caches, under another name: what comes there has passed the other one.
pub(super) fn filter_of_fills(config: &Config) -> Value {
    extension(
        NAME,
        "extensions.filters.http.cdn_loop.v3.CdnLoopConfig",
        json!({"cdn_id": format!("{}-fill", identity(config))}),
    )
}

/// What this installation calls itself: made of the hosts of its fronts and the URLs of its backends. All
/// machines with one policy are one, for a request that goes round among them loops as well. An edge and the
/// region behind it have other backends, and other names.
fn identity(config: &Config) -> String {
    let hosts = config.fronts().all().iter().flat_map(Front::hosts).map(FrontHost::as_str);
    let urls = config.backends().iter().map(Backend::url);
    let urls = urls.map(|url| format!("{}{}", url.origin(), url.base_path()));
    format!("portolan-{}", Fingerprint::of(hosts.map(str::to_owned).chain(urls)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(host: &str, url: &str) -> String {
        let policy = format!(
            r#"{{"version":1,"fronts":{{"main":{{"hosts":["{host}"]}}}},"backends":{{"b":{{"url":"{url}"}}}},
            "regions":{{"default":{{}}}},
            "rules":[{{"name":"r","repositories":["**"],"chains":{{"default":["b"]}}}}]}}"#
        );
        identity(&Config::from_json(policy.as_bytes()).unwrap())
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
