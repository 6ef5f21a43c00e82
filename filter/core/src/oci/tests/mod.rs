//! Tests of the whole parser: cases to read, then properties against a slow twin.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::string_slice,
    reason = "a test that overflows or slices wrongly fails, as it should"
)]

mod agreement;
mod errors;
mod readings;
mod twin;

use super::{Endpoint, Method, RegistryRequest, parse};

/// A sha256 digest.
const SHA256: &str = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// Writes the digest out where a case says `{D}`, and with an escaped colon for `{E}`.
fn expand(target: &str) -> String {
    target.replace("{D}", SHA256).replace("{E}", &SHA256.replace(':', "%3A"))
}

/// Parses with whichever method the endpoint has.
fn parse_with_any_method(target: &[u8]) -> Option<RegistryRequest<'_>> {
    [b"GET".as_slice(), b"POST"].into_iter().find_map(|method| parse(method, target).ok())
}

#[test]
fn a_request_keeps_method_and_query() {
    let cases: &[(&str, &str, Method, Option<&str>)] = &[
        ("GET", "/v2/a/tags/list", Method::Get, None),
        ("HEAD", "/v2/a/tags/list?", Method::Head, Some("")),
        ("GET", "/v2/a/tags/list?n=100&last=x%2fy", Method::Get, Some("n=100&last=x%2fy")),
        ("POST", "/v2/a/blobs/uploads/?a//../%zz?;", Method::Post, Some("a//../%zz?;")),
        ("GET", "/v2/a/blobs/sha384:x?X-Amz-Signature=0", Method::Get, Some("X-Amz-Signature=0")),
    ];
    for (method, target, expected_method, query) in cases {
        let request = parse(method.as_bytes(), target.as_bytes()).unwrap();
        assert_eq!(request.method, *expected_method, "{target}");
        assert_eq!(request.query, query.map(str::as_bytes), "{target}");
        assert_eq!(request.target("", "a"), target.as_bytes(), "{target}");
    }
}

#[test]
fn a_path_is_printed_with_prefix_and_another_name() {
    let cases = [
        ("/v2", "/base/v2/"),
        ("/v2/a/b/manifests/latest", "/base/v2/x/y/manifests/latest"),
        ("/v2/a/b/manifests/{E}", "/base/v2/x/y/manifests/{D}"),
        ("/v2/a/b/blobs/{E}", "/base/v2/x/y/blobs/{D}"),
        ("/v2/a/b/blobs/uploads", "/base/v2/x/y/blobs/uploads/"),
        ("/v2/a/b/blobs/uploads/s/t=%3A", "/base/v2/x/y/blobs/uploads/s/t=%3A"),
        ("/v2/a/b/tags/list", "/base/v2/x/y/tags/list"),
        ("/v2/a/b/referrers/{E}", "/base/v2/x/y/referrers/{D}"),
        ("/v2/_catalog", "/base/v2/_catalog"),
        ("/v2/_oci/ext/discover", "/base/v2/_oci/ext/discover"),
        ("/v2/a/b/_oci/ext/discover", "/base/v2/x/y/_oci/ext/discover"),
    ];
    for (target, expected) in cases {
        let target = expand(target);
        let request = parse_with_any_method(target.as_bytes()).expect(&target);
        let printed = request.endpoint.path("/base", "x/y");
        assert_eq!(String::from_utf8(printed).unwrap(), expand(expected), "{target}");
    }
}

#[test]
fn the_common_case_borrows() {
    let target = expand("/v2/library/nginx/blobs/{D}");
    let request = parse(b"GET", target.as_bytes()).unwrap();
    let Endpoint::Blob { name, digest } = request.endpoint else { panic!("a blob") };
    let bytes = target.as_bytes().as_ptr_range();
    assert!(bytes.contains(&name.as_str().as_ptr()) && bytes.contains(&digest.as_str().as_ptr()));
}
