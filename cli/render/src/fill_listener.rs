//! The listener at which the nodes of caches are filled.

use serde_json::{Value, json};

use super::connection_manager::Own;
use super::limits::seconds;
use super::listener::{first_bytes, own_sockets, whose_connections};
use super::model::inbound::{FillListener, FillTls, Sockets};
use super::secret::SecretFiles;
use super::socket::{BUFFER_BYTES, address};
use super::typed::object;
use super::{
    access_log, client_address, connection_manager, downstream_tls, filter, filter_state,
    followed_redirects, loops, metrics, routes,
};

/// What the listener is called.
pub(crate) const NAME: &str = "portolan-fill";

/// The listener that fills caches. Envoy closes a connection from anywhere but the nodes' addresses
/// and this machine: who may have which content is not asked here. Nodes of caches with TLS show a
/// certificate besides.
pub(super) fn listener(
    fill: &FillListener<'_>,
    sockets: Sockets,
    secrets: SecretFiles<'_>,
) -> Value {
    let filters = json!({"filters": [manager(fill)]});
    let plain = object([whose_connections(&fill.inbound.sources), filters.clone()]);
    let with_tls = fill.tls.as_ref().map(|tls| over_tls(tls, filters, secrets));
    let chains: Vec<Value> = with_tls.into_iter().chain([plain]).collect();
    let all = json!({
        "name": NAME,
        "address": address(fill.inbound.address),
        "per_connection_buffer_limit_bytes": BUFFER_BYTES,
        "listener_filters": [first_bytes(fill.tls.is_some())],
        "listener_filters_timeout": seconds(sockets.limits.handshake_timeout),
        "filter_chains": chains,
    });
    object([all, own_sockets(sockets)])
}

/// The chain of connections that begin with TLS; Envoy prefers it to one for any beginning.
fn over_tls(tls: &FillTls, filters: Value, secrets: SecretFiles<'_>) -> Value {
    let mut whose = whose_connections(&tls.sources);
    if let Some(Value::Object(matched)) = whose.get_mut("filter_chain_match") {
        matched.insert("transport_protocol".to_owned(), json!("tls"));
    }
    let socket = downstream_tls::mutual(&tls.certificate, &tls.authority, secrets);
    object([whose, socket, filters])
}

/// As for clients, without what is about clients: where they are, how much each may ask, what
/// metrics say of them.
fn manager(fill: &FillListener<'_>) -> Value {
    let serving = &fill.serving;
    let deciding =
        serving.filter.map(|file| filter::deciding(NAME, &file.of_fills(), serving.policy_json));
    let log = access_log::of_fills(serving.needs, serving.records);
    let counted = metrics::of_fills(serving.needs, serving.records);
    let filters = [loops::filter_of_fills(&serving.fronts.identity)]
        .into_iter()
        .chain([filter_state::filter(serving.clients, serving.records.policy)])
        .chain(deciding)
        .chain(followed_redirects::address_filters(&serving.followed))
        .chain([connection_manager::router(serving)])
        .collect::<Vec<_>>();
    let own = Own {
        statistics: "portolan_fill",
        addresses: client_address::settings(fill.inbound.forwarded_for),
        tracing: Value::Null,
        logs: [log].into_iter().chain(counted).collect(),
        routes: object([routes::route_config_of_fills(serving), json!({"name": NAME})]),
        filters,
    };
    connection_manager::manager(serving, own)
}
