//! One line of JSON a request.

use portolan_core::config::{Config, FrontAuth, Geo};
use portolan_core::contract::{self, StateKey};
use serde_json::{Value, json};

use super::filter_state::{AUTHORITY, COUNTRY, PATH, POLICY};
use super::options::{AccessLog, Options};
use super::redirects;
use super::typed::{extension, object};

/// The log of requests.
pub(super) fn access_log(config: &Config, options: &Options) -> Value {
    // The listener stays when the policy changes, with the fields that any policy may need.
    let any = options.target.is_changed_while_envoy_runs();
    let follows = any || redirects::are_followed(config, options);
    let trace =
        if options.tracing.is_some() { json!({"trace_id": "%TRACE_ID%"}) } else { Value::Null };
    let fields =
        object([fields(config.clients().geo(), follows), fields_of_policy(config, any), trace]);
    let log = to(&options.access_log, &fields);
    let once = if follows { the_last_pass() } else { Value::Null };
    object([log, once])
}

/// The log of what fills caches: a line of its own for each fill and for each question of the filter.
pub(super) fn of_fills(config: &Config, options: &Options) -> Value {
    let follows = redirects::are_followed(config, options);
    let event = json!({"event": "fill"});
    let fields = object([fields(config.clients().geo(), follows), event]);
    let log = to(&options.access_log, &fields);
    let once = if follows { the_last_pass() } else { Value::Null };
    object([log, once])
}

/// The log of attempts that had no answer: a line of its own for each, with the identifier of its request.
pub(super) fn of_attempts(options: &Options) -> Value {
    let unanswered = json!({"filter": {"status_code_filter": {"comparison": {
        "op": "EQ",
        "value": {"default_value": 0, "runtime_key": "portolan.log.unanswered"},
    }}}});
    let fields = json!({
        "time": "%START_TIME%",
        "event": UNANSWERED,
        "request_id": "%REQ(X-REQUEST-ID)%",
        "backend": format!("%UPSTREAM_METADATA({})%", metadata(contract::BACKEND)),
        "upstream": "%UPSTREAM_HOST%",
        "upstream_failure": "%UPSTREAM_TRANSPORT_FAILURE_REASON%",
        "flags": "%RESPONSE_FLAGS%",
        "duration_ms": "%DURATION%",
    });
    object([to(&options.access_log, &fields), unanswered])
}

/// What the line of an attempt says that a request's does not.
const UNANSWERED: &str = "attempt without an answer";

/// A request that is sent on is logged where it ends. Until then it is one that Envoy has begun anew.
pub(super) fn the_last_pass() -> Value {
    json!({"filter": {"extension_filter": extension(
        "envoy.access_loggers.extension_filters.cel",
        "extensions.access_loggers.filters.cel.v3.ExpressionFilter",
        json!({"expression": "response.code_details != 'internal_redirect'"}),
    )}})
}

fn to(place: &AccessLog, fields: &Value) -> Value {
    match place {
        AccessLog::StandardOutput => extension(
            "envoy.access_loggers.stdout",
            "extensions.access_loggers.stream.v3.StdoutAccessLog",
            json!({"log_format": {"json_format": fields}}),
        ),
        AccessLog::File(path) => extension(
            "envoy.access_loggers.file",
            "extensions.access_loggers.file.v3.FileAccessLog",
            json!({"path": path, "log_format": {"json_format": fields}}),
        ),
    }
}

