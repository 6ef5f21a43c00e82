//! What is read of a request's headers.

use portolan_core::RequestHead;
use portolan_core::client::ClientFacts;
use portolan_core::config::GeoHeaders;
use portolan_core::registry::Method;

use crate::header_map::HeaderMap;
use crate::host::{self, Headers};

/// The address at the other end of the connection, set by Envoy where a policy believes geo
/// headers from trusted proxies only.
const PEER_HEADER: &[u8] = b"x-portolan-peer";

/// Whether the body of the request, which has one, is for the backend; if not, the request is one without.
pub(crate) fn has_content() -> bool {
    let method = host::header(Headers::Request, ":method").unwrap_or_default();
    let has_content = Method::parse(&method).is_some_and(Method::has_content);
    if !has_content {
        host::remove_header(Headers::Request, "content-length");
    }
    has_content
}

/// Picks what the core wants from the header map, in one pass.
pub(crate) fn request_head<'h>(
    headers: &'h HeaderMap,
    geo: &GeoHeaders,
    address: Option<&'h [u8]>,
) -> RequestHead<'h> {
    let mut head = RequestHead {
        client: ClientFacts { address, ..ClientFacts::default() },
        ..RequestHead::default()
    };
    let is = |wanted: &Option<String>, name: &[u8]| {
        wanted.as_ref().is_some_and(|wanted| wanted.as_bytes() == name)
    };
    let (mut has_origin, mut preflight) = (false, None);
    for (name, value) in headers.iter() {
        match name {
            b":method" => head.method = value,
            b":path" => head.target = value,
            b":authority" => head.authority = value,
            b":scheme" if head.scheme.is_empty() => head.scheme = value,
            // Envoy overwrites it unless it comes from a proxy of the operator's own.
            b"x-forwarded-proto" => head.scheme = value,
            b"authorization" => head.authorization = Some(value),
            b"origin" => has_origin = true,
            b"access-control-request-method" => preflight = Some(value),
            PEER_HEADER => head.client.peer = Some(value),
            _ if is(&geo.country, name) => keep_first(&mut head.client.country, value),
            _ if is(&geo.subdivision, name) => keep_first(&mut head.client.subdivision, value),
            _ if is(&geo.continent, name) => keep_first(&mut head.client.continent, value),
            _ => {}
        }
    }
    head.preflight = RequestHead::preflight_of(head.method, has_origin, preflight);
    head
}

/// Takes out what is not for a backend. Most requests have none of it.
pub(crate) fn withhold(headers: &HeaderMap) {
    for (name, _) in headers.iter().filter(|(name, _)| portolan_core::is_withheld(name)) {
        host::remove_header(Headers::Request, name);
    }
}

/// A geo header that stands twice counts with its first value.
fn keep_first<'h>(fact: &mut Option<&'h [u8]>, value: &'h [u8]) {
    fact.get_or_insert(value);
}
