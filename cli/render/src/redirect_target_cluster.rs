//! The clusters for the targets of followed redirects: any host that a route allows, by its name.

use portolan_core::config::{Scheme, redirects_cluster};
use portolan_core::contract::{self, Role};
use portolan_core::record::metric::FOLLOWED;
use serde_json::{Value, json};

use super::model::clusters::CONNECTING_ALONE;
use super::model::followed_redirects::{Addresses, Followed};
use super::model::trust::Trust;
use super::resolver::resolver;
use super::socket::BUFFER_BYTES;
use super::typed::{extension, object};
use super::{cluster, filter, origin, private_addresses, upstream_filters, upstream_tls};

/// The name of the filter that finds the addresses of hosts.
pub(super) const fn filter_name(addresses: Addresses) -> &'static str {
    match addresses {
        Addresses::Any => "portolan.any-addresses",
        Addresses::Public => "portolan.public-addresses",
    }
}

/// What was found is kept here; a filter and the clusters that it finds addresses for share one.
fn cache(addresses: Addresses) -> Value {
    let filter = match addresses {
        Addresses::Any => Value::Null,
        Addresses::Public => {
            json!({"resolved_address_filter": {"ranges": private_addresses::ranges()}})
        }
    };
    let fields = json!({
        "name": filter_name(addresses),
        "dns_lookup_family": "ALL",
        "dns_query_timeout": "5s",
        "dns_failure_refresh_rate": {"base_interval": "1s", "max_interval": "10s"},
        "host_ttl": "300s",
        "max_hosts": 1024,
        "typed_dns_resolver_config": resolver(),
    });
    json!({"dns_cache_config": object([fields, filter])})
}

/// The filter, switched off but where a route says otherwise.
pub(super) fn address_filter(addresses: Addresses) -> Value {
    let filter = extension(
        filter_name(addresses),
        "extensions.filters.http.dynamic_forward_proxy.v3.FilterConfig",
        cache(addresses),
    );
    object([filter, json!({"disabled": true})])
}

/// Those of a backend.
pub(super) fn clusters(followed: &Followed<'_>, trust: Trust<'_>) -> Vec<Value> {
    followed.schemes.iter().map(|scheme| cluster(followed, *scheme, trust)).collect()
}

/// The certificate is verified by the name in the URL, which is also what is asked for.
fn cluster(followed: &Followed<'_>, scheme: Scheme, trust: Trust<'_>) -> Value {
    let backend = followed.backend;
    let name = redirects_cluster(backend.key(), scheme);
    let of_secrets = redirects_cluster(backend.name(), scheme);
    let transport = match scheme {
        Scheme::Http => Value::Null,
        Scheme::Https => {
            upstream_tls::to_any_host(&of_secrets, backend.followed_redirects().ca_file(), trust)
        }
    };
    let by_the_url = json!({"upstream_http_protocol_options": {
        "auto_sni": true,
        "auto_san_validation": true,
    }});
    let hop = filter::filter("portolan-hop", followed.file, &Role::RedirectTarget);
    let filters = upstream_filters::behind(hop);
    // The hosts have no metadata: they are not known before they are asked.
    let said = json!({contract::BACKEND: backend.name(), contract::WAY: FOLLOWED});
    object([
        json!({
            "name": name,
            "metadata": {"filter_metadata": {contract::NAMESPACE: said}},
            "lb_policy": "CLUSTER_PROVIDED",
            "cluster_type": extension(
                "envoy.clusters.dynamic_forward_proxy",
                "extensions.clusters.dynamic_forward_proxy.v3.ClusterConfig",
                cache(followed.addresses),
            ),
            "per_connection_buffer_limit_bytes": BUFFER_BYTES,
        }),
        cluster::limits(backend.resilience().limits, CONNECTING_ALONE),
        origin::keepalive(),
        origin::protocol_options(object([origin::protocol(scheme), by_the_url]), filters),
        transport,
    ])
}
