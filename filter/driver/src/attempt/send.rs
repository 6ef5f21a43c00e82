//! What an attempt sends its backend: host, path and credentials.

use portolan_core::attempt::{BackendRequest, Credentials};
use portolan_core::contract::headers;

use super::token::SentToken;
use crate::callback::Callback;
use crate::lookups::Found;

const AUTHORIZATION: &str = "authorization";

/// Sets it. `is_further_pass` says that the request was sent on to where a redirect led before,
/// `is_alone` that there is no other backend.
pub(super) fn send(
    own: &BackendRequest<'_>,
    token: Option<&SentToken>,
    (is_further_pass, is_alone): (bool, bool),
    call: &mut Callback<'_>,
) {
    // Where a redirect failed that was followed, the request still has the host that it led to.
    if let Some(authority) = own.redirection.authority().filter(|_| is_further_pass) {
        call.set_request_header(":authority", authority.as_bytes().to_vec());
    }
    if !own.target.is_empty() {
        call.set_request_header(":path", own.target.to_vec());
    }
    match &own.credentials {
        Credentials::Client(value) => call.set_request_header(AUTHORIZATION, value.to_vec()),
        Credentials::Token(_) => send_token(token, call),
        Credentials::Nothing | Credentials::NothingEver => remove_authorization(is_alone, call),
        Credentials::Injected(name) => {
            remove_authorization(is_alone, call);
            call.set_request_header(headers::CREDENTIAL, name.as_bytes().to_vec());
        }
    }
}

/// Of a list of one the phase before has removed the client's.
fn remove_authorization(is_alone: bool, call: &mut Callback<'_>) {
    if !is_alone {
        call.remove_request_header(AUTHORIZATION);
    }
}

/// An attempt before may have left a token that was refused.
fn send_token(token: Option<&SentToken>, call: &mut Callback<'_>) {
    if let Some(SentToken { found: Some(Found::Token(token)), .. }) = token {
        let value = [&b"Bearer "[..], token.expose().as_bytes()].concat();
        call.set_request_header(AUTHORIZATION, value);
    } else {
        call.remove_request_header(AUTHORIZATION);
    }
}
