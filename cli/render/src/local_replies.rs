//! Envoy's own answers, in the words of the distribution spec.
//!
//! Clients show the message of `{"errors":[{"code","message"}]}` and hide every other body.

use portolan_core::contract;
use serde_json::{Value, json};

use super::limits::Limits;

/// What Envoy refuses by itself, by the details that it gives, and what a client is told. Where
/// they are not listed the status decides.
const CAUSES: [Cause; 14] = [
    cause(
        &["missing_host_header"],
        "the request has no `Host` header, which HTTP/1.1 demands (RFC 9112 section 3.2)",
    ),
    cause(
        &["http.invalid_authority", "http1.invalid_url"],
        "the `Host` header, or the host in the request target, is not a host with an optional port",
    ),
    cause(
        &["http1.invalid_scheme"],
        "the request target is a URL that is neither `http` nor `https`; send the path alone",
    ),
    cause(
        &["http1.https_url_on_plaintext_connection"],
        "the request target is an `https` URL, and this connection has no TLS; connect with TLS, or send \
         the path alone",
    ),
    cause(
        &["absolute_path_rejected", "missing_path_rejected"],
        "the request target is no path; send one that begins with `/v2/`",
    ),
    cause(
        &["path_normalization_failed"],
        "the request target has a fragment, `#` and what follows it, which is not for servers; leave it out",
    ),
    cause(
        &["http1.content_length_and_chunked_not_allowed", "http1.content_length_not_allowed"],
        "the request says in two ways how long its body is; send either `Content-Length` or \
         `Transfer-Encoding`",
    ),
    cause(
        &["http1.invalid_transfer_encoding", "http1.transfer_encoding_not_allowed"],
        "the request has a `Transfer-Encoding` other than `chunked`, or one where none belongs; send \
         `chunked` or a `Content-Length`",
    ),
    cause(
        &["http1.invalid_characters", "http1.unexpected_underscore"],
        "a header or the request target has a character that HTTP does not allow there",
    ),
    cause(
        &["http1.connection_header_rejected", "http1.connection_header_sanitization"],
        "the `Connection` header names what it must not name",
    ),
    cause(&["upgrade_failed"], "this proxy speaks HTTP and changes to no other protocol"),
    cause(
        &["http1.body_disallowed"],
        "the request has a body where HTTP allows none; send it without",
    ),
    cause(
        &["http1.codec_error"],
        "the request cannot be read as HTTP/1.1: an unknown method, a request line or a header that is \
         malformed, a `Content-Length` that is repeated or no number, or a malformed chunk",
    ),
    cause(
        &["invalid_cdn_loop_header"],
        "the `CDN-Loop` header is not as RFC 8586 has it; whoever set it before this proxy can mend it",
    ),
];

/// When to try again, in seconds. By this header the filter knows Envoy's own answer to a request
/// that it sent on: such an answer has passed no attempt phase, which would have marked it.
const RETRY_AFTER: (&str, &str) = ("retry-after", "5");

/// What is said to who is over a limit.
const TOO_MANY: &str = "too many requests; try again later";

/// When the window of the service ends, as its filter says in another header.
const END_OF_WINDOW: (&str, &str) = ("retry-after", "%RESP(X-RATELIMIT-RESET)%");

/// Some details and what they mean to a client.
struct Cause {
    details: &'static [&'static str],
    message: &'static str,
}

const fn cause(details: &'static [&'static str], message: &'static str) -> Cause {
    Cause { details, message }
}

/// The same for a listener whose routes have answers of their own, which are as they should be.
pub(super) fn config_beside_routes(limits: Limits) -> Value {
    let of_routes = json!({"filter": by_expression("response.code_details == 'direct_response'")});
    with_first(vec![of_routes], limits)
}

/// Envoy's own answers at the listener of the clients. A rate limit service has answers of its own.
pub(super) fn config(limits: Limits, has_rate_limit_service: bool) -> Value {
    let of_service = has_rate_limit_service.then(over_the_limit_of_all);
    with_first([of_the_filter()].into_iter().chain(of_service).collect(), limits)
}

