//! One line of JSON a request.

use serde_json::{Value, json};

use super::filter_state::{AUTHORITY, COUNTRY, PATH};
use super::options::AccessLog;
use super::typed::extension;

pub(super) fn access_log(to: &AccessLog) -> Value {
    match to {
        AccessLog::StandardOutput => extension(
            "envoy.access_loggers.stdout",
            "extensions.access_loggers.stream.v3.StdoutAccessLog",
            json!({"log_format": {"json_format": fields()}}),
        ),
        AccessLog::File(path) => extension(
            "envoy.access_loggers.file",
            "extensions.access_loggers.file.v3.FileAccessLog",
            json!({"path": path, "log_format": {"json_format": fields()}}),
        ),
    }
}

/// The fields. No credential is among them, and no query: an upload's state and a token
/// service's parameters stand there.
fn fields() -> Value {
    json!({
        "time": "%START_TIME%",
        "request_id": "%REQ(X-REQUEST-ID)%",
        "protocol": "%PROTOCOL%",
        "method": "%REQ(:METHOD)%",
        "authority": state_or(AUTHORITY, "REQ", ":AUTHORITY"),
        "path": state_or(PATH, "PATH", "NQ"),
        "upstream_path": "%PATH(NQ:PATH)%",
        "user_agent": "%REQ(USER-AGENT)%",
        "client": "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%",
        "peer": "%DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT%",
        "country": format!("%FILTER_STATE({COUNTRY}:PLAIN)%"),
        "region": "%FILTER_STATE(wasm.portolan_region:PLAIN)%",
        "rule": "%FILTER_STATE(wasm.portolan_rule:PLAIN)%",
        "reason": "%FILTER_STATE(wasm.portolan_reason:PLAIN)%",
        "backend": "%UPSTREAM_METADATA(portolan:backend)%",
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
    })
}

/// What was noted before the rewriting; for a request that was refused before any filter saw
/// it, what it still says.
fn state_or(key: &str, command: &str, parameter: &str) -> String {
    let operators = json!({"operators": [
        {"command": "FILTER_STATE", "param": format!("{key}:PLAIN")},
        {"command": command, "param": parameter},
    ]});
    format!("%COALESCE({operators})%")
}
