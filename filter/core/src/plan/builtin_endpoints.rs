//! Endpoints of the front itself: health, metrics, and configuration files of clients.

use super::end::End;
use super::head::RequestHead;
use crate::client::Locality;
use crate::client_files::{self, Address};
use crate::config::{Config, Front};
use crate::health::Report;
use crate::policy::{Facts, HEALTH_PATH, LIVENESS_PATH, METRICS_PATH, Need};
use crate::reply::{self, Reply};

/// That Envoy and the filter run, whatever host is asked: who watches a process asks its address.
/// As with `/readyz`, that any front of the policy tells of its health is enough.
pub(super) fn liveness(config: &Config, head: &RequestHead<'_>) -> Option<Reply> {
    let is_asked =
        matches!(head.method, b"GET" | b"HEAD") && head.path() == LIVENESS_PATH.as_bytes();
    let is_told = || config.fronts().all().iter().any(Front::has_health);
    (is_asked && is_told()).then(reply::live)
}

/// What a front says of itself and its backends, where the policy lets it.
pub(super) fn answer<'c>(
    config: &'c Config,
    front: &Front,
    locality: &Locality,
    (head, facts): (&RequestHead<'_>, &Facts<'_>),
) -> Option<End<'c>> {
    if !matches!(head.method, b"GET" | b"HEAD") {
        return None;
    }
    let path = head.path();
    if front.has_health() && path == HEALTH_PATH.as_bytes() {
        let need = || End::need(config, Need::BackendHealth { is_optional: false });
        return Some(facts.health.map_or_else(need, |examined| {
            End::reply(reply::health(&Report::of(config, front, examined)))
        }));
    }
    let is_scrape = head.method == b"GET" && path == METRICS_PATH.as_bytes();
    if is_scrape && front.is_scraped_by(locality.label) {
        return Some(End::scrape());
    }
    front.has_client_configuration().then(|| client_file(front, path, head))?.map(End::reply)
}

/// What clients need to pull through the front, as they reached it.
fn client_file(front: &Front, path: &[u8], head: &RequestHead<'_>) -> Option<Reply> {
    let address = Address::of_request(front, head.scheme, head.authority);
    let (kind, file) = client_files::served_file(front, &address, path)?;
    Some(reply::client_file(kind, file))
}
