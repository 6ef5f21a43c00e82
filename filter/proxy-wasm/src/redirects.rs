//! Redirects that the proxy follows: Envoy makes the request anew where it is told to.
//!
//! A second pass of a request has a stream of its own, with the headers that the first left, and with no
//! memory but the properties that are declared to outlive a pass.

use portolan_core::RequestHead;
use portolan_core::attempt::{
    Answers, Hop, Redirection, Trouble, is_delivered, is_for_delivery, is_redirect, next_cluster,
    only, select,
};
use portolan_core::contract::{self, StateKey, headers};
use portolan_core::policy::Naming;
use portolan_core::reply::{self, NAMESPACE_HEADER, Reply};

use crate::host::{self, Headers};
use crate::policy;
use crate::worker::warn_once;

const DIGEST_HEADER: &str = "docker-content-digest";
/// Without a scheme that the client used, Envoy finds no route; the route of the first pass took it out.
const SCHEME_HEADER: &str = "x-forwarded-proto";

/// Keeps the properties of the deciding phase for further passes.
pub(crate) fn outlive_decisions() {
    contract::OF_DECISIONS.into_iter().for_each(host::outlive_passes);
}

/// Keeps the properties of the attempt phase for further passes.
pub(crate) fn outlive_attempts() {
    contract::OF_ATTEMPTS.into_iter().for_each(host::outlive_passes);
}

/// Notes the list that the request goes on with if a redirect leads nowhere.
pub(crate) fn note_fallback<'n>(keys: impl Iterator<Item = &'n str>) {
    let keys: Vec<&str> = keys.collect();
    if keys.len() > 1 {
        host::set_state(StateKey::Fallback, keys.join(" ").as_bytes());
    }
}

/// The keys of that list.
fn fallback() -> Option<String> {
    String::from_utf8(host::state(StateKey::Fallback)?).ok()
}

/// Has the attempts that follow this one go to those backends of the list that were not asked; whether
/// there are any.
pub(crate) fn prepare_fallback() -> bool {
    let Some(keys) = fallback() else { return false };
    let before = Answers::parse(&host::state(StateKey::Prepared).unwrap_or_default());
    let Some(cluster) = next_cluster(keys.split(' '), &before) else { return false };
    host::set_state(StateKey::NextCluster, cluster.as_bytes());
    true
}

/// Notes what the client asked, for the access log above all; the further passes have the headers of
/// others.
pub(crate) fn note_asked(head: &RequestHead<'_>, naming: &Naming) {
    let path = head.target.split(|byte| *byte == b'?').next().unwrap_or_default();
    host::set_state(StateKey::Authority, head.authority);
    host::set_state(StateKey::Path, path);
    if let Some(address) = policy::client_address() {
        host::set_state(StateKey::Client, without_port(&address));
    }
    if let Some(namespace) = naming.namespace() {
        host::set_state(StateKey::Namespace, namespace.as_bytes());
    }
}

fn without_port(address: &[u8]) -> &[u8] {
    let end = address.iter().rposition(|byte| *byte == b':').unwrap_or(address.len());
    let host = address.get(..end).unwrap_or_default();
    host.strip_prefix(b"[").and_then(|host| host.strip_suffix(b"]")).unwrap_or(host)
}

/// Whether this is a further pass.
pub(crate) fn is_further_pass() -> bool {
    host::state(StateKey::Followed).is_some()
}

/// Takes out what is none of the business of whoever delivers the content; whether that was possible.
pub(crate) fn prepare_delivery() -> bool {
    let Some(headers) = host::header_map(Headers::Request) else { return false };
    for (name, _) in headers.iter().filter(|(name, _)| !is_for_delivery(name)) {
        let Ok(name) = std::str::from_utf8(name) else { return false };
        host::remove_header(Headers::Request, name);
    }
    if let Some(keys) = fallback() {
        let attempts = keys.split(' ').count().to_string();
        host::set_header(Headers::Request, "x-envoy-max-retries", attempts.as_bytes());
    }
    true
}

