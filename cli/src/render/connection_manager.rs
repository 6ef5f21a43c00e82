//! The HTTP connection manager: what is HTTP about the listener.

use portolan_core::config::{Config, Front};
use serde_json::{Value, json};

use super::options::Options;
use super::typed::{extension, object};
use super::{
    access_log, client_address, early_headers, filter_state, geoip, local_replies, patience,
    redirects, routes, wasm,
};

pub(super) fn connection_manager(config: &Config, policy_json: &str, options: &Options) -> Value {
    let fields = object([
        json!({"stat_prefix": "portolan", "server_name": "portolan"}),
        client_address::settings(config.clients()),
        request_shape(),
        protocols(),
        timeouts(),
        json!({
            "early_header_mutation_extensions": [early_headers::extension(config.clients().geo())],
            "generate_request_id": true,
            "always_set_request_id_in_response": true,
            "access_log": [access_log::access_log(config, options)],
            "local_reply_config": local_replies::config(),
            "route_config": routes::route_config(config, options),
            "http_filters": filters(config, policy_json, options),
        }),
    ]);
    extension(
        "envoy.filters.network.http_connection_manager",
        "extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        fields,
    )
}

/// The order matters: the country is found before anything is decided, then what the client sent is noted for the
/// access log, and only then the filter may rewrite it.
fn filters(config: &Config, policy_json: &str, options: &Options) -> Vec<Value> {
    let geoip = options.geoip_database.as_deref().map(geoip::filter);
    let wasm = options.wasm.as_deref().map(|path| wasm::filter("portolan", path, policy_json));
    let router = extension(
        "envoy.filters.http.router",
        "extensions.filters.http.router.v3.Router",
        // Or the upstream would get x-envoy-* headers, and the client the upstream's times.
        json!({"suppress_envoy_headers": true}),
    );
    let noted = filter_state::filter(config.clients());
    let forms = options.wasm.as_deref().filter(|_| routes::has_token_endpoint(config));
    let forms = forms.map(wasm::token_form);
    let ready = config.fronts().all().iter().any(Front::has_health).then(readiness);
    let addresses = redirects::address_filters(config, options);
    let before_the_filter = ready.into_iter().chain(geoip).chain([noted]).chain(forms);
    before_the_filter.chain(wasm).chain(addresses).chain([router]).collect()
}

/// Whether this Envoy takes requests: 200 until it is told to drain (`POST /healthcheck/fail` of the
/// admin interface) or to stop. That it runs at all is `/livez`; how the backends are, `/healthcheck`.
fn readiness() -> Value {
    extension(
        "envoy.filters.http.health_check",
        "extensions.filters.http.health_check.v3.HealthCheck",
        json!({
            "pass_through_mode": false,
            "headers": [{"name": ":path", "string_match": {"exact": "/readyz"}}],
        }),
    )
}

/// What a request may look like.
///
/// Nothing is normalised: the filter refuses `..`, `//` and `%2F` with an error of the
/// distribution spec, because no registry path has them. A normalised path would hide them: the
/// filter would decide about one path while the client, and perhaps a proxy in front, mean another.
fn request_shape() -> Value {
    json!({
        "normalize_path": false,
        "merge_slashes": false,
        "path_with_escaped_slashes_action": "KEEP_UNCHANGED",
        "max_request_headers_kb": local_replies::MAXIMUM_HEADER_KIB,
        // The scheme that an HTTP/2 backend is told is the one that it is reached by, not the
        // one that the client used.
        "scheme_header_transformation": {"match_upstream": true},
        "common_http_protocol_options": {
            "idle_timeout": patience::written(patience::IDLE),
            "max_connection_duration": "3600s",
            "max_headers_count": local_replies::MAXIMUM_HEADERS,
            // Some servers take `x_geo_country` for `x-geo-country`.
            "headers_with_underscores_action": "REJECT_REQUEST",
        },
    })
}

/// The windows hold about what a client 100 ms away can have in flight at 10 MB/s (one stream)
/// and 80 MB/s (one connection).
fn protocols() -> Value {
    json!({
        "codec_type": "AUTO",
        "http_protocol_options": {"allow_absolute_url": false},
        "http2_protocol_options": {
            "max_concurrent_streams": 100,
            "initial_stream_window_size": 1024 * 1024,
            "initial_connection_window_size": 8 * 1024 * 1024,
            "connection_keepalive": {"interval": "60s", "timeout": "20s"},
        },
    })
}

/// A blob takes as long as it takes, so nothing limits a whole request (`request_timeout`, and
/// the routes' `timeout`); what limits it is that it must not stand still, here and in the routes
/// (`idle_timeout`), which know what the policy lets a backend take.
fn timeouts() -> Value {
    json!({
        "request_headers_timeout": format!("{}s", local_replies::HEADER_SECONDS),
        "request_timeout": "0s",
        "stream_idle_timeout": patience::written(patience::IDLE),
        "drain_timeout": "30s",
        // A client learns that an answer was cut off by the end of the connection, and waits for it.
        "delayed_close_timeout": "1s",
    })
}
