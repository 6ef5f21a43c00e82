//! Reads the headers of a request.

use portolan_core::RequestHead;
use portolan_core::client::{self, ClientFacts};
use portolan_core::config::GeoHeaders;
use portolan_core::contract;

use crate::header_map::HeaderMap;

const PEER_HEADER: &[u8] = contract::headers::PEER.as_bytes();

/// Picks what the core wants from the header map, in one pass; and whether a geo header stands
/// there more than once, of which the head has the first value then.
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
            b"user-agent" => head.user_agent = Some(value),
            b"range" => head.asks.part = true,
            b"if-none-match" | b"if-modified-since" => head.asks.change = true,
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

/// Geo headers of which one stands more than once. Envoy hands each value over by itself; they mean
/// what one header with all of them means (RFC 9110 section 5.3).
pub(super) struct JoinedGeo([Vec<u8>; 3]);

impl JoinedGeo {
    /// Reads country, subdivision and continent.
    pub(super) fn of(headers: &HeaderMap, geo: &GeoHeaders) -> Self {
        let values = |name: &Option<String>| match name {
            Some(name) => client::joined(&headers.values(name)),
            None => Vec::new(),
        };
        Self([values(&geo.country), values(&geo.subdivision), values(&geo.continent)])
    }

    /// Puts them in the place of the first values.
    pub(super) fn tell<'j>(&'j self, client: &mut ClientFacts<'j>) {
        let Self([country, subdivision, continent]) = self;
        let present = |value: &'j Vec<u8>| (!value.is_empty()).then_some(value.as_slice());
        client.country = present(country);
        client.subdivision = present(subdivision);
        client.continent = present(continent);
    }
}

#[cfg(test)]
mod tests {
    use portolan_policy_builder::{Policy, Region, json};

    use super::*;
    use crate::header_map::serialize;

    fn geo() -> GeoHeaders {
        let headers = json!({
            "country": "x-country",
            "subdivision": "x-subdivision",
            "continent": "x-continent",
        });
        let config = Policy::smallest()
            .region("eu", Region::continents(["EU"]))
            .set("/clients/trusted_proxies", json!(["192.0.2.0/24"]))
            .set("/clients/geo/headers", headers)
            .read_by(portolan_core::config::Config::from_json);
        config.clients().geo_headers()
    }

    fn map(pairs: &[(&str, &[u8])]) -> HeaderMap {
        HeaderMap::new(serialize(pairs.iter().copied()))
    }

    #[test]
    fn each_header_finds_its_place() {
        let headers = map(&[
            (":method", b"GET"),
            (":path", b"/v2/\xff"),
            (":authority", b"p.example"),
            (":scheme", b"http"),
            ("x-forwarded-proto", b"https"),
            ("authorization", b"Basic YTpi"),
            ("user-agent", b"docker/1"),
            ("x-portolan-peer", b"192.0.2.1:1"),
            ("x-country", b"DE"),
        ]);
        let (head, repeats) = request_head(&headers, &geo(), Some(b"198.51.100.1:2"));
        assert_eq!((head.method, head.target), (&b"GET"[..], &b"/v2/\xff"[..]));
        assert_eq!((head.authority, head.scheme), (&b"p.example"[..], &b"https"[..]));
        assert_eq!(head.authorization, Some(&b"Basic YTpi"[..]));
        assert_eq!(head.user_agent, Some(&b"docker/1"[..]));
        assert_eq!(head.client.peer, Some(&b"192.0.2.1:1"[..]));
        assert_eq!(head.client.address, Some(&b"198.51.100.1:2"[..]));
        assert_eq!((head.client.country, head.client.continent), (Some(&b"DE"[..]), None));
        assert!(!repeats && head.preflight.is_none());
    }

    #[test]
    fn the_policy_names_the_geo_headers_of_a_client() {
        let all = ["x-country", "x-subdivision", "x-continent"];
        for one in all.into_iter().chain(["x-other"]) {
            let headers = map(&[(one, b"DE"), ("accept", b"*/*")]);
            let (head, repeats) = request_head(&headers, &geo(), None);
            let client = head.client;
            let found = [client.country, client.subdivision, client.continent];
            let expected = all.map(|name| (name == one).then_some(&b"DE"[..]));
            assert_eq!((found, repeats), (expected, false), "{one}");
        }
        let headers = map(&[("x-country", b"DE"), ("x-subdivision", b"DE-BY")]);
        let unnamed = GeoHeaders::default();
        let (head, _) = request_head(&headers, &unnamed, None);
        assert_eq!((head.client.country, head.client.subdivision), (None, None));
    }

    /// The scheme of the connection counts where no proxy before this one has said what the client
    /// used.
    #[test]
    fn the_scheme_is_the_one_that_the_client_used() {
        #[rustfmt::skip]
        let rows: [(&[(&str, &[u8])], &[u8]); 4] = [
            (&[(":scheme", b"http")], b"http"),
            (&[("x-forwarded-proto", b"https")], b"https"),
            (&[(":scheme", b"http"), ("x-forwarded-proto", b"https")], b"https"),
            (&[("x-forwarded-proto", b"https"), (":scheme", b"http")], b"https"),
        ];
        for (pairs, expected) in rows {
            let headers = map(pairs);
            assert_eq!(request_head(&headers, &geo(), None).0.scheme, expected, "{pairs:?}");
        }
    }

    #[test]
    fn a_geo_header_that_stands_twice_means_all_its_values() {
        let headers = map(&[("x-country", b"DE"), ("x-continent", b"EU"), ("x-country", b"CN")]);
        let (mut head, repeats) = request_head(&headers, &geo(), None);
        assert!(repeats);
        assert_eq!(head.client.country, Some(&b"DE"[..]));
        let joined = JoinedGeo::of(&headers, &geo());
        joined.tell(&mut head.client);
        assert_eq!(head.client.country.map(<[u8]>::to_vec), Some(client::joined(&[b"DE", b"CN"])));
        assert_eq!(head.client.continent, Some(&b"EU"[..]));
    }

    #[test]
    fn a_browser_that_asks_before_a_request() {
        let headers = map(&[
            (":method", b"OPTIONS"),
            ("origin", b"https://page.example"),
            ("access-control-request-method", b"GET"),
        ]);
        assert_eq!(request_head(&headers, &geo(), None).0.preflight, Some(&b"GET"[..]));
    }
}
