//! Level `plugin`: what carries a decision out in Istio's own words, for policies that ask one
//! backend for each request.

use std::collections::BTreeSet;
use std::net::IpAddr;

use portolan_core::config::{ALONE, Backend, Scheme};
use portolan_core::contract;
use serde_json::{Value, json};

use super::names::{NAME, Names, host_of, of_backend};
use super::object::object;
use crate::model::Model;
use crate::model::client_headers::ClientHeaders;
use crate::model::time_limits::written;
use crate::model::trust::Trust;
use crate::typed::object as joined;
use crate::upstream_headers;

/// The API of the objects that Istio calls stable.
const API: &str = "networking.istio.io/v1";

/// The objects of the backends, and the routes to them.
pub(super) fn objects(model: &Model<'_>, names: &Names) -> Vec<Value> {
    let entries = model.backends.iter().map(|backend| service_entry(backend, names));
    let rules = model.backends.iter().map(|backend| destination_rule(backend, model.trust, names));
    entries.chain(rules).chain([virtual_service(model, names)]).collect()
}

/// A host outside of the mesh. Only this namespace knows it.
fn service_entry(backend: &Backend, names: &Names) -> Value {
    let url = backend.url();
    let (name, protocol) = match url.scheme() {
        Scheme::Http => ("http", "HTTP"),
        Scheme::Https => ("https", "HTTPS"),
    };
    let is_address = url.host().parse::<IpAddr>().is_ok();
    let spec = json!({
        "hosts": [host_of(backend)],
        "exportTo": ["."],
        "location": "MESH_EXTERNAL",
        "resolution": if is_address { "STATIC" } else { "DNS" },
        "ports": [{"number": url.port(), "name": name, "protocol": protocol}],
        "endpoints": [{"address": url.host()}],
    });
    object(&names.namespace, API, "ServiceEntry", &of_backend(backend), &spec)
}

/// How it is reached. No ejection: Istio's would count statuses, and anybody can ask for the image
/// that makes a registry answer 500.
fn destination_rule(backend: &Backend, trust: Trust<'_>, names: &Names) -> Value {
    let limits = backend.resilience().limits;
    let count = |number: u32| i32::try_from(number).unwrap_or(i32::MAX);
    let spec = json!({
        "host": host_of(backend),
        "exportTo": ["."],
        "trafficPolicy": {
            "connectionPool": {
                "tcp": {
                    "maxConnections": count(limits.connections),
                    "connectTimeout": "3s",
                    "tcpKeepalive": {"time": "60s", "interval": "15s", "probes": 4},
                },
                "http": {
                    "http1MaxPendingRequests": count(limits.pending),
                    "http2MaxRequests": count(limits.requests),
                    "maxRetries": i32::MAX,
                    "idleTimeout": "60s",
                },
            },
            "tls": tls(backend, trust),
        },
    });
    object(&names.namespace, API, "DestinationRule", &of_backend(backend), &spec)
}

/// Verified always: whom to trust, and which name to look for.
fn tls(backend: &Backend, trust: Trust<'_>) -> Value {
    if backend.url().scheme() == Scheme::Http {
        return json!({"mode": "DISABLE"});
    }
    let tls = backend.tls();
    let trusted = tls.ca_file.as_deref().unwrap_or(trust.system_certificates);
    let verified = json!({"subjectAltNames": [tls.server_name], "caCertificates": trusted});
    // An address is not sent as a server name (RFC 6066 section 3).
    let name = match tls.server_name.parse::<IpAddr>() {
        Ok(_) => Value::Null,
        Err(_) => json!({"sni": tls.server_name}),
    };
    let own = match &tls.client {
        None => json!({"mode": "SIMPLE"}),
        Some(own) => json!({
            "mode": "MUTUAL",
            "clientCertificate": own.certificate_file,
            "privateKey": own.key_file,
        }),
    };
    joined([own, name, verified])
}

/// A request goes to the backend that the filter has named in its header. One that nobody decided
/// about goes nowhere.
fn virtual_service(model: &Model<'_>, names: &Names) -> Value {
    let headers = &model.serving.headers;
    let routes = model.backends.iter().flat_map(|backend| {
        let reads = route(backend, headers, "read", &["GET", "HEAD"], &retry_of_reads());
        // A write is not tried again: its body would have to be kept.
        let writes = route(backend, headers, "write", &[], &json!({"attempts": 0}));
        [reads, writes]
    });
    let nowhere = json!({"name": "undecided", "directResponse": {"status": 503}});
    let spec = json!({
        "hosts": ["*"],
        "gateways": [format!("{}/{NAME}", names.namespace)],
        "exportTo": ["."],
        "http": routes.chain([nowhere]).collect::<Vec<_>>(),
    });
    object(&names.namespace, API, "VirtualService", NAME, &spec)
}

/// Only where the backend has certainly seen nothing of the request.
fn retry_of_reads() -> Value {
    json!({
        "attempts": 1,
        "perTryTimeout": written(ALONE),
        "retryOn": "connect-failure,refused-stream,reset-before-request",
    })
}

/// What the bootstrap takes out, and the number of the attempt, which Istio has Envoy tell.
fn removed_from_requests(headers: &ClientHeaders) -> Vec<String> {
    let all = headers.removed_for_backends.iter().cloned();
    all.chain(["x-envoy-attempt-count".to_owned()]).collect()
}

fn route(
    backend: &Backend,
    headers: &ClientHeaders,
    kind: &str,
    methods: &[&str],
    retries: &Value,
) -> Value {
    let clusters = BTreeSet::from([backend.cluster(), backend.owner_cluster()]);
    let matches = clusters.into_iter().flat_map(|cluster| {
        let decided = json!({"headers": {contract::headers::CLUSTER: {"exact": cluster}}});
        let of_method =
            |method: &&str| joined([decided.clone(), json!({"method": {"exact": method}})]);
        let each: Vec<Value> = methods.iter().map(of_method).collect();
        if each.is_empty() { vec![decided] } else { each }
    });
    let url = backend.url();
    let (sandbox, is_sandboxed) = upstream_headers::SANDBOX;
    json!({
        "name": format!("{kind} {}", backend.name()),
        "match": matches.collect::<Vec<_>>(),
        "route": [{"destination": {"host": host_of(backend), "port": {"number": url.port()}}}],
        "rewrite": {"authority": url.authority()},
        "headers": {
            "request": {"remove": removed_from_requests(headers)},
            "response": {
                "remove": upstream_headers::REMOVED_FROM_RESPONSES,
                "set": {sandbox: is_sandboxed},
            },
        },
        // Content takes as long as it takes: there is no `timeout`, and Istio refuses one of `0s`.
        "retries": retries,
    })
}
