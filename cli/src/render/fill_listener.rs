//! The listener at which the nodes of caches are filled.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;
use portolan_core::config::{Cache, Config};
use serde_json::{Value, json};

use super::client_address::ranges;
use super::fill::Fill;
use super::limits::seconds;
use super::listener::{listener_filters, sockets};
use super::needs::Needs;
use super::options::Options;
use super::socket::{BUFFER_BYTES, address};
use super::typed::{extension, object};
use super::{
    access_log, connection_manager, filter, filter_state, loops, metrics, redirects, routes,
};

/// What the listener is called.
pub(crate) const NAME: &str = "portolan-fill";

/// The listener that fills caches. Envoy closes a connection from anywhere but the nodes' addresses and this machine:
/// who may have which content is not asked here.
pub(super) fn listener(options: &Options) -> Option<Value> {
    let fill = options.fill.as_ref()?;
    let sources = ranges(&sources(&fill.config));
    let mut first = listener_filters(fill.config.clients(), false);
    first.retain(|filter| {
        filter.get("name").is_none_or(|name| name != "envoy.filters.listener.proxy_protocol")
    });
    let all = json!({
        "name": NAME,
        "address": address(fill.address),
        "per_connection_buffer_limit_bytes": BUFFER_BYTES,
        "listener_filters": first,
        "listener_filters_timeout": seconds(options.limits.handshake_timeout),
        "filter_chains": [{
            "filter_chain_match": {"direct_source_prefix_ranges": sources},
            "filters": [manager(fill, options)],
        }],
    });
    Some(object([all, sockets(options)]))
}

/// Who may ask: the nodes, and the filter itself.
fn sources(config: &Config) -> Vec<IpNet> {
    let own = [
        IpNet::from(IpAddr::from(Ipv4Addr::LOCALHOST)),
        IpNet::from(IpAddr::from(Ipv6Addr::LOCALHOST)),
    ];
    let of_nodes = config.caches().iter().flat_map(Cache::fill_from).copied();
    let mut all: Vec<IpNet> = own.into_iter().chain(of_nodes).collect();
    all.sort();
    all.dedup();
    all
}

/// As for clients, without what is about clients: where they are, how much each may ask, what metrics say of them.
fn manager(fill: &Fill, options: &Options) -> Value {
    let config = &fill.config;
    let needs = Needs::of(config, options);
    let deciding = options.filter.as_ref().map(|file| filter::deciding(NAME, file, &fill.json));
    let log = access_log::of_fills(needs, options);
    let of_attempts = [access_log::of_attempts(options)].into_iter();
    let attempts: Vec<Value> = of_attempts.chain(metrics::of_attempts(needs, options)).collect();
    let router = extension(
        "envoy.filters.http.router",
        "extensions.filters.http.router.v3.Router",
        json!({"suppress_envoy_headers": true, "upstream_log": attempts}),
    );
    let filters = [loops::filter_of_fills(config)]
        .into_iter()
        .chain([filter_state::filter(config.clients(), &options.policy)])
        .chain(deciding)
        .chain(redirects::address_filters(config, options))
        .chain([router])
        .collect::<Vec<_>>();
    connection_manager::of_fills(
        config,
        options,
        &json!({
            "access_log": [log],
            "route_config": object([routes::route_config(config, options), json!({"name": NAME})]),
            "http_filters": filters,
        }),
    )
}