/// Looks at the head of what was delivered; what the client gets instead, where that is nothing.
pub(crate) fn judge_delivery() -> Option<Reply> {
    let status = host::status().unwrap_or_default();
    let namespace =
        host::state(StateKey::Namespace).and_then(|value| String::from_utf8(value).ok());
    if !is_delivered(status) {
        explain(&format!("{status} where it was redirected to"));
        let mut reply = reply::undelivered();
        reply.headers.extend(namespace.map(|value| (NAMESPACE_HEADER, value)));
        return Some(reply);
    }
    if let Some(value) = namespace {
        host::set_header(Headers::Response, NAMESPACE_HEADER, value.as_bytes());
    }
    if let Some(digest) = host::state(StateKey::Digest)
        && host::header(Headers::Response, DIGEST_HEADER).is_none()
    {
        host::set_header(Headers::Response, DIGEST_HEADER, &digest);
    }
    None
}

/// A redirect that comes back to the first pass, where one was to be followed: Envoy could not, or the
/// policy did not let it. In a list it may be that of a backend whose redirects are the client's.
pub(crate) fn judge_redirect(status: Option<u16>, has_fallback: bool) -> Option<Reply> {
    status.filter(|status| is_redirect(*status))?;
    if host::header(Headers::Response, headers::CLUSTER).is_some() {
        explain("its redirect could not be followed");
        return Some(reply::undelivered());
    }
    (!has_fallback).then(|| {
        explain_trouble(Trouble::Astray);
        reply::trouble(Trouble::Astray)
    })
}

/// Says in the access log what only the operator can mend.
pub(crate) fn explain_trouble(trouble: Trouble) {
    if trouble == Trouble::Astray {
        explain("its redirect leads where the policy does not");
    }
}

/// Says in the access log what became of the request after it was decided.
pub(crate) fn explain(what: &str) {
    let reason = host::state(StateKey::Reason).unwrap_or_default();
    host::set_state(StateKey::Reason, &[&reason, what.as_bytes()].join(&b"; "[..]));
}

/// What became of a redirect of a backend.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Settled {
    /// It is the client's.
    Passed,
    /// Envoy goes there.
    Followed,
    /// It leads to where the proxy may not go.
    Astray,
}

/// Decides what becomes of a redirect of a backend; its name is empty where it can only be one.
pub(crate) fn settle(backend: &str) -> Settled {
    let Some(prepared) = host::state(StateKey::Prepared) else { return Settled::Passed };
    let own = only(&prepared).or_else(|| select(&prepared, backend.as_bytes()));
    let Some(own) = own else { return Settled::Passed };
    match own.redirection {
        Redirection::Unwatched => Settled::Passed,
        // A client would leave with what is left of its request after a redirect that was followed.
        Redirection::Passed { .. } if is_further_pass() => {
            stay();
            Settled::Astray
        }
        Redirection::Passed { .. } => {
            stay();
            Settled::Passed
        }
        Redirection::Followed { key, origin, bounds } => {
            let digest = host::header(Headers::Response, DIGEST_HEADER);
            let hop = Hop { key, origin, target: own.target.into(), bounds };
            let went = go_on(&hop);
            if let Some(digest) = digest.filter(|_| went) {
                host::set_state(StateKey::Digest, &digest);
            }
            if went { Settled::Followed } else { Settled::Astray }
        }
    }
}

/// What becomes of a redirect of who was redirected to; whether it is followed.
pub(crate) fn settle_further() -> bool {
    let property = host::state(StateKey::Followed).unwrap_or_default();
    if let Some(hop) = Hop::parse(&property) {
        go_on(&hop)
    } else {
        stay();
        false
    }
}

/// Has Envoy go where the answer redirects to; whether the policy lets it.
fn go_on(hop: &Hop<'_>) -> bool {
    let location = host::header(Headers::Response, "location");
    match hop.follow(location.as_deref()) {
        Ok(next) => {
            host::set_header(Headers::Response, "location", &next.url());
            host::set_header(Headers::Response, headers::CLUSTER, next.cluster().as_bytes());
            host::set_header(Headers::Response, SCHEME_HEADER, b"https");
            host::set_state(StateKey::Followed, &next.print());
            host::set_state(StateKey::RedirectedBy, next.backend().as_bytes());
            true
        }
        Err(astray) => {
            stay();
            warn_once(&format!("portolan: a redirect of the backend `{}` {astray}", hop.backend()));
            false
        }
    }
}

/// Keeps Envoy from following: only from these headers does it know where to go. What an upstream says in
/// them is its own invention.
fn stay() {
    host::remove_header(Headers::Response, headers::CLUSTER);
    host::remove_header(Headers::Response, SCHEME_HEADER);
}
