//! Handles a backend's refusal of the proxy's credentials: a field of the access log, and a line of
//! the host's log once a minute.

use portolan_core::attempt::{BackendRequest, Credentials, SentCredentials, TokenSource};
use portolan_core::contract::StateKey;
use portolan_core::token::{self, Denial, Refusal};

use super::token::SentToken;
use crate::callback::Callback;
use crate::lookups::Found;

/// What a refusal means for the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Refused {
    /// Whose credentials were sent, in the light of it.
    pub(super) credentials: SentCredentials,
    /// Whether the backend would be sent more if it was asked again.
    pub(super) sends_more: bool,
}

/// Takes in that a backend refused an attempt, with 401 or 403. `sent` is the token that was sent
/// or waited for, `credentials` whose were sent; `is_alone` says that there is no other backend.
pub(super) fn take_in(
    own: &BackendRequest<'_>,
    sent: Option<&SentToken>,
    (status, credentials): (u16, SentCredentials),
    is_alone: bool,
    call: &mut Callback<'_>,
) -> Refused {
    match (&own.credentials, sent) {
        (Credentials::Injected(name), _) if status == 401 => {
            call.warn_once(format!(
                "portolan: backend `{}`, credential `{name}`: answers 401: the credential is wrong, \
                 has ended, or its file is not there",
                own.backend
            ));
            explain(own.backend, name, call);
            Refused { credentials: SentCredentials::Proxy, sends_more: false }
        }
        (Credentials::Token(source), Some(sent)) => {
            take_in_of_token(own, source, sent, (status, credentials), is_alone, call)
        }
        _ => Refused { credentials, sends_more: false },
    }
}

fn take_in_of_token(
    own: &BackendRequest<'_>,
    source: &TokenSource<'_>,
    sent: &SentToken,
    (status, credentials): (u16, SentCredentials),
    is_alone: bool,
    call: &mut Callback<'_>,
) -> Refused {
    let found = sent.found.as_ref();
    if matches!(found, Some(Found::Denied(Denial::Credential))) {
        explain(own.backend, &source.credential, call);
        return Refused { credentials: SentCredentials::Proxy, sends_more: false };
    }
    let sends_more = sends_more(&sent.key, source, found, status, call);
    if sends_more && !is_alone {
        // It is asked again if nobody else has the content: the token is there then.
        call.look_up(|lookups, now| lookups.prefetch(own.backend, source, now));
    }
    if let Some(Found::Limited(_)) = found {
        return Refused { credentials: SentCredentials::Limited, sends_more: false };
    }
    let had_token = matches!(found, Some(Found::Token(_)));
    let is_unknown = !had_token && !matches!(found, Some(Found::Denied(_)));
    // Of several the next one is asked instead, and this one could have been sent more. The only
    // one is asked again where it is a read; a write has to come again once it is known where
    // tokens are.
    let is_less = is_unknown || (sends_more && !(is_alone && had_token));
    Refused {
        credentials: if is_less { SentCredentials::LessThanWanted } else { credentials },
        sends_more,
    }
}

/// Whether the next request has another token than this one had.
fn sends_more(
    key: &str,
    source: &TokenSource<'_>,
    found: Option<&Found>,
    status: u16,
    call: &mut Callback<'_>,
) -> bool {
    let headers = call.exchange.response_headers();
    let challenges = headers.as_ref().map(|headers| headers.values("www-authenticate"));
    let challenges = challenges.unwrap_or_default();
    match found {
        Some(Found::Token(token)) => {
            let refusal = token::refusal(status, &challenges);
            refusal != Refusal::Keep
                && call.look_up(|lookups, now| lookups.refuse(key, token, refusal, now))
        }
        _ => status == 401 && call.look_up(|lookups, _| lookups.learn(key, source, &challenges)),
    }
}

/// Says in the access log, once, that a credential of the proxy's was refused.
fn explain(backend: &str, credential: &str, call: &mut Callback<'_>) {
    if call.state(StateKey::CredentialRefused).is_none() {
        call.set_state(StateKey::CredentialRefused, b"1");
        call.explain(&format!("the credential {credential} was refused for {backend}"));
    }
}
