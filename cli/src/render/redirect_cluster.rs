//! The clusters that reach where redirects lead: any host that the route let through, by its name.

use portolan_core::config::{Backend, Config, Scheme, redirects_cluster};
use portolan_core::contract::{self, Role};
use portolan_core::record::metric::FOLLOWED;
use serde_json::{Value, json};

use super::options::{FilterFile, Options};
use super::resolver::resolver;
use super::socket::BUFFER_BYTES;
use super::typed::{extension, object};
use super::{
    cluster, filter, followed_redirects, origin, private_addresses, upstream_filters, upstream_tls,
};

/// Which addresses such a host may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Addresses {
    /// Any.
    Any,
    /// Only such that everybody reaches: whoever writes a name server's answers could otherwise have the
    /// proxy ask whatever it reaches, such as the cloud's own service for secrets.
    Public,
}

impl Addresses {
    pub(super) fn of(backend: &Backend) -> Self {
        if backend.redirects().private_addresses() { Self::Any } else { Self::Public }
    }

    /// The name of the filter that finds them.
    pub(super) const fn filter_name(self) -> &'static str {
        match self {
            Self::Any => "portolan.any-addresses",
            Self::Public => "portolan.public-addresses",
        }
    }

    /// What was found is kept here; a filter and the clusters that it finds addresses for share one.
    fn cache(self) -> Value {
        let filter = match self {
            Self::Any => Value::Null,
            Self::Public => {
                json!({"resolved_address_filter": {"ranges": private_addresses::ranges()}})
            }
        };
        let fields = json!({
            "name": self.filter_name(),
            "dns_lookup_family": "ALL",
            "dns_query_timeout": "5s",
            "dns_failure_refresh_rate": {"base_interval": "1s", "max_interval": "10s"},
            "host_ttl": "300s",
            "max_hosts": 1024,
            "typed_dns_resolver_config": resolver(),
        });
        json!({"dns_cache_config": object([fields, filter])})
    }
}

/// The filter, switched off but where a route says otherwise.
pub(super) fn address_filter(addresses: Addresses) -> Value {
    let filter = extension(
        addresses.filter_name(),
        "extensions.filters.http.dynamic_forward_proxy.v3.FilterConfig",
        addresses.cache(),
    );
    object([filter, json!({"disabled": true})])
}

/// All of them.
pub(super) fn all(config: &Config, options: &Options) -> Vec<Value> {
    let Some(file) = &options.filter else { return Vec::new() };
    let clusters = followed_redirects::followed(config).flat_map(|backend| {
        followed_redirects::schemes(backend).map(move |scheme| one(backend, scheme, file, options))
    });
    clusters.collect()
}

/// The certificate is verified by the name in the URL, which is also what is asked for.
fn one(backend: &Backend, scheme: Scheme, file: &FilterFile, options: &Options) -> Value {
    let name = redirects_cluster(backend.key(), scheme);
    let of_secrets = redirects_cluster(backend.name(), scheme);
    let transport = match scheme {
        Scheme::Http => Value::Null,
        Scheme::Https => {
            upstream_tls::to_any_host(&of_secrets, backend.redirects().ca_file(), options)
        }
    };
    let by_the_url = json!({"upstream_http_protocol_options": {
        "auto_sni": true,
        "auto_san_validation": true,
    }});
    let hop = filter::filter("portolan-hop", file, &Role::RedirectTarget);
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
                Addresses::of(backend).cache(),
            ),
            "per_connection_buffer_limit_bytes": BUFFER_BYTES,
        }),
        cluster::limits(backend.resilience().limits, cluster::CONNECTING_ALONE),
        origin::keepalive(),
        origin::protocol_options(object([origin::protocol(scheme), by_the_url]), filters),
        transport,
    ])
}
