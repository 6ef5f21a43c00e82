//! The metadata of an endpoint or a cluster, by which the filter and the access log know which
//! backend it is.

/// The namespace in `filter_metadata`.
pub const NAMESPACE: &str = "portolan";

/// The key in that namespace; its value is the backend's name in the policy.
pub const BACKEND: &str = "backend";

/// The key by which an endpoint says which node of a cache it is.
pub const NODE: &str = "node";

/// The key by which a cluster says that it reaches where redirects lead, and not the backend.
pub const WAY: &str = "way";

/// The attribute by which a filter reads it for the host of an attempt (Envoy's documentation,
/// "Attributes"); a zero byte stands between two parts of its path.
pub const BACKEND_ATTRIBUTE: &str =
    "xds\0upstream_host_metadata\0filter_metadata\0portolan\0backend";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_attribute_leads_to_the_metadata() {
        let end = format!("\0filter_metadata\0{NAMESPACE}\0{BACKEND}");
        assert!(BACKEND_ATTRIBUTE.ends_with(&end));
    }
}
