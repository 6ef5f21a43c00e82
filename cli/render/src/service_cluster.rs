//! The clusters that only the filter itself calls: token services, password verifiers, blob stores.

use serde_json::Value;

use super::model::services::Service;
use super::model::trust::Trust;
use super::small_cluster::{self, CALLS, Most};
use super::{egress, upstream_filters, upstream_tls};

/// The cluster of a service.
pub(super) fn cluster(service: &Service<'_>, trust: Trust<'_>) -> Value {
    let Service { cluster, name, url, tls, filters, is_asked_about_content, proxy } = service;
    let most = if *is_asked_about_content { QUESTIONS } else { CALLS };
    let transport = upstream_tls::transport(name, url, tls, trust);
    let filters = upstream_filters::of_calls(filters.as_ref(), trust.secrets);
    let all = small_cluster::cluster(cluster, url, transport, filters, most);
    egress::through(all, url, *proxy)
}

/// Each worker bounds its own questions (512), of which a cold start may make many at once.
const QUESTIONS: Most = Most { connections: 256, requests: 65_536 };
