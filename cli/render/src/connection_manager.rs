//! The HTTP connection manager: what is HTTP about the listener.

use serde_json::{Value, json};

use super::limits::{Limits, seconds};
use super::model::inbound::Inbound;
use super::model::records::Records;
use super::model::serving::Serving;
use super::model::time_limits::{self, IDLE};
use super::typed::{extension, object};
use super::{
    access_log, browsers, budgets, client_address, client_limits, early_headers, filter,
    filter_state, followed_redirects, geoip, global_rate_limit, local_replies, loops, metrics,
    routes, tracing, upstream_filters,
};

pub(super) fn connection_manager(serving: &Serving<'_>, inbound: &Inbound<'_>) -> Value {
    let own = Own {
        statistics: "portolan",
        addresses: client_address::settings(inbound.forwarded_for),
        tracing: tracing::settings(serving.records),
        logs: access_logs(serving),
        routes: routes::route_config(serving),
        filters: filters(serving),
    };
    manager(serving, own)
}

/// What the connection managers of an Envoy have each for itself.
pub(super) struct Own {
    /// What the names of their statistics begin with.
    pub(super) statistics: &'static str,
    /// Whose word about the client's address is taken.
    pub(super) addresses: Value,
    pub(super) tracing: Value,
    pub(super) logs: Vec<Value>,
    pub(super) routes: Value,
    pub(super) filters: Vec<Value>,
}

/// A connection manager. What HTTP may look like, and how long it may take, is the same everywhere.
pub(super) fn manager(serving: &Serving<'_>, own: Own) -> Value {
    let fields = object([
        json!({"stat_prefix": own.statistics, "server_name": "portolan"}),
        own.addresses,
        request_shape(serving.limits),
        protocols(serving.fronts.host_of_nobody, serving.limits),
        timeouts(serving.limits),
        own.tracing,
        json!({
            "early_header_mutation_extensions": [early_headers::extension(&serving.headers, serving.forwarded_for)],
            "generate_request_id": true,
            "always_set_request_id_in_response": true,
            "access_log": own.logs,
            "local_reply_config": local_replies::config(serving.limits, serving.records.rate_limit_service.is_some()),
            "route_config": own.routes,
            "http_filters": own.filters,
        }),
    ]);
    extension(
        "envoy.filters.network.http_connection_manager",
        "extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        fields,
    )
}

/// The log of requests, and what counts them.
fn access_logs(serving: &Serving<'_>) -> Vec<Value> {
    let log = access_log::access_log(serving.needs, serving.records);
    [log].into_iter().chain(metrics::of_requests(serving.needs, serving.records)).collect()
}

/// The log of attempts, and what counts them.
fn attempt_logs(serving: &Serving<'_>) -> Vec<Value> {
    let log = access_log::of_attempts(serving.records);
    [log].into_iter().chain(metrics::of_attempts(serving.needs, serving.records)).collect()
}

/// The router, which logs and counts attempts, and has filters for them.
pub(super) fn router(serving: &Serving<'_>) -> Value {
    // Or the upstream would get x-envoy-* headers, and the client the upstream's times.
    let fields = json!({"suppress_envoy_headers": true, "upstream_log": attempt_logs(serving)});
    let attempts = serving.attempts.map(upstream_filters::of_the_router);
    let attempts = attempts.map(|filters| json!({"upstream_http_filters": filters}));
    extension(
        "envoy.filters.http.router",
        "extensions.filters.http.router.v3.Router",
        object([fields, attempts.unwrap_or_default(), uncounted_statuses(serving.records)]),
    )
}

/// Where attempts are counted, the router's own counters by status are not kept ([`stats`]). To
/// look each one up and to find that out costs more than to count it.
///
/// [`stats`]: super::stats
fn uncounted_statuses(records: Records<'_>) -> Value {
    if records.counts { json!({"dynamic_stats": false}) } else { Value::Null }
}

