//! Redirects that the proxy follows: the host begins the request anew at another URL.
//!
//! A further pass of a request is a stream of its own, with the headers that the first left, and
//! with no memory but the properties that outlive a pass.

use portolan_core::attempt::{Answers, RedirectStep, list_of, next_cluster, spared_of};
use portolan_core::contract::{StateKey, headers};

use crate::callback::Callback;

/// Without a scheme that the client used, Envoy finds no route; the route of the first pass took it
/// out.
const SCHEME_HEADER: &str = "x-forwarded-proto";

/// Whether this is a further pass.
pub(crate) fn is_further_pass(call: &Callback<'_>) -> bool {
    call.state(StateKey::Followed).is_some()
}

/// Has the attempts that follow this one go to those backends of the list that were not asked;
/// whether there are any.
pub(crate) fn prepare_fallback(call: &mut Callback<'_>) -> bool {
    let noted = call.state(StateKey::Prepared).unwrap_or_default();
    let (list, spared) = (list_of(&noted), spared_of(&noted));
    let keys = list.iter().map(String::as_str);
    let Some(cluster) = next_cluster(keys, &spared, &Answers::parse(&noted)) else {
        return false;
    };
    call.set_state(StateKey::NextCluster, cluster.into_bytes());
    true
}

/// Has the host go where the answer redirects to; whether the policy lets it.
pub(crate) fn follow(redirect: &RedirectStep<'_>, call: &mut Callback<'_>) -> bool {
    let location = call.exchange.response_header("location");
    match redirect.follow(location.as_deref()) {
        Ok(next) => {
            call.set_response_header("location", next.url());
            call.set_response_header(headers::CLUSTER, next.cluster().into_bytes());
            call.set_response_header(SCHEME_HEADER, b"https");
            call.set_state(StateKey::Followed, next.print());
            call.set_state(StateKey::RedirectedBy, next.backend().as_bytes().to_vec());
            true
        }
        Err(denied) => {
            block(call);
            let line =
                format!("portolan: a redirect of the backend `{}` {denied}", redirect.backend());
            call.warn_once(line);
            false
        }
    }
}

/// Keeps the host from following: only from these headers does it know where to go. What an
/// upstream says in them is its own invention.
pub(crate) fn block(call: &mut Callback<'_>) {
    call.remove_response_header(headers::CLUSTER);
    call.remove_response_header(SCHEME_HEADER);
}