/// The first mapper that fits decides. An answer of a backend is none of Envoy's own and is not
/// looked at here.
///
/// The details are compared by CEL, which costs as much as forty comparisons of a status. So they
/// are looked at behind the status: a refusal is not to cost more than what is refused, and a
/// redirect is no error.
fn with_first(own: Vec<Value>, limits: Limits) -> Value {
    let Limits { max_header, max_header_fields, header_timeout, .. } = limits;
    let too_large = format!(
        "the header of the request is larger than {max_header} KiB or has more than {max_header_fields} \
         fields"
    );
    let too_slow = format!("the header of the request took longer than {header_timeout} seconds");
    let causes = CAUSES
        .iter()
        .map(|cause| mapper(&error_with(cause.details), "UNSUPPORTED", cause.message, &[]));
    let first = [loop_detected(), overload(), standstill()];
    let by_status = [
        mapper(&status("EQ", 429), "TOOMANYREQUESTS", TOO_MANY, &[]),
        mapper(&status("EQ", 431), "UNSUPPORTED", &too_large, &[]),
        mapper(&status("EQ", 408), "UNSUPPORTED", &too_slow, &[]),
        mapper(
            &status("GE", 500),
            "UNAVAILABLE",
            "the registry that serves this request cannot be reached; try again later",
            &[RETRY_AFTER],
        ),
        mapper(
            &status("GE", 400),
            "UNSUPPORTED",
            "this proxy does not take the request; its operator finds the reason in Envoy's log, by the \
             `x-request-id` of this answer",
            &[],
        ),
    ];
    let mappers: Vec<Value> = own.into_iter().chain(first).chain(causes).chain(by_status).collect();
    json!({"mappers": mappers})
}

/// The filter's answers are what they should be. They pass through here as well, and are known
/// by the details that the filter gives.
fn of_the_filter() -> Value {
    json!({"filter": by_expression(&format!("response.code_details.startsWith('{}')", contract::details::PREFIX))})
}

/// The filter that asks a rate limit service says when to try again only under a name that few
/// clients read.
fn over_the_limit_of_all() -> Value {
    let both = [status("EQ", 429), details(&["request_rate_limited"])];
    let filter = json!({"and_filter": {"filters": both}});
    mapper(&filter, "TOOMANYREQUESTS", TOO_MANY, &[END_OF_WINDOW])
}

/// A request that has passed here before (RFC 5842 section 7.2). To wait does not help.
fn loop_detected() -> Value {
    let mut mapper = mapper(
        &error_with(&["cdn_loop_detected"]),
        "UNSUPPORTED",
        "the request has passed this proxy before: the host of a backend leads back here; the proxy's operator \
         can mend that, in DNS or in the backend's `url`",
        &[],
    );
    if let Value::Object(fields) = &mut mapper {
        fields.insert("status_code".to_owned(), 508.into());
    }
    mapper
}

/// A request whose backend was asked may end so as well: the response phase judges such an answer
/// by its `Retry-After`, as it does every one of 500 and above.
fn standstill() -> Value {
    mapper(
        &error_with(&["stream_idle_timeout"]),
        "UNSUPPORTED",
        "nothing of the request moved for too long, so it was given up; try again",
        &[RETRY_AFTER],
    )
}

/// Who has too much to do says so, and does not say that a registry is down.
fn overload() -> Value {
    mapper(
        &error_with(&["overload"]),
        "UNAVAILABLE",
        "this proxy has more to do than it has memory for; try again later",
        &[RETRY_AFTER],
    )
}

/// An error with one of these details.
fn error_with(listed: &[&str]) -> Value {
    json!({"and_filter": {"filters": [status("GE", 400), details(listed)]}})
}

fn details(details: &[&str]) -> Value {
    let listed: Vec<String> = details.iter().map(|each| format!("'{each}'")).collect();
    let expression = match &listed[..] {
        [one] => format!("response.code_details == {one}"),
        several => format!("response.code_details in [{}]", several.join(", ")),
    };
    by_expression(&expression)
}

fn by_expression(expression: &str) -> Value {
    json!({"extension_filter": super::typed::extension(
        "envoy.access_loggers.extension_filters.cel",
        "extensions.access_loggers.filters.cel.v3.ExpressionFilter",
        json!({"expression": expression}),
    )})
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
        "body_format_override": {"json_format": {"errors": [{
            "code": code,
            "message": message,
            // As in the filter's own errors. Envoy writes it as JSON, whatever is in it.
            "detail": {"requestId": "%REQ(X-REQUEST-ID):128%"},
        }]}},
    })
}