/// The order matters: the country is found before anything is decided, then what the client sent is
/// noted for the access log, and only then the filter may rewrite it.
fn filters(serving: &Serving<'_>) -> Vec<Value> {
    let geoip = serving.geoip_database.map(geoip::filter);
    let fronts = &serving.fronts;
    let deciding =
        serving.filter.map(|file| filter::deciding("portolan", file, serving.policy_json));
    let noted = filter_state::filter(serving.clients, serving.records.policy);
    let forms = serving.filter.filter(|_| fronts.token_endpoint.is_some());
    let forms = forms.map(filter::token_form);
    let ready = fronts.shows_health.then(readiness);
    let addresses = followed_redirects::address_filters(&serving.followed);
    let pages = browsers::filter(fronts);
    let service = serving.records.rate_limit_service;
    let limits = client_limits::filter(serving.clients, service);
    let first = ready.into_iter().chain([loops::filter(&fronts.identity)]).chain(pages);
    let before_the_filter = first.chain(geoip).chain([noted]).chain(limits).chain(forms);
    // Where nothing decides, nothing is known to count by.
    let budgets = budgets::filter(serving.clients, service).filter(|_| serving.filter.is_some());
    let of_all = global_rate_limit::filter(serving.clients, service);
    let of_all = of_all.filter(|_| serving.filter.is_some());
    let counted = metrics::filter(serving.records);
    // What is refused here is in the log as it was sent, and costs the filter nothing.
    before_the_filter
        .chain(deciding)
        .chain(addresses)
        .chain(budgets)
        .chain(of_all)
        .chain(counted)
        .chain([router(serving)])
        .collect()
}

/// Whether this Envoy takes requests: 200 until it is told to drain (`POST /healthcheck/fail` of
/// the admin interface) or to stop. That it runs at all is `/livez`; how the backends are,
/// `/healthcheck`.
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
            "idle_timeout": time_limits::written(IDLE),
            "max_connection_duration": seconds(limits.max_connection_age),
            "max_headers_count": limits.max_header_fields,
            // Some servers take `x_geo_country` for `x-geo-country`. No header that a registry
            // needs has one.
            "headers_with_underscores_action": "DROP_HEADER",
        },
    })
}

/// The windows hold about what a client 100 ms away can have in flight at 10 MB/s (one stream)
/// and 80 MB/s (one connection).
///
/// What HTTP has a server accept or ignore is accepted or ignored: HTTP/1.0, which nginx speaks to
/// whom it proxies to unless it is told otherwise, also without a `Host` where one front can be
/// meant; a target with scheme and host (RFC 9112 section 3.2.2); the wish for another protocol
/// (RFC 9110 section 7.8). One malformed request of an HTTP/2 connection ends itself and not the
/// others (RFC 9113 section 8.1.1).
fn protocols(host_of_nobody: Option<&str>, limits: Limits) -> Value {
    json!({
        "codec_type": "AUTO",
        "http_protocol_options": object([
            json!({
                "allow_absolute_url": true,
                "accept_http_10": true,
                "ignore_http_11_upgrade": [{"safe_regex": {"regex": ".*"}}],
            }),
            host_of_nobody.map_or_else(|| json!({}), |host| json!({"default_host_for_http_10": host})),
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

/// A blob takes as long as it takes, so nothing limits a whole request (`request_timeout`, and
/// the routes' `timeout`); what limits it is that it must not stand still, here and in the routes
/// (`idle_timeout`), which know what the policy lets a backend take.
fn timeouts(limits: Limits) -> Value {
    json!({
        "request_headers_timeout": seconds(limits.header_timeout),
        "request_timeout": "0s",
        "stream_idle_timeout": time_limits::written(IDLE),
        "drain_timeout": "30s",
        // A client learns that an answer was cut off by the end of the connection, and waits for
        // it.
        "delayed_close_timeout": "1s",
    })
}
