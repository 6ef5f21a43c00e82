//! What a refusal of what the proxy showed means, and who hears of it: the access log, and Envoy's log once
//! a minute.

use portolan_core::attempt::{Credentials, Shown, TokenSource, only, select};
use portolan_core::contract::StateKey;
use portolan_core::token::{self, Denial, Refusal};
use portolan_driver::Found;

use crate::host::{self, Headers};
use crate::redirects;
use crate::worker::{look_up, warn_once};

/// A token of the proxy's in this attempt.
pub(crate) struct Held {
    /// What it is kept under.
    pub(crate) key: String,
    /// What was found; nothing as long as it is waited for.
    pub(crate) found: Option<Found>,
}

/// What a refusal means for the request.
pub(crate) struct Taken {
    /// What was shown, in the light of it.
    pub(crate) shown: Shown,
    /// Whether the backend would be shown more if it was asked again.
    pub(crate) shows_more: bool,
}

/// Takes in that the backend of this attempt refused it, with 401 or 403. `held` is the token that was sent
/// or waited for; `backend` is `None` if there is no other one.
pub(crate) fn take_in(
    held: Option<&Held>,
    status: u16,
    shown: Shown,
    backend: Option<&str>,
) -> Taken {
    let unchanged = Taken { shown, shows_more: false };
    let Some(prepared) = host::state(StateKey::Prepared) else { return unchanged };
    let own = match backend {
        None => only(&prepared),
        Some(backend) => select(&prepared, backend.as_bytes()),
    };
    let alone = backend.is_none();
    let Some(own) = own else { return unchanged };
    match (&own.credentials, held) {
        (Credentials::Injected(name), _) if status == 401 => {
            warn_once(&format!(
                "portolan: backend `{}`, credential `{name}`: answers 401: the credential is wrong, \
                 has ended, or its file is not there",
                own.backend
            ));
            explain(own.backend, name);
            Taken { shown: Shown::Proxys, shows_more: false }
        }
        (Credentials::Token(source), Some(held)) => {
            let found = &held.found;
            if matches!(found, Some(Found::Denied(Denial::Credential))) {
                explain(own.backend, &source.credential);
                return Taken { shown: Shown::Proxys, shows_more: false };
            }
            let shows_more = shows_more(&held.key, source, found.as_ref(), status);
            let had_token = matches!(found, Some(Found::Token(_)));
            let unknown = !had_token && !matches!(found, Some(Found::Denied(_)));
            // Of several the next one is asked instead, and this one could have been shown more. The only one
            // is asked again where it is a read; a write has to come again once it is known where tokens are.
            let is_less = unknown || (shows_more && !(alone && had_token));
            Taken { shown: if is_less { Shown::LessThanWanted } else { shown }, shows_more }
        }
        _ => unchanged,
    }
}

/// Whether the next request has another token than this one had.
fn shows_more(key: &str, source: &TokenSource<'_>, found: Option<&Found>, status: u16) -> bool {
    let headers = host::header_map(Headers::Response);
    let challenges = headers.as_ref().map(|headers| headers.values("www-authenticate"));
    let challenges = challenges.unwrap_or_default();
    match found {
        Some(Found::Token(token)) => {
            let refusal = token::refusal(status, &challenges);
            refusal != Refusal::Keep
                && look_up(|lookups, now| lookups.refuse(key, token, refusal, now))
        }
        _ => status == 401 && look_up(|lookups, _| lookups.learn(key, source, &challenges)),
    }
}

/// Whether a credential of the proxy's was refused in this request.
pub(crate) fn is_of_credential() -> bool {
    host::state(StateKey::CredentialRefused).is_some()
}

fn explain(backend: &str, credential: &str) {
    if !is_of_credential() {
        host::set_state(StateKey::CredentialRefused, b"1");
        redirects::explain(&format!("the credential {credential} was refused for {backend}"));
    }
}
