//! The attempt at a cache, which is no registry: it counts only whether the cache has the content.

use portolan_core::attempt::Answer;
use portolan_core::contract::{StateKey, headers};
use portolan_core::record::CacheResult;

use crate::callback::Callback;

/// What a node says of itself and of the way of its answer. No registry stands behind that.
const OF_NODES: [&str; 3] = ["age", "via", "x-cache"];

/// It is asked; until it answers it has failed.
pub(super) fn begin(call: &mut Callback<'_>) {
    call.set_state(StateKey::CacheUse, CacheResult::Failed.as_str().as_bytes());
}

/// Takes in the head of its answer: what it means for the request, if that goes on to the registries.
pub(super) fn take_in(status: u16, call: &mut Callback<'_>) -> Option<Answer> {
    let answer = Answer::of_cache(status);
    if answer.is_none() {
        let said = call.exchange.response_header(headers::CACHE);
        let result = CacheResult::of_node(said.as_deref());
        call.set_state(StateKey::CacheUse, result.as_str().as_bytes());
        for name in OF_NODES {
            if call.has_response_header(name) {
                call.remove_response_header(name);
            }
        }
    }
    answer
}
