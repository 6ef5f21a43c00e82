//! A further pass of a request: it was decided in the first, a backend has redirected it, and it is
//! sent to where that redirect leads.

use portolan_core::attempt::{
    Credentials, ListFailure, all, is_about_content, is_delivered, is_for_delivery, is_redirect,
    list_of,
};
use portolan_core::contract::{StateKey, headers};
use portolan_core::reply::{self, NAMESPACE_HEADER, Reply};

use super::forward::MAXIMUM_RETRIES;
use crate::asked::meaning_of;
use crate::callback::Callback;
use crate::effect::Side;
use crate::exchange::CONTENT_DIGEST;
use crate::header_map::HeaderMap;

/// Takes out what is none of the business of whoever delivers the content.
pub(super) fn prepare(headers: &HeaderMap, call: &mut Callback<'_>) {
    call.remove_headers(Side::Request, headers, |name| !is_for_delivery(name));
    let prepared = call.state(StateKey::Prepared).unwrap_or_default();
    let fallbacks = list_of(&prepared).len();
    if fallbacks > 0 {
        let second = all(&prepared).filter(|one| matches!(one.credentials, Credentials::Token(_)));
        let attempts = fallbacks.saturating_add(second.count()).to_string();
        call.set_request_header(MAXIMUM_RETRIES, attempts.into_bytes());
    }
}

/// Looks at the head of what was delivered; what the client gets instead, where that is nothing.
pub(super) fn judge(call: &mut Callback<'_>) -> Option<Reply> {
    let headers = call.exchange.response_headers().unwrap_or_default();
    let status = headers.status().unwrap_or_default();
    let namespace = call.state(StateKey::Namespace).and_then(|value| String::from_utf8(value).ok());
    if !is_delivered(meaning_of(status, call)) {
        call.explain(&format!("{status} where it was redirected to"));
        let mut reply = reply::undelivered();
        reply.headers.extend(namespace.map(|value| (NAMESPACE_HEADER, value)));
        return Some(reply);
    }
    call.remove_headers(Side::Response, &headers, |name| !is_about_content(name));
    if let Some(value) = namespace {
        call.set_response_header(NAMESPACE_HEADER, value.into_bytes());
    }
    // What a tag means is a registry's to say: the one that redirected, or the one that was asked
    // after that.
    let is_registrys = call.exchange.backend().is_some_and(|name| !name.is_empty());
    if let Some(digest) = call.state(StateKey::Digest)
        && !(is_registrys && headers.first(CONTENT_DIGEST).is_some())
    {
        call.set_response_header(CONTENT_DIGEST, digest);
    }
    None
}

/// A redirect that comes back to the first pass, where one was to be followed: the host could not,
/// or the policy did not let it. In a list it may be that of a backend whose redirects are the
/// client's.
pub(super) fn judge_redirect(
    status: Option<u16>,
    has_fallback: bool,
    call: &mut Callback<'_>,
) -> Option<Reply> {
    status.filter(|status| is_redirect(*status))?;
    if call.has_response_header(headers::CLUSTER) {
        call.explain("its redirect could not be followed");
        return Some(reply::undelivered());
    }
    (!has_fallback).then(|| {
        explain_failure(ListFailure::RedirectDenied, call);
        reply::list_failure(ListFailure::RedirectDenied)
    })
}

/// Says in the access log what only the operator can mend.
pub(super) fn explain_failure(failure: ListFailure, call: &mut Callback<'_>) {
    if failure == ListFailure::RedirectDenied {
        call.explain("its redirect leads where the policy does not");
    }
}
