//! The one place where a refusal or another own answer gets its status, headers and body.

mod body;
mod client_file;
mod health;
mod metrics;
mod misdirected;
mod parts;
mod token;

pub use body::Body;
pub use client_file::client_file;
pub use health::{health, live};
pub use metrics::{metrics, no_metrics};
pub use misdirected::{Misdirection, misdirected};
pub use parts::{NAMESPACE_HEADER, Reply};
pub use token::{ServiceAnswer, credential_refused, token_answer, token_unavailable};

use crate::attempt::ListFailure;
use crate::challenge::{self, FrontChallenge};
use crate::config::{Config, Front, Refused, Rule};
use crate::oci::{Class, Method, RequestError};
use crate::policy::Refusal;
use parts::{NO_STORE, WAIT_AFTER_OUTAGE, headers};

/// The answer to `GET /v2/` (distribution spec, end-1).
#[must_use]
pub fn ping() -> Reply {
    Reply { status: 200, code: "ok", headers: headers(&[]), body: "{}".to_owned().into() }
}

/// The answer that sends a client to another URL, with its method and for this time only (RFC 9110
/// section 15.4.8). `to_page` says that it is a page for people and no place of content.
#[must_use]
pub fn redirect(location: String, to_page: bool) -> Reply {
    let headers = vec![("location", location)];
    let code = if to_page { "page" } else { "redirect" };
    Reply { status: 307, code, headers, body: String::new().into() }
}

/// The answer to a request that is not served, as an OCI error (distribution spec, "Error codes").
/// `is_read` says whether the request is a `GET` or `HEAD`; `challenge` is what the front asks
/// clients for.
#[must_use]
pub fn refuse(
    config: &Config,
    refusal: &Refusal,
    is_read: bool,
    challenge: Option<&FrontChallenge<'_>>,
) -> Reply {
    let Explanation { status, code, message, allow } = explain(config, refusal, is_read);
    let mut headers = headers(&[NO_STORE]);
    headers.extend(allow.map(|methods| ("allow", methods)));
    headers.extend(wait_after(refusal));
    if *refusal == Refusal::Unauthenticated {
        headers.extend(challenge.and_then(in_words));
    }
    Reply { status, code, headers, body: Body::error(code, message) }
}

/// What a client has to show, and where it gets it (RFC 9110 section 11.6.1).
fn in_words(challenge: &FrontChallenge<'_>) -> Option<(&'static str, String)> {
    let value = String::from_utf8(challenge::bare(challenge)?).ok()?;
    Some(("www-authenticate", value))
}

fn wait_after(refusal: &Refusal) -> Option<(&'static str, String)> {
    let is_outage = matches!(refusal, Refusal::UnknownPassword | Refusal::BackendDown);
    is_outage.then(|| ("retry-after", WAIT_AFTER_OUTAGE.to_string()))
}

/// The answer when no backend of a list could serve a request.
#[must_use]
pub fn list_failure(failure: ListFailure) -> Reply {
    let (status, code, message, wait) = match failure {
        ListFailure::BehindProxy => return proxy_challenge(),
        ListFailure::Limited(wait) => (
            429,
            "TOOMANYREQUESTS",
            "every registry that may serve this has had too many requests; try again later",
            wait.seconds(),
        ),
        ListFailure::Absent => {
            (404, "MANIFEST_UNKNOWN", "no registry that may serve this has it", None)
        }
        ListFailure::Missing => {
            (404, "NAME_UNKNOWN", "no registry that may serve this shows it to this proxy", None)
        }
        ListFailure::Refused => (
            403,
            "DENIED",
            "a registry refuses this to the proxy, whose operator can change that; logging in here \
             does not help",
            None,
        ),
        ListFailure::RedirectDenied => (
            502,
            "UNAVAILABLE",
            "the registry keeps this where this proxy may not fetch it from; the proxy's operator finds \
             the place in Envoy's log",
            None,
        ),
        ListFailure::Unavailable(wait) => (
            503,
            "UNAVAILABLE",
            "not every registry that may serve this could be asked; try again",
            Some(wait.seconds().unwrap_or_default().max(WAIT_AFTER_OUTAGE)),
        ),
    };
    let mut headers = headers(&[NO_STORE]);
    headers.extend(wait.map(|seconds| ("retry-after", seconds.to_string())));
    Reply { status, code, headers, body: Body::error(code, message) }
}

/// The header fields in which registries say how much of a limit is left: those of the IETF's draft
/// "`RateLimit` header fields for HTTP" in its forms, which Docker Hub sends, and the older ones.
pub const LIMITS: [&str; 8] = [
    "ratelimit",
    "ratelimit-policy",
    "ratelimit-limit",
    "ratelimit-remaining",
    "ratelimit-reset",
    "x-ratelimit-limit",
    "x-ratelimit-remaining",
    "x-ratelimit-reset",
];

