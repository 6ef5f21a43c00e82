//! The listener at which the nodes of caches are filled.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;
use portolan_core::config::{Cache, Config};
use serde_json::{Value, json};

use super::client_address::ranges;
use super::connection_manager::Own;
use super::fill::Fill;
use super::limits::seconds;
use super::listener::{first_bytes, sockets};
use super::needs::Needs;
use super::options::Options;
use super::socket::{BUFFER_BYTES, address};
use super::typed::object;
use super::{access_log, connection_manager, filter, filter_state, loops, redirects, routes};

/// What the listener is called.
pub(crate) const NAME: &str = "portolan-fill";

/// The listener that fills caches. Envoy closes a connection from anywhere but the nodes' addresses and this machine:
/// who may have which content is not asked here.
pub(super) fn listener(options: &Options) -> Option<Value> {
    let fill = options.fill.as_ref()?;
    let sources = ranges(&sources(&fill.config));
    let all = json!({
        "name": NAME,
        "address": address(fill.address),
        "per_connection_buffer_limit_bytes": BUFFER_BYTES,
        "listener_filters": [first_bytes(false)],
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
    let filters = [loops::filter_of_fills(config)]
        .into_iter()
        .chain([filter_state::filter(config.clients(), &options.policy)])
        .chain(deciding)
        .chain(redirects::address_filters(config, options))
        .chain([connection_manager::router(needs, options)])
        .collect::<Vec<_>>();
    let own = Own {
        statistics: "portolan_fill",
        // Who asks there is a node, whose word nobody takes for a client's.
        addresses: json!({"use_remote_address": true}),
        tracing: Value::Null,
        logs: vec![log],
        routes: object([routes::route_config(config, options), json!({"name": NAME})]),
        filters,
    };
    connection_manager::manager(config, options, own)
}
