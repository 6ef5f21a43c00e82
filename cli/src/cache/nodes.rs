//! Which nodes there are.

use portolan_core::config::{BackendUrl, Cache, Config, Tls};

/// Where a node is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// The node's name in logs and metrics; its URL where that is all that was written.
    pub(super) name: String,
    /// Scheme, host and port.
    pub(super) url: String,
    /// What is shown to it and by what it is verified, at `https`.
    pub(super) tls: Option<Tls>,
}

impl Place {
    /// All nodes of a policy, in its order.
    pub(super) fn of_policy(config: &Config) -> Vec<Self> {
        let node = |cache: &Cache, name, url: &BackendUrl| Self {
            name,
            url: url.origin(),
            tls: cache.tls().map(|_| cache.tls_to(url)),
        };
        let of_cache = |cache| {
            let all = Cache::node_names(cache).zip(Cache::nodes(cache));
            all.map(move |(name, url)| node(cache, name, url))
        };
        config.caches().iter().flat_map(of_cache).collect()
    }

    /// One node by its URL.
    ///
    /// # Errors
    ///
    /// It is no URL of a node that can be asked without a policy: without TLS, and without a path.
    pub(super) fn of_url(text: &str) -> Result<Self, String> {
        let url = BackendUrl::parse(text).filter(|_| text.starts_with("http://"));
        let url = url.ok_or_else(|| {
            format!(
                "`{text}` is no URL of a node; write one such as `http://10.0.0.7:8300`, or the policy, which says what \
                 is shown to nodes with TLS"
            )
        })?;
        Ok(Self { name: text.trim_end_matches('/').to_owned(), url: url.origin(), tls: None })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_of_a_policy_have_numbers() {
        let policy = r#"{"version": 1, "fronts": {"m": {"hosts": ["r.example"]}},
            "backends": {"a": {"url": "https://a.example"}},
            "caches": {"eu": {"nodes": ["http://10.0.0.7:8300", "http://10.0.0.8"]}, "us": {"nodes": ["http://10.0.0.9:1"]}},
            "regions": {"default": {}},
            "rules": [{"name": "a", "repositories": ["**"], "readers": "anyone", "chains": {"default": ["cache@eu", "a"]}}]}"#;
        let places = Place::of_policy(&Config::from_json(policy.as_bytes()).unwrap());
        let found: Vec<(&str, &str)> =
            places.iter().map(|place| (place.name.as_str(), place.url.as_str())).collect();
        let expected = [
            ("eu-1", "http://10.0.0.7:8300"),
            ("eu-2", "http://10.0.0.8"),
            ("us-1", "http://10.0.0.9:1"),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn urls_of_nodes() {
        let rows = [
            ("http://10.0.0.7:8300", Some("http://10.0.0.7:8300")),
            ("http://10.0.0.7:8300/", Some("http://10.0.0.7:8300")),
            ("https://10.0.0.7:8300", None),
            ("http://a b", None),
        ];
        for (text, expected) in rows {
            let found = Place::of_url(text).ok().map(|place| place.url);
            assert_eq!(found.as_deref(), expected, "{text}");
        }
    }
}
