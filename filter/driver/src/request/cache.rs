//! Effects for a request that the cache of its region may answer.

use portolan_core::Forwarding;
use portolan_core::config::{Cache, Config};
use portolan_core::contract::StateKey;
use portolan_core::policy::CacheUse;
use portolan_core::policy::cache::is_whole;
use portolan_core::record::CacheResult;

use crate::callback::Callback;
use crate::header_map::HeaderMap;

const RANGE: &str = "range";

/// Notes for the log and the metrics what becomes of the request, and makes a range that is the
/// whole no range.
pub(super) fn note(
    forwarding: &Forwarding<'_>,
    config: &Config,
    headers: &HeaderMap,
    call: &mut Callback<'_>,
) {
    let (member, what) = match forwarding.forward.cache {
        CacheUse::None => return,
        // Until an attempt says otherwise: Envoy knows that no node is well.
        CacheUse::Asked(member) => (member, CacheResult::Skipped),
        CacheUse::Bypassed(member) => (member, CacheResult::Bypass),
    };
    let name = config.cache(member).map(Cache::name).unwrap_or_default();
    call.set_state(StateKey::Cache, name.as_bytes().to_vec());
    call.set_state(StateKey::CacheUse, what.as_str().as_bytes());
    let is_asked = matches!(forwarding.forward.cache, CacheUse::Asked(_));
    if is_asked && matches!(headers.values(RANGE).as_slice(), [range] if is_whole(range)) {
        call.remove_request_header(RANGE);
    }
}
