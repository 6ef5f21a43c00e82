//! Backends that are reached through a proxy of a company's: it is asked to connect (CONNECT, RFC
//! 9110 section 9.3.6), and TLS with the backend is spoken through that connection.
//!
//! One listener inside of Envoy makes the tunnels. Where a connection leads, and through which
//! proxy, the endpoint says that it was made for: so the listener stays when the policy changes,
//! and no name of a backend is looked up here.

use portolan_core::config::BackendUrl;
use portolan_core::contract::clusters;
use serde_json::{Map, Value, json};

use super::inside;
use super::model::connect_proxies::ConnectProxies;
use super::small_cluster;
use super::typed::{extension, object};

/// The listener inside of Envoy.
const INSIDE: &str = "portolan-egress";
/// Where an endpoint says how it is reached, and the words for it.
const NAMESPACE: &str = "portolan.egress";
const SERVER: &str = "server";
const PROXY: &str = "proxy";

/// The listener that makes the tunnels. That a proxy refuses, or is not there, ends the connection:
/// the backend then looks down.
pub(super) fn listener(proxies: &ConnectProxies<'_>) -> Option<Value> {
    proxies.is_needed.then(|| {
        let said = |word: &str| format!("%DYNAMIC_METADATA({NAMESPACE}:{word})%");
        let chooses = extension(
            "envoy.filters.network.set_filter_state",
            "extensions.filters.network.set_filter_state.v3.Config",
            json!({"on_new_connection": [{
                "object_key": "envoy.tcp_proxy.cluster",
                "format_string": {"text_format_source": {"inline_string": said(PROXY)}},
            }]}),
        );
        let tunnels = extension(
            "envoy.filters.network.tcp_proxy",
            "extensions.filters.network.tcp_proxy.v3.TcpProxy",
            json!({
                "stat_prefix": "portolan_egress",
                // The filter before it always names another.
                "cluster": "portolan@nobody",
                "tunneling_config": {"hostname": said(SERVER)},
            }),
        );
        json!({
            "name": INSIDE,
            "internal_listener": {},
            "filter_chains": [{"filters": [chooses, tunnels]}],
        })
    })
}

/// The clusters of the proxies.
pub(super) fn clusters(proxies: &ConnectProxies<'_>) -> Vec<Value> {
    let cluster = |proxy: &&BackendUrl| {
        let name = clusters::connect_proxy(proxy.authority());
        small_cluster::small(&name, proxy, Value::Null)
    };
    proxies.all.iter().map(cluster).collect()
}

/// A cluster of `url` whose connections go through the proxy, if there is one.
pub(super) fn through(cluster: Value, url: &BackendUrl, proxy: Option<&BackendUrl>) -> Value {
    let (Some(proxy), Value::Object(mut fields)) = (proxy, cluster.clone()) else { return cluster };
    // The proxy looks names up.
    fields.remove("cluster_type");
    fields.insert("type".to_owned(), "STATIC".into());
    let told = json!({"passthrough_metadata": [{"kind": {"host": {}}, "name": NAMESPACE}]});
    let transport = inside::transport(fields.remove("transport_socket"), told);
    fields.insert("transport_socket".to_owned(), transport);
    if let Some(endpoint) = endpoint(&mut fields) {
        let address = json!({"envoy_internal_address": {
            "server_listener_name": INSIDE,
            "endpoint_id": url.authority(),
        }});
        if let Some(Value::Object(inner)) = endpoint.get_mut("endpoint") {
            inner.insert("address".to_owned(), address);
        }
        let server = format!("{}:{}", in_brackets(url.host()), url.port());
        let said = json!({SERVER: server, PROXY: clusters::connect_proxy(proxy.authority())});
        let known = endpoint.get("metadata").and_then(|metadata| metadata.get("filter_metadata"));
        let all = object([known.cloned().unwrap_or_default(), json!({NAMESPACE: said})]);
        endpoint.insert("metadata".to_owned(), json!({"filter_metadata": all}));
    }
    Value::Object(fields)
}

/// The one endpoint of a cluster.
fn endpoint(cluster: &mut Map<String, Value>) -> Option<&mut Map<String, Value>> {
    cluster.get_mut("load_assignment")?.pointer_mut("/endpoints/0/lb_endpoints/0")?.as_object_mut()
}

/// An IPv6 address as an authority has it (RFC 3986 section 3.2.2).
fn in_brackets(host: &str) -> String {
    if host.contains(':') { format!("[{host}]") } else { host.to_owned() }
}
