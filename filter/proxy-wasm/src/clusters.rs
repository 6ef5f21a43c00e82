//! How Envoy's clusters are, asked of its admin interface at most once a second by each worker.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use portolan_core::contract::clusters::ADMIN;
use portolan_core::health::{Health, TARGET};
use proxy_wasm::hostcalls;

use crate::host;

const SECOND: u64 = 1_000_000_000;
/// How long an answer is good for, and for how long it is better than none while the next is on its way.
const FRESH: u64 = SECOND;
const STALE: u64 = 10 * SECOND;
const CALL_TIMEOUT: Duration = Duration::from_secs(2);

thread_local! {
    static LAST: RefCell<Option<(u64, Rc<Health>)>> = const { RefCell::new(None) };
    /// Until when somebody is asking already, and how many are.
    static ASKING: Cell<(u64, usize)> = const { Cell::new((0, 0)) };
}

/// How many requests that could do without the answer ask at once. Before the first answer everybody would;
/// a thousand first requests are not to hold up the interface.
const AT_ONCE: usize = 8;

/// What is known, if it is fresh, or if somebody is asking for something fresher.
pub(crate) fn known() -> Option<Rc<Health>> {
    let now = host::now();
    let limit = if asking(now) > 0 { STALE } else { FRESH };
    LAST.with_borrow(|last| {
        let (at, health) = last.as_ref()?;
        (now.saturating_sub(*at) < limit).then(|| Rc::clone(health))
    })
}

/// Whether so many are asking that who can do without the answer does.
pub(crate) fn enough_ask() -> bool {
    asking(host::now()) >= AT_ONCE
}

/// How many are asking. Who went away took its answer with it, and does not count for longer than it would
/// have waited.
fn asking(now: u64) -> usize {
    let (until, count) = ASKING.get();
    if until > now { count } else { 0 }
}

/// Asks; whether the question could be sent. The request that asks gets the answer.
pub(crate) fn ask() -> bool {
    let headers = vec![(":method", "GET"), (":path", TARGET), (":authority", "admin")];
    let sent = hostcalls::dispatch_http_call(ADMIN, headers, None, vec![], CALL_TIMEOUT).is_ok();
    if sent {
        let now = host::now();
        let timeout = u64::try_from(CALL_TIMEOUT.as_nanos()).unwrap_or(0);
        ASKING.set((now.saturating_add(timeout), asking(now).saturating_add(1)));
    }
    sent
}

/// Takes in the answer; `None` if it is of no use.
pub(crate) fn answered(body_size: usize) -> Option<Rc<Health>> {
    ASKING.set((0, 0));
    let status = host::call::header_map()?.status();
    if status != Some(200) {
        return None;
    }
    let health = Rc::new(Health::read(&host::call::body(body_size))?);
    LAST.set(Some((host::now(), Rc::clone(&health))));
    Some(health)
}
