//! A request that goes to a backend: what Envoy is told, and what the only backend of a list is sent.

use std::time::Duration;

use portolan_core::attempt::{Retry, note_list};
use portolan_core::contract::{StateKey, clusters, headers, name_of};
use portolan_core::{Authorization, Forwarding, UPLOAD_CONTENT_TYPE};

use crate::host::{self, Headers};
use crate::worker::{look_up, nobody_is_limited};

/// Applies it to the headers of the request and to its properties. `spared` says that some of its backends are spared.
pub(crate) fn apply(forwarding: &Forwarding<'_>, spared: Option<Spared>) {
    host::set_header(Headers::Request, headers::CLUSTER, forwarding.cluster.as_bytes());
    let prepared = forwarding.prepared.as_deref();
    if let Some(Spared { list }) = spared {
        let prepared = [prepared.unwrap_or_default(), list.as_bytes()].concat();
        host::set_state(StateKey::Prepared, &prepared);
    } else if let Some(prepared) = prepared {
        host::set_state(StateKey::Prepared, prepared);
    }
    if forwarding.prepared.is_none() || !forwarding.receipt.has_fallback() {
        set_head(forwarding);
    }
    if let Some(retry) = &forwarding.retry {
        set_retry(retry);
    }
    if let Some(timeout) = forwarding.head_timeout {
        set_milliseconds(ATTEMPT_TIMEOUT, timeout);
    }
    if let Some(timeout) = forwarding.write_timeout {
        set_milliseconds("x-envoy-upstream-rq-timeout-ms", timeout);
    }
    if forwarding.starts_upload {
        host::set_header(Headers::Request, "content-type", UPLOAD_CONTENT_TYPE.as_bytes());
    }
}

/// A read begins at some backends of its list and spares others.
pub(crate) struct Spared {
    /// The whole list, for the attempt phase: the cluster of the first attempt is not that of the list.
    list: String,
}

/// Has a read begin at those backends of its list that have not answered 429 lately. The others are asked where these
/// have not got what is wanted. `keys` are those of the whole list.
pub(crate) fn spare_the_limited<'n>(
    keys: impl Iterator<Item = &'n str>,
    reason: &str,
) -> Option<Spared> {
    if nobody_is_limited() {
        return None;
    }
    let keys: Vec<&str> = keys.collect();
    let names: Vec<&str> = keys.iter().copied().map(name_of).collect();
    let unlimited = look_up(|lookups, now| lookups.unlimited(&names, now))?;
    let (first, spared): (Vec<&str>, Vec<&str>) =
        keys.iter().copied().partition(|key| unlimited.contains(&name_of(key)));
    host::set_state(StateKey::NextCluster, clusters::later_attempts(&first).as_bytes());
    let limited: Vec<&str> = spared.into_iter().map(name_of).collect();
    let reason = format!("{reason}; limited: {}", limited.join(", "));
    host::set_state(StateKey::Reason, reason.as_bytes());
    let list: Vec<String> = keys.into_iter().map(str::to_owned).collect();
    Some(Spared { list: note_list(&list) })
}

/// What the only backend is sent; with more of them the attempt phase does this.
fn set_head(forwarding: &Forwarding<'_>) {
    const NAME: &str = "authorization";
    if let Some(target) = forwarding.receipt.targets.first().filter(|_| forwarding.target_changed) {
        host::set_header(Headers::Request, ":path", target);
    }
    match &forwarding.authorization {
        Authorization::Kept => {}
        Authorization::Removed => host::remove_header(Headers::Request, NAME),
        Authorization::Replaced(value) => host::set_header(Headers::Request, NAME, value),
    }
}

/// How long Envoy waits for the head of an answer.
const ATTEMPT_TIMEOUT: &str = "x-envoy-upstream-rq-per-try-timeout-ms";

/// Envoy goes on to the next backend by itself; these headers say how often and after how long, and it
/// takes them off before it sends the request.
fn set_retry(retry: &Retry) {
    let attempts = retry.further_attempts.to_string();
    host::set_header(Headers::Request, "x-envoy-max-retries", attempts.as_bytes());
    set_milliseconds(ATTEMPT_TIMEOUT, retry.attempt_timeout);
}

fn set_milliseconds(header: &str, duration: Duration) {
    let milliseconds = duration.as_millis().to_string();
    host::set_header(Headers::Request, header, milliseconds.as_bytes());
}
