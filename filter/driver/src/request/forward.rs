//! Effects for a request that goes to a backend.

use std::time::Duration;

use portolan_core::attempt::{Credentials, Order, Retry, all, note_list, note_spared};
use portolan_core::config::Ejection;
use portolan_core::contract::{StateKey, clusters, headers, name_of};
use portolan_core::{Authorization, Forwarding, UPLOAD_CONTENT_TYPE};

use crate::callback::Callback;
use crate::lookups::{self, Spared};

/// How long Envoy waits for the head of an answer.
const ATTEMPT_TIMEOUT: &str = "x-envoy-upstream-rq-per-try-timeout-ms";
const REQUEST_TIMEOUT: &str = "x-envoy-upstream-rq-timeout-ms";
/// Says that Envoy keeps the first attempt when its time is up, and makes the next beside it.
const HEDGE: &str = "x-envoy-hedge-on-per-try-timeout";
/// Says that the time of an attempt counts as no failure of its backend: it goes on, and may answer
/// yet. Envoy would answer 204 at the end of a time of the whole request, and there is none.
const NO_FAILURE: &str = "x-envoy-upstream-rq-timeout-alt-response";
/// The header by which Envoy is told how often it may go on to the next backend.
pub(super) const MAXIMUM_RETRIES: &str = "x-envoy-max-retries";
const AUTHORIZATION: &str = "authorization";
/// About how many bytes are noted of a list.
const NOTES: usize = 128;

/// After which time the second backend of a list is asked too.
#[derive(Clone, Copy)]
struct HedgeWait {
    wait: Duration,
    /// When that was found out, in nanoseconds since 1970: to ask the host costs.
    now: u64,
}

/// Sets the headers of the request and its properties. `list` has the keys of the list, `spared`
/// those of the backends that are asked after the others. Returns until when an answer has to have
/// begun, in nanoseconds since 1970, where Envoy does not see to that.
pub(super) fn apply<'k>(
    forwarding: &mut Forwarding<'_>,
    list: impl Iterator<Item = &'k str>,
    spared: &[&str],
    call: &mut Callback<'_>,
) -> Option<u64> {
    call.set_request_header(headers::CLUSTER, forwarding.cluster.as_bytes().to_vec());
    let mut property = forwarding.prepared.take().unwrap_or_default();
    let mut wait = None;
    if let Some(retry) = &forwarding.retry {
        property.reserve(NOTES);
        if spared.is_empty() {
            wait = hedge(retry, &property, call);
        } else {
            note_spared(&mut property, spared.iter().copied());
        }
        note_list(&mut property, list);
        order(retry, wait).note(&mut property);
    } else {
        set_head(forwarding, call);
    }
    let asks = forwarding.receipt.asks;
    if !asks.nothing() && !property.is_empty() {
        asks.note(&mut property);
    }
    if !property.is_empty() {
        call.set_state(StateKey::Prepared, property);
    }
    let deadline = forwarding.retry.and_then(|retry| set_retry(&retry, wait, call));
    if let Some(timeout) = forwarding.head_timeout {
        set_milliseconds(ATTEMPT_TIMEOUT, timeout, call);
    }
    if let Some(timeout) = forwarding.write_timeout {
        set_milliseconds(REQUEST_TIMEOUT, timeout, call);
    }
    if forwarding.starts_upload {
        call.set_request_header("content-type", UPLOAD_CONTENT_TYPE.as_bytes());
    }
    deadline
}

/// How the attempts of a request are made: `wait` is after which time the second one is.
const fn order(retry: &Retry<'_>, wait: Option<HedgeWait>) -> Order {
    match (wait, retry.may_overlap) {
        (Some(_), _) => Order::Overlapping,
        (None, true) => Order::OneByOne,
        (None, false) => Order::Always,
    }
}

/// After which time the second backend of a list is asked too while the first has not begun to
/// answer; `None` for never. Where the first would have to wait for a token the second may not
/// begin meanwhile: they share what they are sent.
fn hedge(retry: &Retry<'_>, prepared: &[u8], call: &mut Callback<'_>) -> Option<HedgeWait> {
    let hedge = retry.hedge.as_ref()?;
    let first = all(prepared).next();
    if let Some(Credentials::Token(source)) = first.map(|first| first.credentials)
        && !call.look_up(|lookups, now| lookups.has_token(&source, now))
    {
        return None;
    }
    let now = call.exchange.now();
    let wait = call.memory.lookups.hedge(hedge, now)?;
    (wait < retry.attempt_timeout).then_some(HedgeWait { wait, now })
}