impl Reply {
    /// Keeps what the last registry said of its limit, field by field of [`LIMITS`]. What is not a
    /// short line of text is left out.
    #[must_use]
    pub fn with_limit(mut self, name: &'static str, value: &[u8]) -> Self {
        const LONGEST: usize = 256;
        let is_text =
            value.len() <= LONGEST && value.iter().all(|byte| (b' '..=b'~').contains(byte));
        if let Some(text) = std::str::from_utf8(value).ok().filter(|_| is_text) {
            self.headers.push((name, text.to_owned()));
        }
        self
    }
}

/// The answer to a POST at a token endpoint that takes none: clients then ask with a GET
/// ("Oauth2 Token Authentication" of the distribution project).
#[must_use]
pub fn no_forms() -> Reply {
    let code = "UNSUPPORTED";
    let body = Body::error(code, "this token endpoint takes no forms; ask it with a GET");
    Reply { status: 404, code, headers: headers(&[NO_STORE]), body }
}

/// The answer to a body that is longer than any request of its kind.
#[must_use]
pub fn too_long() -> Reply {
    let code = "SIZE_INVALID";
    let body =
        Body::error(code, "the body is longer than any request for a token; send at most 64 KiB");
    Reply { status: 413, code, headers: headers(&[NO_STORE]), body }
}

/// The answer to an upstream that wants credentials of a proxy (RFC 9110 section 15.5.8): that is
/// between the two, and a client that answered would send a password to the wrong one.
#[must_use]
pub fn proxy_challenge() -> Reply {
    let code = "UNKNOWN";
    let body = Body::error(code, "the registry is behind a proxy that refuses this one");
    Reply { status: 502, code, headers: headers(&[NO_STORE]), body }
}

/// The answer when a redirect was followed to where the content is not delivered. What was said
/// there is of no use to a client: it is about a URL that the client never saw.
#[must_use]
pub fn undelivered() -> Reply {
    let code = "UNAVAILABLE";
    let message = "the registry keeps this at another host, which does not deliver it; try again";
    Reply { status: 502, code, headers: headers(&[NO_STORE]), body: Body::error(code, message) }
}

/// The answer when a backend has sent other content than the digest names that it was asked for.
/// Where a part of the content has gone out already, the client sees its end missing instead.
#[must_use]
pub fn wrong_content() -> Reply {
    let code = WRONG_CONTENT;
    let message = "the registry has sent other content than the digest names";
    let body = Body::error("UNAVAILABLE", message);
    Reply { status: 502, code, headers: headers(&[NO_STORE]), body }
}

/// The word for it in the access log's `details` and in metrics.
pub const WRONG_CONTENT: &str = "wrong_content";

/// The answer when the host does not hand over what a decision needs. Letting the request pass
/// would let it pass without a decision.
#[must_use]
pub fn host_failed() -> Reply {
    let message = "the proxy could not read the request; its operator finds more in Envoy's log";
    let code = "UNKNOWN";
    Reply { status: 503, code, headers: headers(&[NO_STORE]), body: Body::error(code, message) }
}

struct Explanation {
    status: u16,
    code: &'static str,
    message: String,
    allow: Option<String>,
}

impl Explanation {
    fn new(status: u16, code: &'static str, message: &str) -> Self {
        Self { status, code, message: message.to_owned(), allow: None }
    }

    fn allowing(mut self, methods: &[Method]) -> Self {
        let names: Vec<&str> = methods.iter().map(|method| method.as_str()).collect();
        self.allow = Some(names.join(", "));
        self
    }
}

