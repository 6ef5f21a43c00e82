//! One line of JSON a request.

use portolan_core::contract::{self, StateKey};
use portolan_core::record::LogField;
use serde_json::{Value, json};

use super::filter_state::{AUTHORITY, COUNTRY, POLICY};
use super::model::needs::Needs;
use super::model::records::Records;
use super::options::AccessLog;
use super::typed::{extension, object};

/// The log of requests.
pub(super) fn access_log(needs: Needs, records: Records<'_>) -> Value {
    let node = of_host(contract::NODE);
    let fields =
        object([fields(needs), fields_of_policy(needs), of_cache(needs, &node), trace(records)]);
    let log = to(records.access_log, &fields);
    let once = if needs.follows_redirects { final_response_only() } else { Value::Null };
    object([log, once])
}

fn trace(records: Records<'_>) -> Value {
    match records.collector {
        Some(_) => format(&[(LogField::TraceId, "%TRACE_ID%")]),
        None => Value::Null,
    }
}

/// The log of what fills caches: a line of its own for each fill and for each question of the
/// filter.
pub(super) fn of_fills(needs: Needs, records: Records<'_>) -> Value {
    let node = property(StateKey::CacheNode);
    let of_fill = format(&[(LogField::Event, FILL)]);
    let fields = object([fields(needs), of_cache(needs, &node), of_fill]);
    let log = to(records.access_log, &fields);
    let once = if needs.follows_redirects { final_response_only() } else { Value::Null };
    object([log, once])
}

/// What the line of a fill says that a request's does not.
const FILL: &str = "fill";

/// The log of attempts that had no answer: a line of its own for each, with the identifier of its
/// request.
pub(super) fn of_attempts(records: Records<'_>) -> Value {
    let unanswered = json!({"filter": {"status_code_filter": {"comparison": {
        "op": "EQ",
        "value": {"default_value": 0, "runtime_key": "portolan.log.unanswered"},
    }}}});
    let fields = format(&[
        (LogField::Time, "%START_TIME%"),
        (LogField::Event, UNANSWERED),
        (LogField::RequestId, "%REQ(X-REQUEST-ID)%"),
        (LogField::Backend, &backend()),
        (LogField::Upstream, "%UPSTREAM_HOST%"),
        (LogField::UpstreamFailure, "%UPSTREAM_TRANSPORT_FAILURE_REASON%"),
        (LogField::Flags, "%RESPONSE_FLAGS%"),
        (LogField::Duration, "%DURATION%"),
    ]);
    object([to(records.access_log, &fields), unanswered])
}

/// What the line of an attempt says that a request's does not.
const UNANSWERED: &str = "attempt without an answer";

