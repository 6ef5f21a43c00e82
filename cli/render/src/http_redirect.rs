//! A listener without TLS for clients that come by `http`: they are told to come by `https`.
//!
//! What they have sent by then was in the open. So only reads without credentials are led on. A
//! request with credentials, or a write, is refused: a client that follows the redirect would send
//! the same in the open with each of its requests, and nobody would notice.

use serde_json::{Value, json};

use super::connection_manager::readiness;
use super::limits::{Limits, seconds};
use super::listener::{listener_filters, own_sockets, whose_connections};
use super::model::inbound::{HttpRedirect, LedHost, Sockets};
use super::model::serving::Serving;
use super::socket::{BUFFER_BYTES, address};
use super::typed::{extension, object};
use super::{access_log, client_address, local_replies};

/// What the listener is called.
pub(crate) const NAME: &str = "portolan-http";

/// How long a connection may be idle, and a request stand still: nothing here takes long.
const IDLE: &str = "15s";

/// The listener.
pub(super) fn listener(
    redirect: &HttpRedirect<'_>,
    sockets: Sockets,
    serving: &Serving<'_>,
) -> Value {
    let inbound = &redirect.inbound;
    let all = json!({
        "name": NAME,
        "address": address(inbound.address),
        "per_connection_buffer_limit_bytes": BUFFER_BYTES,
        "listener_filters": listener_filters(inbound, false),
        "listener_filters_timeout": seconds(sockets.limits.handshake_timeout),
        "filter_chains": [object([
            whose_connections(&inbound.sources),
            json!({"filters": [manager(redirect, serving)]}),
        ])],
    });
    object([all, own_sockets(sockets)])
}

fn manager(redirect: &HttpRedirect<'_>, serving: &Serving<'_>) -> Value {
    let ready = serving.fronts.shows_health.then(readiness);
    let router = extension(
        "envoy.filters.http.router",
        "extensions.filters.http.router.v3.Router",
        json!({"suppress_envoy_headers": true}),
    );
    let fields = json!({
        "stat_prefix": "portolan_http",
        "server_name": "portolan",
        "normalize_path": false,
        // The port that a client came to is not the one that it is sent to.
        "strip_any_host_port": true,
        "stream_idle_timeout": IDLE,
        "access_log": [access_log::access_log(serving.needs, serving.records)],
        "local_reply_config": local_replies::config_beside_routes(serving.limits),
        "route_config": {"name": NAME, "virtual_hosts": virtual_hosts(&redirect.hosts)},
        "http_filters": ready.into_iter().chain([router]).collect::<Vec<_>>(),
    });
    extension(
        "envoy.filters.network.http_connection_manager",
        "extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        object([
            client_address::settings(redirect.inbound.forwarded_for),
            request_shape(serving.limits),
            fields,
        ]),
    )
}

fn request_shape(limits: Limits) -> Value {
    json!({
        "max_request_headers_kb": limits.max_header,
        "request_headers_timeout": seconds(limits.header_timeout),
        "common_http_protocol_options": {
            "idle_timeout": IDLE,
            "max_headers_count": limits.max_header_fields,
        },
    })
}

/// One for each host. A host that is nobody's is sent nowhere, unless a front is for all.
fn virtual_hosts(hosts: &[LedHost<'_>]) -> Vec<Value> {
    let for_all = hosts.iter().any(|host| host.name == "*");
    let others = (!for_all).then(host_of_nobody);
    hosts.iter().map(|host| virtual_host(host.name, host.port)).chain(others).collect()
}

fn virtual_host(name: &str, port: Option<u16>) -> Value {
    const CREDENTIALS: &str = "credentials were sent by http, in the open: let nobody use them any longer, and use https \
                               (for docker, podman and containerd: do not list this registry as insecure)";
    const WRITE: &str = "this registry takes that by https only, and what was sent with the request was sent in the open";
    let header = |name: &str, matcher: Value| json!({"prefix": "/", "headers": [object([json!({"name": name}), matcher])]});
    let there = |name: &str| header(name, json!({"present_match": true}));
    let method = |name: &str| header(":method", json!({"string_match": {"exact": name}}));
    let port = port.map_or(Value::Null, |port| json!({"port_redirect": port}));
    let redirect =
        object([json!({"https_redirect": true, "response_code": "PERMANENT_REDIRECT"}), port]);
    let refused = refusal(403, "DENIED", CREDENTIALS);
    let mut routes = vec![object([json!({"match": there("authorization")}), refused])];
    routes.extend(["GET", "HEAD"].map(|name| json!({"match": method(name), "redirect": redirect})));
    routes.push(object([json!({"match": {"prefix": "/"}}), refusal(403, "DENIED", WRITE)]));
    json!({"name": name, "domains": [name], "routes": routes})
}

fn host_of_nobody() -> Value {
    let refused = refusal(404, "NAME_UNKNOWN", "no registry is served under this host name");
    let route = object([json!({"match": {"prefix": "/"}}), refused]);
    json!({"name": "*", "domains": ["*"], "routes": [route]})
}

/// An answer with an error of the distribution spec.
fn refusal(status: u16, code: &str, message: &str) -> Value {
    let body = json!({"errors": [{"code": code, "message": message}]}).to_string();
    let header = |key: &str, value: &str| json!({"header": {"key": key, "value": value}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"});
    json!({
        "direct_response": {"status": status, "body": {"inline_string": body}},
        "response_headers_to_add": [
            header("content-type", "application/json"),
            header("docker-distribution-api-version", "registry/2.0"),
            header("cache-control", "no-store"),
        ],
    })
}
