//! The head of an answer: its replacement, and its headers that change.

use portolan_core::attempt::{Case, ListFailure, Verdict, Wait, judge};
use portolan_core::config::{Backend, BackendList, Config};
use portolan_core::contract::{StateKey, headers};
use portolan_core::policy::Push;
use portolan_core::reply::{self, NAMESPACE_HEADER, Reply};
use portolan_core::response::{self, Amendment, Receipt, UrlHeader};

use super::further_pass::{explain_failure, judge_redirect};
use super::response_head::ResponseHead;
use crate::callback::Callback;
use crate::effect::{Effect, Side};
use crate::exchange::Exchange;

/// Takes in the answer to a request that was forwarded; what the client gets instead.
pub(super) fn take_in(
    config: &Config,
    receipt: &Receipt,
    push: Option<Push>,
    call: &mut Callback<'_>,
) -> Option<Reply> {
    let head = ResponseHead::new(call.exchange);
    if !receipt.is_marked {
        head.read_for_several();
    }
    if let Some(push) = push
        && head.status().is_some_and(|status| (200..300).contains(&status))
    {
        note_push(push, call);
    }
    let reply = finish(config, receipt, &head, call);
    if let (None, Some(namespace)) = (&reply, receipt.naming.namespace()) {
        call.set_response_header(NAMESPACE_HEADER, namespace.as_bytes().to_vec());
    }
    reply.map(|reply| reply.named(&receipt.naming))
}

/// What the client gets where no backend has begun to answer in time.
pub(super) fn too_late(config: &Config, receipt: &Receipt, call: &mut Callback<'_>) -> Reply {
    const GATEWAY_TIMEOUT: u16 = 504;
    let failure = failure(config, receipt, GATEWAY_TIMEOUT, call);
    instead(failure.unwrap_or(ListFailure::Unavailable(Wait::UNKNOWN)), call).named(&receipt.naming)
}

/// Removes the mark of the attempt phase; whether it was there.
pub(super) fn take_mark(call: &mut Callback<'_>) -> bool {
    let is_there = call.has_response_header(headers::DOUBTFUL);
    if is_there {
        call.remove_response_header(headers::DOUBTFUL);
    }
    is_there
}

fn note_push(push: Push, call: &mut Callback<'_>) {
    let window = u64::try_from(push.window.as_nanos()).unwrap_or(u64::MAX);
    let until = call.exchange.now().saturating_add(window);
    call.effects.push(Effect::NotePush { slot: push.slot, until });
}

/// Judges the last answer of a list, or looks at the headers of an answer that may pass.
fn finish(
    config: &Config,
    receipt: &Receipt,
    head: &ResponseHead<'_>,
    call: &mut Callback<'_>,
) -> Option<Reply> {
    let is_doubtful = needs_a_look(receipt, head, call);
    let has_challenge = is_doubtful && head.has(UrlHeader::Challenge.name());
    if is_doubtful && head.has("proxy-authenticate") {
        return Some(reply::proxy_challenge());
    }
    if receipt.follows
        && let Some(reply) = judge_redirect(head.status(), receipt.has_fallback(), call)
    {
        return Some(reply);
    }
    if is_doubtful {
        let judged = head.status().filter(|status| receipt.is_judged(*status));
        if let Some(failure) = judged.and_then(|status| failure(config, receipt, status, call)) {
            return Some(instead(failure, call));
        }
    }
    // A 401 of a front whose clients log in has a challenge, also where the backend gave none.
    let is_unauthorized = is_doubtful
        && (has_challenge || receipt.front_realm.is_some())
        && head.status().is_some_and(|status| status == 401);
    for header in &response::URL_HEADERS {
        let is_there = match header {
            UrlHeader::Challenge => has_challenge || is_unauthorized,
            UrlHeader::Link if !response::follows_links(receipt.class) => {
                is_doubtful && head.has(header.name())
            }
            _ => head.has(header.name()),
        };
        if is_there {
            let amendment = amendment(config, receipt, *header, is_unauthorized, head);
            let refused = amendment.and_then(|one| apply(one, config, receipt, *header, call));
            if refused.is_some() {
                return refused;
            }
        }
    }
    None
}