/// The fields. No credential is among them, and no query: an upload's state, a token service's parameters
/// and the signature of a redirect stand there.
fn fields(geo: &Geo, follows: bool) -> Value {
    let country = match geo {
        Geo::Headers(_) => StateKey::Country.object(),
        Geo::None | Geo::Database(_) => COUNTRY.to_owned(),
    };
    let mut fields = json!({
        "time": "%START_TIME%",
        "request_id": "%REQ(X-REQUEST-ID)%",
        "protocol": "%PROTOCOL%",
        "method": "%REQ(:METHOD)%",
        "authority": first_of(&[state(AUTHORITY), operator("REQ", ":AUTHORITY")]),
        "path": first_of(&[state(PATH), operator("PATH", "NQ")]),
        "upstream_path": "%PATH(NQ:PATH)%",
        "user_agent": "%REQ(USER-AGENT)%",
        "client": "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%",
        "peer": "%DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT%",
        "country": format!("%FILTER_STATE({country}:PLAIN)%"),
        "front": property(StateKey::Front),
        "class": property(StateKey::Kind),
        "region": property(StateKey::Region),
        "policy": format!("%FILTER_STATE({POLICY}:PLAIN)%"),
        "rule": property(StateKey::Rule),
        "reason": property(StateKey::Reason),
        "tried": property(StateKey::Tried),
        "backend": format!("%UPSTREAM_METADATA({})%", metadata(contract::BACKEND)),
        "upstream": "%UPSTREAM_HOST%",
        "upstream_protocol": "%UPSTREAM_PROTOCOL%",
        "upstream_failure": "%UPSTREAM_TRANSPORT_FAILURE_REASON%",
        "attempts": "%UPSTREAM_REQUEST_ATTEMPT_COUNT%",
        "status": "%RESPONSE_CODE%",
        "flags": "%RESPONSE_FLAGS%",
        "details": "%RESPONSE_CODE_DETAILS%",
        "bytes_received": "%BYTES_RECEIVED%",
        "bytes_sent": "%BYTES_SENT%",
        "duration_ms": "%DURATION%",
        "first_byte_ms": "%RESPONSE_DURATION%",
    });
    if let (Value::Object(fields), true) = (&mut fields, follows) {
        fields.extend(fields_of_further_passes());
    }
    fields
}

/// What only some policies have anything to say about.
fn fields_of_policy(config: &Config, any: bool) -> Value {
    let fronts = config.fronts().all();
    let names = fronts.iter().any(|front| front.upstreams().is_some());
    let passwords = fronts.iter().any(|front| matches!(front.auth(), FrontAuth::Basic(_)));
    let redirects = config.rules().all().iter().any(|rule| rule.redirecting().is_some());
    let caches = !config.caches().is_empty();
    let field = |is_there: bool, name: &str, key: StateKey| {
        if is_there { json!({name: property(key)}) } else { Value::Null }
    };
    object([
        field(any || names, "registry", StateKey::Registry),
        field(any || passwords, "user", StateKey::User),
        field(any || redirects, "sent_to", StateKey::SentTo),
        // A listener that follows the policy has them from the first one that has caches.
        field(caches, "cache", StateKey::Cache),
        field(caches, "cache_use", StateKey::CacheUse),
    ])
}

/// Where a request was sent on, what was known of it at first comes from the filter, which has kept it.
fn fields_of_further_passes() -> [(String, Value); 6] {
    let kept = |key: StateKey| state(&key.object());
    let metadata = operator("UPSTREAM_METADATA", &metadata(contract::BACKEND));
    let address = json!({"command": "DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT"});
    let asked = [kept(StateKey::Authority), state(AUTHORITY), operator("REQ", ":AUTHORITY")];
    [
        ("authority", first_of(&asked)),
        ("path", first_of(&[kept(StateKey::Path), state(PATH), operator("PATH", "NQ")])),
        ("client", first_of(&[kept(StateKey::Client), address])),
        ("country", first_of(&[kept(StateKey::Country), state(COUNTRY)])),
        ("backend", first_of(&[metadata, kept(StateKey::RedirectedBy)])),
        ("upstream_authority", "%REQ(:AUTHORITY)%".to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value.into()))
}

/// A property that the filter sets.
pub(super) fn property(key: StateKey) -> String {
    format!("%FILTER_STATE({}:PLAIN)%", key.object())
}

/// One of the things that are said of an endpoint or a cluster, such as the name of the backend.
pub(super) fn metadata(key: &str) -> String {
    format!("{}:{key}", contract::NAMESPACE)
}

/// The first that says anything. What was noted before the rewriting comes before what a request says that
/// was refused before any filter saw it.
pub(super) fn first_of(operators: &[Value]) -> String {
    format!("%COALESCE({})%", json!({"operators": operators}))
}

pub(super) fn operator(command: &str, parameter: &str) -> Value {
    json!({"command": command, "param": parameter})
}

fn state(key: &str) -> Value {
    operator("FILTER_STATE", &format!("{key}:PLAIN"))
}

#[cfg(test)]
mod tests;
