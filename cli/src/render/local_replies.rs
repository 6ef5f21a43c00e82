//! Envoy's own answers, in the words of the distribution spec.
//!
//! Clients show the message of `{"errors":[{"code","message"}]}` and hide every other body.

use serde_json::{Value, json};

/// How much a request's header may be, in KiB. Tokens of some registries are tens of KiB.
pub(super) const MAXIMUM_HEADER_KIB: u32 = 60;
/// How many header fields a request may have.
pub(super) const MAXIMUM_HEADERS: u32 = 100;
/// How long a request's header may take to arrive, in seconds.
pub(super) const HEADER_SECONDS: u32 = 10;

/// The first mapper that fits decides. An answer of a backend is none of Envoy's own and is not
/// looked at here.
pub(super) fn config() -> Value {
    let too_large = format!(
        "the header of the request is larger than {MAXIMUM_HEADER_KIB} KiB or has more than \
         {MAXIMUM_HEADERS} fields"
    );
    let too_slow = format!("the header of the request took longer than {HEADER_SECONDS} seconds");
    json!({"mappers": [
        of_the_filter(),
        mapper(&status("EQ", 429), "TOOMANYREQUESTS", "too many requests; try again later", &[]),
        mapper(&status("EQ", 431), "UNSUPPORTED", &too_large, &[]),
        mapper(&status("EQ", 408), "UNSUPPORTED", &too_slow, &[]),
        mapper(
            &status("GE", 500),
            "UNAVAILABLE",
            "the registry that serves this request cannot be reached; try again later",
            &[("retry-after", "5")],
        ),
        mapper(&status("GE", 400), "UNSUPPORTED", "the request is malformed, or of a form that no registry client sends", &[]),
    ]})
}

/// The filter's answers are what they should be. They pass through here as well, and are known
/// by the details that the filter gives.
fn of_the_filter() -> Value {
    json!({"filter": {"extension_filter": super::typed::extension(
        "envoy.access_loggers.extension_filters.cel",
        "extensions.access_loggers.filters.cel.v3.ExpressionFilter",
        json!({"expression": "response.code_details == 'portolan'"}),
    )}})
}

/// Envoy wants a key under which the number could be changed while it runs.
fn status(comparison: &str, number: u16) -> Value {
    json!({"status_code_filter": {"comparison": {
        "op": comparison,
        "value": {"default_value": number, "runtime_key": format!("portolan.local_reply.{number}")},
    }}})
}

fn mapper(filter: &Value, code: &str, message: &str, headers: &[(&str, &str)]) -> Value {
    let always =
        [("docker-distribution-api-version", "registry/2.0"), ("cache-control", "no-store")];
    let headers: Vec<Value> = always
        .iter()
        .chain(headers)
        .map(|(key, value)| {
            json!({"header": {"key": key, "value": value}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"})
        })
        .collect();
    json!({
        "filter": filter,
        "headers_to_add": headers,
        "body_format_override": {"json_format": {"errors": [{"code": code, "message": message}]}},
    })
}
