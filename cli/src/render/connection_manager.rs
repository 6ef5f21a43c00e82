//! The HTTP connection manager: what is HTTP about the listener.

use portolan_core::config::{Config, Front, FrontHost};
use serde_json::{Value, json};

use super::limits::{Limits, seconds};
use super::needs::Needs;
use super::options::Options;
use super::typed::{extension, object};
use super::{
    access_log, browsers, budgets, client_address, client_limits, early_headers, filter,
    filter_state, geoip, local_replies, loops, metrics, patience, redirects, routes, tracing,
};

pub(super) fn connection_manager(config: &Config, policy_json: &str, options: &Options) -> Value {
    let fields = object([
        json!({"stat_prefix": "portolan", "server_name": "portolan"}),
        client_address::settings(config.clients()),
        request_shape(options.limits),
        protocols(config, options.limits),
        timeouts(options.limits),
        tracing::settings(options),
        json!({
            "early_header_mutation_extensions": [early_headers::extension(config.clients())],
            "generate_request_id": true,
            "always_set_request_id_in_response": true,
            "access_log": access_logs(Needs::of(config, options), options),
            "local_reply_config": local_replies::config(options.limits),
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

/// The log of requests, and what counts them.
fn access_logs(needs: Needs, options: &Options) -> Vec<Value> {
    let log = access_log::access_log(needs, options);
    [log].into_iter().chain(metrics::of_requests(needs, options)).collect()
}

/// The log of attempts, and what counts them.
fn attempt_logs(needs: Needs, options: &Options) -> Vec<Value> {
    let log = access_log::of_attempts(options);
    [log].into_iter().chain(metrics::of_attempts(needs, options)).collect()
}

/// The order matters: the country is found before anything is decided, then what the client sent is noted for the
/// access log, and only then the filter may rewrite it.
fn filters(config: &Config, policy_json: &str, options: &Options) -> Vec<Value> {
    let geoip = options.geoip_database.as_deref().map(geoip::filter);
    let deciding =
        options.filter.as_ref().map(|file| filter::deciding("portolan", file, policy_json));
    let router = extension(
        "envoy.filters.http.router",
        "extensions.filters.http.router.v3.Router",
        // Or the upstream would get x-envoy-* headers, and the client the upstream's times.
        json!({"suppress_envoy_headers": true, "upstream_log": attempt_logs(Needs::of(config, options), options)}),
    );
    let noted = filter_state::filter(config.clients(), &options.policy);
    let forms = options.filter.as_ref().filter(|_| routes::has_token_endpoint(config));
    let forms = forms.map(filter::token_form);
    let ready = config.fronts().all().iter().any(Front::has_health).then(readiness);
    let addresses = redirects::address_filters(config, options);
    let pages = browsers::filter(config);
    let limits = client_limits::filter(config.clients());
    let first = ready.into_iter().chain([loops::filter(config)]).chain(pages);
    let before_the_filter = first.chain(geoip).chain([noted]).chain(limits).chain(forms);
    // Where nothing decides, nothing is known to count by.
    let budgets = budgets::filter(config.clients()).filter(|_| options.filter.is_some());
    let counted = metrics::filter(options);
    // What is refused here is in the log as it was sent, and costs the filter nothing.
    before_the_filter
        .chain(deciding)
        .chain(addresses)
        .chain(budgets)
        .chain(counted)
        .chain([router])
        .collect()
}

/// Whether this Envoy takes requests: 200 until it is told to drain (`POST /healthcheck/fail` of the
/// admin interface) or to stop. That it runs at all is `/livez`; how the backends are, `/healthcheck`.
pub(super) fn readiness() -> Value {
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
fn request_shape(limits: Limits) -> Value {
    json!({
        "normalize_path": false,
        "merge_slashes": false,
        "path_with_escaped_slashes_action": "KEEP_UNCHANGED",
        "max_request_headers_kb": limits.max_header,
        // The scheme that an HTTP/2 backend is told is the one that it is reached by, not the
        // one that the client used.
        "scheme_header_transformation": {"match_upstream": true},
        "common_http_protocol_options": {
            "idle_timeout": patience::written(patience::IDLE),
            "max_connection_duration": seconds(limits.max_connection_age),
            "max_headers_count": limits.max_header_fields,
            // Some servers take `x_geo_country` for `x-geo-country`. No header that a registry needs has one.
            "headers_with_underscores_action": "DROP_HEADER",
        },
    })
}

/// The windows hold about what a client 100 ms away can have in flight at 10 MB/s (one stream)
/// and 80 MB/s (one connection).
///
/// What HTTP has a server accept or ignore is accepted or ignored: HTTP/1.0, which nginx speaks to whom it
/// proxies to unless it is told otherwise, also without a `Host` where one front can be meant; a target with
/// scheme and host (RFC 9112 section 3.2.2); the wish for another protocol (RFC 9110 section 7.8). One
/// malformed request of an HTTP/2 connection ends itself and not the others (RFC 9113 section 8.1.1).
fn protocols(config: &Config, limits: Limits) -> Value {
    json!({
        "codec_type": "AUTO",
        "http_protocol_options": object([
            json!({
                "allow_absolute_url": true,
                "accept_http_10": true,
                "ignore_http_11_upgrade": [{"safe_regex": {"regex": ".*"}}],
            }),
            host_of_nobody(config).map_or_else(|| json!({}), |host| json!({"default_host_for_http_10": host})),
        ]),
        "http2_protocol_options": {
            "override_stream_error_on_invalid_http_message": true,
            "max_concurrent_streams": limits.max_streams,
            "initial_stream_window_size": 1024 * 1024,
            "initial_connection_window_size": 8 * 1024 * 1024,
            "connection_keepalive": {"interval": "60s", "timeout": "20s"},
        },
    })
}

/// The host that is meant by an HTTP/1.0 request that names none: that of the default front, or of the only one.
fn host_of_nobody(config: &Config) -> Option<&str> {
    let fronts = config.fronts();
    let only = match fronts.all() {
        [only] => Some(only),
        _ => None,
    };
    // Nobody's host is that of the default front, if there is one.
    let front = fronts.find(b"").and_then(|id| fronts.get(id)).or(only)?;
    front.hosts().first().map(FrontHost::as_str)
}

/// A blob takes as long as it takes, so nothing limits a whole request (`request_timeout`, and
/// the routes' `timeout`); what limits it is that it must not stand still, here and in the routes
/// (`idle_timeout`), which know what the policy lets a backend take.
fn timeouts(limits: Limits) -> Value {
    json!({
        "request_headers_timeout": seconds(limits.header_timeout),
        "request_timeout": "0s",
        "stream_idle_timeout": patience::written(patience::IDLE),
        "drain_timeout": "30s",
        // A client learns that an answer was cut off by the end of the connection, and waits for it.
        "delayed_close_timeout": "1s",
    })
}
