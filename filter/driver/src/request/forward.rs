//! A request that goes to a backend: what the host is told, and what the only backend of a list is sent.

use std::time::Duration;

use portolan_core::attempt::{Retry, note_list};
use portolan_core::contract::{StateKey, clusters, headers, name_of};
use portolan_core::{Authorization, Forwarding, UPLOAD_CONTENT_TYPE};

use crate::callback::Callback;

/// How long Envoy waits for the head of an answer.
const ATTEMPT_TIMEOUT: &str = "x-envoy-upstream-rq-per-try-timeout-ms";
const REQUEST_TIMEOUT: &str = "x-envoy-upstream-rq-timeout-ms";
/// The header by which Envoy is told how often it may go on to the next backend.
pub(super) const MAXIMUM_RETRIES: &str = "x-envoy-max-retries";
const AUTHORIZATION: &str = "authorization";

/// Sets the headers of the request and its properties. `spared` says that some of its backends are spared.
pub(super) fn apply(
    forwarding: &mut Forwarding<'_>,
    spared: Option<Spared>,
    call: &mut Callback<'_>,
) {
    call.set_request_header(headers::CLUSTER, forwarding.cluster.as_bytes().to_vec());
    let prepared = forwarding.prepared.take();
    if prepared.is_none() || !forwarding.receipt.has_fallback() {
        set_head(forwarding, call);
    }
    if let Some(Spared { list }) = spared {
        let prepared = [prepared.unwrap_or_default(), list.into_bytes()].concat();
        call.set_state(StateKey::Prepared, prepared);
    } else if let Some(prepared) = prepared {
        call.set_state(StateKey::Prepared, prepared);
    }
    if let Some(Retry { further_attempts, attempt_timeout }) = forwarding.retry {
        call.set_request_header(MAXIMUM_RETRIES, further_attempts.to_string().into_bytes());
        set_milliseconds(ATTEMPT_TIMEOUT, attempt_timeout, call);
    }
    if let Some(timeout) = forwarding.head_timeout {
        set_milliseconds(ATTEMPT_TIMEOUT, timeout, call);
    }
    if let Some(timeout) = forwarding.write_timeout {
        set_milliseconds(REQUEST_TIMEOUT, timeout, call);
    }
    if forwarding.starts_upload {
        call.set_request_header("content-type", UPLOAD_CONTENT_TYPE.as_bytes());
    }
}

/// A read begins at some backends of its list and spares others.
pub(super) struct Spared {
    /// The whole list, for the attempt phase: the cluster of the first attempt is not that of the list.
    list: String,
}

/// Has a read begin at those backends of its list that have not answered 429 lately. The others are asked where these
/// have not got what is wanted. `keys` are those of the whole list.
pub(super) fn spare_the_limited<'n>(
    keys: impl Iterator<Item = &'n str>,
    reason: &str,
    call: &mut Callback<'_>,
) -> Option<Spared> {
    if call.memory.lookups.nobody_is_limited() {
        return None;
    }
    let keys: Vec<&str> = keys.collect();
    let names: Vec<&str> = keys.iter().copied().map(name_of).collect();
    let unlimited = call.look_up(|lookups, now| lookups.unlimited(&names, now))?;
    let (first, spared): (Vec<&str>, Vec<&str>) =
        keys.iter().copied().partition(|key| unlimited.contains(&name_of(key)));
    call.set_state(StateKey::NextCluster, clusters::later_attempts(&first).into_bytes());
    let limited: Vec<&str> = spared.into_iter().map(name_of).collect();
    let reason = format!("{reason}; limited: {}", limited.join(", "));
    call.set_state(StateKey::Reason, reason.into_bytes());
    let list: Vec<String> = keys.into_iter().map(str::to_owned).collect();
    Some(Spared { list: note_list(&list) })
}

/// Notes the list that the request goes on with if a redirect leads nowhere.
pub(super) fn note_fallback<'n>(keys: impl Iterator<Item = &'n str>, call: &mut Callback<'_>) {
    let keys: Vec<&str> = keys.collect();
    if keys.len() > 1 {
        call.set_state(StateKey::Fallback, keys.join(" ").into_bytes());
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
