//! A scrape of the metrics at a front: Envoy's admin interface is asked, and the client gets its
//! answer.

use std::time::Duration;

use portolan_core::contract::clusters::SCRAPES;
use portolan_core::policy::METRICS_PATH;
use portolan_core::reply::{self, Reply};

use crate::call::{Call, CallAnswer};

/// How long Envoy may take. A scrape of hundreds of backends takes a fraction of it.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The question. Nothing of the client's is in it.
pub(super) fn call() -> Call {
    Call::new("GET", METRICS_PATH, "metrics").to(SCRAPES, TIMEOUT)
}

/// What the client gets.
pub(super) fn reply(answer: &CallAnswer<'_>) -> Reply {
    if answer.status() != Some(200) {
        return reply::no_metrics();
    }
    reply::metrics(String::from_utf8_lossy(answer.body).into_owned())
}
