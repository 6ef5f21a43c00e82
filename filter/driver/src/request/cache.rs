//! Effects for a request that the cache of its region may answer.

use portolan_core::Forwarding;
use portolan_core::config::{Cache, Config};
use portolan_core::contract::StateKey;
use portolan_core::policy::CacheUse;
use portolan_core::policy::cache::is_whole;

use crate::callback::Callback;
use crate::header_map::HeaderMap;

const RANGE: &str = "range";
const BYPASS: &[u8] = b"bypass";
/// Until an attempt at the cache says otherwise: Envoy knows that it is down.
const SKIPPED: &[u8] = b"skipped";

/// Notes for the log and the metrics what becomes of the request, and makes a range that is the whole no range.
pub(super) fn note(
    forwarding: &Forwarding<'_>,
    config: &Config,
    headers: &HeaderMap,
    call: &mut Callback<'_>,
) {
    let (member, what) = match forwarding.forward.cache {
        CacheUse::None => return,
        CacheUse::Asked(member) => (member, SKIPPED),
        CacheUse::Bypassed(member) => (member, BYPASS),
    };
    let name = config.cache(member).map(Cache::name).unwrap_or_default();
    call.set_state(StateKey::Cache, name.as_bytes().to_vec());
    call.set_state(StateKey::CacheUse, what);
    let is_asked = matches!(forwarding.forward.cache, CacheUse::Asked(_));
    if is_asked && matches!(headers.values(RANGE).as_slice(), [range] if is_whole(range)) {
        call.remove_request_header(RANGE);
    }
}
