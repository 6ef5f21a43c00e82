//! The attempt at a cache, which is no registry: it counts only whether the cache has the content.

use portolan_core::attempt::{Answer, BackendRequest, is_about_content};
use portolan_core::contract::StateKey;
use portolan_core::contract::clusters::is_stale;
use portolan_core::contract::headers::{CACHE, DOUBTFUL};
use portolan_core::policy::cache::OfFill;
use portolan_core::record::CacheResult;

use crate::callback::Callback;
use crate::effect::Side;
use crate::header_map::HeaderMap;

/// How long a node has had it. No registry stands behind that.
const AGE: &[u8] = b"age";
/// The status of an answer that is none.
const NO_ANSWER: &[u8] = b"503";
const STALE_WARNING: &[u8] = b"110 - \"Response is Stale\"";

/// It is asked; until it answers it has failed.
pub(super) fn begin(call: &mut Callback<'_>) {
    call.set_state(StateKey::CacheUse, CacheResult::Failed.as_str().as_bytes());
}

/// Takes in the head of its answer: what it means for the request, if that goes on to the
/// registries.
pub(super) fn take_in(
    own: Option<&BackendRequest<'_>>,
    status: u16,
    headers: &HeaderMap,
    call: &mut Callback<'_>,
) -> Option<Answer> {
    let answer = Answer::of_cache(status);
    if let Some(own) = own.filter(|own| is_stale(own.backend)) {
        if answer.is_none() {
            mark_stale(own, call);
        } else {
            // It says nothing of the tag, and its status is nothing for the client.
            call.set_response_header(":status", NO_ANSWER);
            call.set_response_header(DOUBTFUL, b"1");
        }
    } else if answer.is_none() {
        let result = CacheResult::of_node(headers.first(CACHE));
        call.set_state(StateKey::CacheUse, result.as_str().as_bytes());
        call.remove_headers(Side::Response, headers, |name| name == AGE || !is_about_content(name));
    }
    answer
}

/// What a tag was is no content by its digest, which never changes; and the client is told (RFC
/// 7234 section 5.5.1).
fn mark_stale(own: &BackendRequest<'_>, call: &mut Callback<'_>) {
    let cache = OfFill::cache_of(own.target).unwrap_or_default();
    call.set_state(StateKey::Cache, cache.into_bytes());
    call.set_state(StateKey::CacheUse, CacheResult::Stale.as_str().as_bytes());
    call.remove_response_header("cache-control");
    call.set_response_header("warning", STALE_WARNING);
}