/// What each refusal says. No text of the request is quoted back.
#[expect(clippy::too_many_lines, reason = "a table with a text for each refusal")]
fn explain(config: &Config, refusal: &Refusal, is_read: bool) -> Explanation {
    let rule_name = |id| config.rules().get(id).map_or("", Rule::name);
    match *refusal {
        Refusal::Request(error) => explain_request(error, is_read),
        Refusal::FrontUnknown => {
            Explanation::new(404, "NAME_UNKNOWN", "no registry is served under this host name")
        }
        Refusal::HostInvalid => Explanation::new(
            400,
            "UNSUPPORTED",
            "the request names several hosts, or a user at one; send one `Host` header with the registry's \
             host",
        ),
        Refusal::NamespaceInvalid => Explanation::new(
            400,
            "NAME_INVALID",
            "`ns` has two different values, or one that cannot be decoded; send the registry's \
             host, once",
        ),
        Refusal::NamespaceUnknown => Explanation::new(
            404,
            "NAME_UNKNOWN",
            "this is no mirror of the registry that `ns` names; ask that one itself",
        ),
        Refusal::UpstreamUnknown => Explanation::new(
            404,
            "NAME_UNKNOWN",
            "which registry is meant? neither the host, nor `ns`, nor the start of the \
             repository's name says one that is served here",
        ),
        Refusal::RepositoryUnknown => {
            Explanation::new(404, "NAME_UNKNOWN", "no rule of this registry serves this repository")
        }
        Refusal::Unsupported(Class::Catalog) => {
            Explanation::new(404, "UNSUPPORTED", "this registry does not list its repositories")
        }
        Refusal::Unsupported(_) => {
            Explanation::new(404, "UNSUPPORTED", "this registry does not offer this extension")
        }
        Refusal::PullOnly(rule) => {
            let message = format!(
                "the repositories of rule `{}` are pull-only here; push to the registry that owns them",
                rule_name(rule)
            );
            Explanation::new(405, "UNSUPPORTED", &message).allowing(&[Method::Get, Method::Head])
        }
        // Not 405, which is about the resource and for ever, and not 503, at which clients push
        // again and again.
        Refusal::WritesOfRule(id) => {
            let reason = config.rules().get(id).and_then(Rule::writes_refused);
            Explanation::new(403, "DENIED", reason.unwrap_or_default())
        }
        Refusal::WritesOfFront(id) => {
            let reason = config.fronts().get(id).and_then(Front::writes_refused);
            Explanation::new(403, "DENIED", reason.unwrap_or_default())
        }
        Refusal::OfClients(id) => {
            let refused = config.clients().refused().get(id.index());
            Explanation::new(403, "DENIED", refused.map_or("", Refused::reason))
        }
        Refusal::Unauthenticated => Explanation::new(
            401,
            "UNAUTHORIZED",
            "log in to this registry, with a name and a password that it knows",
        ),
        Refusal::Denied(rule) => {
            let message = format!(
                "the repositories of rule `{}` are not for this client; the operator of this \
                 registry says who may use them",
                rule_name(rule)
            );
            Explanation::new(403, "DENIED", &message)
        }
        Refusal::BackendDown => Explanation::new(
            503,
            "UNAVAILABLE",
            "not every registry behind this one is up; try again later",
        ),
        Refusal::UnknownPassword => Explanation::new(
            503,
            "UNAVAILABLE",
            "the service that knows the passwords cannot be reached; try again later",
        ),
        Refusal::Token(error) => Explanation::new(400, "UNSUPPORTED", &error.to_string()),
        Refusal::UploadUnknown => Explanation::new(
            404,
            "BLOB_UPLOAD_UNKNOWN",
            "the registry has no upload at this path; start a new one",
        ),
        Refusal::NameTooLong(_) => Explanation::new(
            400,
            "NAME_INVALID",
            "the repository name is longer than 255 bytes at the registry that holds it",
        ),
    }
}

fn explain_request(error: RequestError, is_read: bool) -> Explanation {
    match error {
        RequestError::NotFound => Explanation::new(
            404,
            "UNSUPPORTED",
            "there is no such endpoint in the OCI distribution API; paths start with /v2/",
        ),
        RequestError::MethodNotAllowed { allow } => {
            Explanation::new(405, "UNSUPPORTED", "the endpoint does not take this method")
                .allowing(allow)
        }
        RequestError::TargetInvalid => Explanation::new(
            400,
            "NAME_INVALID",
            "the request target has bytes or segments that no registry path has, such as `..`, `//` or `%2F`",
        ),
        RequestError::NameInvalid => Explanation::new(
            400,
            "NAME_INVALID",
            "the repository name is not valid: lower-case components joined by `/`, at most 255 bytes",
        ),
        // Registries answer so, and the conformance suite asks for it: what cannot exist is
        // not there.
        RequestError::TagInvalid if is_read => {
            Explanation::new(404, "MANIFEST_UNKNOWN", "no manifest can have this tag")
        }
        RequestError::TagInvalid => Explanation::new(
            400,
            "TAG_INVALID",
            "the tag is not valid: a letter, digit or `_`, then at most 127 letters, digits, `.`, `_` or `-`",
        ),
        RequestError::DigestInvalid => Explanation::new(
            400,
            "DIGEST_INVALID",
            "the digest is not valid: `algorithm:encoded`, for sha256 64 lower-case hexadecimal digits",
        ),
    }
}

#[cfg(test)]
mod tests;