/// Says how often Envoy goes on, and when. Envoy ends no attempt that it has made another beside,
/// so the end of such a request is the driver's: what the last attempt may take, and what passes
/// before it. That is the wait, or the time of a connection: while that of the first does not come
/// up nobody is asked beside it.
fn set_retry(retry: &Retry<'_>, wait: Option<HedgeWait>, call: &mut Callback<'_>) -> Option<u64> {
    // Where two are asked at a time, a third attempt could set its headers over theirs.
    let second_attempts = if wait.is_some() { 0 } else { retry.second_attempts };
    let further_attempts = retry.further_attempts.saturating_add(second_attempts).to_string();
    call.set_request_header(MAXIMUM_RETRIES, further_attempts.into_bytes());
    let timeout = wait.map_or(retry.attempt_timeout, |hedge| hedge.wait);
    set_milliseconds(ATTEMPT_TIMEOUT, timeout, call);
    let HedgeWait { wait, now } = wait?;
    call.set_request_header(HEDGE, b"true");
    call.set_request_header(NO_FAILURE, b"1");
    let before = wait.max(retry.connect_timeout);
    let longest = retry.attempt_timeout.saturating_add(before);
    let longest = u64::try_from(longest.as_nanos()).unwrap_or(u64::MAX);
    let until = now.saturating_add(longest);
    call.set_deadline(until, now);
    Some(until)
}

/// Has a read begin at those backends of its list that have not answered 429 lately, and that
/// answer at all. The others are asked where these have not got what is wanted, and first of all
/// where the host knows these to be down: a request whose first cluster has nobody who is up would
/// end there. `list` has the keys of the whole list. Returns those of the others.
pub(super) fn spare<'n>(
    list: impl Iterator<Item = (&'n str, Ejection)>,
    call: &mut Callback<'_>,
) -> Vec<&'n str> {
    if call.memory.lookups.nobody_is_spared() {
        return Vec::new();
    }
    let list: Vec<(&str, Ejection)> = list.collect();
    let names: Vec<(&str, Ejection)> =
        list.iter().map(|(key, ejection)| (name_of(key), *ejection)).collect();
    let spared = call.look_up(|lookups, now| lookups.spared(&names, now));
    let Some(order) = lookups::order(&spared) else { return Vec::new() };
    let keys: Vec<&str> =
        order.iter().filter_map(|place| list.get(*place)).map(|(key, _)| *key).collect();
    let count = spared.iter().flatten().count();
    if !order.is_sorted() {
        call.set_state(StateKey::NextCluster, clusters::sparing(&keys, count).into_bytes());
    }
    for why in Spared::ALL {
        let names = names.iter().zip(&spared).filter(|(_, spared)| **spared == Some(why));
        let names: Vec<&str> = names.map(|((name, _), _)| *name).collect();
        if !names.is_empty() {
            call.explain(&format!("{}: {}", why.as_str(), names.join(", ")));
        }
    }
    keys.into_iter().skip(list.len().saturating_sub(count)).collect()
}

/// Has a request that an only backend can answer, and behind it a cache with what the tag was,
/// begin in the cluster of both: of one backend alone no attempt goes on.
pub(super) fn begin_before_a_cache<'n>(
    list: impl Iterator<Item = &'n str>,
    stale: &str,
    call: &mut Callback<'_>,
) {
    if let [only] = list.collect::<Vec<_>>().as_slice() {
        let cluster = clusters::later_attempts(&[only, stale]);
        call.set_state(StateKey::NextCluster, cluster.into_bytes());
    }
}

/// What the only backend is sent; with more of them the attempt phase does this.
fn set_head(forwarding: &Forwarding<'_>, call: &mut Callback<'_>) {
    if let Some(target) = forwarding.receipt.targets.first().filter(|_| forwarding.target_changed) {
        call.set_request_header(":path", target.clone());
    }
    match &forwarding.authorization {
        Authorization::Kept => {}
        Authorization::Removed => call.remove_request_header(AUTHORIZATION),
        Authorization::Replaced(value) => call.set_request_header(AUTHORIZATION, value.clone()),
    }
}

fn set_milliseconds(header: &'static str, duration: Duration, call: &mut Callback<'_>) {
    call.set_request_header(header, duration.as_millis().to_string().into_bytes());
}
