//! One request, phase by phase.

use std::rc::Rc;

use portolan_core::client::ClientFacts;
use portolan_core::config::GeoHeaders;
use portolan_core::record::Record;
use portolan_core::reply::{self, Reply};
use portolan_core::response::{self, Amendment, Receipt, UrlHeader};
use portolan_core::{Action as PlannedAction, Forwarding, RequestHead, UPLOAD_CONTENT_TYPE, plan};
use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::Action;

use crate::header_map::HeaderMap;
use crate::host::{self, Headers};
use crate::root::Policy;

/// The header by which Envoy's route finds the cluster. Always overwritten here, and listed in
/// `internal_only_headers`, so that no client chooses a cluster.
const CLUSTER_HEADER: &str = "x-portolan-cluster";
/// The address at the other end of the connection, set by Envoy where a policy believes geo
/// headers from trusted proxies only.
const PEER_HEADER: &[u8] = b"x-portolan-peer";
/// The client's address as Envoy trusts it. Unlike a header, no client can send it.
const ADDRESS_PROPERTY: &str = "source\0address";

/// How far a request has come.
enum Phase {
    /// Nothing has been decided.
    Started,
    /// A backend is asked.
    Forwarded(Receipt),
    /// Answered here. Envoy sends local replies through the response callbacks too; ours need
    /// no rewriting.
    Replied,
}

/// The HTTP context: one per request.
pub(crate) struct Stream {
    policy: Rc<Policy>,
    phase: Phase,
}

impl Stream {
    pub(crate) const fn new(policy: Rc<Policy>) -> Self {
        Self { policy, phase: Phase::Started }
    }

    /// Applies a plan: the effects of a forward, or a reply.
    fn start(&self, headers: &HeaderMap) -> Phase {
        let address = self.policy.has_networks.then(|| host::property(ADDRESS_PROPERTY)).flatten();
        let head = request_head(headers, &self.policy.geo_headers, address.as_deref());
        let plan = plan(&self.policy.config, &head);
        log_fields(&plan.record);
        match plan.action {
            PlannedAction::Reply(reply) => send(&reply),
            PlannedAction::Forward(forwarding) => forward(forwarding),
        }
    }

    fn amend(&self, receipt: &Receipt, header: UrlHeader) {
        let name = header.name();
        if !host::has_header(Headers::Response, name) {
            return;
        }
        let Some(headers) = host::header_map(Headers::Response) else { return };
        let values = headers.values(name);
        match response::amend(&self.policy.config, receipt, header, &values) {
            Amendment::Keep => {}
            Amendment::Remove => host::remove_header(Headers::Response, name),
            Amendment::Replace(values) => {
                host::remove_header(Headers::Response, name);
                for value in values {
                    host::add_header(Headers::Response, name, &value);
                }
            }
        }
    }
}

impl Context for Stream {}

impl HttpContext for Stream {
    fn on_http_request_headers(&mut self, _count: usize, _end_of_stream: bool) -> Action {
        self.phase = match host::header_map(Headers::Request) {
            Some(headers) => self.start(&headers),
            None => send(&reply::host_failed()),
        };
        match self.phase {
            Phase::Forwarded(_) => Action::Continue,
            Phase::Started | Phase::Replied => Action::Pause,
        }
    }

    fn on_http_response_headers(&mut self, _count: usize, _end_of_stream: bool) -> Action {
        if let Phase::Forwarded(receipt) = &self.phase {
            for header in response::url_headers(receipt.class) {
                self.amend(receipt, *header);
            }
        }
        Action::Continue
    }
}

/// Picks what the core wants from the header map, in one pass.
fn request_head<'h>(
    headers: &'h HeaderMap,
    geo: &GeoHeaders,
    address: Option<&'h [u8]>,
) -> RequestHead<'h> {
    let mut head = RequestHead {
        method: b"",
        target: b"",
        authority: b"",
        client: ClientFacts { address, ..ClientFacts::default() },
    };
    let is = |wanted: &Option<String>, name: &[u8]| {
        wanted.as_ref().is_some_and(|wanted| wanted.as_bytes() == name)
    };
    for (name, value) in headers.iter() {
        match name {
            b":method" => head.method = value,
            b":path" => head.target = value,
            b":authority" => head.authority = value,
            PEER_HEADER => head.client.peer = Some(value),
            _ if is(&geo.country, name) => keep_first(&mut head.client.country, value),
            _ if is(&geo.subdivision, name) => keep_first(&mut head.client.subdivision, value),
            _ if is(&geo.continent, name) => keep_first(&mut head.client.continent, value),
            _ => {}
        }
    }
    head
}

/// A geo header that stands twice counts with its first value.
fn keep_first<'h>(fact: &mut Option<&'h [u8]>, value: &'h [u8]) {
    fact.get_or_insert(value);
}

/// Hands the record to the access log.
fn log_fields(record: &Record<'_>) {
    host::set_property("portolan_region", record.region.as_bytes());
    if let Some(rule) = record.rule {
        host::set_property("portolan_rule", rule.as_bytes());
    }
    host::set_property("portolan_reason", record.reason.as_bytes());
}

fn forward(forwarding: Forwarding<'_>) -> Phase {
    host::set_header(Headers::Request, CLUSTER_HEADER, forwarding.cluster.as_bytes());
    if forwarding.target_changed {
        host::set_header(Headers::Request, ":path", &forwarding.receipt.upstream_target);
    }
    if forwarding.starts_upload {
        host::set_header(Headers::Request, "content-type", UPLOAD_CONTENT_TYPE.as_bytes());
    }
    Phase::Forwarded(forwarding.receipt)
}

fn send(reply: &Reply) -> Phase {
    let headers = reply.headers.iter().map(|(name, value)| (*name, value.as_bytes()));
    let headers: Vec<(&str, &[u8])> = headers.collect();
    host::reply(reply.status, &headers, reply.body.as_bytes());
    Phase::Replied
}
