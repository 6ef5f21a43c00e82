//! The attempt at a cache, which is no registry: it counts only whether the cache has the content.

use portolan_core::attempt::{Answer, is_about_content};
use portolan_core::contract::StateKey;
use portolan_core::contract::headers::CACHE;
use portolan_core::record::CacheResult;

use crate::callback::Callback;
use crate::effect::Side;
use crate::header_map::HeaderMap;

/// How long a node has had it. No registry stands behind that.
const AGE: &[u8] = b"age";

/// It is asked; until it answers it has failed.
pub(super) fn begin(call: &mut Callback<'_>) {
    call.set_state(StateKey::CacheUse, CacheResult::Failed.as_str().as_bytes());
}

/// Takes in the head of its answer: what it means for the request, if that goes on to the
/// registries.
pub(super) fn take_in(status: u16, headers: &HeaderMap, call: &mut Callback<'_>) -> Option<Answer> {
    let answer = Answer::of_cache(status);
    if answer.is_none() {
        let result = CacheResult::of_node(headers.first(CACHE));
        call.set_state(StateKey::CacheUse, result.as_str().as_bytes());
        call.remove_headers(Side::Response, headers, |name| name == AGE || !is_about_content(name));
    }
    answer
}