/// A request that is sent on is logged where it ends. Until then it is one that Envoy has begun
/// anew.
pub(super) fn final_response_only() -> Value {
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

/// The fields. No credential is among them, and no query: an upload's state, a token service's
/// parameters and the signature of a redirect stand there.
fn fields(needs: Needs) -> Value {
    let country = if needs.reads_country { StateKey::Country.object() } else { COUNTRY };
    let mut fields = format(&[
        (LogField::Time, "%START_TIME%"),
        (LogField::RequestId, "%REQ(X-REQUEST-ID)%"),
        (LogField::Protocol, "%PROTOCOL%"),
        (LogField::Method, "%REQ(:METHOD)%"),
        (LogField::Authority, &first_of(&[state(AUTHORITY), operator("REQ", ":AUTHORITY")])),
        (LogField::Path, &path()),
        (LogField::UpstreamPath, "%PATH(NQ:PATH)%"),
        (LogField::UserAgent, "%REQ(USER-AGENT)%"),
        (LogField::Client, "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%"),
        (LogField::Peer, "%DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT%"),
        (LogField::Country, &format!("%FILTER_STATE({country}:PLAIN)%")),
        (LogField::Front, &noted(LogField::Front)),
        (LogField::Class, &noted(LogField::Class)),
        (LogField::Region, &noted(LogField::Region)),
        (LogField::Policy, &format!("%FILTER_STATE({POLICY}:PLAIN)%")),
        (LogField::Rule, &noted(LogField::Rule)),
        (LogField::Reason, &noted(LogField::Reason)),
        (LogField::Tried, &noted(LogField::Tried)),
        (LogField::Backend, &backend()),
        (LogField::Upstream, "%UPSTREAM_HOST%"),
        (LogField::UpstreamProtocol, "%UPSTREAM_PROTOCOL%"),
        (LogField::UpstreamFailure, "%UPSTREAM_TRANSPORT_FAILURE_REASON%"),
        (LogField::Attempts, "%UPSTREAM_REQUEST_ATTEMPT_COUNT%"),
        (LogField::Status, "%RESPONSE_CODE%"),
        (LogField::Flags, "%RESPONSE_FLAGS%"),
        (LogField::Details, "%RESPONSE_CODE_DETAILS%"),
        (LogField::BytesReceived, "%BYTES_RECEIVED%"),
        (LogField::BytesSent, "%BYTES_SENT%"),
        (LogField::Duration, "%DURATION%"),
        (LogField::FirstByte, "%RESPONSE_DURATION%"),
    ]);
    if let (Value::Object(fields), true) = (&mut fields, needs.follows_redirects) {
        fields.extend(fields_of_further_passes());
    }
    fields
}

/// What only some policies have anything to say about.
fn fields_of_policy(needs: Needs) -> Value {
    let field = |is_needed: bool, field: LogField| {
        if is_needed { format(&[(field, &noted(field))]) } else { Value::Null }
    };
    object([
        field(needs.has_upstreams, LogField::Registry),
        field(needs.has_passwords, LogField::User),
        field(needs.redirects_clients, LogField::SentTo),
    ])
}

/// What is said of caches, where the policy has any, with what says which node it is.
fn of_cache(needs: Needs, node: &str) -> Value {
    if !needs.has_caches {
        return Value::Null;
    }
    format(&[
        (LogField::Cache, &noted(LogField::Cache)),
        (LogField::CacheUse, &noted(LogField::CacheUse)),
        (LogField::CacheNode, node),
    ])
}

/// Where a request was sent on, what was known of it at first comes from the filter, which has kept
/// it.
fn fields_of_further_passes() -> [(String, Value); 5] {
    let kept = |key: StateKey| state(key.object());
    let metadata = operator("UPSTREAM_METADATA", &metadata(contract::BACKEND));
    let address = json!({"command": "DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT"});
    let asked = [kept(StateKey::Authority), state(AUTHORITY), operator("REQ", ":AUTHORITY")];
    [
        (LogField::Authority, first_of(&asked)),
        (LogField::Client, first_of(&[kept(StateKey::Client), address])),
        (LogField::Country, first_of(&[kept(StateKey::Country), state(COUNTRY)])),
        (LogField::Backend, first_of(&[metadata, kept(StateKey::RedirectedBy)])),
        (LogField::UpstreamAuthority, "%REQ(:AUTHORITY)%".to_owned()),
    ]
    .map(|(field, value)| (field.name().to_owned(), value.into()))
}

/// Fields, each with what Envoy writes there.
fn format(rows: &[(LogField, &str)]) -> Value {
    rows.iter().map(|(field, value)| (field.name().to_owned(), Value::from(*value))).collect()
}

/// The path that the client asked, without the query. Where another one is sent on, the filter has
/// noted it.
pub(super) fn path() -> String {
    first_of(&[state(StateKey::Path.object()), operator("PATH", "NQ")])
}

/// The backend that was asked, by its name in the policy.
fn backend() -> String {
    of_host(contract::BACKEND)
}

/// What is said of the endpoint that answered.
pub(super) fn of_host(key: &str) -> String {
    format!("%UPSTREAM_METADATA({})%", metadata(key))
}

/// A field that the filter notes.
fn noted(field: LogField) -> String {
    field.noted().map(property).unwrap_or_default()
}

/// A property that the filter sets.
pub(super) fn property(key: StateKey) -> String {
    format!("%FILTER_STATE({}:PLAIN)%", key.object())
}

/// One of the things that are said of an endpoint or a cluster, such as the name of the backend.
pub(super) fn metadata(key: &str) -> String {
    format!("{}:{key}", contract::NAMESPACE)
}

/// The first that says anything. What was noted before the rewriting comes before what a request
/// says that was refused before any filter saw it.
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