/// What is wrong with the list as a whole, if the answers of all its backends say so.
fn failure(
    config: &Config,
    receipt: &Receipt,
    status: u16,
    call: &Callback<'_>,
) -> Option<ListFailure> {
    let list = config.list(receipt.list).map(BackendList::backends).unwrap_or_default();
    // A cache says nothing about what there is.
    let registries = list.iter().filter(|id| config.cache(**id).is_none());
    let names = registries.filter_map(|id| config.backend(*id)).map(Backend::name);
    let noted = call.state(StateKey::Prepared).unwrap_or_default();
    let answered = answered(receipt, call.exchange).and_then(|name| String::from_utf8(name).ok());
    let case = Case {
        status: receipt.asks.meaning_of(status),
        answered: answered.as_deref(),
        authority: receipt.authority.and_then(|id| config.backend(id)).map(Backend::name),
        proxy_authenticated: receipt.proxy_authenticated,
        clients_log_in: receipt.front_realm.is_some(),
    };
    match judge(&case, &names, &receipt.answers(config, &noted, status)) {
        Verdict::Pass => None,
        Verdict::Replace(failure) => Some(failure),
    }
}

/// The answer where no backend of the list could serve.
fn instead(failure: ListFailure, call: &mut Callback<'_>) -> Reply {
    explain_failure(failure, call);
    match failure {
        ListFailure::Refused if call.state(StateKey::CredentialRefused).is_some() => {
            reply::credential_refused()
        }
        ListFailure::Limited(_) => with_limits(reply::list_failure(failure), call.exchange),
        _ => reply::list_failure(failure),
    }
}

/// The answer with the limit of the backend that answered last.
fn with_limits(reply: Reply, exchange: &dyn Exchange) -> Reply {
    reply::LIMITS.into_iter().fold(reply, |reply, name| match exchange.response_header(name) {
        Some(value) => reply.with_limit(name, &value),
        None => reply,
    })
}

/// What becomes of one header.
fn amendment(
    config: &Config,
    receipt: &Receipt,
    header: UrlHeader,
    is_unauthorized: bool,
    head: &ResponseHead<'_>,
) -> Option<Amendment> {
    let answered = answered(receipt, head.exchange());
    let values = head.headers()?.values(header.name());
    let backend = answered.as_deref();
    Some(match header {
        UrlHeader::Challenge if is_unauthorized => {
            response::unauthorized(config, receipt, backend, &values)
        }
        _ => response::amend(config, receipt, backend, header, head.status(), &values),
    })
}

/// Applies it; the answer instead of all of it, where the header leads no client anywhere.
fn apply(
    amendment: Amendment,
    config: &Config,
    receipt: &Receipt,
    header: UrlHeader,
    call: &mut Callback<'_>,
) -> Option<Reply> {
    let name = header.name();
    match amendment {
        Amendment::Keep => None,
        Amendment::Remove => {
            call.remove_response_header(name);
            None
        }
        Amendment::Replace(values) => {
            call.remove_response_header(name);
            let values = values.into_iter();
            call.effects
                .extend(values.map(|value| Effect::AddHeader(Side::Response, name, value.into())));
            None
        }
        Amendment::Refuse(misdirection) => {
            let answered = answered(receipt, call.exchange);
            let backend = receipt.backend(config, answered.as_deref());
            let text = misdirection.for_operator(backend.map_or("", Backend::name));
            call.warn_once(format!("portolan: {text}"));
            call.explain(misdirection.in_short());
            Some(reply::misdirected(&misdirection))
        }
    }
}

/// The name of the backend that answered; `None` where it can only be one.
fn answered(receipt: &Receipt, exchange: &dyn Exchange) -> Option<Vec<u8>> {
    receipt.has_fallback().then(|| exchange.backend()).flatten()
}

/// Whether an answer may have to be judged, or asks for credentials. The attempt phase has said so,
/// or it is Envoy's own, which no attempt phase sees: the local replies of 500 and above that
/// `portolan render` configures have a `Retry-After`. So has the 429 of a budget, which is said of
/// the request, and not of any backend.
fn needs_a_look(receipt: &Receipt, head: &ResponseHead<'_>, call: &mut Callback<'_>) -> bool {
    let is_envoys = || head.has("retry-after") && head.status().is_some_and(|status| status >= 500);
    !receipt.is_marked || take_mark(call) || is_envoys()
}
