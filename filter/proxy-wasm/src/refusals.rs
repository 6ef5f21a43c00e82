//! What a refusal of what the proxy showed means, and who hears of it: the access log, and Envoy's log once
//! a minute.

use std::cell::RefCell;
use std::collections::HashMap;

use portolan_core::attempt::{Credentials, Shown, TokenSource, only, select};
use portolan_core::contract::{BACKEND_ATTRIBUTE, StateKey};
use portolan_core::token::{self, Complaint, Denial, Fetch, Outcome, Refusal};

use crate::attempt::Held;
use crate::host::{self, Headers};
use crate::redirects;
use crate::tokens::{self, Found};

/// The least time from one line of one kind about one backend to the next.
const PAUSE: u64 = 60_000_000_000;

thread_local! {
    /// When what was written last. There are as many entries as a policy has backends, times a few.
    static WRITTEN: RefCell<HashMap<String, u64>> = RefCell::default();
}

/// What a refusal means for the request.
pub(crate) struct Taken {
    /// What was shown, in the light of it.
    pub(crate) shown: Shown,
    /// Whether the backend would be shown more if it was asked again.
    pub(crate) shows_more: bool,
}

/// Takes in that the backend of this attempt refused it, with 401 or 403. `held` is the token that was sent
/// or waited for, `alone` whether there is no other backend.
pub(crate) fn take_in(held: Option<&Held>, status: u16, shown: Shown, alone: bool) -> Taken {
    let unchanged = Taken { shown, shows_more: false };
    let Some(prepared) = host::state(StateKey::Prepared) else { return unchanged };
    let backend = if alone { None } else { host::property(BACKEND_ATTRIBUTE) };
    let own = match &backend {
        None => only(&prepared),
        Some(backend) => select(&prepared, backend),
    };
    let Some(own) = own else { return unchanged };
    match (&own.credentials, held) {
        (Credentials::Injected(name), _) if status == 401 => {
            let complaint =
                "answers 401: the credential is wrong, has ended, or its file is not there";
            complain(&format!("backend `{}`, credential `{name}`", own.backend), complaint);
            explain(own.backend, name);
            Taken { shown: Shown::Proxys, shows_more: false }
        }
        (Credentials::Token(source), Some(held)) => {
            let found = held.waiting.found.borrow();
            if matches!(&*found, Some(Found::Denied(Denial::Credential))) {
                explain(own.backend, &source.credential);
                return Taken { shown: Shown::Proxys, shows_more: false };
            }
            let shows_more = shows_more(&held.key, source, found.as_ref(), status);
            let had_token = matches!(&*found, Some(Found::Token(_)));
            let unknown = !had_token && !matches!(&*found, Some(Found::Denied(_)));
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
            refusal != Refusal::Keep && tokens::refused(key, token, refusal)
        }
        _ => status == 401 && tokens::learn(key, source, &challenges),
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

/// Writes down what is wrong with a token service.
pub(crate) fn complain_of_service(backend: &str, fetch: &Fetch, outcome: &Outcome) {
    let source = fetch.source();
    if let Some(complaint) = fetch.complaint() {
        let credential = match complaint {
            Complaint::Credential(_) => format!(", credential `{}`", source.credential),
            Complaint::RealmElsewhere | Complaint::RedirectElsewhere => String::new(),
        };
        complain(&format!("backend `{backend}`{credential}"), &complaint.to_string());
    }
    if let Outcome::Unavailable { why } = outcome {
        complain(&format!("backend `{backend}`, cluster `{}`", source.cluster), &why.to_string());
    }
}

/// Writes one line, unless the same was written within a minute.
fn complain(about: &str, what: &str) {
    let (now, line) = (host::now(), format!("{about}: {what}"));
    let is_new = WRITTEN.with_borrow_mut(|written| {
        written.retain(|_, since| now.checked_sub(*since).is_some_and(|age| age < PAUSE));
        let is_new = !written.contains_key(&line);
        written.entry(line.clone()).or_insert(now);
        is_new
    });
    if is_new {
        log::warn!("portolan: {line}");
    }
}
