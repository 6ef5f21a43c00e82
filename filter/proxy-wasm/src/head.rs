//! What is read of a request's headers.

use portolan_core::RequestHead;
use portolan_core::client::{self, ClientFacts};
use portolan_core::config::GeoHeaders;
use portolan_core::contract;
use portolan_core::registry::Method;
use portolan_driver::HeaderMap;

use crate::host::{self, Headers};

const PEER_HEADER: &[u8] = contract::headers::PEER.as_bytes();

/// Whether the body of the request, which has one, is for the backend; if not, the request is one without.
pub(crate) fn has_content() -> bool {
    let method = host::header(Headers::Request, ":method").unwrap_or_default();
    let has_content = Method::parse(&method).is_some_and(Method::has_content);
    if !has_content {
        host::remove_header(Headers::Request, "content-length");
    }
    has_content
}

/// Picks what the core wants from the header map, in one pass; and whether a geo header stands there more than
/// once, of which the head has the first value then.
pub(crate) fn request_head<'h>(
    headers: &'h HeaderMap,
    geo: &GeoHeaders,
    address: Option<&'h [u8]>,
) -> (RequestHead<'h>, bool) {
    let mut head = RequestHead {
        client: ClientFacts { address, ..ClientFacts::default() },
        ..RequestHead::default()
    };
    let is = |wanted: &Option<String>, name: &[u8]| {
        wanted.as_ref().is_some_and(|wanted| wanted.as_bytes() == name)
    };
    let (mut has_origin, mut preflight, mut repeats) = (false, None, false);
    let mut keep_first = |fact: &mut Option<&'h [u8]>, value: &'h [u8]| match fact {
        Some(_) => repeats = true,
        None => *fact = Some(value),
    };
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
    (head, repeats)
}

/// Takes out what is not for a backend. Most requests have none of it.
pub(crate) fn withhold(headers: &HeaderMap) {
    for (name, _) in headers.iter().filter(|(name, _)| portolan_core::is_withheld(name)) {
        host::remove_header(Headers::Request, name);
    }
}

/// Geo headers of which one stands more than once. Envoy hands each value over by itself; they mean what one
/// header with all of them means (RFC 9110 section 5.3).
pub(crate) struct JoinedGeo([Vec<u8>; 3]);

impl JoinedGeo {
    /// Reads country, subdivision and continent.
    pub(crate) fn of(headers: &HeaderMap, geo: &GeoHeaders) -> Self {
        let values = |name: &Option<String>| match name {
            Some(name) => client::joined(&headers.values(name)),
            None => Vec::new(),
        };
        Self([values(&geo.country), values(&geo.subdivision), values(&geo.continent)])
    }

    /// Puts them in the place of the first values.
    pub(crate) fn tell<'j>(&'j self, client: &mut ClientFacts<'j>) {
        let Self([country, subdivision, continent]) = self;
        let present = |value: &'j Vec<u8>| (!value.is_empty()).then_some(value.as_slice());
        client.country = present(country);
        client.subdivision = present(subdivision);
        client.continent = present(continent);
    }
}
